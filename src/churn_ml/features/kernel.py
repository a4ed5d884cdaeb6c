"""The views of purchases as a kernel: what views/ ask an engine for, computed from sorted arrays.

Enters: purchases cut at as_of. Leaves: the rows of a view for some customers at a time, with the
columns that measures read, and who is eligible by their orders. The views as expressions stay; both
are compared on every test run.

Worked example, as of 2017-10-01: anna's orders of 2017-09-20 (two) and 2017-09-26 are two rows of
`days`: days_ago 11 with orders 2 and no gap, days_ago 5 with orders 1 and gap_days 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.features.arrays import Table
from churn_ml.features.grouped import Ints, Rows
from churn_ml.features.numbers import Numbers
from churn_ml.features.products import Products
from churn_ml.features.purchases import LINE_CENTS, ORDER_CENTS, Purchases
from churn_ml.features.stretches import added, begins, below, lengths, over, pairs

if TYPE_CHECKING:
    from churn_ml.config import Contract

THURSDAY, WEEK_DAYS = 3, 7
"""The weekday of 1970-01-01, counted from Monday."""


@dataclass(frozen=True)
class Shop:
    """Purchases and products as known at one cut; `today`: the days from 1970 to it."""

    today: int
    bought: Purchases
    products: Products
    standings: dict[int, Rows] = field(default_factory=dict)
    """Where everybody stands by RFM, by the days looked back, once it was asked for."""

    @cached_property
    def placed(self) -> Table:
        """The orders that were not cancelled."""
        return self.bought.orders.take(~self.bought.orders["is_cancelled"])


@dataclass(frozen=True)
class Part:
    """What the customers from place `first` on, before place `last`, bought."""

    shop: Shop
    first: int
    last: int
    sorted_lines: dict[int, tuple[Table, Ints, Ints]] = field(default_factory=dict)
    """What `by_kind` gave, by the days looked back: sorting costs more than all that reads it."""

    def rows(self, view: str, *days: int) -> Rows:
        """The rows of a view, cut to these days; `customer` is the place among the part's."""
        of, _ = KERNELS[view]
        return of(self, *days)

    @cached_property
    def placed(self) -> Table:
        """The orders that were not cancelled."""
        return self.shop.placed.of(self.first, self.last)

    def lines(self, days: int) -> Table:
        """The lines of the last `days` days."""
        mine = self.shop.bought.lines.of(self.first, self.last)
        return mine.take(mine["day"] >= self.shop.today - days)

    def by_kind(self, days: int) -> tuple[Table, Ints, Ints]:
        """The lines of the last `days` days by customer and kind of product; these two beside."""
        if days not in self.sorted_lines:
            rows = self.lines(days)
            kind, customer = self.shop.products.kind[rows["product"]], self.whose(rows)
            order = np.lexsort((kind, customer))
            self.sorted_lines[days] = rows.take(order), kind[order], customer[order]
        return self.sorted_lines[days]

    def whose(self, rows: Table) -> Ints:
        """The place of each row's customer among the part's."""
        return rows["customer"].astype(np.int64) - self.first

    def ago(self, days: NDArray[Any]) -> Numbers:
        """Whole days from each day to the cut."""
        return Numbers(self.shop.today - days.astype(np.int64))


def eligible(shop: Shop, contract: Contract) -> Ints:
    """Who placed enough in the lookback, by place: `cohort.eligible` of orders, of the active."""
    recent = shop.placed.take(shop.placed["day"] >= shop.today - contract.lookback_days)
    customer = recent["customer"]
    if contract.activity_unit == "order_day":
        customer = customer[begins(customer, recent["day"])]
    counted = np.bincount(customer, minlength=len(shop.bought.ids))
    return np.flatnonzero(counted >= max(contract.min_orders, 1))


def _cents(rows: Table, name: str) -> Numbers:
    """An amount in hundredths, wide enough to be added up."""
    told = rows.columns[name]
    return Numbers(told.values.astype(np.int64), told.known)


def _orders(part: Part) -> Rows:
    rows = part.placed
    held = {
        "days_ago": part.ago(rows["day"]),
        "weekday": Numbers((rows["day"] + THURSDAY) % WEEK_DAYS),
    }
    return Rows(part.whose(rows), held | {name: _cents(rows, name) for name in ORDER_CENTS})


def _all_orders(part: Part) -> Rows:
    rows = part.shop.bought.orders.of(part.first, part.last)
    held = {"days_ago": part.ago(rows["day"]), "is_cancelled": rows.columns["is_cancelled"]}
    return Rows(part.whose(rows), held)


def _stores(part: Part, days: int) -> Rows:
    rows = part.placed
    rows = rows.take((rows["day"] >= part.shop.today - days) & (rows["store"] >= 0))
    return Rows(pairs(part.whose(rows), rows["store"])[0], {})


def _days(part: Part) -> Rows:
    rows, customer = part.placed, part.whose(part.placed)
    starts = begins(customer, rows["day"])
    customer, day = customer[starts], rows["day"][starts].astype(np.int64)
    own = begins(customer)
    gap, known = np.diff(day, prepend=0), np.ones(len(day), dtype=bool)
    gap[own], known[own] = 0, False
    count = lengths(own, len(day))
    last = day[own + count - 1]
    held = {
        "days_ago": part.ago(day),
        "orders": Numbers(lengths(starts, len(rows["day"]))),
        "net_cents": added(_cents(rows, "net_cents"), starts),
        "gap_days": Numbers(gap, known),
        "recency_days": part.ago(np.repeat(last, count)),
    }
    return Rows(customer, held)


def _lines(part: Part, days: int) -> Rows:
    rows = part.lines(days)
    held = {"days_ago": part.ago(rows["day"])} | {name: _cents(rows, name) for name in LINE_CENTS}
    return Rows(part.whose(rows), held)


def _categories(part: Part, days: int, recent_days: int) -> Rows:
    rows, kind, customer = part.by_kind(days)
    starts, ago = begins(customer, kind), part.ago(rows["day"]).values
    recent = over(np.add, (ago <= recent_days).astype(np.int64), starts)
    customer, newest = customer[starts], over(np.minimum, ago, starts)
    own = begins(customer)
    last = np.repeat(over(np.minimum, newest, own), lengths(own, len(customer)))
    held = {
        "days_ago": Numbers(newest),
        "first_days_ago": Numbers(over(np.maximum, ago, starts)),
        "last_days_ago": Numbers(last),
        "net_cents": added(_cents(rows, "net_cents"), starts),
        "recent_lines": Numbers(recent),
        "earlier_lines": Numbers(lengths(starts, len(ago)) - recent),
    }
    return Rows(customer, held)


def _category_spend(part: Part, days: int, recent_days: int) -> Rows:
    rows, kind, customer = part.by_kind(days)
    starts, cents = begins(customer, kind), _cents(rows, "net_cents").values  # unknown counts 0
    recent = np.where(part.ago(rows["day"]).values <= recent_days, cents, 0)
    customer, own = customer[starts], begins(customer[starts])
    now, then = over(np.add, recent, starts), over(np.add, cents - recent, starts)

    def of_all(by: np.ufunc, spent: Ints) -> Numbers:
        return Numbers(np.repeat(over(by, spent, own), lengths(own, len(customer))))

    held = {"recent_cents": Numbers(now), "earlier_cents": Numbers(then)}
    held |= {"recent_whole": of_all(np.add, now), "earlier_whole": of_all(np.add, then)}
    return Rows(customer, held | {"recent_most": of_all(np.maximum, now)})


def _novelties(part: Part, days: int, new_days: int) -> Rows:
    rows = part.lines(days)
    launched = part.shop.products.launched.take(rows["product"])
    new = rows["day"] - launched.values < new_days
    rows = rows.take(new if launched.known is None else new & launched.known)
    return Rows(pairs(part.whose(rows), rows["order"])[0], {})


def _launches(part: Part, days: int, bought_days: int) -> Rows:
    launched, rows = part.shop.products.launched_in(part.shop.today, days), part.lines(bought_days)
    category = part.shop.products.category[rows["product"]]
    fresh = (category >= 0) & (launched[category] > 0)
    customer, category = pairs(part.whose(rows)[fresh], category[fresh])
    return Rows(customer, {"launched": Numbers(launched[category])})


def _rfm_fifths(part: Part, days: int) -> Rows:
    found = part.shop.standings
    if days not in found:
        found[days] = _standings(part.shop, days)
    whose, held = found[days]
    mine = slice(*np.searchsorted(whose, [part.first, part.last]))
    return Rows(whose[mine] - part.first, {name: one.take(mine) for name, one in held.items()})


def _standings(shop: Shop, days: int) -> Rows:
    """The fifths of everybody who ordered in the last `days` days, as `rfm.fifths` has them."""
    rows = shop.placed.take(shop.placed["day"] >= shop.today - days)
    customer, own = rows["customer"], begins(rows["customer"])
    new_day = np.zeros(len(customer), dtype=np.int64)
    new_day[begins(customer, rows["day"])] = 1
    signs = {
        "recency": over(np.maximum, rows["day"], own),
        "frequency": over(np.add, new_day, own),
        "money": over(np.add, _cents(rows, "net_cents").values, own),  # what is not known counts 0
    }
    everybody = max(len(own), 1)
    fifths = {name: Numbers(5 * below(sign) // everybody + 1) for name, sign in signs.items()}
    return Rows(customer[own], fifths)


_WHOLE = ("days_ago", "first_days_ago", "last_days_ago", "recent_lines", "earlier_lines")
_SPENT = ("recent_cents", "earlier_cents", "recent_whole", "earlier_whole", "recent_most")
KERNELS: Mapping[str, tuple[Callable[..., Rows], tuple[str, ...]]] = {
    "days": (_days, ("days_ago", "orders", "net_cents", "gap_days", "recency_days")),
    "orders": (_orders, ("days_ago", "weekday", *ORDER_CENTS)),
    "all_orders": (_all_orders, ("days_ago", "is_cancelled")),
    "stores": (_stores, ()),
    "lines": (_lines, ("days_ago", *LINE_CENTS)),
    "categories": (_categories, (*_WHOLE, "net_cents")),
    "category_spend": (_category_spend, _SPENT),
    "novelties": (_novelties, ()),
    "launches": (_launches, ("launched",)),
    "rfm_fifths": (_rfm_fifths, ("recency", "frequency", "money")),
}
"""By the name of the view: its rows, and their columns besides customer_id, as measures read them.
All are whole numbers but is_cancelled."""
