"""What customers did in site, app, mini program and social media, from web_events.

Worked example, as of 2017-10-01: on 2017-09-30 h1 looked at the lamp, the desk and the lamp again,
went to the second step of the checkout and left without an order. That is one row of `visit_days`
with page_views 3, one of `sessions`, three of `looks` (the third is a return), and one of
`checkouts`, abandoned at step 2; all with days_ago 1.

What happened in social media is no visit: it is kept apart, in `social`. An event without a session
counts in `visit_days` only. A visit belongs to the day of its first event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago, placed, seconds
from churn_ml.features.views import shopping

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day

VISIT_ENDS_SECONDS = 1800
"""The silence that ends a visit, as web analytics has it: an order within it belongs to it."""
WANTED_LOOKS = 3
"""Looks at a product that tell of a wish for it."""


def visit_days(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per customer and day of a visit, with what was done that day.

    Counts: page_views, logins, searches (those whose hits are known), empty_searches (without a
    hit), recommendations (shown) and recommendation_clicks. `after_first_order` is the number of
    days from the customer's first order day to this one; null without an order.
    """
    rows = _visits(tables, as_of)
    search = rows.kind == "search"
    days = rows.group_by("customer_id", "days_ago").aggregate(
        page_views=rows.count(where=rows.kind == "page_view"),
        logins=rows.count(where=rows.kind == "login"),
        searches=rows.count(where=search & rows.results.notnull()),
        empty_searches=rows.count(where=search & (rows.results == 0)),
        recommendations=rows.count(where=rows.kind == "recommendation_view"),
        recommendation_clicks=rows.count(where=rows.kind == "recommendation_click"),
    )
    orders = placed(tables)
    first = orders.group_by("customer_id").aggregate(first_ago=days_ago(orders, as_of).max())
    dated = days.left_join(first, "customer_id").drop("customer_id_right")
    return dated.mutate(after_first_order=dated.first_ago - dated.days_ago)


def social(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per event in social media that could be linked to a customer, with days_ago."""
    rows = tables["web_events"].filter(tables["web_events"].platform == "social")
    return rows.mutate(days_ago=days_ago(rows, as_of))


def loads(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per event of the last `days` days whose load time is known: load_ms, whole."""
    rows = _visits(tables, as_of, days)
    timed = rows.filter(rows.load_ms.notnull())
    return timed.mutate(load_ms=timed.load_ms.round())


def sessions(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer and session of the last `days` days: days_ago, seconds, errors.

    `seconds` lie between the first event and the last, with the time spent on the last where it is
    known: of the day before as_of it is not, for it may run on after as_of. `errors` are the events
    that were or had one.
    """
    rows = _visits(tables, as_of, days)
    rows = rows.filter(rows.session_id.notnull())
    began = seconds(rows.occurred_at)
    spent = (rows.days_ago > 1).ifelse(rows.duration_seconds, None).fill_null(0)
    ended = began + spent.floor()
    return rows.group_by("customer_id", "session_id").aggregate(
        days_ago=rows.days_ago.max(),
        seconds=ended.max() - began.min(),
        errors=rows.count(where=(rows.kind == "error") | rows.error_code.notnull()),
    )


def checkouts(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer and session of the last `days` days with a step of the checkout.

    `abandoned` is True where no order was placed from its first step until half an hour after its
    last; an order that was cancelled later had been placed. `last_step` is the farthest step, and
    `exits` counts the customer's abandoned checkouts that ended at the same one; `most_exits` is
    the largest such count of the customer.
    """
    import ibis

    steps = _visits(tables, as_of, days).filter(
        lambda t: (t.kind == "checkout_step") & t.session_id.notnull()
    )
    begun = steps.group_by("customer_id", "session_id").aggregate(
        days_ago=steps.days_ago.max(),
        first_at=steps.occurred_at.min(),
        ended=seconds(steps.occurred_at).max() + VISIT_ENDS_SECONDS,
        last_step=steps.step.max(),
    )
    orders = tables["orders"].select("customer_id", ordered_at=tables["orders"].occurred_at)
    own = begun.customer_id == orders.customer_id
    within = (orders.ordered_at >= begun.first_at) & (seconds(orders.ordered_at) <= begun.ended)
    pairs = begun.left_join(orders, [own, within])
    rows = pairs.group_by("customer_id", "session_id", "days_ago", "last_step").aggregate(
        abandoned=pairs.ordered_at.count() == 0
    )
    at_step = ibis.window(group_by=["customer_id", "last_step"])
    left_at = rows.abandoned & rows.last_step.notnull()
    rows = rows.mutate(exits=left_at.ifelse(1, 0).sum().over(at_step))
    return rows.mutate(most_exits=rows.exits.max().over(ibis.window(group_by="customer_id")))


def looks(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per look at a product in a session of the last `days` days, with `back`.

    `back` is True where the product was looked at before in this session, and another one between.
    """
    import ibis

    rows = _product_views(tables, as_of, days)
    rows = rows.filter(rows.session_id.notnull())
    # event_id is the table's key, so these orders are total
    order = [rows.occurred_at, rows.event_id]
    session = ibis.window(group_by=["customer_id", "session_id"], order_by=order)
    product = ibis.window(group_by=["customer_id", "session_id", "product_id"], order_by=order)
    rows = rows.mutate(
        last_product=rows.product_id.lag().over(session),
        looks_before=ibis.row_number().over(product),
    )
    return rows.mutate(back=(rows.looks_before > 0) & (rows.last_product != rows.product_id))


def wishes(tables: Canonical, as_of: Day, days: int, paid_days: int) -> ibis.Table:
    """One row per customer and product looked at three times or more in the last `days` days.

    `list_cents` is its list price as valid at as_of, `usual_cents` the median price of a unit that
    the customer bought in the last `paid_days` days (null where not known), and `bought` tells
    whether the product was bought in the last `days` days.
    """
    rows = _product_views(tables, as_of, days)
    seen = rows.group_by("customer_id", "product_id").aggregate(
        days_ago=rows.days_ago.min(), looks=rows.count()
    )
    wanted = seen.filter(seen.looks >= WANTED_LOOKS)
    lines = shopping.lines(tables, as_of, paid_days)
    paid = lines.group_by("customer_id").aggregate(
        usual_cents=(lines.net_cents // lines.quantity).quantile(0.5)
    )
    got = lines.group_by("customer_id", "product_id").aggregate(bought_ago=lines.days_ago.min())
    goods = shopping.products(tables)
    listed = goods.select("product_id", list_cents=(goods.list_amount * 100).cast("int64"))
    rows = wanted.left_join(listed, "product_id").drop("product_id_right")
    rows = rows.left_join(paid, "customer_id").drop("customer_id_right")
    rows = rows.left_join(got, ["customer_id", "product_id"])
    # One by one: names dropped together have no order, and the query another in each process.
    rows = rows.drop("customer_id_right").drop("product_id_right")
    return rows.mutate(bought=(rows.bought_ago <= days).fill_null(False))


def _visits(tables: Canonical, as_of: Day, days: int | None = None) -> ibis.Table:
    """Every event but those of social media, with days_ago; of the last `days` days where given."""
    rows = tables["web_events"]
    rows = rows.filter(rows.platform.fill_null("web") != "social")
    rows = rows.mutate(days_ago=days_ago(rows, as_of))
    return rows if days is None else rows.filter(rows.days_ago <= days)


def _product_views(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """The page views of the last `days` days that were of a product."""
    rows = _visits(tables, as_of, days)
    return rows.filter((rows.kind == "page_view") & rows.product_id.notnull())
