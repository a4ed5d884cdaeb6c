"""Lots: when a file was first seen, and which ingest it belongs to.

A lot is known by the sha256 of its bytes and the table it feeds. The first time it is seen is kept
on every re-run, because it may be the only known_at the rows have. An ingest claims its lots in the
transaction that publishes it; a re-run of that ingest reads the same lots.

Worked example: a file without a drop date is first seen on 2017-10-01 at 06:00. Re-running the
ingest a month later still says 06:00 of that day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, select, update

from churn_ml.errors import BrokenPromise, ChurnError, Transient
from churn_ml.ledger.database import Database, stored, told
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import LOTS

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Lots(Database):
    """The part of the ledger that knows the files that came in."""

    def register_lot(self, sha256: str, table: str, path: str, first_seen_at: datetime) -> datetime:
        """Note that a lot was seen; return when it was seen first (aware, UTC).

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger = Ledger.open("sqlite://")
        >>> days = [datetime(2017, 10, day, 6, tzinfo=UTC) for day in (1, 31)]
        >>> [ledger.register_lot("5d1c", "orders", "o.csv.gz", day).day for day in days]
        [1, 1]
        """
        row = {
            "table_name": table,
            "sha256": sha256,
            "path": path,
            "first_seen_at": stored(first_seen_at),
        }
        mine = and_(LOTS.c.table_name == table, LOTS.c.sha256 == sha256)
        with self.writing() as connection:
            upsert(connection, LOTS, [row], update=())
            found = connection.execute(select(LOTS.c.first_seen_at).where(mine)).scalar_one()
        return told(found)

    def claimed(self, table: str | None = None) -> dict[tuple[str, str], date]:
        """The lots that published ingests have taken: (table, sha256) -> ingest key."""
        query = select(LOTS).where(LOTS.c.ingest_key.is_not(None))
        if table is not None:
            query = query.where(LOTS.c.table_name == table)
        with self.reading() as connection:
            rows = connection.execute(query).all()
        return {(row.table_name, row.sha256): row.ingest_key for row in rows}


def claim_lots(connection: Connection, lots: Iterable[tuple[str, str]], ingest_key: date) -> None:
    """Give `lots` (table, sha256) to `ingest_key`, and set free what it had claimed before.

    Raises: Transient where another ingest took one of them meanwhile, BrokenPromise where one was
    never registered.
    """
    wanted = sorted(set(lots))
    if not wanted:
        return
    theirs = LOTS.c.ingest_key == ingest_key
    connection.execute(update(LOTS).where(theirs).values(ingest_key=None))
    for table, sha256 in wanted:
        free = and_(
            LOTS.c.table_name == table, LOTS.c.sha256 == sha256, LOTS.c.ingest_key.is_(None)
        )
        claimed = connection.execute(update(LOTS).where(free).values(ingest_key=ingest_key))
        if claimed.rowcount != 1:
            raise _taken(connection, table, sha256, ingest_key)


def _taken(connection: Connection, table: str, sha256: str, ingest_key: date) -> ChurnError:
    """Why a lot was not free: two ingests at once, or a defect."""
    mine = and_(LOTS.c.table_name == table, LOTS.c.sha256 == sha256)
    holder = connection.execute(select(LOTS.c.ingest_key).where(mine)).scalar()
    if holder is None:
        return BrokenPromise(
            f"lot {sha256[:16]} of table {table} was never registered",
            where=f"ingest keyed {ingest_key.isoformat()}",
        )
    return Transient(
        f"lot {sha256[:16]} of table {table} was taken by another ingest meanwhile",
        where=f"ingest keyed {ingest_key.isoformat()}",
        got=f"claimed by the ingest keyed {holder.isoformat()}",
        next_step="run again: it takes what is free then; run ingests one after the other",
    )
