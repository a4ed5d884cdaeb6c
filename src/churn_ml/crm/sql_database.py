"""The database of a SQL destination: transactions, and what its errors mean.

Enters: a URL, and what is to be done in one transaction. Leaves: the result, or an error of the
house. The driver's own error may quote a row, so that none of its words but the first line stays.

    no answer, a server's end, a lock     Unreachable: the plan is kept
    a row that it cannot hold             one of UNTAKEABLE: that row is to be found
    a right, a table or a column is gone  BadConfig: a person has to act
    SQLite's folder is missing            BadConfig naming it

Worked example: the role of the connection may not make tables. The export of 2017-10-01 ends before
row 1 with BadConfig, which says so.

>>> bi = SqlDatabase("bi", "sqlite://", "churn_segments")
>>> bi.done(lambda connection: connection.execute(sa.text("select 1")).scalar_one())
1
>>> bi.done(lambda connection: connection.execute(sa.text("select 1 from nowhere")))
Traceback (most recent call last):
...
churn_ml.errors.Unreachable: the database of destination bi does not answer | ... no such table: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from churn_ml.connections import with_driver
from churn_ml.errors import BadConfig, ChurnError, Unreachable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

T = TypeVar("T")
UNTAKEABLE = (exc.DataError, exc.IntegrityError, ValueError)
"""What a row does that the database cannot hold: a lone surrogate and a NUL are ValueErrors."""
_TOO_LONG = "54000"
"""PostgreSQL's code of a row that no index of its can hold."""


class KeyTooLong(ValueError):
    """A customer_id is longer than the table's key can be."""


@dataclass(frozen=True)
class SqlDatabase:
    """The database that the destination `name` fills the table `table_name` of."""

    name: str
    url: str = field(repr=False)
    table_name: str

    def done(self, work: Callable[[Connection], T]) -> T:
        """What `work` gives in a transaction of its own.

        Raises: one of UNTAKEABLE, Unreachable and BadConfig, as above.
        """
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except UNTAKEABLE:
            raise
        except exc.DBAPIError as error:
            found = self._meant(error)
        # Outside of the except, and in no context manager: the driver's error may quote a row, and
        # would be printed as the context of ours.
        raise found

    def _meant(self, error: exc.DBAPIError) -> ChurnError | KeyTooLong:
        """What an error of the driver means, with the first line of its words."""
        where, said = f"table {self.table_name}", str(error.orig).partition("\n")[0]
        # psycopg2 and psycopg call it differently
        if _TOO_LONG in {getattr(error.orig, name, None) for name in ("pgcode", "sqlstate")}:
            return KeyTooLong()
        if missing := self._missing_folder():
            return BadConfig(
                f"the folder of the database of destination {self.name} does not exist",
                where=f"[destinations.{self.name}] target",
                got=str(missing),
                next_step="make the folder, or correct the target",
            )
        silent = isinstance(error, (exc.OperationalError, exc.InterfaceError))
        # psycopg2 has no class of its own for a server's end
        if silent or error.connection_invalidated:
            return Unreachable(
                f"the database of destination {self.name} does not answer",
                where=where,
                got=said,
                next_step="run the export again when it does: the plan is kept",
            )
        return BadConfig(
            f"the database of destination {self.name} refuses what an export does",
            where=where,
            got=said,
            expected="a user who may make the table, or read and write it and its columns",
            next_step="correct the rights or the table, then run the export again",
        )

    def _missing_folder(self) -> Path | None:
        """The folder that a SQLite file was to be made in, where there is none."""
        url = self._engine.url
        if url.get_backend_name() != "sqlite" or not url.database:
            return None
        folder = Path(url.database).absolute().parent
        return None if folder.is_dir() else folder

    @cached_property
    def _engine(self) -> Engine:
        try:
            # hide_parameters: an error's text must not quote a customer's row.
            return sa.create_engine(
                with_driver(self.url), hide_parameters=True, poolclass=sa.NullPool
            )
        except (ImportError, exc.ArgumentError, ValueError) as error:
            raise BadConfig(
                f"cannot open the database of destination {self.name}",
                where=f"[destinations.{self.name}] target",
                got=type(error).__name__,
                next_step="check the URL; PostgreSQL needs its driver: pip install psycopg2-binary",
            ) from None
