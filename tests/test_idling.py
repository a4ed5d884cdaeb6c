"""A process that stands still within a transaction of PostgreSQL holds nobody up for long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from churn_ml import idling
from churn_ml.crm import SqlDestination
from churn_ml.crm.payload import FIELDS
from churn_ml.crm.protocol import Ack, Batch, Row
from churn_ml.errors import ChurnError, Transient
from churn_ml.ledger import Ledger

AT = datetime(2026, 11, 21, tzinfo=UTC)
OCT = date(2017, 10, 1)
LIMIT_SECONDS = 2


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    """An empty database of its own; nobody waits there for a lock for ever."""
    name = f"idling_{uuid.uuid4().hex}"
    server = sa.create_engine(postgres, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    address = sa.make_url(postgres).set(database=name)
    address = address.update_query_dict({"options": f"-c lock_timeout={10 * LIMIT_SECONDS}s"})
    yield address.render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"drop database {name} with (force)")


def stop_once(engine: sa.Engine, after: str) -> None:
    """Stop this process after the first statement of `engine` that holds the words `after`."""
    done: list[bool] = []

    def stopped(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if after in statement and not done:
            done.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)

    sa.event.listen(engine, "after_cursor_execute", stopped)


def acknowledging(url: str) -> Callable[[], object]:
    """What acknowledges h1, and stops this process once with the plan's row locked."""
    ledger = Ledger.open(url)
    stop_once(ledger._engine, "FOR UPDATE")
    return lambda: ledger.acknowledge("p1", ["h1"], at=AT)


def sending(url: str) -> Callable[[], object]:
    """What writes h1 into a table, and stops this process once with the owner's row locked."""
    crm = SqlDestination("bi", url, "churn_segments", "me")
    crm.preflight()
    stop_once(crm._database._engine, "UPDATE churn_segments_owner")
    return lambda: str(crm.send(batch("h1")))


def batch(customer_id: str) -> Batch:
    cells = dict.fromkeys((field.name for field in FIELDS), None) | {"customer_id": customer_id}
    cells |= {"as_of": OCT.isoformat()}
    return Batch("b", "p", OCT, [Row(customer_id, "upsert", OCT, cells, "9f")])


def twice(name: str, url: str) -> None:
    """The process that is stopped: it works, wakes, and works again; what came of it is printed."""
    idling.IDLE_SECONDS = LIMIT_SECONDS
    work = {"acknowledging": acknowledging, "sending": sending}[name](url)
    for _ in range(2):
        try:
            print(json.dumps(work()), flush=True)
        except ChurnError as error:
            print(json.dumps([isinstance(error, Transient), str(error)]), flush=True)


@contextmanager
def stopped(name: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """A process that works `twice`, from where it stopped itself to its end."""
    asked = [sys.executable, __file__, name, url]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as child:
        try:
            _, status = os.waitpid(child.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            yield child
        finally:
            child.kill()


def woken(child: subprocess.Popen[str]) -> list[Any]:
    """What the process says of the work that it was stopped in, and of its second try."""
    child.send_signal(signal.SIGCONT)
    said, _ = child.communicate(timeout=60)
    return [json.loads(line) for line in said.splitlines()]


def check(first: Any) -> None:
    transient, said = first
    assert transient
    assert "does not answer" in said
    assert "server closed the connection unexpectedly" in said


def test_who_is_stopped_within_a_write_of_the_ledger_holds_up_others_a_minute(url: str) -> None:
    ledger = Ledger.open(url)
    rows = [(name, f"hash of {name}", "{}", False) for name in ("h1", "h2")]
    ledger.save_plan("crm", "p1", OCT, rows, base=None)
    with stopped("acknowledging", url) as child:
        ledger.acknowledge("p1", ["h2"], at=AT)  # waits for the plan's row
        assert set(ledger.state("crm")) == {"h2"}
        first, second = woken(child)
    check(first)
    assert f"stood still for {idling.IDLE_SECONDS} s within a write" in first[1]
    assert second is None
    assert set(ledger.state("crm")) == {"h1", "h2"}
    assert [one.outcome for one in ledger.story("h1")] == ["acknowledged"]
    ledger.close()


def test_who_is_stopped_while_it_fills_a_table_holds_up_others_a_minute(url: str) -> None:
    crm = SqlDestination("bi", url, "churn_segments", "me")
    crm.preflight()
    with stopped("sending", url) as child:
        assert crm.send(batch("h2")) == [Ack("h2")]  # waits for the owner's row
        assert [row["customer_id"] for row in crm.holds()] == ["h2"]
        first, second = woken(child)
    check(first)
    assert second == str([Ack("h1")])
    assert {row["customer_id"] for row in crm.holds()} == {"h1", "h2"}


def test_a_reader_of_the_ledger_may_take_its_time(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idling, "IDLE_SECONDS", 0.2)
    ledger = Ledger.open(url)
    ledger.suppress("ab", AT)  # a write before, in the same session
    with ledger.reading() as connection:
        time.sleep(0.6)
        assert connection.execute(sa.select(1)).scalar_one() == 1
    ledger.close()


def test_many_rows_are_sent_to_postgresql_some_at_a_time(url: str) -> None:
    """Or the driver would make ready millions within a transaction before it sends the first."""
    ledger = Ledger.open(url)
    sent: list[int] = []

    def noted(_c: Any, _clause: Any, many: Any, *_rest: Any) -> None:
        sent.append(len(many))

    sa.event.listen(ledger._engine, "before_execute", noted)
    rows = [(f"h{number:05}", "ab", "{}", False) for number in range(12_000)]
    ledger.keep_waiting("crm", "p1", OCT, rows, at=AT, run="r")
    assert [count for count in sent if count] == [5_000, 5_000, 2_000]
    assert len([one for one in ("h00000", "h11999") if ledger.story(one)]) == 2
    ledger.close()


if __name__ == "__main__":
    twice(*sys.argv[1:])
