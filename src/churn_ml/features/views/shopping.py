"""What was bought: orders, their lines, and the categories of these lines.

Worked example, as of 2017-10-01: milk and bread on 2017-09-30 are one row of `orders`, two of
`lines`, and one of `categories` for each of their categories, with days_ago 1.

What was in a basket half a year ago says little about next month, so lines and categories look back
only so many days, and the one large scan stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago, placed

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day

BOUGHT = "bought"
"""The lines of the longest window, among the tables of one query."""


def orders(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per order that was not cancelled, with days_ago and weekday (0 Monday).

    Amounts become whole hundredths: net_cents, shipping_cents and duty_cents.
    """
    rows = placed(tables)
    return rows.mutate(
        days_ago=days_ago(rows, as_of),
        weekday=rows.day.day_of_week.index(),
        **order_cents(rows),
    )


def order_cents(rows: ibis.Table) -> dict[str, ibis.IntegerColumn]:
    """The amounts of orders in whole hundredths, by name: net_cents, shipping_cents, duty_cents."""
    kinds = ("net", "shipping", "duty")
    return {f"{kind}_cents": (rows[f"{kind}_amount"] * 100).cast("int64") for kind in kinds}


def stores(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer and store with an order in the last `days` days."""
    rows = orders(tables, as_of)
    rows = rows.filter(rows.days_ago <= days, rows.store_id.notnull())
    return rows.select("customer_id", "store_id").distinct()


def lines(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per line of an order that was not cancelled, of the last `days` days.

    Amounts become whole hundredths: net_cents, discount_cents and coupon_cents (missing is 0).
    Where `tables` have them prepared, for all views at once, they are taken from there.
    """
    if BOUGHT in tables:
        return tables[BOUGHT].filter(tables[BOUGHT].days_ago <= days)
    rows = tables["order_lines"]
    recent = rows.mutate(days_ago=days_ago(rows, as_of)).filter(lambda t: t.days_ago <= days)
    return recent.semi_join(placed(tables), "order_id").select(
        "customer_id",
        "order_id",
        "product_id",
        "day",
        "days_ago",
        "quantity",
        **cents(recent),
    )


def cents(rows: ibis.Table) -> dict[str, ibis.IntegerColumn]:
    """The amounts of lines in whole hundredths, by name; a missing discount is 0."""
    return {
        "net_cents": (rows.net_amount * 100).cast("int64"),
        "discount_cents": (rows.discount_amount * 100).cast("int64").fill_null(0),
        "coupon_cents": (rows.coupon_amount * 100).cast("int64").fill_null(0),
    }


def categories(tables: Canonical, as_of: Day, days: int, recent_days: int) -> ibis.Table:
    """One row per customer, department and category of the last `days` days.

    `days_ago` and `first_days_ago` are the last and first time it was bought, `last_days_ago` the
    customer's last day with any line; `recent_lines` are of the last `recent_days` days,
    `earlier_lines` of the days before. Products that are not known count as the category "".
    """
    bought = _of_kinds(tables, as_of, days)
    recent = bought.days_ago <= recent_days
    found = bought.group_by("customer_id", "department", "category").aggregate(
        days_ago=bought.days_ago.min(),
        first_days_ago=bought.days_ago.max(),
        net_cents=bought.net_cents.sum(),
        recent_lines=recent.sum(),
        earlier_lines=(~recent).sum(),
    )
    last = found.group_by("customer_id").aggregate(last_days_ago=found.days_ago.min())
    return found.inner_join(last, "customer_id")


def category_spend(tables: Canonical, as_of: Day, days: int, recent_days: int) -> ibis.Table:
    """One row per customer, department and category of the last `days` days, as in `categories`.

    `recent_cents` were spent on it in the last `recent_days` days, `earlier_cents` in the days
    before; `recent_whole` and `earlier_whole` on all of the customer's categories, `recent_most` on
    the one that most was spent on of late.
    """
    import ibis

    bought = _of_kinds(tables, as_of, days)
    recent = bought.days_ago <= recent_days
    found = bought.group_by("customer_id", "department", "category").aggregate(
        recent_cents=bought.net_cents.sum(where=recent).fill_null(0),
        earlier_cents=bought.net_cents.sum(where=~recent).fill_null(0),
    )
    own = ibis.window(group_by="customer_id")
    return found.mutate(
        recent_whole=found.recent_cents.sum().over(own),
        earlier_whole=found.earlier_cents.sum().over(own),
        recent_most=found.recent_cents.max().over(own),
    )


def _of_kinds(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """The lines of the last `days` days with category and department, "" where not known."""
    kinds = products(tables).select("product_id", "category", "department")
    bought = lines(tables, as_of, days).left_join(kinds, "product_id")
    return bought.mutate(
        category=bought.category.fill_null(""), department=bought.department.fill_null("")
    )


def novelties(tables: Canonical, as_of: Day, days: int, new_days: int) -> ibis.Table:
    """One row per customer and order of the last `days` days with a product that was new then.

    New is what was launched less than `new_days` days before, or had not been launched yet.
    """
    launched = products(tables).select("product_id", launched_on=lambda t: t.launched_at.date())
    bought = lines(tables, as_of, days).inner_join(launched, "product_id")
    age_days = bought.day.epoch_days() - bought.launched_on.epoch_days()
    return bought.filter(age_days < new_days).select("customer_id", "order_id").distinct()


def products(tables: Canonical) -> ibis.Table:
    """One row per product: the version that is valid at as_of."""
    import ibis

    rows = tables["products"]
    # (product_id, occurred_at) is the table's key, so this order is total.
    newest = ibis.window(group_by="product_id", order_by=ibis.desc("occurred_at"))
    ranked = rows.mutate(age=ibis.row_number().over(newest))
    return ranked.filter(ranked.age == 0).drop("age")
