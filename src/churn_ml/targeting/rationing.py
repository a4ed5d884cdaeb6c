"""Rationing: how a budget that does not reach for everybody is shared out.

A multiple-choice knapsack (Sinha & Zoltners 1979) with a second limit, the number of contacts.
Enters: what each offer is worth and costs for each customer, and the limits. Leaves: the choice,
and a bound that no choice can exceed. By Lagrangian relaxation (Fisher 1981): a unit of budget gets
a price; at a price each customer takes the offer with the largest worth - price cost, and of the
customers the best are taken up to capacity. The lower the price, the more is spent and earned. At
the price where the budget is just used up stands the optimum of the linear relaxation; a whole
choice falls short of it by less than one contact, and what is left is spent on the one further
change that brings most.

Since worth and cost rise together as the price falls, and whatever fits into what is left brings
less than the next step, a larger budget never earns less. Worked example: 9 for 6 or 6 for 2, and
8 for 3 or 1 for 1, within 6: at a price of 1 the second offer and the third are taken, 14 for 5.
The dearer offer of the first customer would bring 3 for 4 more: a quarter of it fits, 14.75.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from churn_ml.economics import NO_CONTACT, Floats, Ints

SLACK = 1 + 1e-12
"""A hair: .1 + .2 must fit into .3."""
BLOCK = 65_536
"""Customers whose offers are weighed at a time."""


class Side(NamedTuple):
    """What is chosen at one price of the budget, an element per customer."""

    price: float
    offer: Ints
    """The offer that each customer would take, were there room for everybody."""
    chosen: Ints
    """The same up to capacity."""
    worth: float
    spent: float

    def bound(self, budget: float) -> float:
        """What no choice within the budget can exceed: the Lagrangian dual at this price."""
        return self.worth + self.price * (budget - self.spent)


class Round:
    """A round's customers; those whose offer is the same on both sides of the price are settled."""

    def __init__(self, worth: Floats, cost: Floats, capacity: int) -> None:
        """`worth` (minus infinity where barred) and `cost`: customers x offers."""
        self.worth, self.cost, self.capacity = worth, cost, capacity
        self.settled = np.full(len(worth), NO_CONTACT)
        self.open = np.arange(len(worth))

    def at(self, price: float) -> Side:
        """The choice at a price."""
        offer = self.settled.copy()
        for start in range(0, len(self.open), BLOCK):
            rows = self.open[start : start + BLOCK]
            offer[rows] = _best(self.worth[rows] - price * self.cost[rows])
        worth, cost = self.of(offer)
        chosen = np.where(_first(worth - price * cost, self.capacity), offer, NO_CONTACT)
        kept = chosen != NO_CONTACT
        return Side(price, offer, chosen, float(worth[kept].sum()), float(cost[kept].sum()))

    def of(self, offer: Ints) -> tuple[Floats, Floats]:
        """Worth and cost of each customer's offer; 0 where there is none."""
        rows = np.flatnonzero(offer != NO_CONTACT)
        worth, cost = np.zeros(len(offer)), np.zeros(len(offer))
        worth[rows] = self.worth[rows, offer[rows]]
        cost[rows] = self.cost[rows, offer[rows]]
        return worth, cost

    def settle(self, low: Side, high: Side) -> None:
        """Whoever takes the same at two prices takes it at every price between."""
        same = low.offer[self.open] == high.offer[self.open]
        self.settled[self.open[same]] = low.offer[self.open[same]]
        self.open = self.open[~same]


def rationed(
    worth: Floats,
    cost: Floats,
    capacity: int | None,
    budget: float,
    tiebreak: NDArray[Any],
) -> tuple[Ints, float, float]:
    """The offer of each customer, the bound, and what the choice is worth.

    `worth`: customers x offers, minus infinity where an offer may not be made; `cost`: likewise, at
    least 0. For a budget that the best offers would exceed.

    >>> worth, cost = np.array([[9.0, 6.0], [8.0, 1.0]]), np.array([[6.0, 2.0], [3.0, 1.0]])
    >>> chosen, bound, total = rationed(worth, cost, None, 6.0, np.array([1, 2]))
    >>> chosen.tolist(), bound, total
    ([1, 0], 14.75, 14.0)
    """
    # in the order of their hash: sums and ties do not depend on how the customers stand
    rows = np.argsort(tiebreak, kind="stable")
    rows = rows[worth.max(axis=1, initial=-np.inf)[rows] > 0]
    of = Round(worth[rows], cost[rows], len(rows) if capacity is None else capacity)
    low, high = _bracket(of, budget)
    chosen = _filled(of, _between(of, low, high, budget), budget)
    told = np.full(len(worth), NO_CONTACT)
    told[rows] = chosen
    return told, min(low.bound(budget), high.bound(budget)), float(of.of(chosen)[0].sum())


def _best(reduced: Floats) -> Ints:
    """The offer with the largest reduced worth; NO_CONTACT where none is above 0."""
    offer = reduced.argmax(axis=1)
    return np.where(reduced.max(axis=1) > 0, offer, NO_CONTACT)


def _first(reduced: Floats, capacity: int) -> NDArray[np.bool_]:
    """The largest reduced worths above 0, up to capacity; of equals those that stand first."""
    above = reduced > 0
    if int(above.sum()) <= capacity:
        return above
    if capacity == 0:
        return np.zeros(len(reduced), dtype=bool)
    edge = np.partition(reduced, -capacity)[-capacity]
    taken = reduced > edge
    level = np.flatnonzero(reduced == edge)
    taken[level[: capacity - int(taken.sum())]] = True
    return np.asarray(taken)


def _bracket(of: Round, budget: float) -> tuple[Side, Side]:
    """The two neighbouring prices between which the budget is used up: too low, and high enough."""
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.where((of.cost > 0) & (of.worth > 0), of.worth / of.cost, 0.0).max()
    low, high = of.at(0.0), of.at(2.0 * float(most))
    while low.price < (price := (low.price + high.price) / 2) < high.price:
        of.settle(low, high)
        side = of.at(price)
        low, high = (low, side) if side.spent <= budget * SLACK else (side, high)
    return low, high


def _between(of: Round, low: Side, high: Side, budget: float) -> Ints:
    """The best choice on the way from `high` to `low`, customer by customer, within the budget.

    At one price several may change, all for the same return. Whoever enters takes the place of one
    who leaves; places that nobody left are filled first.
    """
    changes = np.flatnonzero(high.chosen != low.chosen)
    leaves = changes[low.chosen[changes] == NO_CONTACT]
    comes = np.setdiff1d(changes, leaves, assume_unique=True)
    entering = np.flatnonzero(high.chosen[comes] == NO_CONTACT)
    paired = entering[len(entering) - len(leaves) :]
    before, after = of.of(high.chosen), of.of(low.chosen)
    added = [later[comes] - early[comes] for early, later in zip(before, after, strict=True)]
    for step, early in zip(added, before, strict=True):
        step[paired] -= early[leaves]
    worth, spent = (np.concatenate([[0.0], np.cumsum(step)]) for step in added)
    fits = high.spent + spent <= budget * SLACK
    steps = int(np.argmax(np.where(fits, worth, -np.inf)))
    chosen = high.chosen.copy()
    chosen[comes[:steps]] = low.chosen[comes[:steps]]
    chosen[leaves[: int((paired < steps).sum())]] = NO_CONTACT
    return chosen


def _filled(of: Round, chosen: Ints, budget: float) -> Ints:
    """The choice with the one change that brings most for what is left of the budget."""
    worth, cost = of.of(chosen)
    left = budget * SLACK - float(cost.sum())
    full = int((chosen != NO_CONTACT).sum()) >= of.capacity
    rows = np.flatnonzero(chosen != NO_CONTACT) if full else np.arange(len(chosen))
    best, change = 0.0, (0, NO_CONTACT)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        more = of.worth[some] - worth[some, np.newaxis]
        more[of.cost[some] - cost[some, np.newaxis] > left] = -np.inf
        place = int(more.argmax())
        if more.flat[place] > best:
            row, offer = np.unravel_index(place, more.shape)
            best, change = float(more.flat[place]), (int(some[row]), int(offer))
    told = chosen.copy()
    if best > 0:
        told[change[0]] = change[1]
    return told
