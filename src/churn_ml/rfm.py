"""RFM: who stands at the top of the shop by recency, frequency and money.

Enters: the order days of everybody, cut at `as_of`. Leaves: one row per customer who ordered in the
lookback, and whether they are of the top share. Recency is the days since the last order, frequency
the order days and money the net amount of the lookback. Each counts one point for every customer
who stands strictly worse, and the points are added with equal weight, as in RFM scoring
(Miglautsch 2000, J. Database Marketing 8). Equals share a place, and never more than the share are
at the top: of four customers and a share of .2 nobody is.

Worked example, of three customers and a share of .5: anna ordered latest, most often and for most
(2 + 2 + 2 points), ben as late as she but once and for little (1 + 0 + 0; an equal is not worse),
cleo earlier, twice, for more than ben (0 + 1 + 1). One of three may be at the top: anna.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis


def top(days: ibis.Table, lookback_days: int, share: float) -> ibis.Table:
    """Who ordered in the lookback: one row per customer_id, with `is_top`.

    `days`: one row per customer_id and order day with days_ago and net_cents (whole hundredths of
    the shop currency, null without amounts: then money tells nobody apart), as
    `events.order_days` makes them. Whole numbers throughout, so that every engine ranks alike.

    >>> from datetime import date
    >>> from churn_ml.events import order_days
    >>> from churn_ml.in_memory import canonical
    >>> went = {"anna": ("09-10", "09-20", "09-29"), "ben": ("09-29",), "cleo": ("09-01", "09-08")}
    >>> shop = canonical(orders=[
    ...     {"customer_id": c, "occurred_at": f"2017-{d}"} for c in went for d in went[c]])
    >>> found = top(order_days(shop, date(2017, 10, 1)), 90, 0.5).order_by("customer_id")
    >>> found.is_top.to_pyarrow().to_pylist()
    [True, False, False]
    """
    import ibis

    recent = days.filter(days.days_ago <= lookback_days)
    each = recent.group_by("customer_id").aggregate(
        newest=-recent.days_ago.min(),
        frequency=recent.count(),
        cents=recent.net_cents.sum().fill_null(0),
    )
    signs = (each.newest, each.frequency, each.cents)
    # rank counts who stands strictly below
    points = sum(ibis.rank().over(ibis.window(order_by=sign)).cast("int64") for sign in signs)
    each = each.mutate(points=points)
    below = ibis.rank().over(ibis.window(order_by=each.points))
    everybody = each.customer_id.count().over(ibis.window())
    edge = everybody * share + 1e-9  # an exact share must not fall out by rounding
    return each.select("customer_id", is_top=everybody - below <= edge)
