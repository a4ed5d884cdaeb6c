"""The views that measures are taken from: events of one kind, cleaned and dated.

Enters: the canonical tables already cut at `as_of`, and the days that a view is cut to. Leaves: one
Ibis table per view, each with `customer_id` and `days_ago` (1 for the day before `as_of`; 30 for
2017-09-01 as of 2017-10-01).

* days: one row per customer and order day (events.order_days).
* orders: one row per order that was not cancelled.
* lines(days): one row per line of such an order.
* categories(days, recent days): one row per customer, department and category of these lines.
* contacts: one row per customer and campaign.
* redemptions: one row per customer, coupon and time.
* group_rates(days): one row per customer, with what became of their channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import order_days
from churn_ml.features.views import contact, groups, shopping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis

VIEWS: Mapping[str, Callable[..., ibis.Table]] = {
    "days": order_days,
    "orders": shopping.orders,
    "lines": shopping.lines,
    "categories": shopping.categories,
    "contacts": contact.contacts,
    "redemptions": contact.redemptions,
    "group_rates": groups.group_rates,
}
"""By name: what takes the tables, as_of and the view's days, and gives its rows."""
