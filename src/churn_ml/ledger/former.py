"""Former: what the newest plans told a destination, and what it held before them.

Enters: a destination, and plans of it. Leaves: which plans told it something, when and by which
run, and the rows that were there before: all that an undo has to know. A row that the destination
refused changed nothing.

Worked example: as of 2017-11-01 a plan told the CRM 700 rows at 04:12 UTC. Of `h1` it held
October's row before it, of `h2` nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import and_, delete, func, select

from churn_ml.ledger.database import Database, stored, told
from churn_ml.ledger.schema import PLAN_ROWS, SETTLED
from churn_ml.ledger.settled import EMPTY, HELD, newest_of, note
from churn_ml.ledger.waiting import ASKED

GIVEN_UP = "given_up"
"""The outcome of a row that was undone before there was an answer."""


@dataclass(frozen=True)
class Sent:
    """What a plan told its destination: `rows` that it took, the last of them at `at` by `run`.

    `unanswered` rows got no answer: whether it has them, nobody knows. `why`: how many of the rows
    it took were not simply what was decided, by the reason.
    """

    plan_id: str
    as_of: date
    rows: int
    unanswered: int
    at: datetime | None
    run: str
    why: Mapping[str, int] = field(default_factory=dict)

    def in_words(self) -> str:
        """The export that the plan was, in one line.

        >>> from datetime import UTC
        >>> at = datetime(2026, 11, 23, 4, 12, tzinfo=UTC)
        >>> one = Sent("5f1c", date(2017, 11, 1), 3, 0, at, "export/2017-11-01/2")
        >>> one.in_words()
        'the export as of 2017-11-01, sent 2026-11-23 04:12 UTC by export/2017-11-01/2, 3 rows'
        """
        by = f" by {self.run}" if self.run else ""
        sent = f"sent {self.at:%Y-%m-%d %H:%M} UTC{by}" if self.at else "not answered"
        whole = self.rows + self.unanswered
        rows = f"{self.rows:,} of {whole:,}" if self.unanswered else f"{whole:,}"
        return f"the export as of {self.as_of}, {sent}, {rows} row{'s' if whole != 1 else ''}"


class Former(Database):
    """The part of the ledger that an undo asks."""

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
            return nothing | newest_of(connection, destination, others)

    def sent(self, destination: str, plan_id: str, as_of: date) -> Sent:
        """What the plan told the destination, when and by which run.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, day = Ledger.open("sqlite://"), date(2017, 10, 1)
        >>> saved = [("h1", "ab", "{}", False), ("h2", "", "{}", False)]
        >>> ledger.save_plan("crm", "p1", day, saved, base=None, why={"h2": "suppressed"})
        >>> at = datetime(2017, 10, 1, 6, tzinfo=UTC)
        >>> ledger.acknowledge("p1", ["h2"], at=at, run="export/2017-10-01/1")
        >>> one = ledger.sent("crm", "p1", day)
        >>> one.rows, one.unanswered, one.at == at, one.run, one.why
        (1, 1, True, 'export/2017-10-01/1', {'suppressed': 1})
        """
        mine = and_(SETTLED.c.destination == destination, SETTLED.c.plan_id == plan_id)
        planned = and_(PLAN_ROWS.c.destination == destination, PLAN_ROWS.c.plan_id == plan_id)
        took, count = SETTLED.c.outcome.in_(HELD), func.count()
        last = select(SETTLED.c.settled_at, SETTLED.c.run).where(mine, took)
        by_reason = select(SETTLED.c.message, count).where(mine, took).group_by(SETTLED.c.message)
        given_up = select(count).where(mine, SETTLED.c.outcome == GIVEN_UP)
        left = select(count).where(planned, PLAN_ROWS.c.status == "open")
        with self.reading() as connection:
            newest = connection.execute(last.order_by(SETTLED.c.settled_at.desc()).limit(1)).first()
            found = dict(map(tuple, connection.execute(by_reason)))
            unanswered = sum(connection.execute(one).scalar_one() for one in (given_up, left))
        return Sent(
            plan_id,
            as_of,
            rows=sum(found.values()),
            unanswered=unanswered,
            at=told(newest.settled_at) if newest else None,
            run=newest.run if newest else "",
            why={why: number for why, number in found.items() if why},
        )

    def give_up(self, plan_id: str, *, at: datetime, run: str) -> None:
        """Close what is open of a plan: whether the destination has it, nobody knows."""
        left = and_(PLAN_ROWS.c.plan_id == plan_id, PLAN_ROWS.c.status == "open")
        with self.writing() as connection:
            note(connection, left, GIVEN_UP, stored(at), run)
            connection.execute(delete(PLAN_ROWS).where(left))
