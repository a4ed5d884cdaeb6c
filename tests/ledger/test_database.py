"""Opening a ledger, migrating it, and what its databases do when they are busy or away."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from churn_ml.errors import (
    BadConfig,
    BadInput,
    BrokenPromise,
    NotReady,
    Unreachable,
)
from churn_ml.ledger import Ledger
from churn_ml.ledger.schema import METADATA, PLAN_ROWS
from churn_ml.receipts import Receipt

from .telling import OCT, publish, written


def test_migrations_make_the_schema_the_code_expects(url: str) -> None:
    Ledger.open(url).close()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_opening_twice_changes_nothing(url: str) -> None:
    one = Ledger.open(url)
    publish(one, "ingest", OCT, written("orders"))
    other = Ledger.open(url)
    assert other.versions(["orders"]) == {"orders": {"2017-10-01": 7}}
    one.close()
    other.close()


OPEN = """
import sys, time
from datetime import date, datetime, timezone
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
while time.time() < float(sys.argv[2]): pass
ledger = Ledger.open(sys.argv[1])
tokens = [ledger.take_token("score", date(2017, 10, 1)).number for _ in range(20)]
for number in range(10):
    ledger.decide(date(2017, 10, 1), "refuse", champion_from="a", champion_to="b", who="test",
                  at=datetime(2026, 11, 21, tzinfo=timezone.utc))
print(tokens)
"""


def test_processes_that_open_migrate_and_write_at_once_lose_nothing(url: str) -> None:
    start = str(time.time() + 2)
    command = [sys.executable, "-W", "error", "-c", OPEN, url, start]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    told = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    numbers = sorted(number for out, _ in told for number in _numbers(out))
    assert numbers == list(range(1, 61))
    ledger = Ledger.open(url)
    assert ledger.verify() == 30
    ledger.close()


def test_a_ledger_opened_while_another_process_writes_it_waits(tmp_path: Path) -> None:
    """A new file is switched to the write-ahead log, which SQLite refuses while it is written."""
    file = tmp_path / "ledger.db"
    writer = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    writer.execute("begin immediate")
    threading.Timer(0.5, writer.execute, ["rollback"]).start()
    ledger = Ledger.open(f"sqlite:///{file}")
    assert ledger.verify() == 0
    ledger.close()
    writer.close()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.strip("[]\n").split(",")]


def test_a_ledger_of_a_newer_version_is_not_touched(url: str) -> None:
    Ledger.open(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(NotReady, match="written by a newer churn_ml"):
        Ledger.open(url)
    engine.dispose()


def test_a_url_that_cannot_be_meant_is_bad_config() -> None:
    for url in ("ledger.db", "mysql://localhost/x", "nosuchdatabase://x"):
        with pytest.raises(BadConfig):
            Ledger.open(url)


def test_s8_a_password_with_signs_of_a_url_is_quoted_nowhere() -> None:
    url = "postgresql://ada:begin@middle:canary@h/ledger"
    with pytest.raises(BadConfig, match="%40") as told:
        Ledger.open(url)
    assert "canary" not in "".join(traceback.format_exception(told.value))


def test_a_ledger_whose_folder_does_not_exist_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Ledger.open(f"sqlite:///{tmp_path}/nowhere/ledger.db")


def test_the_password_of_the_url_is_never_shown() -> None:
    url = "postgresql+psycopg2://shop:secret@127.0.0.1:1/ledger?connect_timeout=1"
    pytest.importorskip("psycopg2", reason="the PostgreSQL driver is not installed")
    with pytest.raises((Unreachable, BadConfig)) as refused:
        Ledger.open(url)
    assert "secret" not in str(refused.value)


def test_a_server_that_ends_in_mid_statement_is_away_and_no_defect_of_ours(
    ledger: Ledger,
) -> None:
    """psycopg2 says it by the general class, where it has not yet seen the socket closed."""
    ended = sa.exc.DatabaseError(
        "select 1", {}, Exception("server closed the connection unexpectedly")
    )
    ended.connection_invalidated = True
    with pytest.raises(Unreachable, match="does not answer"), ledger.reading():
        raise ended
    ended.connection_invalidated = False
    with pytest.raises(BrokenPromise, match="refused a statement"), ledger.reading():
        raise ended


@pytest.mark.timeout(20)
def test_a_ledger_works_in_its_old_mode_where_no_write_ahead_log_can_be(tmp_path: Path) -> None:
    # locks by files, as on shares that know no shared memory
    ledger = Ledger.open(f"sqlite:///file:{tmp_path}/ledger.db?vfs=unix-dotfile&uri=true")
    publish(ledger, "ingest", OCT, written("orders"))
    assert ledger.versions(["orders"]) == {"orders": {"2017-10-01": 7}}
    ledger.close()


def test_sqlite_keeps_a_write_ahead_log_and_full_fsync(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    with ledger.reading() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
    ledger.close()


def test_a_busy_database_becomes_transient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("churn_ml.ledger.engine._BUSY_SECONDS", 0)
    path = tmp_path / "ledger.db"
    ledger = Ledger.open(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(Unreachable, match="database is locked"):
        ledger.take_token("score", OCT)
    other.execute("rollback")
    other.close()
    assert ledger.take_token("score", OCT).number == 1
    ledger.close()


def test_a_wall_clock_without_a_zone_is_refused(ledger: Ledger) -> None:
    token = ledger.take_token("score", OCT)
    with pytest.raises(BadInput, match="a wall-clock time has no zone"):
        ledger.publish(token, receipt=Receipt("score", OCT, "done"), at=datetime(2026, 11, 21))


def test_an_error_of_the_database_names_no_customer(ledger: Ledger) -> None:
    row = {"destination": "crm", "customer_id": "h-secret", "as_of": OCT, "plan_id": None}
    with pytest.raises(BrokenPromise, match="IntegrityError") as refused:
        with ledger.writing() as connection:
            connection.execute(PLAN_ROWS.insert(), [row])
    told = "".join(traceback.format_exception(refused.value))
    assert "h-secret" not in told.replace('"h-secret"', "")


def test_only_the_delivery_tables_hold_customer_ids() -> None:
    with_ids = {name for name, table in METADATA.tables.items() if "customer_id" in table.columns}
    assert with_ids == {"plan_rows", "delivered", "contacts", "settled"}
