"""Indicators of rhythm: how long ago, how regular, and how far beyond the customer's own habit.

All are read from order days. Worked example, as of 2017-10-01: dora ordered on 2017-08-01, 08-08
and 08-15. Her gaps are 7 and 7 days, her median gap 7, her last order 47 days ago: gap_ratio is
47 / 7 = 6.71, and of the 31 days from
2017-08-02 to 2017-09-01 whose next 30 days are over, 17 (2017-08-16 to 09-01) were followed by 30
days without an order: past_silence_share is 17 / 31.

Degenerate cases: with fewer than two gaps (three order days) nothing that compares with the own
habit has a base. All gaps equal: gap_cv is 0. The gap_ratio of C02 is null without an own
cadence: a median of others in its place would change with their orders, and say nothing of this
customer's habit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features.columns import plain, ratio, within
from churn_ml.features.indicator import DAYS, Column, Indicator, Measure, Parts, parts

if TYPE_CHECKING:
    import ibis

HABIT_GAPS = 2
"""Gaps that a customer needs for a habit of their own; they are three order days."""
SILENT_DAYS = 30
"""A silence of the past: so many days without an order."""

LAST = Measure("recency_days", DAYS, lambda t: t.days_ago.min(), empty=None)
TENURE = Measure("tenure_days", DAYS, lambda t: t.days_ago.max(), empty=None)
COUNT = Measure("days_ever", DAYS, lambda t: t.days_ago.count())
GAPS = Measure("gaps", DAYS, lambda t: t.gap_days.count())
GAP_SUM = Measure("gap_sum", DAYS, lambda t: t.gap_days.sum())
GAP_SQUARES = Measure("gap_squares", DAYS, lambda t: (t.gap_days * t.gap_days).sum())
GAP_MEDIAN = Measure("gap_median_days", DAYS, lambda t: t.gap_days.median(), empty=None)
GAP_MAX = Measure("gap_max_days", DAYS, lambda t: t.gap_days.max(), empty=None)
GAP_OVER_30 = Measure(
    "gap_over_30", DAYS, lambda t: (t.gap_days - SILENT_DAYS).sum(where=t.gap_days > SILENT_DAYS)
)


def habit(t: ibis.Table) -> ibis.BooleanColumn:
    """True for customers with a cadence of their own: at least HABIT_GAPS gaps."""
    return t.gaps >= HABIT_GAPS


def _spread(t: ibis.Table) -> ibis.FloatingColumn:
    """N x standard deviation of the gaps: sqrt(n * sum of squares - square of the sum)."""
    return (t.gap_squares * t.gaps - t.gap_sum * t.gap_sum).cast("float64").sqrt()


def _open_silence(t: ibis.Table) -> ibis.IntegerColumn:
    """Days of the past that began 30 days without an order since the last order."""
    beyond = t.recency_days - SILENT_DAYS
    return (beyond > 0).ifelse(beyond, 0)


RECENCY = Indicator(
    name="recency",
    meaning="Days since the last order.",
    unit="days",
    direction="up",
    windows=(),
    needs=("orders",),
    source="C02",
    of=parts((LAST,), (plain("recency_days"),)),
)
TENURE_DAYS = Indicator(
    name="tenure",
    meaning="Days since the first order.",
    unit="days",
    direction="down",
    windows=(),
    needs=("orders",),
    source="A01",
    of=parts((TENURE,), (plain("tenure_days"),)),
)
ORDERS_EVER = Indicator(
    name="orders_ever",
    meaning="Days with an order since the first.",
    unit="order days",
    direction="down",
    windows=(),
    needs=("orders",),
    source="A01",
    of=parts((COUNT,), (Column("order_days_ever", lambda t: t.days_ever.cast("float64")),)),
)
CADENCE = Indicator(
    name="cadence",
    meaning="How many days usually lie between two order days of this customer.",
    unit="days",
    direction="up",
    windows=(),
    needs=("orders",),
    source="C02",
    of=parts(
        (GAPS, GAP_SUM, GAP_MEDIAN, GAP_MAX),
        (
            plain("gap_median_days"),
            Column("gap_mean_days", lambda t: t.gap_sum.cast("float64") / t.gaps.nullif(0)),
            plain("gap_max_days"),
        ),
    ),
)
OVERDUE = Indicator(
    name="overdue",
    meaning="The present silence against the customer's own median and longest gap.",
    unit="ratio",
    direction="up",
    windows=(),
    needs=("orders",),
    source="C02",
    of=parts(
        (LAST, GAPS, GAP_MEDIAN, GAP_MAX),
        (
            *ratio("gap_ratio", lambda t: t.recency_days, lambda t: t.gap_median_days, habit),
            *ratio("gap_max_ratio", lambda t: t.recency_days, lambda t: t.gap_max_days, habit),
        ),
    ),
)
IRREGULARITY = Indicator(
    name="irregularity",
    meaning="How much the customer's gaps differ: their standard deviation over their mean.",
    unit="ratio",
    direction="up",
    windows=(),
    needs=("orders",),
    source="C02",
    of=parts((GAPS, GAP_SUM, GAP_SQUARES), ratio("gap_cv", _spread, lambda t: t.gap_sum, habit)),
)


def _longest_silence(days: int) -> Parts:
    longest = Measure(
        f"gap_max_{days}", DAYS, lambda t: t.gap_days.max(where=within(days)(t)), empty=0
    )

    def silence(t: ibis.Table) -> ibis.IntegerColumn:
        return (t[longest.name] > t.recency_days).ifelse(t[longest.name], t.recency_days)

    return Parts((LAST, longest), (Column(f"silence_max_{days}d", silence),))


LONGEST_SILENCE = Indicator(
    name="longest_silence",
    meaning="The longest stretch between order days that ended in the window or is still open.",
    unit="days",
    direction="up",
    windows=(90,),
    needs=("orders",),
    source="C02",
    of=_longest_silence,
)
PAST_SILENCE = Indicator(
    name="past_silence",
    meaning="Share of the customer's past days that were followed by 30 days without an order.",
    unit="share",
    direction="up",
    windows=(),
    against="up to 30 days ago",
    needs=("orders",),
    source="C02",
    of=parts(
        (LAST, TENURE, GAP_OVER_30),
        ratio(
            "past_silence_share",
            lambda t: t.gap_over_30 + _open_silence(t),
            lambda t: t.tenure_days - SILENT_DAYS,
        ),
    ),
)

RHYTHM: tuple[Indicator, ...] = (
    RECENCY,
    TENURE_DAYS,
    ORDERS_EVER,
    CADENCE,
    OVERDUE,
    IRREGULARITY,
    LONGEST_SILENCE,
    PAST_SILENCE,
)
