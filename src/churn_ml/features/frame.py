"""The feature frame: all measures of a view in one aggregation, joined, then read as columns.

Enters: the canonical tables already cut at `as_of`, the contract (who is eligible) and the
indicators. Leaves: one row per eligible customer. Worked example, as of 2017-10-01: three views
are aggregated for a shop that gave orders, order_lines and campaign_contacts but no products: the
indicators of category need products and are absent, everything else is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.cohort import eligible
from churn_ml.errors import BrokenPromise
from churn_ml.features.catalogue import CATALOGUE
from churn_ml.features.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    import ibis
    import pandas as pd

    from churn_ml.config import Contract
    from churn_ml.events import Canonical
    from churn_ml.features.indicator import Indicator, Measure

DECIMALS = 9


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

    rows = expression(tables, as_of, contract, indicators, zone=zone).to_pyarrow()
    found = rows.to_pandas().sort_values("customer_id", ignore_index=True)
    columns = found.columns.drop("customer_id")
    # Adding 0.0 turns a rounded -0.0 into 0.0: equal numbers get equal bytes.
    numbers = np.round(found[columns].to_numpy(dtype="float64"), DECIMALS) + 0.0
    # One block of numbers: a frame of two hundred single columns is slow to add a column to.
    frame = pd.DataFrame(numbers, columns=columns)
    frame.insert(0, "customer_id", found["customer_id"])
    frame.insert(1, "as_of", as_of)
    _check(frame)
    return frame


def expression(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    indicators: Sequence[Indicator] = CATALOGUE,
    *,
    zone: str = "UTC",
) -> ibis.Table:
    """`build` before it runs: one row per eligible customer_id, in no order, not rounded.

    >>> from datetime import date
    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> expression(canonical(orders=[]), date(2017, 10, 1), Contract()).columns[:2]
    ('customer_id', 'recency_days')
    """
    present = available(tables, indicators)
    measures = _distinct(measure for indicator in present for measure in indicator.measures)
    joined = eligible(tables, as_of, contract, zone=zone)
    for view in dict.fromkeys(measure.view for measure in measures):
        rows = VIEWS[view.name](tables, as_of, *view.days)
        joined = _join(joined, rows, [measure for measure in measures if measure.view == view])
    counted = {m.name: joined[m.name].fill_null(m.empty) for m in measures if m.empty is not None}
    joined = joined.mutate(**counted)
    columns = [column for indicator in present for column in indicator.columns]
    return joined.select("customer_id", **{c.name: c.of(joined).cast("float64") for c in columns})


def available(
    tables: Canonical, indicators: Sequence[Indicator] = CATALOGUE
) -> tuple[Indicator, ...]:
    """The indicators whose tables are all there, in order.

    >>> [indicator.name for indicator in available({"orders": None})][:2]
    ['recency', 'tenure']
    """
    return tuple(i for i in indicators if all(need in tables for need in i.needs))


def _distinct(measures: Iterable[Measure]) -> list[Measure]:
    """Each measure once, by name; BrokenPromise where two views share a name."""
    found: dict[str, Measure] = {}
    for measure in measures:
        if found.setdefault(measure.name, measure).view != measure.view:
            raise BrokenPromise("two measures share a name", got=measure.name)
    return list(found.values())


def _join(joined: ibis.Table, rows: ibis.Table, wanted: Sequence[Measure]) -> ibis.Table:
    """`joined` with the measures of one view beside it, one row per customer still."""
    of_shop = {m.name: m.of(rows) for m in wanted if m.of_shop}
    if of_shop:
        joined = joined.cross_join(rows.aggregate(**of_shop))
    own = {m.name: m.of(rows) for m in wanted if not m.of_shop}
    found = rows.group_by("customer_id").aggregate(**own)
    # Each join names the other's key for itself, so that the joins make one chain: dropping the key
    # at once would tell every column again after each view, and the query grow with their square.
    return joined.left_join(found, "customer_id", rname=f"{{name}}_{wanted[0].name}")


def _check(frame: pd.DataFrame) -> None:
    """The postconditions of the room: one row per customer, and no infinite number."""
    import numpy as np

    numbers = frame.iloc[:, 2:]
    infinite = [str(name) for name in numbers.columns[np.isinf(numbers.to_numpy()).any(axis=0)]]
    if infinite:
        raise BrokenPromise("a feature is infinite", where="features", got=", ".join(infinite))
    if frame["customer_id"].duplicated().any():
        raise BrokenPromise("a customer has two rows of features", where="features")
