"""The feature frame: the query of the indicators, asked at one cut, rounded and checked.

Enters: the canonical tables already cut at `as_of`, the contract (who is eligible) and the
indicators. Leaves: one row per eligible customer. Worked example, as of 2017-10-01: three views
are aggregated for a shop that gave orders, order_lines and campaign_contacts but no products: the
indicators of category need products and are absent, everything else is there.

The query is put into words once: it names the tables, and asks the day of the cut of the function
`as_of_date()`. What changes from cut to cut stands before it: the tables as read at this cut, and
who is eligible.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from churn_ml.cohort import eligible
from churn_ml.errors import BrokenPromise
from churn_ml.events import needed
from churn_ml.features.catalogue import CATALOGUE
from churn_ml.features.query import FRAME, available, declared, in_words, parts
from churn_ml.tables import SOURCE_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import ibis
    import pandas as pd
    import pyarrow as pa

    from churn_ml.config import Contract
    from churn_ml.events import Canonical
    from churn_ml.features.indicator import Indicator

DECIMALS = 9
QUERIES = 8
"""Queries that a process keeps; one is some hundred thousand characters."""


def build(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    *,
    indicators: Sequence[Indicator] = CATALOGUE,
    zone: str = "UTC",
) -> pd.DataFrame:
    """The features of every eligible customer at `as_of`.

    Args:
        tables: canonical tables cut at `as_of`; `orders` is required, the others are used where
            they are there.
        as_of: end of the known world, 00:00 of the shop, exclusive.
        contract: who is eligible.
        indicators: what to compute; those whose tables are missing are left out.
        zone: the shop's time zone; a renewal contract reads instants in it.

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
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    read = {name: tables[name] for name in SOURCE_TABLES if name in tables}
    who = eligible(declared(tuple(read)).tables, as_of, contract, zone=zone)
    rows = _asked(read, as_of, who, available(read, indicators))
    order = pc.sort_indices(rows["customer_id"])
    told: dict[str, Any] = {
        "customer_id": rows["customer_id"].take(order).to_pandas(),
        "as_of": as_of,
    }
    held = dict(zip(rows.column_names[1:], rows.columns[1:], strict=True))
    del rows
    # One column after the other, each let go of at once: the frame is never in memory twice.
    for name in tuple(held):
        # the engine may tell 1.0 and 0.0 as decimals
        numbers = np.asarray(held.pop(name).cast(pa.float64()), dtype="float64")[order]
        column = np.round(numbers, DECIMALS, out=numbers)
        # Adding 0.0 turns a rounded -0.0 into 0.0: equal numbers get equal bytes.
        told[name] = np.add(column, 0.0, out=column)
    frame = pd.DataFrame(told, copy=False)
    _check(frame)
    return frame


def _asked(
    tables: Canonical, as_of: date, who: ibis.Table, indicators: tuple[Indicator, ...]
) -> pa.Table:
    """The rows of the frame as the engine of the tables gives them, in no order, not rounded.

    `who`: the eligible customers, told of tables by their names. The subqueries are run one after
    the other, each into a table of its own, so that only one of them is at work in memory.
    """
    engine = needed(tables, "orders", "cohort").get_backend()
    for rows in tables.values():
        # the one way to make tables in memory known to the engine before text asks for them
        engine._run_pre_execute_hooks(rows)  # noqa: SLF001
    engine.raw_sql(f"create or replace temp macro as_of_date() as date '{as_of.isoformat()}'")
    read = ", ".join(f"{name} AS ({in_words(rows)})" for name, rows in tables.items())
    told = {"eligible": in_words(who)} | _parts(tuple(tables), indicators)
    frame = told.pop(FRAME)
    try:
        for name, text in told.items():
            engine.raw_sql(f"create or replace temp table {name} as WITH {read} FROM ({text})")
        return engine.con.sql(frame).to_arrow_table()
    finally:
        for name in told:
            engine.raw_sql(f"drop table if exists temp.{name}")


@functools.lru_cache(maxsize=QUERIES)
def _parts(tables: tuple[str, ...], indicators: tuple[Indicator, ...]) -> dict[str, str]:
    """The subqueries of these indicators, over tables by name at the day of `as_of_date()`."""
    return parts(declared(tables), indicators)


def _check(frame: pd.DataFrame) -> None:
    """The postconditions of the room: one row per customer, and no infinite number."""
    import numpy as np

    infinite = [str(name) for name in frame.columns[2:] if np.isinf(frame[name]).any()]
    if infinite:
        raise BrokenPromise("a feature is infinite", where="features", got=", ".join(infinite))
    if frame["customer_id"].duplicated().any():
        raise BrokenPromise("a customer has two rows of features", where="features")
