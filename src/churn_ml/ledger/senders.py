"""Senders: who sends a plan at this moment, and who was at it when it died.

Enters: the name of a sender, when it begins a plan and when it is done. Leaves: the marks of those
who never said that they were done, and whose row of a plan somebody else settled meanwhile.

All marks of one plan begin with the earliest of them: of two who send it at once, on machines whose
clocks differ, or of whom one is in the middle of an ack, the later cannot miss what the other
settles.

Worked example: `a` begins the plan of 2017-10-01 at 06:00 and is stopped; `b` finishes it at 07:00.

>>> from datetime import UTC, date
>>> from churn_ml.ledger import Ledger
>>> ledger, six = Ledger.open("sqlite://"), datetime(2017, 10, 1, 6, tzinfo=UTC)
>>> seven = six.replace(hour=7)
>>> ledger.save_plan("crm", "p1", date(2017, 10, 1), [("h1", "ab", "{}", False)], base=None)
>>> ledger.begin_sending("crm", "a", "p1", six)
>>> ledger.acknowledge("p1", ["h1"], at=seven, run="export/2017-10-01/2")
>>> [(name, plan_id, since.hour) for name, plan_id, since in ledger.senders("crm")]
[('a', 'p1', 6)]
>>> ledger.settled_of("crm", "p1", since=six, besides="export/2017-10-01/1")
['h1']
>>> ledger.end_sending("crm", "a")
>>> ledger.senders("crm")
[]
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, func, select, true, update

from churn_ml.ledger.database import Database, stored, told
from churn_ml.ledger.doubts import queue
from churn_ml.ledger.rows import chunks, upsert
from churn_ml.ledger.schema import PLANS, SENDERS, SETTLED
from churn_ml.ledger.waiting import ASKED


class Senders(Database):
    """The part of the ledger that knows who sends."""

    def begin_sending(self, destination: str, sender: str, plan_id: str, at: datetime) -> None:
        """Mark that `sender` sends the plan since `at`, in place of what it sent before."""
        mine = and_(SENDERS.c.destination == destination, SENDERS.c.plan_id == plan_id)
        earliest = select(func.min(SENDERS.c.since)).where(mine)
        row = {"destination": destination, "sender": sender, "plan_id": plan_id}
        with self.writing() as connection:
            queue(connection, PLANS.c.destination == destination)
            known = connection.execute(earliest).scalar_one()
            since = min(stored(at), known or stored(at))
            upsert(connection, SENDERS, [row | {"since": since}], update=("plan_id", "since"))
            connection.execute(update(SENDERS).where(mine).values(since=since))

    def end_sending(self, destination: str, sender: str) -> None:
        """Clear the mark of `sender`; where there is none, nothing happens."""
        mine = and_(SENDERS.c.destination == destination, SENDERS.c.sender == sender)
        with self.writing() as connection:
            connection.execute(delete(SENDERS).where(mine))

    def senders(self, destination: str) -> list[tuple[str, str, datetime]]:
        """Sender, plan_id and since (UTC) of every mark, by sender."""
        columns = (SENDERS.c.sender, SENDERS.c.plan_id, SENDERS.c.since)
        query = select(*columns).where(SENDERS.c.destination == destination)
        with self.reading() as connection:
            found = connection.execute(query).all()
        return sorted((name, plan_id, told(since)) for name, plan_id, since in found)

    def settled_of(
        self,
        destination: str,
        plan_id: str,
        *,
        since: datetime | None = None,
        besides: str = "",
        customer_ids: Sequence[str] | None = None,
    ) -> list[str]:
        """Whose row of the plan was settled, in whatever way: customer_ids, ascending.

        `since`: then or later; `besides`: not by this run, nobody's where empty; `customer_ids`: of
        these alone.
        """
        mine = and_(
            SETTLED.c.destination == destination,
            SETTLED.c.plan_id == plan_id,
            SETTLED.c.outcome != ASKED,
            SETTLED.c.run != besides if besides else true(),
            SETTLED.c.settled_at >= stored(since) if since else true(),
        )
        query = select(SETTLED.c.customer_id).where(mine)
        with self.reading() as connection:
            if customer_ids is None:
                return sorted(connection.execute(query).scalars())
            asked = (query.where(SETTLED.c.customer_id.in_(ids)) for ids in chunks(customer_ids))
            return sorted(one for some in asked for one in connection.execute(some).scalars())
