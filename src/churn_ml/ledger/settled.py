"""What became of every row of every plan: what a person asks about one customer.

Enters: rows that an export settles. Leaves: the story of a customer, oldest first. A row is kept as
it was sent, with how the destination answered, when, and by which run of the export.

A plan that a person has to say yes to leaves its rows here too (waiting.py).

Worked example: as of 2017-10-01 `h1` was planned for the CRM with a coupon, and acknowledged; as of
2017-11-01 the row was withdrawn, because consent was gone when it should have been sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, literal, or_, select, true

from churn_ml.ledger.database import Database
from churn_ml.ledger.rows import chunks, upsert_from
from churn_ml.ledger.schema import APPROVALS, PLAN_ROWS, PLANS, SETTLED
from churn_ml.ledger.waiting import ASKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection

EMPTY = "{}"
"""The payload of a removal."""
PLANNED = "planned"
"""The outcome of a row that no destination has answered yet."""
HELD = ("acknowledged", "withdrawn")
"""The outcomes after which the destination holds what was sent."""
ANSWERED = {None: "waits", "approve": "approved", "refuse": "kept_back"}
REPLACED = "replaced"


@dataclass(frozen=True)
class Settled:
    """One row of one plan for one customer; `payload`: JSON, as it was sent, `{}` for a removal.

    `outcome`: planned (not sent, or not answered), acknowledged, withdrawn (a removal was sent in
    its place), given_up (undone before there was an answer) or rejected, with the destination's
    code and message. Of another outcome `message` says why the row is not simply what was decided,
    without personal data, and the code `in_doubt` that another export may have written over it. Of
    a plan that changes too much: waits (for a person's yes), approved (and not
    sent yet), kept_back (after a no, or no answer) or replaced (another plan of its date or a newer
    one was asked about or sent since). `who` gave the answer to such a plan, also where the
    row is planned or was sent since. `settled_at` (UTC) is when the row was settled, asked about
    or, as long as it is planned alone, planned; `run` is the attempt that did it.
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
    who: str | None = None


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
        newest = SETTLED.c.destination == PLANS.c.destination
        same = and_(*(SETTLED.c[n] == APPROVALS.c[n] for n in ("destination", "plan_id")))
        about = (APPROVALS.c.asked_at, APPROVALS.c.answer, APPROVALS.c.who)
        overtaken = and_(SETTLED.c.outcome == ASKED, _overtaken()).label("overtaken")
        settled = (
            select(*(SETTLED.c[name] for name in told), *about, overtaken)
            .select_from(SETTLED.outerjoin(APPROVALS, same).outerjoin(PLANS, newest))
            .where(SETTLED.c.customer_id == customer_id)
        )
        of_plan = and_(*(PLANS.c[n] == PLAN_ROWS.c[n] for n in ("destination", "plan_id")))
        asked = and_(*(APPROVALS.c[n] == PLAN_ROWS.c[n] for n in ("destination", "plan_id")))
        waiting = and_(PLAN_ROWS.c.customer_id == customer_id, PLAN_ROWS.c.status == "open")
        planned = (
            select(
                *(PLAN_ROWS.c[name] for name in (*place, "code", "message")),
                PLANS.c.planned_at.label("settled_at"),
                func.coalesce(PLANS.c.run, "").label("run"),
                APPROVALS.c.who,
            )
            .select_from(PLAN_ROWS.outerjoin(PLANS, of_plan).outerjoin(APPROVALS, asked))
            .where(waiting)
        )
        with self.reading() as connection:
            found = [_answered(**row) for row in connection.execute(settled).mappings()]
            left = [Settled(**row) for row in connection.execute(planned).mappings()]
        found.sort(key=lambda one: (one.settled_at or datetime.max, one.destination))  # noqa: DTZ901
        return found + sorted(left, key=lambda one: one.destination)

    def told(self, destination: str, customer_ids: Sequence[str] | None = None) -> dict[str, str]:
        """What the destination took last of these customers, or of all, and holds by its answer.

        Returns: customer_id -> payload as JSON; who was taken out, or never told of, is left out.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, base = Ledger.open("sqlite://"), None
        >>> for plan_id, score, hour in (("p1", ".2", 6), ("p2", ".9", 7)):
        ...     rows = [("h1", score, score, False), ("h2", "", "{}", False)]
        ...     ledger.save_plan("crm", plan_id, date(2017, 10, 1), rows, base=base)
        ...     at = datetime(2017, 10, 1, hour, tzinfo=UTC)
        ...     ledger.acknowledge(plan_id, ["h1", "h2"], at=at)
        ...     base = plan_id
        >>> ledger.told("crm"), ledger.told("crm", ["h2", "h3"])
        ({'h1': '.9'}, {})
        """
        found: dict[str, str] = {}
        with self.reading() as connection:
            if customer_ids is None:
                found = newest_of(connection, destination, true())
            for chunk in chunks(customer_ids or ()):
                found |= newest_of(connection, destination, SETTLED.c.customer_id.in_(chunk))
        return {customer_id: payload for customer_id, payload in found.items() if payload != EMPTY}


def _overtaken() -> ColumnElement[bool]:
    """Whether another plan of the date or a newer one was sent, or asked about, after this one."""
    later, sent = APPROVALS.alias("later"), SETTLED.alias("sent")
    asked_since = and_(
        later.c.destination == SETTLED.c.destination,
        later.c.as_of >= SETTLED.c.as_of,
        later.c.asked_at > APPROVALS.c.asked_at,
    )
    sent_since = and_(
        sent.c.destination == PLANS.c.destination,
        sent.c.plan_id == PLANS.c.plan_id,
        sent.c.as_of == SETTLED.c.as_of,
        sent.c.outcome != ASKED,
        sent.c.settled_at > SETTLED.c.settled_at,
    )
    return or_(
        PLANS.c.as_of > SETTLED.c.as_of,
        select(later.c.plan_id).where(asked_since).exists(),
        select(sent.c.plan_id).where(sent_since).exists(),
    )


def _answered(**row: Any) -> Settled:
    """The row as it is told: of one that a person was asked about, what came of the question."""
    asked_at, answer, overtaken = (row.pop(name) for name in ("asked_at", "answer", "overtaken"))
    if row["outcome"] == ASKED:
        late = overtaken and answer != "refuse"
        row["outcome"] = ANSWERED[answer] if asked_at and not late else REPLACED
    return Settled(**row)


def newest_of(
    connection: Connection, destination: str, which: ColumnElement[bool]
) -> dict[str, str]:
    """customer_id -> payload of the newest row that the destination took, of `which`."""
    newest = (SETTLED.c.as_of.desc(), SETTLED.c.settled_at.desc())
    place = func.row_number().over(partition_by=SETTLED.c.customer_id, order_by=newest)
    held = (
        select(SETTLED.c.customer_id, SETTLED.c.payload, place.label("place"))
        .where(SETTLED.c.destination == destination, SETTLED.c.outcome.in_(HELD), which)
        .subquery()
    )
    last = select(held.c.customer_id, held.c.payload).where(held.c.place == 1)
    return {row[0]: row[1] for row in connection.execute(last)}


def note(
    connection: Connection, rows: ColumnElement[bool], outcome: str, at: datetime, run: str
) -> int:
    """Copy the plan's `rows` with their `outcome`; one that is there already stays as it is.

    Returns: how many were copied.
    """
    same = ("destination", "customer_id", "plan_id", "as_of", "payload", "code", "message")
    told = select(
        *(PLAN_ROWS.c[name] for name in same),
        literal(outcome).label("outcome"),
        literal(at, SETTLED.c.settled_at.type).label("settled_at"),
        literal(run).label("run"),
    ).where(rows)
    return upsert_from(connection, SETTLED, told, update=())
