"""Recut: the cut in time made a second time, to see that nothing of it was left out.

Enters: canonical tables as they were cut at a cut-off, and the features that a panel claims for it.
Leaves: how many tables and customers agree, or an error that names the table or the column. Worked
example: a panel says that anna ordered on 5 days of the 30 before 2017-09-01. Computed again from
her rows before that day it is 3: the 5 were counted in tables that knew more.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.errors import Leak
from churn_ml.tables import table

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.events import Canonical

SAME = 1e-9
"""Features are rounded to 9 decimals: a smaller difference is none."""


def check_cut(tables: Canonical, end: datetime) -> int:
    """Raise Leak where a table holds what happened at or after `end`, or was not known by then.

    `tables`: canonical ones as cut at `end` (naive UTC). Returns how many tables were looked at.

    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"occurred_at": "2017-10-01 00:00"}])
    >>> check_cut(shop, datetime(2017, 10, 2)), check_cut({}, datetime(2017, 10, 2))
    (1, 0)
    >>> check_cut(shop, datetime(2017, 10, 1))
    Traceback (most recent call last):
    ...
    churn_ml.errors.Leak: a table cut in time holds what comes after | where: table orders | ...
    """
    import ibis

    beyond = [
        rows.aggregate(name=ibis.literal(name), rows=(~_inside(name, rows, end)).sum())
        for name, rows in sorted(tables.items())
    ]
    counted = ibis.union(*beyond).order_by("name").to_pyarrow().to_pylist() if beyond else []
    for name, count in ((row["name"], row["rows"]) for row in counted if row["rows"]):
        raise Leak(
            "a table cut in time holds what comes after",
            where=f"table {name}",
            got=f"{count:,} rows that happened at or after {end.isoformat()}, or were not known by "
            "then",
            expected="occurred_at before the cut-off, known_at not after it",
            next_step="report it: the cut is made once, where the warehouse reads",
        )
    return len(tables)


def cut_again(tables: Canonical, end: datetime) -> dict[str, ibis.Table]:
    """`tables` without the rows that `check_cut` would refuse.

    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"occurred_at": f"2017-10-0{day}"} for day in (1, 2)])
    >>> cut_again(shop, datetime(2017, 10, 2, 6))["orders"].count().to_pyarrow().as_py()
    1
    """
    return {name: rows.filter(_inside(name, rows, end)) for name, rows in tables.items()}


def check_again(claimed: pd.DataFrame, again: pd.DataFrame, where: str) -> int:
    """Raise Leak where a feature of `claimed` is another in `again`; returns the customers.

    Both: one row per customer_id, the features of one cut-off; `again` made of tables cut twice,
    with some of the columns of `claimed`. `where`: the cut-off in words.

    >>> import pandas as pd
    >>> told = pd.DataFrame({"customer_id": ["anna", "ben"], "order_days_30d": [2.0, 1.0]})
    >>> check_again(told, told, "2017-09-01"), check_again(told, told.iloc[::-1], "2017-09-01")
    (2, 2)
    >>> check_again(told.assign(order_days_30d=[2.0, 3.0]), told, "2017-09-01")
    Traceback (most recent call last):
    ...
    churn_ml.errors.Leak: a feature was computed after its cut-off | where: feature ... | got: 1 ...
    """
    ordered = [part.sort_values("customer_id") for part in (claimed, again)]
    who, once_more = (part["customer_id"].astype(str).tolist() for part in ordered)
    if who != once_more:
        raise _later("the customers at risk", where, len(set(who) ^ set(once_more)))
    for name in (name for name in again.columns if name in claimed and name != "customer_id"):
        mine, theirs = (part[name].to_numpy(dtype=float) for part in ordered)
        same = np.isclose(mine, theirs, rtol=SAME, atol=SAME, equal_nan=True)
        if not same.all():
            raise _later(f"feature {name}", where, int((~same).sum()))
    return len(who)


def _inside(name: str, rows: ibis.Table, end: datetime) -> ibis.BooleanValue:
    """What may be known at `end`: happened before, known by then, nothing told of later."""
    import ibis

    at = ibis.literal(end, type="timestamp(6)")
    inside = (rows.occurred_at < at) & (rows.known_at <= at)
    waited_for = {column.after for column in table(name).columns if column.after}
    for told in sorted(waited_for & set(rows.columns)):
        inside &= ibis.coalesce(rows[told], rows.occurred_at) < at
    return inside


def _later(what: str, where: str, differing: int) -> Leak:
    return Leak(
        "a feature was computed after its cut-off",
        where=f"{what} at {where}",
        got=f"{differing:,} customers for whom it is another once the tables are cut again",
        expected="the same from the rows that happened before the cut-off and were known by then",
        next_step="compute it from the tables that the step is given, never from later ones",
    )
