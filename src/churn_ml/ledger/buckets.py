"""Buckets: how fast and how often a destination may still be asked, by all workers together (R1).

Worked example: two exports of 2017-10-01 and 2017-11-01 send to one CRM at once. Each takes its
tokens here, under the row's lock, so together they keep the CRM's 100 requests in 10 s.
"""

from __future__ import annotations

from sqlalchemy import select

from churn_ml.ledger.database import Database
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import BUCKETS
from churn_ml.limits import Bucket, Limit, taken


class Buckets(Database):
    """The part of the ledger that keeps the pace."""

    def take(self, destination: str, limit: Limit, now: float) -> float:
        """Take one token: the seconds to wait before asking again, 0.0 where one was taken.

        `now`: epoch seconds.

        >>> from churn_ml.ledger import Ledger
        >>> ledger, limit = Ledger.open("sqlite://"), Limit(requests=2, seconds=1.0)
        >>> [ledger.take("crm", limit, now) for now in (0.0, 0.0, 1.0)]
        [0.0, 1.0, 0.0]
        """
        fresh, _ = taken(None, limit, now)
        kept = ("tokens", "filled_at", "day", "spent")
        mine = BUCKETS.c.destination == destination
        query = select(*(BUCKETS.c[name] for name in kept)).where(mine).with_for_update()
        with self.writing() as connection:
            # An empty row to lock: two first callers must not both find nothing.
            start = {"tokens": limit.burst, "filled_at": now, "day": fresh.day, "spent": 0}
            upsert(connection, BUCKETS, [{"destination": destination, **start}], update=())
            held = Bucket(**connection.execute(query).mappings().one())
            left, wait = taken(held, limit, now)
            row = {"destination": destination, **{name: getattr(left, name) for name in kept}}
            upsert(connection, BUCKETS, [row], update=kept)
        return wait
