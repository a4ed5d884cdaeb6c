"""The two CRMs of the year, looked at past the product: raw rows, raw files, locks.

A send into the table is held up by a transaction of the test's own: while it lasts, whoever sends
waits for it in the middle of a batch, with the plan saved and nothing of it acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

TABLE = "churn_segments"
FILES, ROWS = "crm_file", "crm_sql"
"""The destinations of the shop: a folder of parts, a table."""
WAITING = """select count(distinct pid) from pg_locks join pg_stat_activity using (pid)
where not granted and datname = current_database()"""


def connected(url: str) -> sa.Connection:
    """A connection of its own, which autocommits unless it begins something."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    return engine.connect()


def rows(url: str) -> list[dict[str, Any]]:
    """What stands in the table, as its database tells it."""
    with connected(url) as crm:
        found = crm.execute(sa.text(f"select * from {TABLE}")).mappings().all()
    told = [{name: str(cell) for name, cell in row.items()} for row in found]
    return sorted(told, key=lambda row: row["customer_id"])


def parts(folder: Path) -> dict[str, bytes]:
    """Every file below the folder but the one that says whose it is."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "owner.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


class Held:
    """The table, which takes no row until it is let go."""

    def __init__(self, url: str) -> None:
        self._url = url
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        self._lock = engine.connect()
        self._lock.execute(sa.text(f"lock table {TABLE} in share mode"))

    def waiting(self) -> int:
        """How many wait there: for the table, or for who waits for it."""
        with connected(self._url) as crm:
            return int(crm.execute(sa.text(WAITING)).scalar_one())

    def let_go(self) -> None:
        """Twice = once; also where the database was killed meanwhile."""
        with suppress(sa.exc.DBAPIError):
            self._lock.close()


@contextmanager
def held(url: str) -> Iterator[Held]:
    """Hold the table for the block, or until it is let go."""
    hold = Held(url)
    try:
        yield hold
    finally:
        hold.let_go()
