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
merged into another since has that one's label and treated mark; their spend is counted once, in the
survivor's row where there is one. Under a contract with `event = "order_or_login"` a login retains
too; under `renewal` only the renewal, before the window ends, of a subscription whose period ends
in it (one of them, where a customer has several), be it renewed before `as_of`: who was due as far
as was known then, and had renewed already, is not lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from churn_ml import timeline
from churn_ml.cohort import ending
from churn_ml.errors import BadInput
from churn_ml.events import logins, placed
from churn_ml.merges import followed, survivors

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.config import Contract
    from churn_ml.events import Canonical

NOTHING = Decimal("0.00")


def labels(
    tables: Canonical,
    customers: pd.Series | pd.DataFrame,
    as_of: date,
    contract: Contract,
    watermark: date,
    treated: AbstractSet[str] = frozenset(),
    *,
    zone: str = "UTC",
) -> pd.DataFrame:
    """Label, treated mark and spend in the label window of each customer.

    Args:
        tables: canonical tables cut at `watermark`; `orders` is required, and what the contract
            reads besides.
        customers: customer ids, or a frame with the column customer_id; one row per customer.
        as_of: the cut-off that the label follows.
        contract: gives event, gap_days, horizon_days and settle_days.
        watermark: end of what is known, exclusive; an as_of immature at it gets missing labels.
        treated: ids of customers whom we contacted around the window (economics.md (d)).
        zone: the shop's time zone; a renewal contract reads instants in it.

    Returns:
        One row per customer_id, sorted by it: label (Int64: 1 no retaining event in the window, 0
        at least one, NA immature), treated (bool) and window_net_amount (Decimal in the shop
        currency, None where immature).

    Raises:
        BadInput: a customer appears twice, or a table that the contract needs is missing.

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
    frame, now = pd.DataFrame({"customer_id": pd.Series(ids, dtype="str")}), survivors(tables)
    if timeline.is_mature(as_of, contract, watermark):
        stayed, amount = {*_kept(tables, as_of, contract, zone)}, _amounts(tables, as_of, contract)
        frame["label"] = [0 if now.get(c, c) in stayed else 1 for c in ids]
        bearers = _bearers(ids, now)
        spent: list[Decimal | None] = [
            amount.get(now.get(c, c), NOTHING) if c in bearers else NOTHING for c in ids
        ]
    else:
        frame["label"] = pd.NA
        spent = [None] * len(ids)
    reached = followed(treated, now)
    frame["label"] = frame["label"].astype("Int64")
    frame["treated"] = pd.Series([now.get(c, c) in reached for c in ids], dtype=bool)
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


def _bearers(ids: Sequence[str], gone: Mapping[str, str]) -> set[str]:
    """In whose rows the spend stands, so that the spend of merged customers is counted once.

    The survivor's; the first of the merged (`gone`) where the survivor is not among `ids`.
    """
    row_of = {gone.get(c, c): c for c in reversed(ids)} | {c: c for c in ids if c not in gone}
    return set(row_of.values())


def _kept(tables: Canonical, as_of: date, contract: Contract, zone: str) -> list[str]:
    """The customers with a retaining event in the label window, as the contract defines one."""
    window = timeline.label_window(as_of, contract)
    if contract.event == "renewal":
        # Not `due`: an early renewal that became known late kept who was due as far as was known.
        asked = ending(tables, as_of, contract, zone=zone)
        stayed = asked.filter(asked.renewed_at < timeline.instant(window.end, zone))
    else:
        stayed = _inside(retaining(tables), window).select("customer_id")
        if contract.event == "order_or_login":
            stayed = stayed.union(_inside(logins(tables), window).select("customer_id"))
    found: list[str] = (
        stayed.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist()
    )
    return found


def _inside(events: ibis.Table, window: timeline.Window) -> ibis.Table:
    """The events on the days of the window."""
    return events.filter(events.day >= window.start, events.day < window.end)


def _amounts(tables: Canonical, as_of: date, contract: Contract) -> dict[str, Decimal]:
    """Net amount of the retaining orders in the label window, per customer who ordered in it."""
    inside = _inside(retaining(tables), timeline.label_window(as_of, contract))
    found = (
        inside.group_by("customer_id")
        .aggregate(amount=inside.net_amount.cast("decimal(18,2)").sum())
        .to_pyarrow()
        .to_pylist()
    )
    return {row["customer_id"]: Decimal(row["amount"] or 0).quantize(NOTHING) for row in found}
