"""Indicators of satisfaction: what customers write, rate and answer when they are asked.

Worked example, as of 2017-10-01: three surveys with csat 5 (2017-03-01), 4 (2017-06-01) and 2
(2017-09-01) give csat_last 2, csat_delta 2 - (5 + 4) / 2 = -2.5, csat_slope_3 (2 - 5) / 2 = -1.5
points per survey, and is_unsatisfied_or_neutral_180d 1.

The newest answer to a question is that of the newest survey that answers it. Degenerate cases: who
was never asked has no answer, which is null and not a middling one; the first survey has nothing to
be compared with; the slope needs three. Stars and points are added as whole hundredths.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from churn_ml.features.columns import delta, plain, share, since_recorded, window_before, within
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View, parts
from churn_ml.features.rhythm import TENURE
from churn_ml.features.views.voice import HUNDREDTHS

if TYPE_CHECKING:
    import ibis

NEUTRAL = 3
"""Up to 3 of 5 a customer is dissatisfied or neutral."""
_TEXTS = View("contributions")


def _contribution(days: int) -> Parts:
    def count(window: int) -> Measure:
        return Measure(f"texts_{window}", _TEXTS, lambda t: t.count(where=within(window)(t)))

    now, both = count(days), count(2 * days)
    first = Measure("texts_recorded", _TEXTS, _first, empty=None, of_shop=True)
    change = delta(
        f"ugc_delta_{days}d",
        lambda t: t[now.name],
        window_before("texts", days),
        since_recorded(2 * days, first),
    )
    return Parts((TENURE, first, now, both), change)


def _first(t: ibis.Table) -> ibis.IntegerScalar:
    """The days since which both reviews and, where there are any, other texts are recorded."""
    import ibis

    reviews, others = t.days_ago.max(where=t.is_review), t.days_ago.max(where=~t.is_review)
    return ibis.least(reviews, others.fill_null(reviews))


def _rating(days: int) -> Parts:
    def of(window: int) -> tuple[Measure, Measure]:
        inside = within(window)
        return (
            Measure(
                f"stars_{window}", View("reviews"), lambda t: t.rating_points.sum(where=inside(t))
            ),
            Measure(f"rated_{window}", View("reviews"), lambda t: t.count(where=inside(t))),
        )

    now = _mean(lambda t: t[f"stars_{days}"], lambda t: t[f"rated_{days}"])
    before = _mean(window_before("stars", days), window_before("rated", days))
    change = delta(f"rating_mean_delta_{days}d", now, before)
    return Parts((*of(days), *of(2 * days)), (Column(f"rating_mean_{days}d", now), *change))


def _mean(points: Reader, count: Reader) -> Reader:
    """The mean of hundredths in whole points."""
    return share(points, lambda t: count(t) * HUNDREDTHS)


def _answer(scale: str, age: int = 0) -> Measure:
    """The customer's answer to `scale`, the newest (0) or an earlier one, as it was given."""
    return Measure(
        f"{scale}_answer_{age}",
        View("surveys"),
        lambda t: t[scale].max(where=t[f"{scale}_age"] == age),
        empty=None,
    )


def _csat() -> Parts:
    def earlier(t: ibis.Table) -> ibis.BooleanValue:
        return t.csat_age > 0

    last, third = _answer("csat"), _answer("csat", 2)
    points = Measure("csat_earlier", View("surveys"), lambda t: t.csat_points.sum(where=earlier(t)))
    count = Measure(
        "csats_earlier", View("surveys"), lambda t: t.csat_points.count(where=earlier(t))
    )
    before = _mean(lambda t: t[points.name], lambda t: t[count.name])
    columns = (
        Column("csat_last", lambda t: t[last.name]),
        *delta("csat_delta", lambda t: t[last.name], before),
        Column("csat_slope_3", lambda t: (t[last.name] - t[third.name]) / 2),
    )
    return Parts((last, third, points, count), columns)


def _recent(scale: str, days: int) -> Measure:
    """The newest answer to `scale`, where it is of the window."""
    return Measure(
        f"{scale}_last_{days}d",
        View("surveys"),
        lambda t: t[scale].max(where=(t[f"{scale}_age"] == 0) & within(days)(t)),
        empty=None,
    )


def _unsatisfied(days: int) -> Parts:
    last = _recent("csat", days)
    name = f"is_unsatisfied_or_neutral_{days}d"
    return Parts((last,), (Column(name, lambda t: t[last.name] <= NEUTRAL),))


def _scale(scale: str, days: int) -> Parts:
    last = _recent(scale, days)
    return Parts((last,), (plain(last.name),))


_NPS = _answer("nps")

CONTRIBUTION = Indicator(
    name="contribution",
    meaning="Change of the number of reviews written, and of comments and posts where the shop "
    "has web_events.",
    unit="texts",
    direction="down",
    windows=(90,),
    against="against as many days before",
    needs=("orders", "reviews"),
    source="C12",
    owner="marketing",
    of=_contribution,
)
RATING = Indicator(
    name="rating",
    meaning="Mean of the customer's own ratings, and its change.",
    unit="stars",
    direction="down",
    windows=(180,),
    against="against as many days before",
    needs=("orders", "reviews"),
    source="C21",
    owner="product",
    of=_rating,
)
CSAT = Indicator(
    name="csat",
    meaning="The newest satisfaction score, its difference from the mean of those before, and the "
    "slope over the last three.",
    unit="points; points; points per survey",
    direction="down",
    windows=(),
    needs=("orders", "surveys"),
    source="C22",
    filled=("surveys.csat",),
    owner="service",
    of=_csat,
)
UNSATISFIED = Indicator(
    name="unsatisfied",
    meaning="1 where the newest satisfaction score is 3 of 5 or less, 0 where it is more.",
    unit="0 or 1",
    direction="up",
    windows=(180,),
    needs=("orders", "surveys"),
    source="C23",
    filled=("surveys.csat",),
    owner="service",
    of=_unsatisfied,
)
RECOMMENDATION = Indicator(
    name="would_recommend",
    meaning="Newest answer to whether the customer would recommend the shop.",
    unit="points, 0 to 10",
    direction="down",
    windows=(),
    needs=("orders", "surveys"),
    source="C60",
    filled=("surveys.nps",),
    owner="marketing",
    of=parts((_NPS,), (Column("nps_last", lambda t: t[_NPS.name]),)),
)
PERCEIVED_RISK = Indicator(
    name="perceived_risk",
    meaning="Newest answer on how risky it feels to buy here.",
    unit="points, 1 to 5",
    direction="up",
    windows=(365,),
    needs=("orders", "surveys"),
    source="C63",
    filled=("surveys.perceived_risk",),
    owner="product",
    of=partial(_scale, "perceived_risk"),
)
PERCEIVED_VALUE = Indicator(
    name="perceived_value",
    meaning="Newest answer on what the goods are worth.",
    unit="points, 1 to 5",
    direction="down",
    windows=(365,),
    needs=("orders", "surveys"),
    source="C63",
    filled=("surveys.perceived_value",),
    owner="product",
    of=partial(_scale, "perceived_value"),
)
BELONGING = Indicator(
    name="belonging",
    meaning="Newest answer on feeling part of it.",
    unit="points, 1 to 5",
    direction="down",
    windows=(365,),
    needs=("orders", "surveys"),
    source="C64",
    filled=("surveys.belonging",),
    owner="marketing",
    of=partial(_scale, "belonging"),
)
FELT_IMPORTANCE = Indicator(
    name="felt_importance",
    meaning="Newest answer on feeling important to the shop.",
    unit="points, 1 to 5",
    direction="down",
    windows=(365,),
    needs=("orders", "surveys"),
    source="C64",
    filled=("surveys.felt_importance",),
    owner="service",
    of=partial(_scale, "felt_importance"),
)

SATISFACTION: tuple[Indicator, ...] = (
    CONTRIBUTION,
    RATING,
    CSAT,
    UNSATISFIED,
    RECOMMENDATION,
    PERCEIVED_RISK,
    PERCEIVED_VALUE,
    BELONGING,
    FELT_IMPORTANCE,
)
