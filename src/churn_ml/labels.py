"""What happened after `as_of`: churned or not, decided only when it can no longer change.

Enters: the canonical tables cut at the watermark (the end of what is known today), the customers
who were eligible at `as_of`, and the ids of those who were treated. Leaves: one row per customer.
Only this room looks past `as_of`; features, scoring, segments and actions may not import it.

Worked example, a contract with gap 0, horizon 30, settle 1, as of 2017-10-01: the label window is
[2017-10-01 00:00, 2017-10-31 00:00). anna's order at exactly 2017-10-01 00:00 retains her (label
0); ben's at exactly 2017-10-31 00:00 comes too late (label 1). Both labels exist from the watermark
2017-11-01 on; at the watermark 2017-10-31 they are missing, never 0.

An order retains if it is neither cancelled nor fully returned: `settle_days` is the time that the
shop allows for either to become known. Its net amount counts only if it retains. A customer who was
merged into another since has that one's label.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from churn_ml import timeline
from churn_ml.cohort import placed
from churn_ml.errors import BadInput
from churn_ml.merges import survivors

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.cohort import Canonical
    from churn_ml.config import Contract

NOTHING = Decimal("0.00")


def labels(
    tables: Canonical,
    customers: pd.Series | pd.DataFrame,
    as_of: date,
    contract: Contract,
    watermark: date,
    treated: AbstractSet[str] = frozenset(),
) -> pd.DataFrame:
    """Label, treated mark and spend in the label window of each customer.

    Args:
        tables: canonical tables cut at `watermark`; `orders` is required.
        customers: customer ids, or a frame with the column customer_id; one row per customer.
        as_of: the cut-off that the label follows.
        contract: gives gap_days, horizon_days and settle_days.
        watermark: end of what is known, exclusive; an as_of immature at it gets missing labels.
        treated: ids of customers whom we contacted around the window (economics.md (d)).

    Returns:
        One row per customer_id, sorted by it: label (Int64: 1 no order in the window, 0 at least
        one, NA immature), treated (bool) and window_net_amount (Decimal in the shop currency, None
        where immature).

    Raises:
        BadInput: a customer appears twice, or `orders` is missing.

    >>> import pandas as pd
    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": "2017-10-01 00:00"},
    ...     {"customer_id": "ben", "occurred_at": "2017-10-31 00:00"}])
    >>> gone30 = Contract(lookback_days=90, horizon_days=30, settle_days=1)
    >>> who = pd.Series(["anna", "ben"])
    >>> labels(shop, who, date(2017, 10, 1), gone30, date(2017, 11, 1))
      customer_id  label  treated window_net_amount
    0        anna      0    False             10.00
    1         ben      1    False              0.00
    >>> labels(shop, who, date(2017, 10, 1), gone30, date(2017, 10, 31)).label.tolist()
    [<NA>, <NA>]
    """
    import pandas as pd

    ids = _ids(customers)
    frame = pd.DataFrame({"customer_id": pd.Series(ids, dtype="str")})
    if timeline.is_mature(as_of, contract, watermark):
        orders, amount = _window(tables, as_of, contract)
        now = survivors(tables)
        frame["label"] = [0 if orders.get(now.get(c, c), 0) else 1 for c in ids]
        spent: list[Decimal | None] = [amount.get(now.get(c, c), NOTHING) for c in ids]
    else:
        frame["label"] = pd.NA
        spent = [None] * len(ids)
    frame["label"] = frame["label"].astype("Int64")
    frame["treated"] = pd.Series([c in treated for c in ids], dtype=bool)
    frame["window_net_amount"] = pd.Series(spent, dtype=object)
    return frame


def retaining(tables: Canonical) -> ibis.Table:
    """The orders that retain a customer: neither cancelled nor fully returned; one row each.

    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"status": status, "occurred_at": "2017-10-01"}
    ...     for status in ("completed", "cancelled", "returned")])
    >>> retaining(shop).order_id.to_pyarrow().to_pylist()
    ['orders-1']
    """
    orders = placed(tables)
    return orders.filter(orders.status != "returned")


def _ids(customers: pd.Series | pd.DataFrame) -> list[str]:
    """The customer ids, sorted; raises BadInput where one appears twice."""
    import pandas as pd

    column = customers["customer_id"] if isinstance(customers, pd.DataFrame) else customers
    ids = sorted(column.astype(str))
    twice = sum(a == b for a, b in pairwise(ids))
    if twice:
        raise BadInput(
            "a customer appears twice among those to label",
            where="labels",
            got=f"{twice} repeated of {len(ids)}",
            expected="one row per customer_id",
            next_step="pass the eligible customers of one as_of",
        )
    return ids


def _window(
    tables: Canonical, as_of: date, contract: Contract
) -> tuple[dict[str, int], dict[str, Decimal]]:
    """Orders and net amount inside the label window, per customer who ordered in it."""
    window = timeline.label_window(as_of, contract)
    orders = retaining(tables)
    inside = orders.filter(
        orders.day >= window.start,
        orders.day < window.end,
    )
    found = (
        inside.group_by("customer_id")
        .aggregate(orders=inside.count(), amount=inside.net_amount.cast("decimal(18,2)").sum())
        .to_pyarrow()
        .to_pylist()
    )
    counts = {row["customer_id"]: row["orders"] for row in found}
    amounts = {row["customer_id"]: Decimal(row["amount"] or 0).quantize(NOTHING) for row in found}
    return counts, amounts
