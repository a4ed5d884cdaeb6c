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

from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml.errors import BrokenPromise
from churn_ml.features.catalogue import CATALOGUE
from churn_ml.tables import SOURCE_TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

    from churn_ml.config import Contract
    from churn_ml.events import Canonical
    from churn_ml.features.indicator import Indicator
    from churn_ml.features.purchases import Purchases


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
    from churn_ml.features.computing import computed
    from churn_ml.features.plan import plan

    told = {name: tables[name] for name in SOURCE_TABLES if name in tables}
    work = plan(tuple(told), tuple(indicators))
    return _frame(as_of, *computed(work, told, as_of, contract, zone, purchases))


def by_query(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    *,
    indicators: Sequence[Indicator] = CATALOGUE,
    zone: str = "UTC",
) -> pd.DataFrame:
    """The same frame, computed by the engine of the tables from the text of the query alone.

    It is what the kernel is compared with.
    """
    import pyarrow as pa

    from churn_ml.features import asking
    from churn_ml.features.computing import rounded

    told = {name: tables[name] for name in SOURCE_TABLES if name in tables}
    rows = asking.frame(told, as_of, contract, tuple(indicators), zone).sort_by("customer_id")
    # the engine may tell 1.0 and 0.0 as decimals
    columns = {
        name: rows[name].cast(pa.float64()).to_numpy().copy() for name in rows.column_names[1:]
    }
    ids = rows["customer_id"].combine_chunks()
    return _frame(as_of, ids, {name: rounded(column) for name, column in columns.items()})


def _frame(as_of: date, ids: pa.Array, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The frame, and the postconditions of the room: one row per customer, no infinite number."""
    import numpy as np
    import pandas as pd
    import pyarrow.compute as pc

    infinite = [name for name, column in columns.items() if np.isinf(column).any()]
    if infinite:
        raise BrokenPromise("a feature is infinite", where="features", got=", ".join(infinite))
    if pc.any(pc.greater_equal(ids[:-1], ids[1:])).as_py():
        raise BrokenPromise("a customer has two rows of features", where="features")
    told = {"customer_id": ids.to_pandas(), "as_of": as_of} | dict(columns)
    return pd.DataFrame(told, copy=False)
