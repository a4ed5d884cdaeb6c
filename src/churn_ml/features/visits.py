"""Indicators of visits: whether a customer still comes, for how long, and what follows an order.

Worked example, as of 2017-10-01: somebody known to the site since July viewed six pages on
2017-08-20 and 2017-08-25 and three on 2017-09-28. pageviews_ratio_30d is 3 / 6 and
active_days_ratio_30d 1 / 2; the last login, on 2017-08-20, makes login_recency_days 42.

`activity_slope_12w` is the least-squares slope of a weekly score, order days + visit days, over the
n = 12 weeks before as_of. With week k = 0 the latest, and weights w_k = (n - 1) - 2k that are
symmetric around 0, it is 6 * sum(w_k * score_k) / (n * (n^2 - 1)): each day adds the weight of its
week, and one division of whole numbers makes the slope. Two visit days in the last week and nothing
else give 6 * 22 / 1716 = 0.076923077 points per week.

Degenerate cases: a trend has no base where nothing lies in the window before, nor where the first
visit known is younger than both windows. A customer younger than the weeks has no slope, and none
has one before the shop has recorded visits for so long. Whether somebody came back after the first
order is not known before the window after it is over, nor where visits are recorded only since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features.columns import plain, ratio, recorded, since_recorded, within
from churn_ml.features.indicator import DAYS, Column, Indicator, Measure, Parts, Reader, View, parts
from churn_ml.features.rhythm import TENURE

if TYPE_CHECKING:
    import ibis

VISIT_DAYS = View("visit_days")
"""Days with a visit, all history."""
_FIRST_VISIT = Measure("visits_first", VISIT_DAYS, lambda t: t.days_ago.max(), empty=None)
_LAST_LOGIN = Measure(
    "login_recency_days", VISIT_DAYS, lambda t: t.days_ago.min(where=t.logins > 0), empty=None
)
_ORDERS = Measure("visits_orders", DAYS, lambda t: t.orders.sum())


def _pageviews(days: int) -> Measure:
    return Measure(
        f"visits_pages_{days}", VISIT_DAYS, lambda t: t.page_views.sum(where=within(days)(t))
    )


def _active(days: int) -> Measure:
    return Measure(f"visits_days_{days}", VISIT_DAYS, lambda t: t.count(where=within(days)(t)))


def _social(days: int) -> Measure:
    return Measure(
        f"visits_social_{days}", View("social"), lambda t: t.count(where=within(days)(t))
    )


def _known(first: str, days: int) -> Reader:
    """True where the measure `first`, the days since the first event, covers both windows."""
    return lambda t: t[first] >= 2 * days


def _trend(name: str, count: Measure, both: Measure, given: Reader) -> tuple[Column, Column]:
    """A count against the window before: `both` counts the two windows together."""
    return ratio(name, lambda t: t[count.name], lambda t: t[both.name] - t[count.name], given)


def _browsing(days: int) -> Parts:
    count, both = _pageviews(days), _pageviews(2 * days)
    known = _known(_FIRST_VISIT.name, days)
    trend = _trend(f"pageviews_ratio_{days}d", count, both, known)
    level = Column(f"pageviews_{days}d", lambda t: t[count.name])
    return Parts((_FIRST_VISIT, count, both), (level, *trend))


def _visiting(days: int) -> Parts:
    count, both = _active(days), _active(2 * days)
    known = _known(_FIRST_VISIT.name, days)
    trend = _trend(f"active_days_ratio_{days}d", count, both, known)
    level = Column(f"active_days_{days}d", lambda t: t[count.name])
    return Parts((_FIRST_VISIT, count, both), (level, *trend))


def _social_trend(days: int) -> Parts:
    first = Measure("visits_social_first", View("social"), lambda t: t.days_ago.max(), empty=None)
    count, both = _social(days), _social(2 * days)
    trend = _trend(f"social_ratio_{days}d", count, both, _known(first.name, days))
    return Parts((first, count, both), trend)


def _session_length(days: int) -> Parts:
    def median(name: str, where: Reader) -> Measure:
        view = View("sessions", (2 * days,))
        return Measure(name, view, lambda t: t.seconds.quantile(0.5, where=where(t)), empty=None)

    recent = median(f"visits_seconds_{days}", within(days))
    before = median(f"visits_seconds_before_{days}", lambda t: t.days_ago > days)
    columns = ratio(
        f"session_seconds_ratio_{days}d",
        lambda t: t[recent.name],
        lambda t: t[before.name],
        lambda t: t[recent.name].notnull(),
    )
    level = Column(f"session_seconds_{days}d", lambda t: t[recent.name])
    return Parts((recent, before), (level, *columns))


def _slope(days: int) -> Parts:
    weeks = days // 7

    def weighed(name: str, view: View) -> Measure:
        def of(t: ibis.Table) -> ibis.Value:
            weight = (weeks - 1) - 2 * ((t.days_ago - 1) // 7)
            return weight.sum(where=within(7 * weeks)(t))

        return Measure(f"visits_{name}_{weeks}w", view, of)

    first = recorded(VISIT_DAYS)
    ordering, visiting = weighed("weighed_orders", DAYS), weighed("weighed_visits", VISIT_DAYS)

    def slope(t: ibis.Table) -> ibis.Value:
        weighed_days = (t[ordering.name] + t[visiting.name]).cast("float64")
        value = 6 * weighed_days / (weeks * (weeks * weeks - 1))
        return since_recorded(7 * weeks, first)(t).ifelse(value, None)

    return Parts((TENURE, first, ordering, visiting), (Column(f"activity_slope_{weeks}w", slope),))


def _one_and_done(days: int) -> Parts:
    first = recorded(VISIT_DAYS)
    after = Measure(
        f"visits_after_first_{days}",
        VISIT_DAYS,
        lambda t: t.count(where=(t.after_first_order > 0) & (t.after_first_order <= days)),
    )

    def done(t: ibis.Table) -> ibis.Value:
        came_back = (t.visits_orders != 1) | (t[after.name] > 0)
        over = (t.tenure_days > days) & (t[first.name] >= t.tenure_days)
        return came_back.ifelse(0, over.ifelse(1, None))

    return Parts((TENURE, first, _ORDERS, after), (Column(f"one_and_done_{days}d", done),))


BROWSING = Indicator(
    name="browsing",
    meaning="Pages viewed, and against as many days before.",
    unit="page views; ratio",
    direction="down",
    windows=(30,),
    against="against as many days before",
    needs=("orders", "web_events"),
    source="C08",
    of=_browsing,
)
SESSION_LENGTH = Indicator(
    name="session_length",
    meaning="The usual length of a session, and against as many days before.",
    unit="seconds; ratio",
    direction="down",
    windows=(30,),
    against="against as many days before",
    needs=("orders", "web_events"),
    source="C09",
    filled=("web_events.session_id",),
    of=_session_length,
)
VISITING = Indicator(
    name="visiting",
    meaning="Days with a visit to site or app, and against as many days before.",
    unit="days; ratio",
    direction="down",
    windows=(30,),
    against="against as many days before",
    needs=("orders", "web_events"),
    source="C10",
    of=_visiting,
)
LOGIN_RECENCY = Indicator(
    name="login_recency",
    meaning="Days since the last login.",
    unit="days",
    direction="up",
    windows=(),
    needs=("orders", "web_events"),
    source="C11",
    of=parts((_LAST_LOGIN,), (plain(_LAST_LOGIN.name),)),
)
SOCIAL = Indicator(
    name="social",
    meaning="What the customer did with the shop in social media, against as many days before.",
    unit="ratio",
    direction="down",
    windows=(90,),
    against="against as many days before",
    needs=("orders", "web_events"),
    source="C14",
    filled=("web_events.platform",),
    owner="marketing",
    of=_social_trend,
)
ACTIVITY_SLOPE = Indicator(
    name="activity_slope",
    meaning="How much days with an order and days with a visit grow or shrink from week to week.",
    unit="days per week, per week",
    direction="down",
    windows=(84,),
    in_weeks=True,
    needs=("orders", "web_events"),
    source="C15",
    of=_slope,
)
ONE_AND_DONE = Indicator(
    name="one_and_done",
    meaning="One order only, and no visit in the days after it.",
    unit="1 or 0",
    direction="up",
    windows=(30,),
    against="counted from the first order",
    needs=("orders", "web_events"),
    source="C62",
    owner="marketing",
    of=_one_and_done,
)

VISITS: tuple[Indicator, ...] = (
    BROWSING,
    SESSION_LENGTH,
    VISITING,
    LOGIN_RECENCY,
    SOCIAL,
    ACTIVITY_SLOPE,
    ONE_AND_DONE,
)
