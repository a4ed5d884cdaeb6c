"""Waiting: the rows of plans that a person has to say yes to, for who asks about one customer.

Enters: a plan that changes too much, before anybody has answered. Leaves: its rows among those that
settled.py tells, which says too what was answered; once the plan is saved they give way to its own.

Worked example: as of 2017-11-01 the plan 5f1c waits; the story of `h1` says so, and after ada's no
that it was kept back by her.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, select

from churn_ml.ledger.database import Database, stored
from churn_ml.ledger.rows import insert_columns
from churn_ml.ledger.schema import APPROVALS, SETTLED

if TYPE_CHECKING:
    from sqlalchemy import Connection

ASKED = "asked"
"""The outcome of a row whose plan a person has to say yes to; a story tells what was answered."""


class Waiting(Database):
    """The part of the ledger that remembers what waits to be sent."""

    def keep_waiting(
        self,
        destination: str,
        plan_id: str,
        as_of: date,
        rows: Sequence[tuple[str, str, str, bool]],
        *,
        at: datetime,
        run: str,
        why: Mapping[str, str] | None = None,
    ) -> None:
        """Remember the `rows` of a plan that waits for a person's yes; twice is once.

        They give way to the plan's own when it is saved. `why`: customer_id -> why the row is not
        simply what was decided.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, at = Ledger.open("sqlite://"), datetime(2017, 10, 1, 6, tzinfo=UTC)
        >>> rows = [("h1", "ab", '{"offer":"NONE"}', False)]
        >>> day, run = date(2017, 10, 1), "export/2017-10-01/1"
        >>> ledger.keep_waiting("crm", "5f1c", day, rows, at=at, run=run)
        >>> ledger.ask("crm", "5f1c", day, 700, 2000, at)
        >>> [(one.outcome, one.run) for one in ledger.story("h1")]
        [('waits', 'export/2017-10-01/1')]
        >>> _ = ledger.answer("crm", "5f1c", "refuse", "ada", at)
        >>> [(one.outcome, one.who) for one in ledger.story("h1")]
        [('kept_back', 'ada')]
        """
        with self.writing() as connection:
            if was_asked(connection, destination, plan_id):
                return
            release(connection, destination, plan_id)
            head = {"destination": destination, "plan_id": plan_id, "as_of": as_of, "run": run}
            head |= {"outcome": ASKED, "settled_at": stored(at)}
            columns: dict[str, Sequence[Any]] = {n: [v] * len(rows) for n, v in head.items()}
            columns["customer_id"] = [row[0] for row in rows]
            columns["payload"] = [row[2] for row in rows]
            columns["message"] = [(why or {}).get(row[0]) for row in rows]
            if rows:
                insert_columns(connection, SETTLED, columns)


def release(connection: Connection, destination: str, plan_id: str) -> None:
    """Forget the rows that wait of the plan: it is saved now, or waits anew."""
    mine = and_(SETTLED.c.destination == destination, SETTLED.c.plan_id == plan_id)
    connection.execute(delete(SETTLED).where(mine, SETTLED.c.outcome == ASKED))


def was_asked(connection: Connection, destination: str, plan_id: str) -> bool:
    """Whether a person was asked about the plan, by the ledger as it is now."""
    mine = and_(APPROVALS.c.destination == destination, APPROVALS.c.plan_id == plan_id)
    return connection.execute(select(APPROVALS.c.plan_id).where(mine)).first() is not None
