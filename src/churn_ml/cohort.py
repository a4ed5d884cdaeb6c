"""Who is in the shop's memory at `as_of`, at which lifecycle stage, and who is scored.

Enters: the canonical tables already cut at `as_of` (only `orders` is needed here). Leaves: one row
per customer with at least one order before `as_of`. An order counts here unless its status is
`cancelled`; an order that was returned later was still a visit to the shop.

All distances are whole calendar days of the shop: an order at any hour of 2017-09-30 is 1 day ago
as of 2017-10-01, and `days_ago <= w` says the same as `occurred_at in [as_of - w, as_of)`. Worked
example, with a lookback of 90, new_days of 30 and a silent_gap_ratio of 1.5, as of 2017-10-01:

    anna   ordered on 2017-09-12, 09-19, 09-26, 09-30           -> new     (first order 19 days ago)
    ben    ordered on 2017-06-01                                -> lost    (122 days ago)
    cleo   ordered on 2017-05-01 and 2017-09-20                 -> returning (141 days without)
    dora   ordered on 2017-08-01, 08-08, 08-15                  -> silent  (47 > 1.5 x 7 days)
    emil   ordered on 2017-08-01, 08-31, 09-25                  -> active  (6 <= 1.5 x 27.5 days)

Stages are total and exclusive; the first that fits wins: lost, returning, new, silent, active.

* lost: no order in the last `lookback_days`.
* returning: came back within the last `new_days` after at least `lookback_days` whole days without
  an order, which is exactly the customers who were lost before they came back.
* new: first order within the last `new_days`.
* silent: days since the last order > `silent_gap_ratio` x own median gap between order days.
* active: everybody else.

Degenerate cases: a customer with fewer than 3 order days (fewer than 2 gaps) has no cadence of
their own, so the median of the other customers' median gaps stands in; where no customer at all has
3 order days there is no cadence to fall silent from, and nobody is silent. Orders on one day are
one order day and make no gap. No customers give an empty frame with the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

from churn_ml.errors import BadInput

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.config import Contract

Canonical: TypeAlias = "Mapping[str, ibis.Table]"
"""Canonical tables by name, cut at one as_of; an absent table is absent from the mapping."""

EPOCH = date(1970, 1, 1)

CADENCE_DAYS = 3
"""Order days that a customer needs for a cadence (median gap) of their own."""


def cohort(tables: Canonical, as_of: date, contract: Contract) -> pd.DataFrame:
    """Every customer with an order before `as_of`, with stage and eligibility.

    Args:
        tables: canonical tables cut at `as_of`; `orders` is required.
        as_of: end of the known world, 00:00 UTC, exclusive.
        contract: gives lookback_days, min_orders, activity_unit, new_days and silent_gap_ratio.

    Returns:
        One row per customer_id, sorted by it, with the columns of tables.COHORT: stage, one_time
        (exactly one order day), eligible, order_count (orders or order days by activity_unit),
        first_order_at and last_order_at (naive UTC) and as_of.

    Raises:
        BadInput: `orders` is not among the tables.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> days = ("2017-05-01", "2017-09-20")
    >>> shop = canonical(orders=[{"customer_id": "cleo", "occurred_at": day} for day in days])
    >>> contract = Contract(lookback_days=90, min_orders=1)
    >>> found = cohort(shop, date(2017, 10, 1), contract)
    >>> found[["customer_id", "stage", "one_time", "eligible", "order_count"]].values.tolist()
    [['cleo', 'returning', False, True, 2]]
    """
    found: pd.DataFrame = _staged(tables, as_of, contract).to_pyarrow().to_pandas()
    return found.sort_values("customer_id", ignore_index=True).assign(as_of=as_of)


def placed(tables: Canonical) -> ibis.Table:
    """The orders that were placed and not cancelled; one row per order.

    Raises BadInput where the mapping holds no `orders`.

    >>> placed({})
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: the table 'orders' is missing | where: cohort | ...
    """
    if "orders" not in tables:
        raise BadInput(
            "the table 'orders' is missing",
            where="cohort",
            got=", ".join(sorted(tables)) or "no tables",
            expected="orders, cut at as_of",
            next_step="map orders in [sources.orders] and ingest them",
        )
    orders = tables["orders"]
    return orders.filter(orders.status != "cancelled")


def days_ago(events: ibis.Table, as_of: date) -> ibis.IntegerColumn:
    """Whole calendar days of the shop from each event's `day` to `as_of`; 1 for the day before it.

    >>> from churn_ml.in_memory import canonical
    >>> orders = canonical(orders=[{"occurred_at": "2017-09-30 23:59:59.999999"}])["orders"]
    >>> days_ago(orders, date(2017, 10, 1)).to_pyarrow().to_pylist()
    [1]
    """
    today = (as_of - EPOCH).days
    return today - events.day.epoch_days()


def order_days(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per customer_id and order day: days_ago, orders, net_cents, gap_days, recency_days.

    `net_cents` is the day's net amount in hundredths of the shop currency (whole numbers, so that
    any order of adding gives the same sum), `first_at` and `last_at` are the day's first and last
    order, `gap_days` the days since the customer's order day before (null for the first) and
    `recency_days` the days_ago of the customer's last order day, repeated.

    >>> from churn_ml.in_memory import canonical
    >>> days = ("2017-09-01", "2017-09-01", "2017-09-08")
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": day} for day in days])
    >>> found = order_days(shop, date(2017, 10, 1)).order_by("days_ago")
    >>> found[["days_ago", "orders", "net_cents", "gap_days"]].to_pyarrow().to_pylist()
    [{'days_ago': 23, 'orders': 1, 'net_cents': 1000, 'gap_days': 7},
     {'days_ago': 30, 'orders': 2, 'net_cents': 2000, 'gap_days': None}]
    """
    import ibis

    orders = placed(tables)
    orders = orders.mutate(days_ago=days_ago(orders, as_of))
    days = orders.group_by("customer_id", "days_ago").aggregate(
        orders=orders.count(),
        net_cents=(orders.net_amount * 100).cast("int64").sum(),
        first_at=orders.occurred_at.min(),
        last_at=orders.occurred_at.max(),
    )
    # (customer_id, days_ago) is unique here, so this order is total on every engine.
    back = ibis.window(group_by="customer_id", order_by=days.days_ago)
    whole = ibis.window(group_by="customer_id")
    return days.mutate(
        gap_days=days.days_ago.lead().over(back) - days.days_ago,
        recency_days=days.days_ago.min().over(whole),
    )


def eligible(tables: Canonical, as_of: date, contract: Contract) -> ibis.Table:
    """The customers who are scored: enough activity in [as_of - lookback_days, as_of).

    One row per customer_id with only that column. Enough means at least `min_orders` orders, or
    order days where the contract's activity_unit is `order_day`.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": "2017-09-01"},
    ...     {"customer_id": "ben", "occurred_at": "2017-09-01", "status": "cancelled"}])
    >>> eligible(shop, date(2017, 10, 1), Contract(lookback_days=30)).to_pyarrow().to_pylist()
    [{'customer_id': 'anna'}]
    """
    days = order_days(tables, as_of)
    recent = days.filter(days.days_ago <= contract.lookback_days)
    counted = recent.group_by("customer_id").aggregate(activity=_activity(recent, contract).sum())
    return counted.filter(counted.activity >= contract.min_orders).select("customer_id")


def _activity(days: ibis.Table, contract: Contract) -> ibis.IntegerColumn:
    """What each order day counts in the contract's activity_unit: its orders, or 1."""
    return days.orders if contract.activity_unit == "order" else days.orders.sign()


def _standing(days: ibis.Table, contract: Contract) -> ibis.Table:
    """One row per customer: what the stages and the columns of COHORT are read from."""
    recent = days.days_ago <= contract.lookback_days
    activity = _activity(days, contract)
    return days.group_by("customer_id").aggregate(
        order_count=activity.sum(),
        recent_count=activity.sum(where=recent).fill_null(0),
        day_count=days.count(),
        first_order_at=days.first_at.min(),
        last_order_at=days.last_at.max(),
        recency_days=days.days_ago.min(),
        tenure_days=days.days_ago.max(),
        median_gap_days=days.gap_days.median(),
        # Two order days g apart leave g - 1 whole days without an order between them.
        returned_days_ago=days.days_ago.min(where=days.gap_days > contract.lookback_days),
    )


def _staged(tables: Canonical, as_of: date, contract: Contract) -> ibis.Table:
    """The standing of every customer with the stage's name, as the columns of COHORT."""
    import ibis

    standing = _standing(order_days(tables, as_of), contract)
    settled = standing.filter(standing.day_count >= CADENCE_DAYS)
    usual = settled.aggregate(cohort_gap_days=settled.median_gap_days.median())
    all_ = standing.cross_join(usual)
    own = (all_.day_count >= CADENCE_DAYS).ifelse(all_.median_gap_days, all_.cohort_gap_days)
    stage = ibis.cases(
        (all_.recency_days > contract.lookback_days, "lost"),
        (all_.returned_days_ago <= contract.new_days, "returning"),
        (all_.tenure_days <= contract.new_days, "new"),
        (all_.recency_days > own * contract.silent_gap_ratio, "silent"),
        else_="active",
    )
    return all_.select(
        "customer_id",
        stage=stage,
        one_time=all_.day_count == 1,
        eligible=all_.recent_count >= contract.min_orders,
        order_count=all_.order_count.cast("int64"),
        first_order_at=all_.first_order_at,
        last_order_at=all_.last_order_at,
    )
