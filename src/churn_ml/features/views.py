"""The views that measures are taken from: events of one kind, cleaned and dated.

Enters: the canonical tables already cut at `as_of`. Leaves: one Ibis table per view, each with
`customer_id` and `days_ago` (1 for the day before `as_of`; 30 for 2017-09-01 as of 2017-10-01).

* days: one row per customer and order day (events.order_days).
* orders: one row per order that was not cancelled.
* lines: one row per line of such an order, of the last LINE_DAYS days.
* categories: one row per customer, department and category of these lines.
* contacts: one row per customer and campaign.
* redemptions: one row per customer, coupon and time.

What was in a basket half a year ago says little about next month, so lines and categories look back
LINE_DAYS days only, and the one large scan stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago, order_days, placed

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import ibis

    from churn_ml.events import Canonical
    from churn_ml.features.indicator import View

LINE_DAYS = 90
RECENT_DAYS = 45


def orders(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per order that was not cancelled, with days_ago and weekday (UTC, 0 Monday)."""
    rows = placed(tables)
    return rows.mutate(days_ago=days_ago(rows, as_of), weekday=rows.day.day_of_week.index())


def lines(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per line of an order that was not cancelled, of the last LINE_DAYS days.

    Amounts become whole hundredths: net_cents, discount_cents and coupon_cents (missing is 0).
    """
    rows = tables["order_lines"]
    rows = rows.mutate(
        days_ago=days_ago(rows, as_of),
        net_cents=(rows.net_amount * 100).cast("int64"),
        discount_cents=(rows.discount_amount * 100).cast("int64").fill_null(0),
        coupon_cents=(rows.coupon_amount * 100).cast("int64").fill_null(0),
    )
    return rows.filter(rows.days_ago <= LINE_DAYS).semi_join(placed(tables), "order_id")


def categories(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per customer, department and category of the last LINE_DAYS days.

    `days_ago` and `first_days_ago` are the last and first time it was bought, `last_days_ago` the
    customer's last day with any line; `recent_lines` are of the last RECENT_DAYS days,
    `earlier_lines` of the days before. Products that are not known count as the category "".
    """
    import ibis

    bought = lines(tables, as_of).left_join(products(tables), "product_id")
    bought = bought.mutate(
        category=bought.category.fill_null(""), department=bought.department.fill_null("")
    )
    recent = bought.days_ago <= RECENT_DAYS
    found = bought.group_by("customer_id", "department", "category").aggregate(
        days_ago=bought.days_ago.min(),
        first_days_ago=bought.days_ago.max(),
        net_cents=bought.net_cents.sum(),
        recent_lines=recent.sum(),
        earlier_lines=(~recent).sum(),
    )
    whole = ibis.window(group_by="customer_id")
    return found.mutate(last_days_ago=found.days_ago.min().over(whole))


def contacts(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per customer and campaign, with days_ago of the contact."""
    rows = tables["campaign_contacts"]
    return rows.mutate(days_ago=days_ago(rows, as_of))


def redemptions(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per customer, coupon and time of redemption, with days_ago."""
    rows = tables["coupon_redemptions"]
    return rows.mutate(days_ago=days_ago(rows, as_of))


def products(tables: Canonical) -> ibis.Table:
    """One row per product, with category and department as valid at as_of."""
    import ibis

    rows = tables["products"]
    # (product_id, occurred_at) is the table's key, so this order is total.
    newest = ibis.window(group_by="product_id", order_by=ibis.desc("occurred_at"))
    ranked = rows.mutate(age=ibis.row_number().over(newest))
    return ranked.filter(ranked.age == 0).select("product_id", "category", "department")


VIEWS: dict[View, Callable[[Canonical, date], ibis.Table]] = {
    "days": order_days,
    "orders": orders,
    "lines": lines,
    "categories": categories,
    "contacts": contacts,
    "redemptions": redemptions,
}
