"""What became of every row of every plan: what a person asks about one customer.

Enters: rows that an export settles. Leaves: the story of a customer, oldest first. A row is kept as
it was sent, with how the destination answered, when, and by which run of the export.

Worked example: as of 2017-10-01 `h1` was planned for the CRM with a coupon, and acknowledged; as of
2017-11-01 the row was withdrawn, because consent was gone when it should have been sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, literal, select

from churn_ml.ledger.database import Database
from churn_ml.ledger.rows import upsert_from
from churn_ml.ledger.schema import PLAN_ROWS, SETTLED

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

EMPTY = "{}"
"""The payload of a removal."""
PLANNED = "planned"
"""The outcome of a row that no destination has answered yet."""


@dataclass(frozen=True)
class Settled:
    """One row of one plan for one customer; `payload`: JSON, as it was sent, `{}` for a removal.

    `outcome`: planned (not sent, or not answered), acknowledged, withdrawn (a removal was sent in
    its place) or rejected, with the destination's code and message. `settled_at`: UTC.
    """

    destination: str
    plan_id: str
    as_of: date
    payload: str
    outcome: str = PLANNED
    code: str | None = None
    message: str | None = None
    settled_at: datetime | None = None
    run: str = ""


class History(Database):
    """The part of the ledger that remembers what was sent."""

    def story(self, customer_id: str) -> list[Settled]:
        """Everything that was planned for the customer, oldest first, the open row last.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, day = Ledger.open("sqlite://"), date(2017, 10, 1)
        >>> ledger.save_plan("crm", "p1", day, [("h1", "ab", '{"offer":"NONE"}', False)], base=None)
        >>> [one.outcome for one in ledger.story("h1")]
        ['planned']
        >>> at = datetime(2017, 10, 1, 6, tzinfo=UTC)
        >>> ledger.acknowledge("p1", ["h1"], at=at, run="export/2017-10-01/1")
        >>> [(one.outcome, one.payload, one.run) for one in ledger.story("h1")]
        [('acknowledged', '{"offer":"NONE"}', 'export/2017-10-01/1')]
        """
        place = ("destination", "plan_id", "as_of", "payload")
        told = (*place, "outcome", "code", "message", "settled_at", "run")
        settled = select(*(SETTLED.c[name] for name in told)).where(
            SETTLED.c.customer_id == customer_id
        )
        waiting = and_(PLAN_ROWS.c.customer_id == customer_id, PLAN_ROWS.c.status == "open")
        planned = select(*(PLAN_ROWS.c[name] for name in place)).where(waiting)
        with self.reading() as connection:
            found = [Settled(**row) for row in connection.execute(settled).mappings()]
            left = [Settled(**row) for row in connection.execute(planned).mappings()]
        found.sort(key=lambda one: (one.settled_at or datetime.max, one.destination))  # noqa: DTZ901
        return found + sorted(left, key=lambda one: one.destination)


def note(
    connection: Connection, rows: ColumnElement[bool], outcome: str, at: datetime, run: str
) -> None:
    """Copy the plan's `rows` with their `outcome`; one that is there already stays as it is."""
    same = ("destination", "customer_id", "plan_id", "as_of", "payload", "code", "message")
    told = select(
        *(PLAN_ROWS.c[name] for name in same),
        literal(outcome).label("outcome"),
        literal(at, SETTLED.c.settled_at.type).label("settled_at"),
        literal(run).label("run"),
    ).where(rows)
    upsert_from(connection, SETTLED, told, update=())
