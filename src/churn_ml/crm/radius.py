"""The blast radius: a plan that changes much more than usual is held back until a person says yes.

Enters: a plan, and what its destination holds. Leaves: `Asked` with the counts that a person
decides by, or None where nobody has to be asked. A defect that marks everybody, a source that came
in half, a wrong setting: each shows as a plan that changes too much (fault R13), before its first
row is saved or sent. An answer is about one plan, by its id, which is made of its rows: a plan that
has changed since is asked about anew.

Worked example: a CRM holds 2,000 customers and `ask_above` is .3. As of 2017-11-01 a plan of 640
upserts and 60 removals asks, for 700 of 2,000 is a share of .35; one of 500 changes does not.

>>> from datetime import date
>>> day = date(2017, 11, 1)
>>> held = {f"h{n}": "9f" for n in range(400)}
>>> rows = tuple(Row(f"h{n}", "upsert", day, {}, "b1") for n in range(150))
>>> found = Radius(ask_above=.3)(Plan("5f1c", day, rows), held)
>>> found.in_words()
'150 upserts and 0 removals, 37.5 % of the 400 customers it holds'
>>> Radius(ask_above=.3, answers=lambda plan_id: "approve")(Plan("5f1c", day, rows), held) is None
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from churn_ml.config import content_hash
from churn_ml.crm.plan import Plan
from churn_ml.crm.protocol import REMOVED, Row

LEAST = 100
"""Rows from which on a plan can ask: a small shop's every day is a large share."""
APPROVED, REFUSED = "approve", "refuse"
Held: TypeAlias = Mapping[str, str]
"""customer_id -> content hash, REMOVED for who was taken out: the journal's answer."""
Answers: TypeAlias = Callable[[str], str | None]
Ask: TypeAlias = Callable[[Plan, Held], "Asked | None"]


@dataclass(frozen=True)
class Asked:
    """What a plan would change, in rows, of a destination that holds `of_rows` customers.

    `share` is the changes as a part of them; None where the destination holds nobody yet.
    `refused`: a person has said no to this very plan.
    """

    plan_id: str
    upserts: int
    removals: int
    of_rows: int
    share: float | None
    refused: bool = False

    def in_words(self) -> str:
        """The counts in one line, without a customer.

        >>> Asked("5f1c", 2000, 0, 0, None).in_words()
        '2,000 upserts and 0 removals: the first load, it holds nobody yet'
        """
        changes = f"{self.upserts:,} upserts and {self.removals:,} removals"
        if self.share is None:
            return f"{changes}: the first load, it holds nobody yet"
        return f"{changes}, {100 * self.share:.1f} % of the {self.of_rows:,} customers it holds"


def unasked(_: str) -> str | None:
    """The answers of who never answered."""
    return None


def never(_: Plan, __: Held) -> Asked | None:
    """The radius of an outbox that asks nobody."""
    return None


@dataclass(frozen=True)
class Radius:
    """How much of one destination a plan may change before a person is asked.

    `ask_above`: the share of the customers held that a plan may change unasked; `first_load`: a
    plan for a destination that holds nobody asks too; `answers(plan_id)` says what was answered,
    APPROVED, REFUSED or None.
    """

    ask_above: float
    first_load: bool = True
    answers: Answers = unasked

    def __call__(self, planned: Plan, held: Held) -> Asked | None:
        """Who has to be asked about what; None where the plan may go.

        >>> from datetime import date
        >>> day = date(2017, 10, 1)
        >>> rows = tuple(Row(f"h{n}", "upsert", day, {}, "b1") for n in range(150))
        >>> Radius(.3)(Plan("5f1c", day, rows), {})
        Asked(plan_id='5f1c', upserts=150, removals=0, of_rows=0, share=None, refused=False)
        >>> Radius(.3, first_load=False)(Plan("5f1c", day, rows), {}) is None
        True
        >>> Radius(.3)(Plan("5f1c", day, rows[:99]), {}) is None
        True
        """
        changes = len(planned.rows)
        of_rows = sum(told != REMOVED for told in held.values())
        large = changes > self.ask_above * of_rows if of_rows else self.first_load
        if changes < LEAST or not large:
            return None
        answer = self.answers(planned.id)
        if answer == APPROVED:
            return None
        upserts = _upserts(planned.rows)
        share = round(changes / of_rows, 4) if of_rows else None
        return Asked(planned.id, upserts, changes - upserts, of_rows, share, answer == REFUSED)


def withdrawals(planned: Plan) -> Plan:
    """The removals of those who may not be told about: what goes while the rest of a plan waits.

    >>> from datetime import date
    >>> day = date(2017, 11, 1)
    >>> rows = (Row("h1", "remove", day, {}, ""), Row("h2", "remove", day, {}, ""))
    >>> found = withdrawals(Plan("5f1c", day, rows, withheld=frozenset({"h2"})))
    >>> [row.customer_id for row in found.rows]
    ['h2']
    """
    away = planned.withheld
    rows = tuple(r for r in planned.rows if r.op == "remove" and r.customer_id in away)
    plan_id = content_hash([planned.id, "withdrawals"])[:16]
    return replace(planned, id=plan_id, rows=rows)


def _upserts(rows: tuple[Row, ...]) -> int:
    return sum(row.op == "upsert" for row in rows)
