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
'0 to create, 150 to update, 0 to remove: 37.5 % of the 400 customers it holds, more than 30 %'
>>> Radius(ask_above=.3, answers=lambda plan_id: "approve")(Plan("5f1c", day, rows), held) is None
True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from churn_ml.config import content_hash
from churn_ml.crm.plan import Plan
from churn_ml.crm.protocol import NOT_HELD, REMOVED, Row

LEAST = 100
"""Rows from which on a plan can ask: a small shop's every day is a large share."""
APPROVED, REFUSED = "approve", "refuse"
AFFECTED = ("segment", "offer", "cause")
"""The fields by whose values a question says who is affected."""
MOST = 5
"""How many values of such a field are told; the rest are OTHERS."""
OTHERS = "others"
AWAY = "away-"
"""How the id of a plan begins that only takes out who may not be told about."""
Kind: TypeAlias = Literal["create", "update", "remove"]
KINDS: tuple[Kind, ...] = ("create", "update", "remove")
Held: TypeAlias = Mapping[str, str]
"""customer_id -> content hash, REMOVED for who was taken out: the journal's answer."""
Answers: TypeAlias = Callable[[str], str | None]
Ask: TypeAlias = Callable[[Plan, Held], "Asked | None"]


@dataclass(frozen=True)
class Asked:
    """What a plan would change, in rows, of a destination that holds `of_rows` customers.

    `share` is the changes as a part of them; None where the destination holds nobody yet.
    `refused`: a person has said no to this very plan. `creates` of the upserts are of customers
    whom it does not hold; `limit` is the share above which it asks. `affected` counts the upserts
    by what they tell: segment, offer and cause -> value -> rows, the most frequent first.
    """

    plan_id: str
    upserts: int
    removals: int
    of_rows: int
    share: float | None
    refused: bool = False
    creates: int = 0
    limit: float = 0.0
    affected: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def in_words(self) -> str:
        """The counts in one line, without a customer.

        >>> Asked("5f1c", 2000, 0, 0, None, creates=2000).in_words()
        '2,000 to create, 0 to update, 0 to remove: the first load, it holds nobody yet'
        """
        updates = self.upserts - self.creates
        changes = f"{self.creates:,} to create, {updates:,} to update, {self.removals:,} to remove"
        if self.share is None:
            return f"{changes}: the first load, it holds nobody yet"
        share = f"{100 * self.share:.1f} % of the {self.of_rows:,} customers it holds"
        return f"{changes}: {share}, more than {100 * self.limit:g} %"


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
        >>> asks = Radius(.3)(Plan("5f1c", day, rows), {})
        >>> (asks.upserts, asks.creates, asks.removals, asks.of_rows, asks.share, asks.refused)
        (150, 150, 0, 0, None, False)
        >>> Radius(.3, first_load=False)(Plan("5f1c", day, rows), {}) is None
        True
        >>> Radius(.3)(Plan("5f1c", day, rows[:99]), {}) is None
        True
        """
        changes = len(planned.rows)
        of_rows = number(held)
        large = changes > self.ask_above * of_rows if of_rows else self.first_load
        if changes < LEAST or not large:
            return None
        answer = self.answers(planned.id)
        if answer == APPROVED:
            return None
        kinds = kinds_of(planned.rows, held)
        return Asked(
            planned.id,
            changes - kinds["remove"],
            kinds["remove"],
            of_rows,
            round(changes / of_rows, 4) if of_rows else None,
            answer == REFUSED,
            kinds["create"],
            self.ask_above,
            affected(planned.rows),
        )


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
    plan_id = f"{AWAY}{content_hash([planned.id, 'withdrawals'])[:16]}"
    return replace(planned, id=plan_id, rows=rows)


def number(held: Held) -> int:
    """How many customers a destination holds.

    >>> number({"h1": "9f", "h2": REMOVED})
    1
    """
    return sum(told not in NOT_HELD for told in held.values())


def kind_of(row: Row, held: Held) -> Kind:
    """Whether the row creates, updates or removes its customer.

    >>> from datetime import date
    >>> kind_of(Row("h1", "upsert", date(2017, 11, 1), {}, "9f"), {"h1": "b1"})
    'update'
    """
    if row.op == "remove":
        return "remove"
    return "update" if held.get(row.customer_id, REMOVED) not in NOT_HELD else "create"


def kinds_of(rows: Sequence[Row], held: Held) -> dict[Kind, int]:
    """How many of the rows are of each kind.

    >>> from datetime import date
    >>> kinds_of([Row("h1", "upsert", date(2017, 11, 1), {}, "9f")], {})
    {'create': 1, 'update': 0, 'remove': 0}
    """
    found = Counter(kind_of(row, held) for row in rows)
    return {kind: found[kind] for kind in KINDS}


def affected(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """How many upserts tell which segment, offer and cause: the MOST frequent, then the OTHERS.

    >>> from datetime import date
    >>> day = date(2017, 11, 1)
    >>> affected([Row(f"h{n}", "upsert", day, {"segment": "AB"[n > 1]}, "9f") for n in range(5)])
    {'segment': {'B': 3, 'A': 2}}
    """
    told = {}
    for name in AFFECTED:
        found = Counter(row.payload.get(name) for row in rows if row.op == "upsert")
        most = {str(value): count for value, count in found.most_common() if value}
        rest = sum(list(most.values())[MOST:])
        told[name] = dict(list(most.items())[:MOST]) | ({OTHERS: rest} if rest else {})
    return {name: counts for name, counts in told.items() if counts}


def most_first(counts: Mapping[str, Mapping[str, int]]) -> dict[str, list[tuple[str, int]]]:
    """What `affected` counted, in its order: a receipt that was filed has its names by alphabet.

    >>> most_first({"cause": {}, "segment": {"A": 1, "B": 7, "others": 9}})
    {'segment': [('B', 7), ('A', 1), ('others', 9)]}
    """
    order = {name: counts[name] for name in AFFECTED if counts.get(name)}
    return {
        name: sorted(found.items(), key=lambda one: (one[0] == OTHERS, -one[1]))
        for name, found in order.items()
    }
