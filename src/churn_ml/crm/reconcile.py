"""Reconciling: does the target hold what it acknowledged, and nobody else?

Enters: what the target holds, and the ledger's account of what it took. Leaves: the customers of
whom they disagree. A person may have edited the target, a restore may have lost rows, another
program may have written some: an export alone would not see that, as it sends differences only.

Worked example: the CRM lost `h1`, has a stranger `x9`, and somebody moved `h2` to another segment.

>>> from churn_ml.crm.payload import NAMES, hashed
>>> from datetime import date
>>> made = dict.fromkeys(NAMES, "x") | {"as_of": "2017-10-01"}
>>> cells = {c: made | {"customer_id": c} for c in ("h1", "h2", "x9")}
>>> state = {c: (hashed(cells[c], delivers=False), date(2017, 10, 1)) for c in ("h1", "h2")}
>>> told = [cells["h2"] | {"segment": "MINE"}, cells["x9"]]
>>> reconciled(told, state, delivers=False)
Reconciled(agreeing=0, missing=('h1',), extra=('x9',), different=('h2',), ...)
>>> apart(reconciled(told, state, delivers=False), {"h2": json.dumps(cells["h2"])})
{'h2': {'segment': ('x', 'MINE')}}
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, runtime_checkable

from churn_ml.crm.foreseen import differing
from churn_ml.crm.journal import IN_DOUBT
from churn_ml.crm.payload import hashed
from churn_ml.crm.protocol import NOT_HELD, REJECTED, Cell, Destination, Journal
from churn_ml.errors import BadInput

DETAILED = 1000
"""Customers of whom it is kept what the target says instead."""
DOUBTED = frozenset({IN_DOUBT, REJECTED})
"""The content hashes that do not say what was told last; no plan takes them for what it wants."""


@runtime_checkable
class Place(Protocol):
    """A destination that can say at little cost that nothing is there."""

    def gone(self) -> bool:
        """Whether it holds nothing at all."""


@dataclass(frozen=True)
class Reconciled:
    """Customers in the target's and the ledger's account, ids ascending.

    `agreeing` of them are alike; `missing` are acknowledged and not in the target, `extra` in the
    target and not acknowledged, `different` in both with another content. `there` is what the
    target holds of the different, of DETAILED at most. Apart from those are whom the ledger has
    `in_doubt` and who are not there, or there as far as is known, and those of whom a plan that is
    under way says more than was acknowledged so far: the next export sees to both. `waits` is the
    id of a plan that waits for a person's yes.
    """

    agreeing: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    different: tuple[str, ...]
    there: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict, compare=False, repr=False)
    in_doubt: tuple[str, ...] = ()
    under_way: tuple[str, ...] = ()
    waits: str = ""

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Everybody about whom the accounts differ and no export is about to see to it."""
        return self.missing + self.extra + self.different

    @property
    def whole(self) -> bool:
        """Whether both accounts are one."""
        return not (self.doubtful or self.in_doubt or self.under_way)


def reconciled(
    held: Iterable[Mapping[str, Cell]],
    state: Mapping[str, tuple[str, date]],
    *,
    delivers: bool,
    under_way: Collection[str] = frozenset(),
    last: Mapping[str, str] | None = None,
) -> Reconciled:
    """Where the target's account and the ledger's differ.

    `held`: the target's rows; `state`: the journal's answer for the destination; `delivers`: of the
    destination. No content is the as_of, so a row that says the same of another date is told apart
    by the date of the row that the target took. `under_way`: the customers of whom an open plan has
    a row; `last`: customer_id -> payload as JSON that the target took last, of the `doubted`. Who
    was refused a further row agrees where the target says what it took last.

    >>> held, state = [{"customer_id": "h1"}], {"h1": (IN_DOUBT, date(2017, 10, 1))}
    >>> reconciled(held, state, delivers=False).in_doubt
    ('h1',)
    >>> reconciled(held, {}, delivers=False, under_way=["h1"]).under_way
    ('h1',)
    """
    told = {customer: took for customer, took in state.items() if took[0] not in NOT_HELD}
    lasts = last or {}
    found: dict[str, bool] = {}
    there: dict[str, Mapping[str, Cell]] = {}
    doubted: set[str] = set()
    for cells in held:
        customer = str(cells["customer_id"])
        took, was = told.get(customer), lasts.get(customer)
        found[customer] = took is not None and _alike(cells, took, was, delivers=delivers)
        if took is None or found[customer] or customer in under_way:
            continue
        if took[0] in DOUBTED and _said(cells, was, delivers=delivers):
            doubted.add(customer)
        elif len(there) < DETAILED:
            there[customer] = cells
    both, open_ = found.keys() & told.keys(), frozenset(under_way)
    missing, extra = told.keys() - found.keys(), found.keys() - told.keys()
    seen_to = {customer for customer in missing if told[customer][0] == IN_DOUBT}
    different = {customer for customer in both if not found[customer]}
    return Reconciled(
        len(both) - len(different),
        tuple(sorted(missing - open_ - seen_to)),
        tuple(sorted(extra - open_)),
        tuple(sorted(different - open_ - doubted)),
        there,
        in_doubt=tuple(sorted(doubted | (seen_to - open_))),
        under_way=tuple(sorted((missing | extra | different) & open_)),
    )


def doubted(state: Mapping[str, tuple[str, date]]) -> list[str]:
    """Of whom the journal's answer does not say what the target took last.

    >>> doubted({"h1": (IN_DOUBT, date(2017, 10, 1)), "h2": ("9f3c", date(2017, 10, 1))})
    ['h1']
    """
    return [customer for customer, (told, _) in state.items() if told in DOUBTED]


def check_there(target: Destination, journal: Journal) -> None:
    """Raise BadInput where a place is empty that has acknowledged rows: none would be sent again.

    Not missed are rows in doubt, which the next export sends, and those of an open plan, which may
    have emptied the place itself.
    """
    if not isinstance(target, Place) or not target.gone():
        return
    left, seen_to = journal.open_plan(target.name), NOT_HELD | DOUBTED
    sent = {row[0] for row in left[2]} if left else set()
    told = journal.held(target.name).items()
    if missed := sum(content not in seen_to and one not in sent for one, content in told):
        raise BadInput(
            f"{target.name} holds nothing any more",
            where=f"[destinations.{target.name}] target",
            got="an empty place",
            expected=f"{missed:,} customers whom it has acknowledged",
            next_step="restore it; or churn-ml export reconcile --repair, then export the newest "
            "day again, which sends them anew",
        )


def _said(cells: Mapping[str, Cell], last: str | None, *, delivers: bool) -> bool:
    """Whether nothing contradicts a row in doubt: it says what was told last, or nothing was."""
    if last is None:
        return True
    was = json.loads(last)
    content = hashed(was, delivers=delivers), date.fromisoformat(str(was["as_of"]))
    return _alike(cells, content, None, delivers=delivers)


def _alike(
    cells: Mapping[str, Cell], took: tuple[str, date], last: str | None, *, delivers: bool
) -> bool:
    """Whether a row of the target is the one that it took, by content and as_of."""
    content, as_of = took
    if content == REJECTED and last is not None:
        return _said(cells, last, delivers=delivers)
    return cells.get("as_of") == as_of.isoformat() and hashed(cells, delivers=delivers) == content


def apart(found: Reconciled, told: Mapping[str, str]) -> dict[str, dict[str, tuple[Cell, Cell]]]:
    """In which fields the target differs: customer_id -> field -> (as told, as it is there).

    `told`: customer_id -> payload as JSON that the target acknowledged.
    """
    return {
        customer: differing(json.loads(told.get(customer, "{}")), cells)
        for customer, cells in sorted(found.there.items())
    }
