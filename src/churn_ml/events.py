"""Signs of life: the orders and logins that say a customer is still there, by day.

Enters: the canonical tables already cut at `as_of`. Leaves: Ibis tables of what the contract counts
as a sign of life, dated in whole calendar days of the shop; and the attributes of a customer as
they were valid at the cut. An order counts unless its status is `cancelled`; an order that was
returned later was still a visit to the shop.

Worked example: anna ordered on 2017-09-26 and logged in on 2017-09-29. Under a contract whose event
is `order` her last sign of life, as of 2017-10-01, was 5 days ago; under `order_or_login` 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

from churn_ml.errors import BadInput

if TYPE_CHECKING:
    import ibis

    from churn_ml.config import Contract

Canonical: TypeAlias = "Mapping[str, ibis.Table]"
"""Canonical tables by name, cut at one as_of; an absent table is absent from the mapping."""

Day: TypeAlias = "date | ibis.DateScalar"
"""The day of the cut: a date, or an expression of one where a query is to serve many."""

EPOCH = date(1970, 1, 1)


def needed(tables: Canonical, name: str, why: str) -> ibis.Table:
    """The table `name`; raises BadInput where the shop has none. `why`: who needs it, in words.

    >>> needed({}, "orders", "every step")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: the table 'orders' is missing | where: every step | ...
    """
    if name in tables:
        return tables[name]
    raise BadInput(
        f"the table {name!r} is missing",
        where=why,
        got=", ".join(sorted(tables)) or "no tables",
        expected=f"{name}, cut at as_of",
        next_step=f"map {name} in [sources.{name}] and ingest them",
    )


def placed(tables: Canonical) -> ibis.Table:
    """The orders that were placed and not cancelled; one row per order.

    Raises BadInput where the mapping holds no `orders`.

    >>> placed({})
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: the table 'orders' is missing | where: cohort | ...
    """
    orders = needed(tables, "orders", "cohort")
    return orders.filter(orders.status != "cancelled")


def days_ago(events: ibis.Table, as_of: Day) -> ibis.IntegerColumn:
    """Whole calendar days of the shop from each event's `day` to `as_of`; 1 for the day before it.

    >>> from churn_ml.in_memory import canonical
    >>> orders = canonical(orders=[{"occurred_at": "2017-09-30 23:59:59.999999"}])["orders"]
    >>> days_ago(orders, date(2017, 10, 1)).to_pyarrow().to_pylist()
    [1]
    """
    return _whole_days(as_of) - events.day.epoch_days()


def seconds(at: ibis.TimestampColumn) -> ibis.IntegerColumn:
    """Whole seconds from 1970 to each instant; fractions are left off.

    >>> from churn_ml.in_memory import canonical
    >>> orders = canonical(orders=[{"occurred_at": "1970-01-02 00:00:01.9"}])["orders"]
    >>> seconds(orders.occurred_at).to_pyarrow().to_pylist()
    [86401]
    """
    # DuckDB's epoch is a double with the fraction in it, which another order of adding may change
    return at.epoch_seconds().floor()


def days_since(at: ibis.TimestampValue, as_of: Day) -> ibis.IntegerValue:
    """Whole calendar days (UTC) from each instant to `as_of`; 0 or less for what is yet to come.

    >>> from churn_ml.in_memory import canonical
    >>> orders = canonical(orders=[{"occurred_at": "2017-09-29 23:00"}])["orders"]
    >>> days_since(orders.occurred_at, date(2017, 10, 1)).to_pyarrow().to_pylist()
    [2]
    """
    return _whole_days(as_of) - at.date().epoch_days()


def _whole_days(day: Day) -> ibis.IntegerScalar | int:
    """The days from 1970 to `day`."""
    return (day - EPOCH).days if isinstance(day, date) else day.epoch_days()


def order_days(tables: Canonical, as_of: Day) -> ibis.Table:
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
    return days.mutate(
        gap_days=days.days_ago.lead().over(back) - days.days_ago,
        recency_days=days.days_ago.first().over(back),
    )


def activity(tables: Canonical, contract: Contract) -> ibis.Table:
    """What the contract counts as a sign of life: customer_id, occurred_at, day, is_order.

    One row per order that was not cancelled; under `order_or_login` one per login too, of the
    customers who ever ordered. A renewal is the customer's deed, but once a year: who lives under
    such a contract is told by orders, who is at risk by `cohort.due`.
    Raises BadInput where a table that the contract needs is missing.

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(
    ...     orders=[{"customer_id": "anna", "occurred_at": "2017-09-26"}],
    ...     web_events=[{"customer_id": c, "occurred_at": "2017-09-29", "kind": "login"}
    ...                 for c in ("anna", "zoe")])
    >>> found = activity(shop, Contract(event="order_or_login")).order_by("day")
    >>> [(r["customer_id"], r["day"].day, r["is_order"]) for r in found.to_pyarrow().to_pylist()]
    [('anna', 26, True), ('anna', 29, False)]
    """
    import ibis

    columns = ("customer_id", "occurred_at", "day")
    orders = placed(tables)
    bought = orders.select(*columns).mutate(is_order=ibis.literal(True))
    if contract.event != "order_or_login":
        return bought
    visits = logins(tables).semi_join(orders, "customer_id").select(*columns)
    return bought.union(visits.mutate(is_order=ibis.literal(False)))


def logins(tables: Canonical) -> ibis.Table:
    """The logins among the events of site and app; one row each, as `activity` reads them.

    Raises BadInput where the shop has no web_events.
    """
    events = needed(tables, "web_events", 'a contract with event = "order_or_login"')
    return events.filter(events.kind == "login")


def live_days(tables: Canonical, as_of: Day, contract: Contract) -> ibis.Table:
    """One row per customer_id and day with a sign of life: days_ago, events, orders, gap_days.

    `events` counts the signs of life, `orders` the orders among them, `first_at` and `last_at` are
    the day's first and last order (null without), `gap_days` the days since the customer's day
    before (null for the first).

    >>> from churn_ml.config import Contract
    >>> from churn_ml.in_memory import canonical
    >>> days = ("2017-09-01", "2017-09-01", "2017-09-08")
    >>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": day} for day in days])
    >>> found = live_days(shop, date(2017, 10, 1), Contract()).order_by("days_ago")
    >>> found[["days_ago", "events", "gap_days"]].to_pyarrow().to_pylist()
    [{'days_ago': 23, 'events': 1, 'gap_days': 7}, {'days_ago': 30, 'events': 2, 'gap_days': None}]
    """
    import ibis

    events = activity(tables, contract)
    events = events.mutate(days_ago=days_ago(events, as_of))
    days = events.group_by("customer_id", "days_ago").aggregate(
        events=events.count(),
        orders=events.is_order.sum(),
        first_at=events.occurred_at.min(where=events.is_order),
        last_at=events.occurred_at.max(where=events.is_order),
    )
    # (customer_id, days_ago) is unique here, so this order is total on every engine.
    back = ibis.window(group_by="customer_id", order_by=days.days_ago)
    return days.mutate(gap_days=days.days_ago.lead().over(back) - days.days_ago)


def attributes(tables: Canonical) -> ibis.Table:
    """One row per customer: the version of `customers` that is valid at the cut.

    Raises BadInput where the shop has no `customers`.

    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(customers=[
    ...     {"customer_id": "anna", "tier": "basic", "occurred_at": "2017-01-01"},
    ...     {"customer_id": "anna", "tier": "gold", "occurred_at": "2017-06-01"}])
    >>> attributes(shop).tier.to_pyarrow().to_pylist()
    ['gold']
    """
    import ibis

    rows = needed(tables, "customers", "attributes of customers, such as [contract] of")
    # (customer_id, occurred_at) is the table's key, so this order is total.
    newest = ibis.window(group_by="customer_id", order_by=ibis.desc("occurred_at"))
    ranked = rows.mutate(age=ibis.row_number().over(newest))
    return ranked.filter(ranked.age == 0).drop("age")
