"""Engines whose connections begin as the ledger needs them to.

SQLite: write-ahead log, a wait of 30 s for a busy file, `BEGIN IMMEDIATE` for every write so that
two writers queue instead of failing half-way, full fsync. PostgreSQL: a writer that stands still
within its transaction is cut off (idling.py).

Worked example: two exports of 2017-10-01 acknowledge a batch at once in one SQLite file: the second
waits for the first, 30 s at most.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from churn_ml.connections import with_driver
from churn_ml.errors import BadConfig
from churn_ml.idling import end_where_idle

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

WRITES = "churn_ml_writes"
"""The execution option of a connection that will write."""
_BUSY_SECONDS = 30


def open_engine(url: str) -> Engine:
    """An engine whose SQLite connections begin as the house wants them to.

    Raises: BadConfig, without the URL's words, where it is none or of another database.

    >>> open_engine("ledger.db")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: the ledger's URL is not one | where: [paths] ledger | got: ...
    """
    try:
        memory = url in {"sqlite://", "sqlite:///:memory:"}
        further: dict[str, Any] = {"poolclass": StaticPool} if memory else {"pool_pre_ping": True}
        # Statements are never shown with their values: some hold customer ids.
        engine = create_engine(with_driver(url), hide_parameters=True, **further)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise BadConfig(
            "the ledger's URL is not one",
            where="[paths] ledger",
            got=type(error).__name__,
            expected="sqlite:///FILE or postgresql+psycopg2://USER:PASSWORD@HOST/NAME",
            next_step="write @ : / in a password as %40 %3A %2F",
        ) from None  # a port that is no number is quoted, and may be the end of a password
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)
    else:
        raise BadConfig(
            "the ledger needs SQLite or PostgreSQL",
            where="[paths] ledger",
            got=engine.dialect.name,
            expected="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
        )
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: _begin_sqlite chooses the kind.
    connection.isolation_level = None
    connection.execute(f"pragma busy_timeout = {_BUSY_SECONDS * 1000}")
    connection.execute("pragma synchronous = full")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES):
        end_where_idle(connection)


def use_write_ahead_log(engine: Engine) -> None:
    """Let readers read while one writes; the file remembers it, so it is set only once.

    SQLite refuses the switch at once, without its own wait, while another process writes or
    switches too: the wait is made here. Where the file system knows no such log, it keeps the old
    mode without a word, and the ledger works in that.
    """
    until = time.monotonic() + _BUSY_SECONDS
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        while True:
            cursor.execute("pragma journal_mode")
            mode = cursor.fetchone()
            if mode is None or mode[0] in {"wal", "memory"}:
                return
            try:
                cursor.execute("pragma journal_mode = wal")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return
    finally:
        raw.close()
