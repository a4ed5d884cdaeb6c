"""Indicators of money: how much a customer spends, per window and per order day, and its trend.

Amounts are net amounts of orders in the shop currency, added as whole hundredths and divided once.
Worked example, as of 2017-10-01: 40.00 spent on 2017-09-20 and 80.00 on 2017-08-20 by a customer
of 2017-06-01 give spend_30d 40.00, spend_60d 120.00 and spend_ratio_30d .5. Who has always spent
a day what the last 90 days brought, or came within them, has spend_habit_ratio_90d 1; far above
it, less is to come.

Degenerate cases: orders of 0.00 are order days without money, so a window can have a base in
frequency and none in spend. A negative sum is no base. The mean order day of all history is told in
steps, whole numbers of its square root twice: to the cent it would name the customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features.activity import order_days
from churn_ml.features.columns import ratio, since, within
from churn_ml.features.indicator import DAYS, Column, Indicator, Measure, Parts
from churn_ml.features.rhythm import COUNT, TENURE

if TYPE_CHECKING:
    import ibis

NET_LAST = Measure("net_last", DAYS, lambda t: t.net_cents.sum(where=t.days_ago == t.recency_days))
NET_EVER = Measure("net_ever", DAYS, lambda t: t.net_cents.sum())


def net(days: int) -> Measure:
    """The measure `net_<days>`: net amount in [as_of - days, as_of), in hundredths.

    >>> net(30).name
    'net_30'
    """
    return Measure(f"net_{days}", DAYS, lambda t: t.net_cents.sum(where=within(days)(t)))


def _net_median(days: int) -> Measure:
    return Measure(
        f"net_median_{days}",
        DAYS,
        lambda t: t.net_cents.quantile(0.5, where=within(days)(t)),
        empty=None,
    )


def _usual_ever() -> Parts:
    def steps(t: ibis.Table) -> ibis.IntegerColumn:
        """Twice the square root of the mean net amount of an order day, rounded down."""
        mean = (t.net_ever > 0).ifelse(t.net_ever, 0).cast("float64") / (100 * t.days_ever)
        return (mean * 4).sqrt() // 1

    return Parts((COUNT, NET_EVER), (Column("basket_ever_steps", steps),))


def _spend(*windows: int) -> Parts:
    def spend(days: int) -> Column:
        return Column(f"spend_{days}d", lambda t: t[f"net_{days}"].cast("float64") / 100)

    return Parts(tuple(map(net, windows)), tuple(map(spend, windows)))


def _spend_trend(*windows: int) -> Parts:
    def trend(days: int) -> tuple[Column, Column]:
        return ratio(
            f"spend_ratio_{days}d",
            lambda t: t[f"net_{days}"],
            lambda t: t[f"net_{2 * days}"] - t[f"net_{days}"],
            since(2 * days),
        )

    measures = (TENURE, *(net(days * k) for days in windows for k in (1, 2)))
    return Parts(measures, tuple(column for days in windows for column in trend(days)))


def _spend_habit(days: int) -> Parts:
    columns = ratio(
        # net a day of the window over net a day since the first order, divided once
        f"spend_habit_ratio_{days}d",
        lambda t: t[f"net_{days}"] * t.tenure_days,
        lambda t: t.net_ever * (t.tenure_days < days).ifelse(t.tenure_days, days),
    )
    return Parts((TENURE, NET_EVER, net(days)), columns)


def _basket_value(days: int) -> Parts:
    usual = _net_median(days)
    largest = Measure(
        f"net_max_{days}", DAYS, lambda t: t.net_cents.max(where=within(days)(t)), empty=None
    )
    columns = (
        Column(f"basket_median_{days}d", lambda t: t[usual.name].cast("float64") / 100),
        Column(f"basket_max_{days}d", lambda t: t[largest.name].cast("float64") / 100),
    )
    return Parts((usual, largest), columns)


def _basket_value_trend(days: int) -> Parts:
    recent, both = f"_{days}", f"_{2 * days}"
    columns = ratio(
        # net per day over earlier net per earlier day, with one division of whole numbers
        f"basket_value_ratio_{days}d",
        lambda t: t["net" + recent] * (t["days" + both] - t["days" + recent]),
        lambda t: (t["net" + both] - t["net" + recent]) * t["days" + recent],
        since(2 * days),
    )
    measures = (net(days), net(2 * days), order_days(days), order_days(2 * days))
    return Parts((TENURE, *measures), columns)


def _last_basket(days: int) -> Parts:
    usual = _net_median(days)
    name = f"last_basket_ratio_{days}d"
    return Parts((NET_LAST, usual), ratio(name, lambda t: t.net_last, lambda t: t[usual.name]))


SPEND = Indicator(
    name="spend",
    meaning="Net amount spent.",
    unit="shop currency",
    direction="down",
    windows=(30, 60, 90),
    any_number=True,
    needs=("orders",),
    source="C04",
    filled=("orders.net_amount",),
    of=_spend,
)
SPEND_TREND = Indicator(
    name="spend_trend",
    meaning="Net amount spent against the same number of days before.",
    unit="ratio",
    direction="down",
    windows=(30, 45),
    any_number=True,
    against="each against as many days before",
    needs=("orders",),
    source="C04",
    filled=("orders.net_amount",),
    of=_spend_trend,
)
SPEND_HABIT = Indicator(
    name="spend_habit",
    meaning="Net amount spent a day against the customer's own since the first order.",
    unit="ratio",
    direction="either",
    windows=(90,),
    against="against all days since the first order",
    needs=("orders",),
    source="C04",
    filled=("orders.net_amount",),
    of=_spend_habit,
)
BASKET_VALUE = Indicator(
    name="basket_value",
    meaning="Net amount of an order day: the usual one and the largest.",
    unit="shop currency",
    direction="down",
    windows=(90,),
    needs=("orders",),
    source="C03",
    filled=("orders.net_amount",),
    of=_basket_value,
)
BASKET_VALUE_TREND = Indicator(
    name="basket_value_trend",
    meaning="Net amount per order day against as many days before.",
    unit="ratio",
    direction="down",
    windows=(45,),
    against="against as many days before",
    needs=("orders",),
    source="C03",
    filled=("orders.net_amount",),
    of=_basket_value_trend,
)
LAST_BASKET = Indicator(
    name="last_basket",
    meaning="Net amount of the last order day against the customer's usual one.",
    unit="ratio",
    direction="either",
    windows=(90,),
    needs=("orders",),
    source="C03",
    filled=("orders.net_amount",),
    of=_last_basket,
)

BASKET_EVER = Indicator(
    name="basket_ever",
    meaning="How much an order day brought since the first, in steps.",
    unit="half square roots of the shop currency",
    direction="down",
    windows=(),
    needs=("orders",),
    source="C03",
    filled=("orders.net_amount",),
    of=_usual_ever,
)

MONEY: tuple[Indicator, ...] = (
    SPEND,
    SPEND_TREND,
    SPEND_HABIT,
    BASKET_VALUE,
    BASKET_EVER,
    BASKET_VALUE_TREND,
    LAST_BASKET,
)
