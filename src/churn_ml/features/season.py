"""Indicators of season: what the customer did a year ago, in the same days and in those to come.

A year is 364 days here, 52 weeks, so that the same weekdays stand against each other. Worked
example, as of 2017-10-01: somebody who ordered first in 2015, then on 2016-09-12, 2016-10-10 and
2017-09-20, has order_days_last_year_30d 1 (of 2016-09-02 to 2016-10-01),
order_days_ahead_last_year_30d 1 (of 2016-10-02 to 2016-10-31) and order_days_yearly_ratio_30d
1 / 1.

Degenerate cases: who was not yet a customer when a window of last year began has nothing to
compare with: null. Shops of less than a year have these columns empty.
"""

from __future__ import annotations

from churn_ml.features.activity import order_days
from churn_ml.features.columns import ratio, since
from churn_ml.features.indicator import DAYS, Column, Indicator, Measure, Parts
from churn_ml.features.rhythm import TENURE

YEAR_DAYS = 364


def _between(name: str, first: int, last: int) -> Measure:
    """Order days that lie `first` to `last` days ago, both inclusive."""
    return Measure(name, DAYS, lambda t: t.count(where=t.days_ago.between(first, last)))


def _known(column: Measure, days: int, name: str) -> Column:
    """`column` for those who were customers so many days ago, else null."""
    return Column(name, lambda t: since(days)(t).ifelse(t[column.name], None))


def _season(*windows: int) -> Parts:
    measures: list[Measure] = [TENURE]
    columns: list[Column] = []
    for days in windows:
        then = _between(f"days_then_{days}", YEAR_DAYS + 1, YEAR_DAYS + days)
        ahead = _between(f"days_ahead_{days}", YEAR_DAYS - days + 1, YEAR_DAYS)
        measures += [order_days(days), then, ahead]
        columns += [
            _known(then, YEAR_DAYS + days, f"order_days_last_year_{days}d"),
            _known(ahead, YEAR_DAYS, f"order_days_ahead_last_year_{days}d"),
            *_yearly(days),
        ]
    return Parts(tuple(measures), tuple(columns))


def _yearly(days: int) -> tuple[Column, Column]:
    """Order days of the window over those of the same window last year."""
    return ratio(
        f"order_days_yearly_ratio_{days}d",
        lambda t: t[f"days_{days}"],
        lambda t: t[f"days_then_{days}"],
        since(YEAR_DAYS + days),
    )


SEASON_OF_ORDERS = Indicator(
    name="season",
    meaning="Days with an order in the same days of last year, and in those that followed.",
    unit="order days; ratio",
    direction="either",
    windows=(30, 90),
    any_number=True,
    against="a year ago",
    needs=("orders",),
    source="C01",
    of=_season,
)

SEASON: tuple[Indicator, ...] = (SEASON_OF_ORDERS,)
