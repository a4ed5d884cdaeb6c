"""Purchases in memory: orders and their lines as sorted arrays, read once and cut at many days.

Enters: canonical tables, either cut at one as_of, or whole, with every row that was ever told.
Leaves: the orders and lines that a cut knows, sorted by customer and day. Read once, they serve
every cut-off of a panel; a single cut reads only the lines that its longest window asks for.

Worked example: an order of 2017-09-30 that the shop told of on 2017-10-03 is among the orders of a
cut at 2017-11-01, not of one at 2017-10-01; one that was cancelled on 2017-10-05 stands at
2017-10-01 and is cancelled at 2017-11-01.

The whole can be read once only where each key was told of once and nobody was merged: then what a
row says at a cut is decided by its own times. The warehouse knows (`Attempt.purchases`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.events import EPOCH, needed
from churn_ml.features.arrays import UNKNOWN, Table, by_customer, coded, held, joined
from churn_ml.features.engine import streamed
from churn_ml.features.numbers import Numbers
from churn_ml.features.views.shopping import cents, order_cents
from churn_ml.timeline import instant

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from churn_ml.events import Canonical

LINE_CENTS = ("net_cents", "discount_cents", "coupon_cents")
ORDER_CENTS = ("net_cents", "shipping_cents", "duty_cents")
BATCH_ROWS = 1_000_000


@dataclass(frozen=True)
class Purchases:
    """Orders, cancelled or not, and lines; with the times of each where they are not cut yet.

    `ids` and `products`: the ids, ascending, of which `customer` and `product` are the places.
    """

    ids: pa.Array
    products: pa.Array
    orders: Table
    lines: Table

    def at(self, as_of: date, line_days: int, *, zone: str = "UTC") -> Purchases:
        """What was known at `as_of` (00:00 in `zone`); the lines of orders placed, not cancelled.

        Of the lines, those of the last `line_days` days.
        """
        moment = np.datetime64(instant(as_of, zone), "us").astype(np.int64)
        orders, lines = self.orders, self.lines
        cancelled = orders["is_cancelled"]
        if "cancelled_at" in orders:
            cancelled = cancelled & (orders["cancelled_at"] < moment)
        known = _known(orders, moment, slice(None))
        stands = np.zeros(len(known), dtype=bool)
        stands[orders["order"]] = known & ~cancelled
        recent = np.flatnonzero(lines["day"] >= (as_of - EPOCH).days - line_days)
        recent = recent[_known(lines, moment, recent) & stands[lines["order"][recent]]]
        now = Table(dict(orders.columns) | {"is_cancelled": Numbers(cancelled)})
        return Purchases(self.ids, self.products, now.take(known), lines.take(recent))


def _known(rows: Table, moment: np.int64, at: NDArray[Any] | slice) -> NDArray[np.bool_]:
    """Which of the rows `at` had happened before the moment and were known by then."""
    if "there_from" not in rows:
        return np.ones(len(rows["day"][at]), dtype=bool)
    known: NDArray[np.bool_] = rows["there_from"][at] <= moment
    return known


def _there_from(rows: ibis.Table) -> ibis.TimestampColumn:
    """The first cut that a row is there at: after it happened, and when it was known."""
    import ibis

    return ibis.greatest(rows.occurred_at + ibis.interval(microseconds=1), rows.known_at)


def read(tables: Canonical, *, since: date | None = None, stamped: bool) -> Purchases:
    """The orders and lines of `tables`; where `stamped`, with the times at which they can be cut.

    `tables`: orders, and order_lines where there are any, each key once. `since`: the first day of
    the lines that are read. Raises BadInput where there are no orders.

    >>> from churn_ml.in_memory import canonical
    >>> told = [("2017-09-26", "2017-09-27"), ("2017-09-30", "2017-10-03")]
    >>> from datetime import datetime
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": day,
    ...     "known_at": datetime.fromisoformat(known)} for day, known in told])
    >>> whole = read(shop, stamped=True)
    >>> [len(whole.at(date(2017, m, 1), 90).orders["day"]) for m in (10, 11)]
    [1, 2]
    """
    import pyarrow as pa

    rows = needed(tables, "orders", "cohort")
    told = rows.select(
        "customer_id",
        "order_id",
        "store_id",
        **({"there_from": _there_from(rows), "cancelled_at": rows.cancelled_at} if stamped else {}),
        day=_whole_days(rows),
        is_cancelled=rows.status == "cancelled",
        **order_cents(rows),
    ).to_pyarrow()
    ids, customer = coded(told["customer_id"])
    number = np.arange(len(customer), dtype=np.int32)
    numbers = pa.table({"order_id": told["order_id"], "order": number})
    places = {"customer": customer, "order": number, "store": coded(told["store_id"])[1]}
    orders = by_customer({name: Numbers(one) for name, one in places.items()} | held(told))
    del told, places
    if "order_lines" not in tables:
        return Purchases(ids, pa.array([], pa.string()), orders, _no_lines())
    products = _products(tables)
    rows = tables["order_lines"]
    rows = rows if since is None else rows.filter(rows.day >= since)
    lines = _lines(rows, numbers, ids, products, stamped=stamped)
    del numbers
    pa.default_memory_pool().release_unused()
    return Purchases(ids, products, orders, lines)


def _products(tables: Canonical) -> pa.Array:
    """The ids of the products that are described, ascending."""
    import pyarrow as pa

    if "products" not in tables:
        return pa.array([], pa.string())
    return coded(tables["products"].select("product_id").to_pyarrow()["product_id"])[0]


def _lines(
    rows: ibis.Table,
    numbers: pa.Table,
    ids: pa.Array,
    products: pa.Array,
    *,
    stamped: bool,
) -> Table:
    """The lines of known orders, with numbers in place of ids: of the order, customer, product."""
    import ibis
    import pyarrow as pa

    def places(name: str, code: str, known: pa.Array) -> ibis.Table:
        return ibis.memtable(pa.table({name: known, code: np.arange(len(known), dtype=np.int32)}))

    rows = rows.inner_join(ibis.memtable(numbers), "order_id")
    rows = rows.inner_join(places("customer_id", "customer", ids), "customer_id")
    rows = rows.left_join(places("product_id", "place", products), "product_id")
    told = rows.select(
        "order",
        "customer",
        **({"there_from": _there_from(rows)} if stamped else {}),
        product=rows.place.fill_null(UNKNOWN),
        day=_whole_days(rows),
        **cents(rows),
    )
    # what comes is wider than what is kept: only a batch of it is in memory at a time
    batches = [held(pa.table(batch)) for batch in streamed(told, BATCH_ROWS)]
    return by_customer(joined(batches)) if batches else _no_lines()


def _whole_days(rows: ibis.Table) -> ibis.IntegerColumn:
    return rows.day.epoch_days().cast("int32")


def _no_lines() -> Table:
    names = ("order", "customer", "product", "day", *LINE_CENTS)
    return Table({name: Numbers(np.empty(0, dtype=np.int64)) for name in names})
