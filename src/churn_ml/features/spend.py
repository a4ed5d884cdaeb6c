"""Indicators of money: how much a customer spends, per window and per order day, and its trend.

Amounts are net amounts of orders in the shop currency, added as whole hundredths and divided once.
Worked example, as of 2017-10-01: 40.00 spent on 2017-09-20 and 80.00 on 2017-08-20 by a customer
of 2017-06-01 give spend_30d 40.00, spend_60d 120.00 and spend_ratio_30d .5.

Degenerate cases: orders of 0.00 are order days without money, so a window can have a base in
frequency and none in spend. A negative sum is no base.
"""

from __future__ import annotations

from churn_ml.features.activity import order_days
from churn_ml.features.indicator import Column, Indicator, Measure, ratio, since, within
from churn_ml.features.rhythm import TENURE

SPEND_DAYS = (30, 60, 90)
TREND_DAYS = (30, 45)


def _net(days: int) -> Measure:
    """Net amount in [as_of - days, as_of), in hundredths."""
    return Measure(f"net_{days}", "days", lambda t: t.net_cents.sum(where=within(days)(t)))


def _spend(days: int) -> Column:
    return Column(f"spend_{days}d", lambda t: t[f"net_{days}"].cast("float64") / 100)


def _trend(days: int) -> tuple[Column, Column]:
    """Spend of the window over that of the window before it."""
    return ratio(
        f"spend_ratio_{days}d",
        lambda t: t[f"net_{days}"],
        lambda t: t[f"net_{2 * days}"] - t[f"net_{days}"],
        since(2 * days),
    )


NET_MEDIAN = Measure(
    "net_median", "days", lambda t: t.net_cents.median(where=within(90)(t)), empty=None
)
NET_MAX = Measure("net_max", "days", lambda t: t.net_cents.max(where=within(90)(t)), empty=None)
NET_LAST = Measure(
    "net_last", "days", lambda t: t.net_cents.sum(where=t.days_ago == t.recency_days)
)

SPEND = Indicator(
    name="spend",
    meaning="Net amount spent.",
    unit="shop currency",
    direction="down",
    window="30, 60 and 90 days",
    needs=("orders",),
    source="C04",
    filled=("orders.net_amount",),
    measures=tuple(_net(w) for w in SPEND_DAYS),
    columns=tuple(_spend(w) for w in SPEND_DAYS),
)
SPEND_TREND = Indicator(
    name="spend_trend",
    meaning="Net amount spent against the same number of days before.",
    unit="ratio",
    direction="down",
    window="30 and 45 days, each against the window before",
    needs=("orders",),
    source="C04",
    filled=("orders.net_amount",),
    measures=(TENURE, *(_net(w * k) for w in TREND_DAYS for k in (1, 2))),
    columns=tuple(column for w in TREND_DAYS for column in _trend(w)),
)
BASKET_VALUE = Indicator(
    name="basket_value",
    meaning="Net amount of an order day: the usual one and the largest.",
    unit="shop currency",
    direction="down",
    window="90 days",
    needs=("orders",),
    source="C03",
    filled=("orders.net_amount",),
    measures=(NET_MEDIAN, NET_MAX),
    columns=(
        Column("basket_median_90d", lambda t: t.net_median.cast("float64") / 100),
        Column("basket_max_90d", lambda t: t.net_max.cast("float64") / 100),
    ),
)
BASKET_VALUE_TREND = Indicator(
    name="basket_value_trend",
    meaning="Net amount per order day against the 45 days before.",
    unit="ratio",
    direction="down",
    window="45 days against the 45 before",
    needs=("orders",),
    source="C03",
    filled=("orders.net_amount",),
    measures=(TENURE, _net(45), _net(90), order_days(45), order_days(90)),
    columns=ratio(
        # (net_45 / days_45) / (earlier net / earlier days), with one division of whole numbers
        "basket_value_ratio_45d",
        lambda t: t.net_45 * (t.days_90 - t.days_45),
        lambda t: (t.net_90 - t.net_45) * t.days_45,
        since(90),
    ),
)
LAST_BASKET = Indicator(
    name="last_basket",
    meaning="Net amount of the last order day against the customer's usual one.",
    unit="ratio",
    direction="either",
    window="90 days",
    needs=("orders",),
    source="C03",
    filled=("orders.net_amount",),
    measures=(NET_LAST, NET_MEDIAN),
    columns=ratio("last_basket_ratio_90d", lambda t: t.net_last, lambda t: t.net_median),
)

MONEY: tuple[Indicator, ...] = (
    SPEND,
    SPEND_TREND,
    BASKET_VALUE,
    BASKET_VALUE_TREND,
    LAST_BASKET,
)
