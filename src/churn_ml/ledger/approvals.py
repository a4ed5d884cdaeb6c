"""Approvals: plans that change so much that a person has to say yes, and what was answered.

Enters: a plan's id with its counts, later an answer with the name of who gave it. Leaves: what
waits, and the answer to one plan. No customer stands here. A question is about one plan: a newer
plan of the destination takes the place of a question that nobody has answered.

Worked example: as of 2017-11-01 the plan 5f1c would change 700 of 2,000 customers in the CRM. It
waits; ada says yes, and the next export of that day sends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, or_, select, update

from churn_ml.errors import BadInput, NotReady, StaleAttempt
from churn_ml.ledger.database import Database, stored, told
from churn_ml.ledger.decisions import NOBODY
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import APPROVALS

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row


@dataclass(frozen=True)
class Approval:
    """One plan that was asked about: `changes` rows, of a destination that held `of_rows`.

    `answer`: approve, refuse, or None while it waits; `who` gave it, NOBODY where time ran out.
    """

    destination: str
    plan_id: str
    as_of: date
    changes: int
    of_rows: int
    asked_at: datetime
    answer: str | None = None
    who: str | None = None
    answered_at: datetime | None = None


class Approvals(Database):
    """The part of the ledger that remembers which plan was asked about, and the answer."""

    def ask(
        self, destination: str, plan_id: str, as_of: date, changes: int, of_rows: int, at: datetime
    ) -> None:
        """Let the plan wait for an answer; asking twice is asking once, an answer stays.

        What no person answered about other plans of `as_of` or earlier is withdrawn.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, at = Ledger.open("sqlite://"), datetime(2026, 11, 22, tzinfo=UTC)
        >>> ledger.ask("crm", "5f1c", date(2017, 11, 1), 700, 2000, at)
        >>> [(one.plan_id, one.changes, one.of_rows) for one in ledger.waiting()]
        [('5f1c', 700, 2000)]
        >>> ledger.answer("crm", "5f1c", "approve", "ada", at).who
        'ada'
        >>> ledger.waiting(), ledger.answered("crm", "5f1c")
        ([], 'approve')
        """
        row = {"destination": destination, "plan_id": plan_id, "as_of": as_of}
        row |= {"changes": changes, "of_rows": of_rows, "asked_at": stored(at)}
        with self.writing() as connection:
            _withdraw(connection, destination, as_of, but=plan_id)
            upsert(connection, APPROVALS, [row], update=())

    def withdraw(self, destination: str, as_of: date) -> None:
        """Let nothing wait any more that was asked about the destination up to `as_of`."""
        with self.writing() as connection:
            _withdraw(connection, destination, as_of, but="")

    def answer(
        self, destination: str, plan_id: str, answer: str, who: str, at: datetime
    ) -> Approval:
        """Write the answer to the plan; the same answer twice is one, and the first stands.

        NOBODY's answer changes none that a person gave. Raises: StaleAttempt where the plan waits
        no more, BadInput where a person gave another answer before.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> at = datetime(2026, 11, 22, tzinfo=UTC)
        >>> Ledger.open("sqlite://").answer("crm", "5f1c", "approve", "ada", at)
        Traceback (most recent call last):
        ...
        churn_ml.errors.StaleAttempt: plan 5f1c waits no more for an answer | where: crm | ...
        """
        said = {"answer": answer, "who": who, "answered_at": stored(at)}
        mine = _plan(destination, plan_id)
        with self.writing() as connection:
            connection.execute(update(APPROVALS).where(mine, _unanswered()).values(**said))
            row = connection.execute(select(APPROVALS).where(mine)).one_or_none()
        if row is None:
            raise StaleAttempt(
                f"plan {plan_id} waits no more for an answer",
                where=destination,
                got="another plan was made, or sent, since it was asked about",
                next_step="export again: a plan that changes too much asks anew",
            )
        known = _approval(row)
        if known.answer != answer and who != NOBODY:
            raise BadInput(
                f"plan {plan_id} is answered already",
                where=destination,
                got=answer,
                expected=f"{known.answer}, by {known.who}",
                next_step="the answer stands: the export of another day, or of a changed plan, asks"
                " anew",
            )
        return known

    def answered(self, destination: str, plan_id: str) -> str | None:
        """What was answered about the plan: approve, refuse (by NOBODY too), or None."""
        query = select(APPROVALS.c.answer).where(_plan(destination, plan_id))
        with self.reading() as connection:
            return connection.execute(query).scalar_one_or_none()

    def approval(self, destination: str, plan_id: str) -> Approval | None:
        """What was asked about the plan, and the answer; None where nothing was, or is no more."""
        return next(iter(self._found(_plan(destination, plan_id))), None)

    def waiting(self) -> list[Approval]:
        """What waits for an answer, the newest as_of first."""
        return self._found(APPROVALS.c.answer.is_(None))

    def asked(self, destination: str) -> Approval:
        """The newest plan of the destination that no person has answered.

        Raises: NotReady where there is none.

        >>> from churn_ml.ledger import Ledger
        >>> Ledger.open("sqlite://").asked("crm")
        Traceback (most recent call last):
        ...
        churn_ml.errors.NotReady: no plan waits for an answer | where: crm | ...
        """
        found = self._found(and_(APPROVALS.c.destination == destination, _unanswered()))
        if not found:
            known = self._found(APPROVALS.c.destination == destination)
            said = (f"plan {o.plan_id} as of {o.as_of}: {o.answer}, by {o.who}" for o in known)
            raise NotReady(
                "no plan waits for an answer",
                where=destination,
                got=next(said, None),
                expected="an export that ended with the status asks",
                next_step="churn-ml export --as-of DATE --dry-run shows what an export would ask",
            )
        return found[0]

    def _found(self, wanted: ColumnElement[bool]) -> list[Approval]:
        with self.reading() as connection:
            found = [_approval(row) for row in connection.execute(select(APPROVALS).where(wanted))]
        return sorted(found, key=lambda one: (one.as_of, one.asked_at), reverse=True)


def _plan(destination: str, plan_id: str) -> ColumnElement[bool]:
    return and_(APPROVALS.c.destination == destination, APPROVALS.c.plan_id == plan_id)


def _unanswered() -> ColumnElement[bool]:
    """No person has answered: it waits, or time ran out."""
    return or_(APPROVALS.c.answer.is_(None), APPROVALS.c.who == NOBODY)


def _withdraw(connection: Connection, destination: str, as_of: date, *, but: str) -> None:
    """Drop what no person answered about other plans than `but`, up to `as_of`."""
    others = and_(APPROVALS.c.destination == destination, APPROVALS.c.plan_id != but)
    connection.execute(delete(APPROVALS).where(others, _unanswered(), APPROVALS.c.as_of <= as_of))


def _approval(row: Row[tuple[object, ...]]) -> Approval:
    one = dict(row._mapping)
    at = one["answered_at"]
    times = {"asked_at": told(one["asked_at"]), "answered_at": told(at) if at else None}
    return Approval(**one | times)
