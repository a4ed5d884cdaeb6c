"""The feature frame: the indicators at one cut, computed, rounded and checked.

Enters: the canonical tables already cut at `as_of`, the contract (who is eligible) and the
indicators. Leaves: one row per eligible customer. Worked example, as of 2017-10-01: for a shop that
gave orders, order_lines and campaign_contacts but no products, the kernel computes what is measured
on orders and lines, DuckDB what is measured on contacts; the indicators of category need products
and are absent.

What the kernel knows it computes for some customers at a time, so that what it works on stays
small. `by_query` asks the engine for everything, and is what the kernel is compared with.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.errors import BrokenPromise
from churn_ml.events import EPOCH
from churn_ml.features import asking
from churn_ml.features.catalogue import CATALOGUE
from churn_ml.features.grouped import Ints, measures
from churn_ml.features.kernel import Part, Shop, eligible
from churn_ml.features.numbers import Columns, Numbers
from churn_ml.features.plan import Plan, plan
from churn_ml.features.products import described
from churn_ml.features.purchases import Purchases, read
from churn_ml.tables import SOURCE_TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

    from churn_ml.config import Contract
    from churn_ml.events import Canonical
    from churn_ml.features.indicator import Indicator

DECIMALS = 9
AT_ONCE = 1 << 15
"""Customers that are computed at a time: what they bought fits into the processor's cache."""


def build(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    *,
    indicators: Sequence[Indicator] = CATALOGUE,
    zone: str = "UTC",
    purchases: Purchases | None = None,
) -> pd.DataFrame:
    """The features of every eligible customer at `as_of`.

    Args:
        tables: canonical tables cut at `as_of`; `orders` is required, the others are used where
            they are there.
        as_of: end of the known world, 00:00 of the shop, exclusive.
        contract: who is eligible.
        indicators: what to compute; those whose tables are missing are left out.
        zone: the shop's time zone, in which `as_of` begins.
        purchases: orders and lines with their times, as `purchases.read` gives them for many cuts;
            they are read from `tables` otherwise.

    Returns:
        One row per eligible customer_id, sorted by it: customer_id, as_of (date), then one float64
        column per feature in catalogue order, finite or NaN, rounded to 9 decimals.

    Raises:
        BadInput: `orders` is missing.
        BrokenPromise: a feature is infinite or a customer appears twice.

    >>> from datetime import date
    >>> from churn_ml.config import Contract
    >>> from churn_ml.features.rhythm import RECENCY
    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": "2017-09-26"}])
    >>> build(shop, date(2017, 10, 1), Contract(), indicators=[RECENCY])
      customer_id       as_of  recency_days
    0        anna  2017-10-01           5.0
    """
    told = {name: tables[name] for name in SOURCE_TABLES if name in tables}
    work = plan(tuple(told), tuple(indicators))
    since = as_of - timedelta(days=work.line_days)
    known = purchases or read(told, since=since, stamped=False)
    known = known.at(as_of, work.line_days, zone=zone)
    shop = Shop((as_of - EPOCH).days, known, described(told, known.products))
    who = _who(shop, told, as_of, contract, zone)
    ids = known.ids.take(who)
    further = asking.measured(told, as_of, ids, work) if work.asked else {}
    return _frame(ids, as_of, _columns(work, shop, who, further))


def by_query(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    *,
    indicators: Sequence[Indicator] = CATALOGUE,
    zone: str = "UTC",
) -> pd.DataFrame:
    """The same frame, computed by the engine of the tables from the text of the query alone."""
    import pyarrow as pa

    told = {name: tables[name] for name in SOURCE_TABLES if name in tables}
    rows = asking.frame(told, as_of, contract, tuple(indicators), zone).sort_by("customer_id")
    # the engine may tell 1.0 and 0.0 as decimals
    columns = {name: rows[name].cast(pa.float64()).to_numpy() for name in rows.column_names[1:]}
    return _frame(rows["customer_id"], as_of, {n: _rounded(c) for n, c in columns.items()})


def _who(shop: Shop, tables: Canonical, as_of: date, contract: Contract, zone: str) -> Ints:
    """The places of the eligible customers, ascending."""
    if contract.event == "order" and not contract.of:
        return eligible(shop, contract)
    return asking.eligible(tables, as_of, contract, zone, shop.bought.ids)


def _columns(
    work: Plan, shop: Shop, who: Ints, further: Mapping[str, Numbers]
) -> dict[str, np.ndarray[Any, Any]]:
    """Every feature of the customers `who`; `further`: measures that an engine was asked for."""
    found = {name: np.empty(len(who)) for name in work.columns}
    for first in range(0, len(shop.bought.ids), AT_ONCE):
        part = Part(shop, first, first + AT_ONCE)
        mine = slice(*np.searchsorted(who, [part.first, part.last]))
        told = {name: one.take(mine) for name, one in further.items()}
        for view, wanted in work.views.items():
            of_view = measures(part.rows(view.name, *view.days), AT_ONCE, wanted)
            told |= {name: one.take(who[mine] - first) for name, one in of_view.items()}
        columns = Columns(told)
        for name, node in work.columns.items():
            found[name][mine] = _rounded(columns(node).floats(mine.stop - mine.start))
    return found


def _rounded(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """To 9 decimals. Adding 0.0 turns a rounded -0.0 into 0.0: equal numbers get equal bytes."""
    return np.add(np.round(numbers, DECIMALS), 0.0)


def _frame(ids: pa.Array, as_of: date, columns: Mapping[str, np.ndarray[Any, Any]]) -> pd.DataFrame:
    """The frame, and the postconditions of the room: one row per customer, no infinite number."""
    import pandas as pd
    import pyarrow.compute as pc

    infinite = [name for name, column in columns.items() if np.isinf(column).any()]
    if infinite:
        raise BrokenPromise("a feature is infinite", where="features", got=", ".join(infinite))
    if not pc.all(pc.less(ids[:-1], ids[1:])).as_py() and len(ids) > 1:
        raise BrokenPromise("a customer has two rows of features", where="features")
    told = {"customer_id": ids.to_pandas(), "as_of": as_of} | dict(columns)
    return pd.DataFrame(told, copy=False)
