"""Indicators of activity: how often a customer orders, and whether that is fading.

Worked example, as of 2017-10-01: somebody who ordered on 2017-08-05, 08-20, 09-10 and 09-28 has
order_days_30d 2 (09-10, 09-28), order_days_60d 4 (from 2017-08-02 on), and, if a customer since
2017-08-02 at least, order_days_ratio_30d 2 / 2 = 1.

`order_pace_Wd` is a count that fades: an order day d days ago counts (W + 1 - d) / W, yesterday's
fully, the one at the far edge 1 / W. It is a sum of whole numbers divided once.
"""

from __future__ import annotations

from churn_ml.features.indicator import Column, Indicator, Measure, ratio, since, within
from churn_ml.features.rhythm import TENURE

COUNT_DAYS = (14, 30, 60, 90)
TREND_DAYS = (14, 30)
PACE_DAYS = (30, 60, 90)
SATURDAY = 5


def order_days(days: int) -> Measure:
    """The measure `days_<days>`: order days in [as_of - days, as_of).

    >>> order_days(30).name
    'days_30'
    """
    return Measure(f"days_{days}", "days", lambda t: t.count(where=within(days)(t)))


def _faded(days: int) -> Measure:
    """The order days of the window, each weighted by its days + 1 - days_ago."""
    weight = days + 1
    return Measure(
        f"faded_{days}", "days", lambda t: (weight - t.days_ago).sum(where=within(days)(t))
    )


def _trend(days: int) -> tuple[Column, Column]:
    """Order days of the window over those of the window before it."""
    return ratio(
        f"order_days_ratio_{days}d",
        lambda t: t[f"days_{days}"],
        lambda t: t[f"days_{2 * days}"] - t[f"days_{days}"],
        since(2 * days),
    )


def _count(days: int) -> Column:
    return Column(f"order_days_{days}d", lambda t: t[f"days_{days}"])


def _pace(days: int) -> Column:
    return Column(f"order_pace_{days}d", lambda t: t[f"faded_{days}"].cast("float64") / days)


FREQUENCY = Indicator(
    name="frequency",
    meaning="Days with an order.",
    unit="order days",
    direction="down",
    window="14, 30, 60 and 90 days",
    needs=("orders",),
    source="C01",
    measures=tuple(order_days(w) for w in COUNT_DAYS),
    columns=tuple(_count(w) for w in COUNT_DAYS),
)
FREQUENCY_TREND = Indicator(
    name="frequency_trend",
    meaning="Days with an order against the same number of days before.",
    unit="ratio",
    direction="down",
    window="14 and 30 days, each against the window before",
    needs=("orders",),
    source="C01",
    measures=(TENURE, *(order_days(w * k) for w in TREND_DAYS for k in (1, 2))),
    columns=tuple(column for w in TREND_DAYS for column in _trend(w)),
)
PACE = Indicator(
    name="pace",
    meaning="Days with an order, recent ones counting more.",
    unit="order days",
    direction="down",
    window="30, 60 and 90 days",
    needs=("orders",),
    source="C15",
    measures=tuple(_faded(w) for w in PACE_DAYS),
    columns=tuple(_pace(w) for w in PACE_DAYS),
)
WEEKS_ACTIVE = Indicator(
    name="weeks_active",
    meaning="Weeks with an order, of the last 12.",
    unit="weeks",
    direction="down",
    window="84 days",
    needs=("orders",),
    source="B20",
    measures=(
        Measure("weeks_12", "days", lambda t: ((t.days_ago - 1) // 7).nunique(where=within(84)(t))),
    ),
    columns=(Column("weeks_active_12w", lambda t: t.weeks_12),),
)
WEEKDAYS = Indicator(
    name="weekdays",
    meaning="Share of orders placed on Saturday or Sunday, and weekdays with an order.",
    unit="share; weekdays",
    direction="either",
    window="90 days",
    needs=("orders",),
    source="A04",
    measures=(
        Measure("orders_90", "orders", lambda t: t.count(where=within(90)(t))),
        Measure(
            "weekend_90", "orders", lambda t: t.count(where=within(90)(t) & (t.weekday >= SATURDAY))
        ),
        Measure("weekdays_90", "orders", lambda t: t.weekday.nunique(where=within(90)(t))),
    ),
    columns=(
        *ratio("weekend_share_90d", lambda t: t.weekend_90, lambda t: t.orders_90),
        Column("weekdays_90d", lambda t: t.weekdays_90),
    ),
)
STORES = Indicator(
    name="stores",
    meaning="Different stores or sites with an order.",
    unit="stores",
    direction="down",
    window="90 days",
    needs=("orders",),
    source="A04",
    filled=("orders.store_id",),
    measures=(Measure("stores_90d", "orders", lambda t: t.store_id.nunique(where=within(90)(t))),),
    columns=(Column("stores_90d", lambda t: t.stores_90d),),
)

ACTIVITY: tuple[Indicator, ...] = (
    FREQUENCY,
    FREQUENCY_TREND,
    PACE,
    WEEKS_ACTIVE,
    WEEKDAYS,
    STORES,
)
