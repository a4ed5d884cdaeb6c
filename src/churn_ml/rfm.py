"""RFM: who stands at the top of the shop by recency, frequency and money.

Enters: the order days of everybody, cut at `as_of`. Leaves: one row per customer who ordered in the
lookback, and whether they are of the top share, or in which fifth they stand by each sign. Recency
is the days since the last order, frequency the order days and money the net amount of the lookback.
Each counts one point for every customer who stands strictly worse, and the points are added with
equal weight, as in RFM scoring (Miglautsch 2000, J. Database Marketing 8). Equals share a place,
and never more than the share are at the top: of four customers and a share of .2 nobody is.

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

    each = _signs(days, lookback_days)
    points = sum(_below(sign) for sign in (each.newest, each.frequency, each.cents))
    each = each.mutate(points=points)
    edge = _everybody(each) * share + 1e-9  # an exact share must not fall out by rounding
    below = ibis.rank().over(ibis.window(order_by=each.points))
    return each.select("customer_id", is_top=_everybody(each) - below <= edge)


def fifths(days: ibis.Table, lookback_days: int) -> ibis.Table:
    """In which fifth who ordered in the lookback stands: customer_id, recency, frequency, money.

    5 is the fifth that ordered latest, most often or for most, 1 the last; equals share the lower
    place. `days` as in `top`.

    >>> from datetime import date
    >>> from churn_ml.events import order_days
    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(orders=[
    ...     {"customer_id": c, "occurred_at": f"2017-09-2{n}"} for n, c in enumerate("abcde")])
    >>> found = fifths(order_days(shop, date(2017, 10, 1)), 90).order_by("customer_id")
    >>> found.recency.to_pyarrow().to_pylist(), found.money.to_pyarrow().to_pylist()
    ([1, 2, 3, 4, 5], [1, 1, 1, 1, 1])
    """
    each = _signs(days, lookback_days)
    signs = {"recency": each.newest, "frequency": each.frequency, "money": each.cents}
    told = {name: 5 * _below(sign) // _everybody(each) + 1 for name, sign in signs.items()}
    return each.select("customer_id", **told)


def _signs(days: ibis.Table, lookback_days: int) -> ibis.Table:
    """One row per customer who ordered in the lookback: newest, frequency and cents."""
    recent = days.filter(days.days_ago <= lookback_days)
    return recent.group_by("customer_id").aggregate(
        newest=-recent.days_ago.min(),
        frequency=recent.count(),
        cents=recent.net_cents.sum().fill_null(0),
    )


def _below(sign: ibis.Value) -> ibis.IntegerValue:
    """How many customers stand strictly below, by one sign."""
    import ibis

    return ibis.rank().over(ibis.window(order_by=sign)).cast("int64")


def _everybody(each: ibis.Table) -> ibis.IntegerValue:
    import ibis

    return each.customer_id.count().over(ibis.window())
