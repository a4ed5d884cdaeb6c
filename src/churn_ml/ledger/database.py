"""Opening the ledger, migrating it, writing under a lock.

Writers queue: SQLite by `BEGIN IMMEDIATE` (see engine.py), PostgreSQL by row locks, and by an
advisory lock while migrating. A server that does not answer becomes Unreachable, which is retried;
a file that may not be written becomes BadConfig, which is not.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from churn_ml.errors import (
    BadConfig,
    BadInput,
    BrokenPromise,
    ChurnError,
    Transient,
    Unreachable,
)
from churn_ml.idling import IDLE_SECONDS
from churn_ml.ledger.engine import WRITES, open_engine, use_write_ahead_log
from churn_ml.ledger.schema import IDENTITY

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine


_TOO_LONG = "22001"
"""PostgreSQL's code of a text that is longer than its column; SQLite takes every length."""
_FORBIDDEN = {
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
}
"""What SQLite says of a file that this user may not open or write."""


class Database:
    """One SQL database: `reading()` and `writing()` give connections inside a transaction."""

    def __init__(self, engine: Engine) -> None:
        """Use `open`: an engine alone may lack the schema."""
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """The ledger at `url`, created or migrated to the newest schema first.

        `url` is an SQLAlchemy URL: `sqlite:////shop/ledger.db`, `postgresql+psycopg2://...`, or
        with libpq's own `postgres://`;
        `sqlite://` is a ledger in memory. Two processes may open the same one at once.

        Raises: BadConfig for a URL that cannot be meant or a file that may not be written,
        Unreachable where nobody answers.

        >>> Database.open("sqlite://").url
        'sqlite://'
        >>> Database.open("ledger.db")
        Traceback (most recent call last):
        ...
        churn_ml.errors.BadConfig: the ledger's URL is not one | where: [paths] ledger | ...
        """
        from churn_ml.migrations import migrate

        database = cls(open_engine(url))
        with database._told():
            if database._engine.dialect.name == "sqlite":
                use_write_ahead_log(database._engine)
            migrate(database._engine, database.writing)
        return database

    @property
    def id(self) -> str:
        """The name this ledger was born with; it goes with the database wherever that is moved.

        >>> len(Database.open("sqlite://").id)
        32
        """
        with self.reading() as connection:
            return str(connection.execute(select(IDENTITY.c.id)).scalar_one())

    def remember_key(self, mark: str) -> str:
        """The mark of the secret key that was used with this ledger first; `mark` where none was.

        `mark`: at most 16 characters that name a key without giving it away.

        >>> ledger = Database.open("sqlite://")
        >>> ledger.remember_key("5f1c"), ledger.remember_key("9a77")
        ('5f1c', '5f1c')
        """
        fresh = update(IDENTITY).where(IDENTITY.c.key_mark.is_(None)).values(key_mark=mark)
        with self.writing() as connection:
            connection.execute(fresh)
            return str(connection.execute(select(IDENTITY.c.key_mark)).scalar_one())

    @property
    def shop(self) -> tuple[str, str] | None:
        """The currency and time zone of the first ingest; None before it.

        >>> Database.open("sqlite://").shop is None
        True
        """
        with self.reading() as connection:
            return _shop(connection)

    @property
    def url(self) -> str:
        """Where the ledger is, without its password."""
        return self._engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close every connection; the ledger may be opened again."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment of the ledger, however many queries it runs."""
        reader = self._engine
        if reader.dialect.name == "postgresql":
            reader = reader.execution_options(isolation_level="REPEATABLE READ")
        with self._told(), reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in one transaction: all of it happens or nothing."""
        writer = self._engine.execution_options(**{WRITES: True})
        with self._told(), writer.begin() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What the database says, in the house's words.

        Only the first line is passed on: PostgreSQL shows the refused row in the second.
        """
        try:
            yield
        except (OperationalError, InterfaceError, sqlite3.OperationalError) as error:
            raise _unusable(error, self._engine.url) from error
        except DBAPIError as error:
            if error.connection_invalidated:  # psycopg2 has no class of its own for a server's end
                raise _unusable(error, self._engine.url) from error
            if getattr(error.orig, "pgcode", None) == _TOO_LONG:
                raise BadInput(
                    "a text is longer than its column of the ledger",
                    where=self.url,
                    got=_first_line(error),
                    next_step="shorten it; a customer_id is corrected at its source",
                ) from None
            raise BrokenPromise(
                "the ledger's database refused a statement",
                where=self.url,
                got=f"{type(error).__name__}: {_first_line(error)}",
                next_step="a defect in churn_ml: please report it with this text",
            ) from None


def remember_shop(connection: Connection, shop: tuple[str, str]) -> None:
    """Note the currency and time zone that everything stored is in, where none are noted yet.

    Raises Transient where another ingest noted others meanwhile.
    """
    fresh = update(IDENTITY).where(IDENTITY.c.currency.is_(None))
    connection.execute(fresh.values(currency=shop[0], time_zone=shop[1]))
    known = _shop(connection)
    if known and known != shop:
        raise Transient(
            "another ingest settled the shop's currency and time zone meanwhile",
            where="[shop] currency, time_zone",
            got=", ".join(shop),
            expected=", ".join(known),
            next_step="run again: it says then what can be done",
        )


def _shop(connection: Connection) -> tuple[str, str] | None:
    row = connection.execute(select(IDENTITY.c.currency, IDENTITY.c.time_zone)).one()
    return None if row.currency is None else (row.currency, row.time_zone)


def _unusable(error: Exception, url: URL) -> ChurnError:
    """Why the database cannot be used: a file that may not be written, a full disk, or silence.

    A folder that is not there may be mounted later; a file in one that is there needs a person.
    """
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF
    told = {"where": url.render_as_string(hide_password=True), "got": _first_line(error)}
    if code in _FORBIDDEN and Path(str(url.database)).parent.is_dir():
        step = "give this user the right to read and write the file and its folder"
        return BadConfig("the ledger's file cannot be opened or written", **told, next_step=step)
    if code == sqlite3.SQLITE_FULL:
        step = "make room and run the step again: nothing of this transaction was kept"
        return Transient("the disk of the ledger is full", **told, next_step=step)
    step = "start the database or wait for its lock, then run the step again"
    if getattr(error, "connection_invalidated", False):
        step += f"; one that stood still for {IDLE_SECONDS} s within a write was cut off"
    return Unreachable("the ledger's database does not answer", **told, next_step=step)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).partition("\n")[0]


def stored(at: datetime) -> datetime:
    """An aware wall-clock time as the ledger stores it: UTC without a zone.

    >>> stored(datetime(2026, 11, 21, 9, tzinfo=UTC))
    datetime.datetime(2026, 11, 21, 9, 0)
    """
    if at.tzinfo is None:
        raise BadInput(
            "a wall-clock time has no zone",
            got=at.isoformat(),
            expected="an aware datetime",
            next_step="pass datetime.now(UTC) from the door",
        )
    return at.astimezone(UTC).replace(tzinfo=None)


def told(at: datetime) -> datetime:
    """A stored time as callers get it: aware, UTC."""
    return at.replace(tzinfo=UTC)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same value is always the same text.

    >>> canonical_json({"b": 1, "a": [0.0038, None]})
    '{"a":[0.0038,null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)
