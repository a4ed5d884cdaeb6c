"""What became of the customer's group in the last closed period.

A group is everybody who came by one acquisition channel. Worked example, as of 2017-10-01 with 90
days: of those who ordered between 2017-04-04 and 2017-07-02 and came by "search", 40 of 100 did
not order between 2017-07-03 and 2017-09-30. The period is over at as_of: nothing of a label is in
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import attributes, days_ago, order_days, placed
from churn_ml.rfm import fifths

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day


def group_rates(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer with a channel: customers and churners of the channel's last period.

    At risk were those with an order in the `days` days before the last `days` days; churners are
    those of them without an order since.
    """
    orders = placed(tables)
    orders = orders.mutate(days_ago=days_ago(orders, as_of))
    recent = orders.days_ago <= days
    seen = (
        orders.filter(orders.days_ago <= 2 * days)
        .group_by("customer_id")
        .aggregate(before=(~recent).any(), since=recent.any())
    )
    groups = attributes(tables).select("customer_id", "channel")
    groups = groups.filter(groups.channel.notnull())
    at_risk = seen.filter(seen.before).inner_join(groups, "customer_id")
    told = at_risk.group_by("channel").aggregate(
        customers=at_risk.count(), churners=(~at_risk.since).sum()
    )
    return groups.inner_join(told, "channel").select("customer_id", "customers", "churners")


def rfm_fifths(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer with an order in the last `days` days: their fifth by each of RFM."""
    return fifths(order_days(tables, as_of), days)
