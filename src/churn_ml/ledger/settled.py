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

from sqlalchemy import and_, delete, func, literal, or_, select, true

from churn_ml.ledger.database import Database, stored
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
    row was sent since. `settled_at` (UTC) is when the row was settled, asked about or, as long as
    it is planned alone, planned; `run` is the attempt that did it.
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
        waiting = and_(PLAN_ROWS.c.customer_id == customer_id, PLAN_ROWS.c.status == "open")
        planned = (
            select(
                *(PLAN_ROWS.c[name] for name in (*place, "code", "message")),
                PLANS.c.planned_at.label("settled_at"),
                func.coalesce(PLANS.c.run, "").label("run"),
            )
            .select_from(PLAN_ROWS.outerjoin(PLANS, of_plan))
            .where(waiting)
        )
        with self.reading() as connection:
            found = [_answered(**row) for row in connection.execute(settled).mappings()]
            left = [Settled(**row) for row in connection.execute(planned).mappings()]
        found.sort(key=lambda one: (one.settled_at or datetime.max, one.destination))  # noqa: DTZ901
        return found + sorted(left, key=lambda one: one.destination)

    def plans(self, destination: str) -> list[tuple[str, date]]:
        """Id and as_of of every plan that the destination was told a row of, the newest first.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, day = Ledger.open("sqlite://"), date(2017, 10, 1)
        >>> ledger.save_plan("crm", "p1", day, [("h1", "ab", "{}", False)], base=None)
        >>> ledger.acknowledge("p1", ["h1"], at=datetime(2017, 10, 1, 6, tzinfo=UTC))
        >>> ledger.plans("crm")
        [('p1', datetime.date(2017, 10, 1))]
        """
        newest = (SETTLED.c.as_of.desc(), func.max(SETTLED.c.settled_at).desc())
        sent = SETTLED.c.outcome.not_in(("rejected", ASKED))
        mine = and_(SETTLED.c.destination == destination, sent)
        plan = (SETTLED.c.plan_id, SETTLED.c.as_of)
        query = select(*plan).where(mine).group_by(*plan).order_by(*newest)
        with self.reading() as connection:
            return [(row.plan_id, row.as_of) for row in connection.execute(query)]

    def former(self, destination: str, *plan_ids: str) -> dict[str, str]:
        """What the destination held before the plans of whom they told it, open rows included.

        `plan_ids`: the newest plans. Returns: customer_id -> payload as JSON, `{}` for who was not
        there. A row that the destination refused changed nothing and is left out.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, base = Ledger.open("sqlite://"), None
        >>> for plan_id, score, hour in (("p1", ".2", 6), ("p2", ".9", 7)):
        ...     rows = [("h1", score, score, False), (plan_id, "", "x", False)]
        ...     ledger.save_plan("crm", plan_id, date(2017, 10, 1), rows, base=base)
        ...     at = datetime(2017, 10, 1, hour, tzinfo=UTC)
        ...     ledger.acknowledge(plan_id, ["h1", plan_id], at=at)
        ...     base = plan_id
        >>> ledger.former("crm", "p2")
        {'h1': '.2', 'p2': '{}'}
        """
        mine = and_(SETTLED.c.destination == destination, SETTLED.c.plan_id.in_(plan_ids))
        planned = and_(PLAN_ROWS.c.destination == destination, PLAN_ROWS.c.plan_id.in_(plan_ids))
        sent = SETTLED.c.outcome.not_in(("rejected", ASKED))
        told = select(SETTLED.c.customer_id).where(mine, sent)
        left = select(PLAN_ROWS.c.customer_id).where(planned, PLAN_ROWS.c.status == "open")
        touched = told.union(left)
        before = SETTLED.c.plan_id.not_in(plan_ids)
        others = and_(before, SETTLED.c.customer_id.in_(touched))
        with self.reading() as connection:
            nothing = dict.fromkeys(sorted(connection.execute(touched).scalars()), EMPTY)
            return nothing | _newest(connection, destination, others)

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
                found = _newest(connection, destination, true())
            for chunk in chunks(customer_ids or ()):
                found |= _newest(connection, destination, SETTLED.c.customer_id.in_(chunk))
        return {customer_id: payload for customer_id, payload in found.items() if payload != EMPTY}

    def give_up(self, plan_id: str, *, at: datetime, run: str) -> None:
        """Close what is open of a plan: whether the destination has it, nobody knows."""
        left = and_(PLAN_ROWS.c.plan_id == plan_id, PLAN_ROWS.c.status == "open")
        with self.writing() as connection:
            note(connection, left, "given_up", stored(at), run)
            connection.execute(delete(PLAN_ROWS).where(left))


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


def _newest(connection: Connection, destination: str, which: ColumnElement[bool]) -> dict[str, str]:
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
