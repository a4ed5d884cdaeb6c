"""Doubts: of whom a destination may hold something else than it acknowledged.

Enters: customers about whom a target was found to differ, or to whom two exports sent at once.
Leaves: their state in doubt, which no plan takes for what it wants: the next one sends them again,
or takes them out. A doubt outlives an ack that is on its way when it arises.

Worked example: an export of 2017-10-01 falls asleep with the row of `h1` in its hands. The one of
2017-11-01 sends `h1` too; then the first wakes up, sends, finds November's plan and doubts `h1`.
Only now November's ack is noted: `h1` stays in doubt, and the next export sends him again.

>>> from datetime import UTC, date
>>> from churn_ml.ledger import Ledger
>>> ledger, at = Ledger.open("sqlite://"), datetime(2026, 11, 21, tzinfo=UTC)
>>> ledger.save_plan("crm", "p2", date(2017, 11, 1), [("h1", "ab", "{}", False)], base=None)
>>> ledger.doubt("crm", ["h1"], at)
>>> ledger.acknowledge("p2", ["h1"], at=at)
>>> ledger.state("crm")
{'h1': ('in_doubt', datetime.date(2017, 11, 1))}
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, select, update

from churn_ml.ledger.database import Database, stored
from churn_ml.ledger.rows import chunks, upsert
from churn_ml.ledger.schema import DELIVERED, PLAN_ROWS, PLANS, SETTLED
from churn_ml.ledger.settled import HELD

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

IN_DOUBT = "in_doubt"
"""The content hash of a customer about whom the target may hold something else; the code of an open
row whose ack will not say what the target holds."""
_WHY = "another export may have written over it: the next one sends it again"


class Doubts(Database):
    """The part of the ledger that takes back what was said of a customer."""

    def doubt(self, destination: str, customer_ids: Sequence[str], at: datetime) -> None:
        """Take back what is said of these: the next plan sends them again, or takes them out.

        A row of theirs that is open is settled in doubt, whatever its ack says.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, at = Ledger.open("sqlite://"), datetime(2017, 10, 1, tzinfo=UTC)
        >>> ledger.doubt("crm", ["x9"], at)
        >>> ledger.state("crm")
        {'x9': ('in_doubt', datetime.date(2017, 10, 1))}
        """
        with self.writing() as connection:
            queue(connection, PLANS.c.destination == destination)
            _doubt(connection, destination, customer_ids, stored(at))


def queue(connection: Connection, plan: ColumnElement[bool]) -> None:
    """Wait for whoever plans, settles or doubts at a destination now, and let others wait for us.

    All of them hold the row of its newest `plan`, so that none reads what another is about to
    change. SQLite queues every writer by itself.
    """
    connection.execute(select(PLANS.c.plan_id).where(plan).with_for_update())


def told_of() -> ColumnElement[str]:
    """The content hash that the ack of an open row stands for."""
    return case((PLAN_ROWS.c.code == IN_DOUBT, IN_DOUBT), else_=PLAN_ROWS.c.content_hash)


def doubt_contradicted(
    connection: Connection, plan_id: str, customer_ids: Sequence[str], outcome: str, at: datetime
) -> None:
    """Doubt those whose row of the plan another export settled otherwise, as a removal or not.

    Two that resume one plan ask the guard each for itself, and consent may go in between: which of
    the two the target heard last, nobody knows.
    """
    mine = and_(SETTLED.c.plan_id == plan_id, SETTLED.c.outcome.in_(set(HELD) - {outcome}))
    for chunk in chunks(customer_ids):
        query = select(SETTLED.c.destination, SETTLED.c.customer_id)
        found = connection.execute(query.where(mine, SETTLED.c.customer_id.in_(chunk))).all()
        for destination in {row.destination for row in found}:
            ids = [row.customer_id for row in found if row.destination == destination]
            _doubt(connection, destination, ids, at)


def _doubt(
    connection: Connection, destination: str, customer_ids: Sequence[str], at: datetime
) -> None:
    head = {"destination": destination, "content_hash": IN_DOUBT, "as_of": at.date()}
    rows = [head | {"customer_id": one, "acknowledged_at": at} for one in customer_ids]
    upsert(connection, DELIVERED, rows, update=("content_hash",))
    waiting = and_(PLAN_ROWS.c.destination == destination, PLAN_ROWS.c.status == "open")
    for chunk in chunks(customer_ids):
        mine = and_(waiting, PLAN_ROWS.c.customer_id.in_(chunk))
        told = case((PLAN_ROWS.c.message.is_(None), _WHY), else_=PLAN_ROWS.c.message + "; " + _WHY)
        new = and_(mine, PLAN_ROWS.c.code.is_(None))
        connection.execute(update(PLAN_ROWS).where(new).values(code=IN_DOUBT, message=told))
