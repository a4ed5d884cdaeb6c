"""Indicators of activity: how often a customer orders, and whether that is fading.

Worked example, as of 2017-10-01: somebody who ordered on 2017-08-05, 08-20, 09-10 and 09-28 has
order_days_30d 2 (09-10, 09-28), order_days_60d 4 (from 2017-08-02 on), and, if a customer since
2017-08-02 at least, order_days_ratio_30d 2 / 2 = 1.

`order_pace_Wd` is a count that fades: an order day d days ago counts (W + 1 - d) / W, yesterday's
fully, the one at the far edge 1 / W. It is a sum of whole numbers divided once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features.columns import plain, ratio, since, within
from churn_ml.features.indicator import DAYS, Column, Indicator, Measure, Parts, Reader, View
from churn_ml.features.rhythm import TENURE

if TYPE_CHECKING:
    import ibis

SATURDAY = 5
"""The first day of the weekend, counted from Monday."""


def order_days(days: int) -> Measure:
    """The measure `days_<days>`: order days in [as_of - days, as_of).

    >>> order_days(30).name
    'days_30'
    """
    return Measure(f"days_{days}", DAYS, lambda t: t.count(where=within(days)(t)))


def orders(days: int) -> Measure:
    """The measure `orders_<days>`: orders placed and not cancelled in [as_of - days, as_of).

    >>> orders(90).name
    'orders_90'
    """
    return Measure(f"orders_{days}", View("orders"), lambda t: t.count(where=within(days)(t)))


def _frequency(*windows: int) -> Parts:
    def count(days: int) -> Column:
        return Column(f"order_days_{days}d", lambda t: t[f"days_{days}"])

    return Parts(tuple(map(order_days, windows)), tuple(map(count, windows)))


def _frequency_trend(*windows: int) -> Parts:
    def trend(days: int) -> tuple[Column, Column]:
        return ratio(
            f"order_days_ratio_{days}d",
            lambda t: t[f"days_{days}"],
            lambda t: t[f"days_{2 * days}"] - t[f"days_{days}"],
            since(2 * days),
        )

    measures = (TENURE, *(order_days(days * k) for days in windows for k in (1, 2)))
    return Parts(measures, tuple(column for days in windows for column in trend(days)))


def _pace(*windows: int) -> Parts:
    def faded(days: int) -> Measure:
        weight = days + 1
        return Measure(
            f"faded_{days}", DAYS, lambda t: (weight - t.days_ago).sum(where=within(days)(t))
        )

    def pace(days: int) -> Column:
        return Column(f"order_pace_{days}d", lambda t: t[f"faded_{days}"].cast("float64") / days)

    return Parts(tuple(map(faded, windows)), tuple(map(pace, windows)))


def _first_of_its_week(t: ibis.Table) -> ibis.BooleanColumn:
    """True for the order days before which the customer had none in the same week before as_of."""
    week = (t.days_ago - 1) // 7
    return t.gap_days.isnull() | ((t.days_ago + t.gap_days - 1) // 7 > week)


def _weeks_active(days: int) -> Parts:
    name = f"weeks_{days // 7}"
    weeks = Measure(name, DAYS, lambda t: t.count(where=within(days)(t) & _first_of_its_week(t)))
    return Parts((weeks,), (Column(f"weeks_active_{days // 7}w", lambda t: t[name]),))


def _weekdays(days: int) -> Parts:
    def measure(name: str, of: Reader) -> Measure:
        return Measure(f"{name}_{days}", View("orders"), of)

    placed = orders(days)
    weekend = measure("weekend", lambda t: t.count(where=within(days)(t) & (t.weekday >= SATURDAY)))
    different = measure("weekdays", lambda t: sum(_any(t, days, weekday) for weekday in range(7)))
    share = ratio(f"weekend_share_{days}d", lambda t: t[weekend.name], lambda t: t[placed.name])
    count = Column(f"weekdays_{days}d", lambda t: t[different.name])
    return Parts((placed, weekend, different), (*share, count))


def _any(t: ibis.Table, days: int, weekday: int) -> ibis.IntegerValue:
    """1 with an order on that weekday in the last `days` days, else 0."""
    return (t.count(where=within(days)(t) & (t.weekday == weekday)) > 0).ifelse(1, 0)


def _stores(days: int) -> Parts:
    name = f"stores_{days}d"
    stores = Measure(name, View("stores", (days,)), lambda t: t.count())
    return Parts((stores,), (plain(name),))


FREQUENCY = Indicator(
    name="frequency",
    meaning="Days with an order.",
    unit="order days",
    direction="down",
    windows=(14, 30, 60, 90),
    any_number=True,
    needs=("orders",),
    source="C01",
    of=_frequency,
)
FREQUENCY_TREND = Indicator(
    name="frequency_trend",
    meaning="Days with an order against the same number of days before.",
    unit="ratio",
    direction="down",
    windows=(14, 30),
    any_number=True,
    against="each against as many days before",
    needs=("orders",),
    source="C01",
    of=_frequency_trend,
)
PACE = Indicator(
    name="pace",
    meaning="Days with an order, recent ones counting more.",
    unit="order days",
    direction="down",
    windows=(30, 60, 90),
    any_number=True,
    needs=("orders",),
    source="C15",
    of=_pace,
)
WEEKS_ACTIVE = Indicator(
    name="weeks_active",
    meaning="Weeks with an order.",
    unit="weeks",
    direction="down",
    windows=(84,),
    in_weeks=True,
    needs=("orders",),
    source="B20",
    of=_weeks_active,
)
WEEKDAYS = Indicator(
    name="weekdays",
    meaning="Share of orders placed on Saturday or Sunday, and weekdays with an order.",
    unit="share; weekdays",
    direction="either",
    windows=(90,),
    needs=("orders",),
    source="A04",
    of=_weekdays,
)
STORES = Indicator(
    name="stores",
    meaning="Different stores or sites with an order.",
    unit="stores",
    direction="down",
    windows=(90,),
    needs=("orders",),
    source="A04",
    filled=("orders.store_id",),
    of=_stores,
)

ACTIVITY: tuple[Indicator, ...] = (
    FREQUENCY,
    FREQUENCY_TREND,
    PACE,
    WEEKS_ACTIVE,
    WEEKDAYS,
    STORES,
)
