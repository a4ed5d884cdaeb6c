"""Aggregates by customer of rows in memory: counts, sums, extremes and medians, as in SQL.

Enters: rows sorted by customer, as columns of numbers, and an expression that aggregates them.
Leaves: one number per customer, unknown where SQL's would be null. Whole numbers are added as whole
numbers, so that what comes out is what an engine gives, to the last bit.

Worked example: of anna's rows with days_ago 5 and 40 and ben's with 70, `t.count(where=t.days_ago
<= 30)` is 1 and 0, `t.days_ago.min()` 5 and 70.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_ml.errors import BrokenPromise
from churn_ml.features.numbers import Columns, Numbers, Rule

if TYPE_CHECKING:
    from ibis.expr.operations import Node

Ints = NDArray[np.int64]
LARGEST = 2**62


class Rows(NamedTuple):
    """Rows of a view: whose they are (places among the customers, ascending), and their columns."""

    customer: NDArray[Any]
    columns: Mapping[str, Numbers]


class Chosen(NamedTuple):
    """Rows that count: their places (None: all), whose each is, and where each customer's begin."""

    rows: Ints | None
    customer: NDArray[Any]
    begins: Ints

    @property
    def customers(self) -> NDArray[Any]:
        """Who has any, ascending."""
        return self.customer[self.begins]


class Grouped(Columns):
    """Expressions over the rows of a view that aggregate them, one number per customer."""

    def __init__(self, rows: Rows, customers: int) -> None:
        """`customers`: how many there are."""
        super().__init__({})
        self.customers = customers
        self.rows = Columns(rows.columns)
        self.every = _chosen(None, rows.customer)
        self._chosen: dict[Node | None, Chosen] = {None: self.every}

    def rule(self, name: str) -> Rule:
        """As for columns; aggregates besides."""
        return _AGGREGATES.get(name) or super().rule(name)

    def chosen(self, where: Node | None, known: NDArray[np.bool_] | None = None) -> Chosen:
        """The rows for which `where` holds, and where `known` is true."""
        if where not in self._chosen:
            held = self.rows(where).values
            self._chosen[where] = _chosen(np.flatnonzero(held), self.every.customer)
        found = self._chosen[where]
        if known is None:
            return found
        rows = np.flatnonzero(known) if found.rows is None else found.rows[known[found.rows]]
        return _chosen(rows, self.every.customer)

    def spread(self, chosen: Chosen, values: NDArray[Any], *, none: bool) -> Numbers:
        """One number for each customer: `values` of whom `chosen` has; others unknown if `none`."""
        found = np.zeros(self.customers, dtype=values.dtype)
        found[chosen.customers] = values
        if not none:
            return Numbers(found)
        known = np.zeros(self.customers, dtype=bool)
        known[chosen.customers] = True
        return Numbers(found, known)


def measures(rows: Rows, customers: int, wanted: Mapping[str, tuple[Node, int | None]]) -> Any:
    """Measures of one view by name: each an aggregate and what it is of whom the view knows not.

    >>> import ibis
    >>> t = ibis.table({"days_ago": "int64"}, name="t")
    >>> told = Rows(np.array([0, 0, 2]), {"days_ago": Numbers(np.array([5, 40, 70]))})
    >>> found = measures(told, 3, {"n": (t.count().op(), 0), "last": (t.days_ago.min().op(), None)})
    >>> found["n"].values.tolist(), found["last"].floats(3).tolist()
    ([2, 0, 1], [5.0, nan, 70.0])
    """
    grouped = Grouped(rows, customers)
    seen = np.zeros(customers, dtype=bool)
    seen[grouped.every.customers] = True
    return {name: _filled(grouped(node), seen, empty) for name, (node, empty) in wanted.items()}


def _filled(told: Numbers, seen: NDArray[np.bool_], empty: int | None) -> Numbers:
    """`told`, and `empty` of customers it says nothing of."""
    known = seen if told.known is None else told.known & seen
    if known.all():
        return Numbers(told.values)
    if empty is None:
        return Numbers(told.values, known)
    return Numbers(np.where(known, told.values, np.asarray(empty, dtype=told.values.dtype)))


def _chosen(rows: Ints | None, customer: NDArray[Any]) -> Chosen:
    whose = customer if rows is None else customer[rows]
    changes = np.flatnonzero(whose[1:] != whose[:-1]) + 1
    begins = np.concatenate([np.zeros(min(1, len(whose)), dtype=np.int64), changes])
    return Chosen(rows, whose, begins)


def _values(grouped: Grouped, node: Any) -> tuple[Chosen, NDArray[Any]]:
    """The rows that an aggregate reads, and what it reads of them."""
    told = grouped.rows(node.arg)
    chosen = grouped.chosen(node.where, told.known)
    values = np.broadcast_to(told.values, len(grouped.every.customer))
    return chosen, values if chosen.rows is None else values[chosen.rows]


def _count(grouped: Columns, node: Any) -> Numbers:
    assert isinstance(grouped, Grouped)
    known = grouped.rows(node.arg).known if type(node).__name__ == "Count" else None
    chosen = grouped.chosen(node.where, known)
    return Numbers(np.bincount(chosen.customer, minlength=grouped.customers))


def _reduced(by: Callable[..., NDArray[Any]]) -> Rule:
    def rule(grouped: Columns, node: Any) -> Numbers:
        assert isinstance(grouped, Grouped)
        chosen, values = _values(grouped, node)
        whole = values.astype(np.int64, copy=False) if values.dtype.kind in "bi" else values
        if not len(whole):
            return grouped.spread(chosen, whole, none=True)
        return grouped.spread(chosen, by(whole, chosen.begins), none=True)

    return rule


def _median(grouped: Columns, node: Any) -> Numbers:
    """The middle of whole numbers, or the mean of the two in the middle."""
    assert isinstance(grouped, Grouped)
    if getattr(getattr(node, "quantile", None), "value", 0.5) != 0.5:  # noqa: PLR2004 - a half
        raise BrokenPromise("only the median has a kernel", where="features")
    chosen, values = _values(grouped, node)
    if not len(values):
        return grouped.spread(chosen, values.astype("float64"), none=True)
    ordered = _sorted_within(chosen.customer, values.astype(np.int64, copy=False))
    ends = np.append(chosen.begins[1:], len(ordered))
    low = ordered[chosen.begins + (ends - chosen.begins - 1) // 2]
    high = ordered[chosen.begins + (ends - chosen.begins) // 2]
    return grouped.spread(chosen, (low + high) / 2, none=True)


def _sorted_within(customer: NDArray[Any], values: Ints) -> Ints:
    """The values of each customer in ascending order; `customer` is ascending."""
    least, span = values.min(), int(values.max()) - int(values.min()) + 1
    if span * (int(customer[-1]) + 1) >= LARGEST:
        return values[np.lexsort((values, customer))]
    # one number for both sorts in a tenth of the time
    base = customer.astype(np.int64) * span
    found: Ints = np.sort(base + (values - least)) - base + least
    return found


_AGGREGATES: Mapping[str, Rule] = {
    "CountStar": _count,
    "Count": _count,
    "Sum": _reduced(np.add.reduceat),
    "Min": _reduced(np.minimum.reduceat),
    "Max": _reduced(np.maximum.reduceat),
    "Median": _median,
    "Quantile": _median,
}
