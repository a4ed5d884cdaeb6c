"""Who is in the shop's memory at `as_of`, at which lifecycle stage, and who is scored.

Enters: the canonical tables already cut at `as_of` (`orders`, and what the contract reads besides).
Leaves: one row per customer with at least one order before `as_of`. An order counts here unless its
status is `cancelled`; an order that was returned later was still a visit to the shop. Where the
contract's event is `order_or_login`, a login is a sign of life like an order, in stages and
eligibility, of customers who ever ordered; below, read "order" so.

All distances are whole calendar days of the shop: an order at any hour of 2017-09-30 is 1 day ago
as of 2017-10-01, and `days_ago <= w` says the same as `occurred_at in [as_of - w, as_of)`. Worked
example, with a lookback of 90, new_days of 30 and a silent_gap_ratio of 1.5, as of 2017-10-01:

    anna   ordered on 2017-09-12, 09-19, 09-26, 09-30           -> new     (first order 19 days ago)
    ben    ordered on 2017-06-01                                -> lost    (122 days ago)
    cleo   ordered on 2017-05-01 and 2017-09-20                 -> returning (141 days without)
    dora   ordered on 2017-08-01, 08-08, 08-15                  -> silent  (47 > 1.5 x 7 days)
    emil   ordered on 2017-08-01, 08-31, 09-25                  -> active  (6 <= 1.5 x 27.5 days)

Stages are total and exclusive; the first that fits wins: lost, returning, new, silent, loyal,
active.

* lost: no order in the last `lookback_days`; a contract of the lost scores them, and only them.
* returning: came back within the last `new_days` after at least `lookback_days` whole days without
  an order, which is exactly the customers who were lost before they came back.
* new: first order within the last `new_days`.
* silent: days since the last order > `silent_gap_ratio` x own median gap between order days.
* loyal: among the top `loyal_share` of those who ordered in the lookback, by recency, frequency and
  money alike (see rfm.py), and with a cadence of their own.
* active: everybody else.

Degenerate cases: a customer with fewer than 3 order days (fewer than 2 gaps) has no cadence of
their own, so the median of the other customers' median gaps stands in; where no customer at all has
3 order days there is no cadence to fall silent from, and nobody is silent. Orders on one day are
one order day and make no gap. No customers give an empty frame with the same columns.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from churn_ml import timeline
from churn_ml.events import (
    activity,
    attributes,
    days_ago,
    live_days,
    needed,
    order_days,
    placed,
)
from churn_ml.rfm import top

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.config import Contract
    from churn_ml.events import Canonical

CADENCE_DAYS = 3
"""Order days that a customer needs for a cadence (median gap) of their own."""


def cohort(
    tables: Canonical, as_of: date, contract: Contract, *, zone: str = "UTC"
) -> pd.DataFrame:
    """Every customer with an order before `as_of`, with stage and eligibility.

    Args:
        tables: canonical tables cut at `as_of`; `orders` is required, and what the contract reads.
        as_of: end of the known world, 00:00 of the shop, exclusive.
        contract: who is eligible, and what cuts the stages.
        zone: the shop's time zone; a renewal contract reads instants in it.

    Returns:
        One row per customer_id, sorted by it, with the columns of tables.COHORT: stage, one_time
        (exactly one order day), eligible, order_count (orders or order days by activity_unit),
        first_order_at and last_order_at (naive UTC) and as_of.

    Raises:
        BadInput: a table that the contract needs is not among the tables.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> days = ("2017-05-01", "2017-09-20")
    >>> shop = canonical(orders=[{"customer_id": "cleo", "occurred_at": day} for day in days])
    >>> contract = Contract(lookback_days=90, min_orders=1)
    >>> found = cohort(shop, date(2017, 10, 1), contract)
    >>> found[["customer_id", "stage", "one_time", "eligible", "order_count"]].values.tolist()
    [['cleo', 'returning', False, True, 2]]
    """
    found: pd.DataFrame = _staged(tables, as_of, contract, zone).to_pyarrow().to_pandas()
    return found.sort_values("customer_id", ignore_index=True).assign(as_of=as_of)


def eligible(
    tables: Canonical, as_of: date, contract: Contract, *, zone: str = "UTC"
) -> ibis.Table:
    """The customers who are scored: enough signs of life in [as_of - lookback_days, as_of).

    One row per customer_id with only that column. Enough means at least `min_orders` events, or
    days with one where the contract's activity_unit is `order_day`; the contract's `population` may
    take the one-time or the repeat buyers of them, or the lost instead. Under a renewal contract it
    is who has a subscription `due` in the label window. Where the contract is `of` some
    customers, only those whose attribute, valid at as_of, is one of its words. `zone`: the shop's.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": "2017-09-01"},
    ...     {"customer_id": "ben", "occurred_at": "2017-09-01", "status": "cancelled"}])
    >>> eligible(shop, date(2017, 10, 1), Contract(lookback_days=30)).to_pyarrow().to_pylist()
    [{'customer_id': 'anna'}]
    """
    if contract.event == "renewal":
        known = placed(tables).select("customer_id").distinct()
        found = known.semi_join(due(tables, as_of, contract, zone=zone), "customer_id")
    else:
        found = _meant(tables, as_of, contract)
    return _of(found, tables, contract)


def due(tables: Canonical, as_of: date, contract: Contract, *, zone: str = "UTC") -> ibis.Table:
    """The subscriptions that run at `as_of` and are due in its label window; one row each.

    Running: begun, neither cancelled nor renewed before as_of. `zone`: the shop's, in which the
    window's days begin. Raises BadInput where the shop has no `subscriptions`.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> from datetime import datetime
    >>> shop = canonical(subscriptions=[{"customer_id": "anna", "occurred_at": "2016-10-15",
    ...     "due_at": datetime(2017, 10, 15)}])
    >>> club = Contract(event="renewal", horizon_days=30)
    >>> [due(shop, day, club).count().to_pyarrow().as_py()
    ...  for day in (date(2017, 10, 1), date(2017, 9, 1))]
    [1, 0]
    """
    rows, now = ending(tables, as_of, contract, zone=zone), timeline.instant(as_of, zone)
    return rows.filter(
        rows.cancelled_at.fill_null(now) >= now, rows.renewed_at.fill_null(now) >= now
    )


def ending(tables: Canonical, as_of: date, contract: Contract, *, zone: str = "UTC") -> ibis.Table:
    """The subscriptions begun before `as_of` whose period ends in its label window; one row each.

    Renewed, cancelled or neither; `zone` as in `due`. Raises BadInput where the shop has no
    `subscriptions`.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> from datetime import datetime
    >>> shop = canonical(subscriptions=[{"customer_id": "anna", "occurred_at": "2016-10-15",
    ...     "due_at": datetime(2017, 10, 15), "renewed_at": datetime(2017, 9, 28)}])
    >>> club = Contract(event="renewal", horizon_days=30)
    >>> [found(shop, date(2017, 10, 1), club).count().to_pyarrow().as_py()
    ...  for found in (ending, due)]
    [1, 0]
    """
    rows = needed(tables, "subscriptions", 'a contract with event = "renewal"')
    window = timeline.label_window(as_of, contract)
    now, first, end = (timeline.instant(d, zone) for d in (as_of, window.start, window.end))
    return rows.filter(rows.occurred_at < now, rows.due_at >= first, rows.due_at < end)


def _meant(tables: Canonical, as_of: date, contract: Contract) -> ibis.Table:
    """The customers of the contract's population with enough signs of life."""
    signs = activity(tables, contract)
    recent = signs.filter(days_ago(signs, as_of) <= contract.lookback_days)
    lost = contract.population == "lost"
    counted = signs if lost else recent
    if lost and contract.lost_within_days is not None:
        heard = signs.filter(days_ago(signs, as_of) <= contract.lost_within_days)
        counted = counted.semi_join(heard, "customer_id")
    if contract.activity_unit == "order_day":
        counted = counted.select("customer_id", "day").distinct()
    enough = counted.group_by("customer_id").aggregate(activity=counted.count())
    found = enough.filter(enough.activity >= contract.min_orders).select("customer_id")
    if lost:
        return found.anti_join(recent, "customer_id")
    if contract.population == "active":
        return found
    orders = placed(tables)
    bought = orders.group_by("customer_id").aggregate(days=orders.day.nunique())
    once = contract.population == "one_time"
    wanted = bought.filter(bought.days == 1 if once else bought.days > 1)
    return found.semi_join(wanted, "customer_id")


def _of(found: ibis.Table, tables: Canonical, contract: Contract) -> ibis.Table:
    """Those of `found` whom the contract is about, by their attributes."""
    if not contract.of:
        return found
    rows = attributes(tables)
    meant = rows.filter([rows[name].isin(words) for name, words in sorted(contract.of.items())])
    return found.semi_join(meant, "customer_id")


def _standing(days: ibis.Table, contract: Contract) -> ibis.Table:
    """One row per customer: what the stages and the columns of COHORT are read from."""
    ordered = days.orders > 0
    unit = days.orders if contract.activity_unit == "order" else days.orders.sign()
    return days.group_by("customer_id").aggregate(
        order_count=unit.sum(),
        day_count=days.count(),
        order_day_count=ordered.sum(),
        first_order_at=days.first_at.min(),
        last_order_at=days.last_at.max(),
        recency_days=days.days_ago.min(),
        tenure_days=days.days_ago.max(where=ordered),
        median_gap_days=days.gap_days.median(),
        # Two order days g apart leave g - 1 whole days without an order between them.
        returned_days_ago=days.days_ago.min(where=days.gap_days > contract.lookback_days),
    )


def _staged(tables: Canonical, as_of: date, contract: Contract, zone: str) -> ibis.Table:
    """The standing of every customer with the stage's name, as the columns of COHORT."""
    import ibis

    standing = _standing(live_days(tables, as_of, contract), contract)
    scored = eligible(tables, as_of, contract, zone=zone).mutate(eligible=ibis.literal(True))
    standing = standing.left_join(scored, "customer_id").drop("customer_id_right")
    best = top(order_days(tables, as_of), contract.lookback_days, contract.loyal_share)
    standing = standing.left_join(best, "customer_id").drop("customer_id_right")
    settled = standing.filter(standing.day_count >= CADENCE_DAYS)
    usual = settled.aggregate(cohort_gap_days=settled.median_gap_days.median())
    all_ = standing.cross_join(usual)
    settled_in = all_.day_count >= CADENCE_DAYS
    own = settled_in.ifelse(all_.median_gap_days, all_.cohort_gap_days)
    stage = ibis.cases(
        (all_.recency_days > contract.lookback_days, "lost"),
        (all_.returned_days_ago <= contract.new_days, "returning"),
        (all_.tenure_days <= contract.new_days, "new"),
        (all_.recency_days > own * contract.silent_gap_ratio, "silent"),
        (settled_in & all_.is_top.fill_null(False), "loyal"),
        else_="active",
    )
    return all_.select(
        "customer_id",
        stage=stage,
        one_time=all_.order_day_count == 1,
        eligible=all_.eligible.fill_null(False),
        order_count=all_.order_count.cast("int64"),
        first_order_at=all_.first_order_at,
        last_order_at=all_.last_order_at,
    )
