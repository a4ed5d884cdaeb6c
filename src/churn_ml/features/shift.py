"""Indicators of a shift between categories: what is bought of late against what was before.

Both compare the spend by category of the last 45 days with that of the 45 before. Worked example,
as of 2017-10-01: somebody who spent 10.00 on milk and 10.00 on bread from 2017-07-03 to 2017-08-16,
and 10.00 on milk and 10.00 on soap since, has shares of 1/2, 1/2, 0 and 1/2, 0, 1/2: half of the
spend moved, the divergence is 1/2, category_js_45d its root, .707. Milk, the main category now
like soap, had half of the spend before: category_shift_45d is 0.

Degenerate cases: who spent nothing in one of the windows, or was not a customer yet when the
earlier began, is unknown. Of several main categories the one speaks that was bought most before.
Products that are not known are one category. No model learns from either: both are for who reads
why somebody may leave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from churn_ml.features.columns import since
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View
from churn_ml.features.rhythm import TENURE

if TYPE_CHECKING:
    import ibis

MILLION = 1_000_000
"""The parts of the divergence become whole numbers of these before they are added."""
TENTH = 10
"""A category with less than one in so many parts of the earlier spend was as good as new."""


def _spent(name: str, days: int, of: Reader) -> Measure:
    """A measure of the categories of the last `days` days and of as many before."""
    return Measure(f"{name}_{days}", View("category_spend", (2 * days, days)), of, empty=None)


def _known(days: int, value: Reader, now: Measure, before: Measure) -> Reader:
    """`value` of who was a customer for both windows and spent in both."""

    def read(t: ibis.Table) -> ibis.Value:
        has_base = since(2 * days)(t) & (t[now.name] > 0) & (t[before.name] > 0)
        return has_base.ifelse(value(t), None)

    return read


def _wholes(days: int) -> tuple[Measure, Measure]:
    """What was spent in the last `days` days, and in as many before."""
    return (
        _spent("spent_of_late", days, lambda t: t.recent_cents.sum()),
        _spent("spent_before", days, lambda t: t.earlier_cents.sum()),
    )


def _main_category(days: int) -> Parts:
    now, before = _wholes(days)
    of_main = _spent(
        "main_before",
        days,
        lambda t: t.earlier_cents.max(where=t.recent_cents == t.recent_most),
    )

    def is_new(t: ibis.Table) -> ibis.Value:
        return (t[of_main.name] * TENTH < t[before.name]).ifelse(1.0, 0.0)

    column = Column(f"category_shift_{days}d", _known(days, is_new, now, before))
    return Parts((TENURE, now, before, of_main), (column,))


def _distance(days: int) -> Parts:
    now, before = _wholes(days)
    parts = _spent("category_divergence", days, lambda t: _divergence(t).sum())

    def root(t: ibis.Table) -> ibis.Value:
        return (t[parts.name].cast("float64") / MILLION).sqrt()

    column = Column(f"category_js_{days}d", _known(days, root, now, before))
    return Parts((TENURE, now, before, parts), (column,))


def _divergence(t: ibis.Table) -> ibis.IntegerValue:
    """What a category adds to the Jensen-Shannon divergence in bits, in whole millionths."""
    now = t.recent_cents.cast("float64") / t.recent_whole.nullif(0)
    before = t.earlier_cents.cast("float64") / t.earlier_whole.nullif(0)

    def surprise(share: ibis.FloatingValue) -> ibis.FloatingValue:
        # nullif: a share of 0 adds nothing, and has no logarithm; two of 0 have no mean
        part = 2.0 * share / (now + before).nullif(0.0)
        return (share * part.nullif(0.0).log2()).fill_null(0.0)

    both = (surprise(now) + surprise(before)) / 2.0
    return (both * MILLION + 0.5).floor().cast("int64")


MAIN_CATEGORY = Indicator(
    name="main_category",
    meaning="1 where the category most is spent on had under a tenth of the spend before.",
    unit="0 or 1",
    direction="up",
    windows=(45,),
    against="against as many days before",
    needs=("orders", "order_lines", "products"),
    source="C34",
    filled=("products.category", "order_lines.net_amount"),
    owner="product",
    training=False,
    of=_main_category,
)
CATEGORY_DISTANCE = replace(
    MAIN_CATEGORY,
    name="category_distance",
    meaning="Jensen-Shannon distance of the spend by category: 0 as before, 1 all moved.",
    unit="0 to 1",
    of=_distance,
)

SHIFT: tuple[Indicator, ...] = (MAIN_CATEGORY, CATEGORY_DISTANCE)
