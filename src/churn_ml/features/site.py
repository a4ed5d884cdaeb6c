"""Indicators of the site: where it slows, fails, hides what is sought, or loses a purchase.

Worked example, as of 2017-10-01: of four sessions that reached the checkout since 2017-07-03 three
ended without an order, at steps 2, 2 and 3: checkout_abandon_share_90d is 3 / 4, abandon_step_90d
is 2. Of two searches one found nothing: zero_result_share_60d is 1 / 2.

Degenerate cases: a customer without a session, search or recommendation has no share of them. Where
checkouts were left equally often at several steps, the earliest counts. A product without a list
price, and a customer of whom no purchase is known, say nothing of prices.
"""

from __future__ import annotations

from churn_ml.features.columns import ratio, within
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View


def _checkout_abandonment(days: int) -> Parts:
    view = View("checkouts", (days,))
    started = Measure(f"site_checkouts_{days}", view, lambda t: t.count())
    left = Measure(f"site_abandoned_{days}", view, lambda t: t.count(where=t.abandoned))
    name = f"checkout_abandon_share_{days}d"
    return Parts((started, left), ratio(name, lambda t: t[left.name], lambda t: t[started.name]))


def _abandon_step(days: int) -> Parts:
    step = Measure(
        f"site_abandon_step_{days}",
        View("checkouts", (days,)),
        lambda t: t.last_step.min(where=t.abandoned & (t.exits == t.most_exits)),
        empty=None,
    )
    return Parts((step,), (Column(f"abandon_step_{days}d", lambda t: t[step.name]),))


def _load_time(days: int) -> Parts:
    slow = Measure(
        f"site_load_ms_{days}", View("loads", (days,)), lambda t: t.load_ms.quantile(0.75), None
    )
    return Parts((slow,), (Column(f"load_ms_p75_{days}d", lambda t: t[slow.name]),))


def _faults(days: int) -> Parts:
    def count(name: str, where: Reader) -> Measure:
        # the days that session_length reads, so that both share one aggregation
        view = View("sessions", (2 * days,))
        return Measure(f"site_{name}_{days}", view, lambda t: t.count(where=where(t)))

    visits = count("sessions", within(days))
    faulty = count("faulty", lambda t: within(days)(t) & (t.errors > 0))
    name = f"error_share_{days}d"
    return Parts((visits, faulty), ratio(name, lambda t: t[faulty.name], lambda t: t[visits.name]))


def _price_hesitation(days: int, paid_days: int) -> Parts:
    def count(name: str, where: Reader) -> Measure:
        view = View("wishes", (days, paid_days))
        name = f"site_{name}_{days}_{paid_days}"
        return Measure(name, view, lambda t: t.count(where=where(t)))

    priced = count("wishes", lambda t: t.list_cents.notnull() & t.usual_cents.notnull())
    dear = count("dear", lambda t: ~t.bought & (t.list_cents > t.usual_cents))
    name = f"price_hesitation_share_{days}d"
    return Parts((priced, dear), ratio(name, lambda t: t[dear.name], lambda t: t[priced.name]))


def _compare_loops(days: int) -> Parts:
    loops = Measure(
        f"compare_loops_{days}d", View("looks", (days,)), lambda t: t.count(where=t.back)
    )
    return Parts((loops,), (Column(loops.name, lambda t: t[loops.name]),))


def _of_visit_days(name: str, days: int) -> Measure:
    """The sum of a column of visit_days in the window."""
    return Measure(
        f"site_{name}_{days}", View("visit_days"), lambda t: t[name].sum(where=within(days)(t))
    )


def _recommendation(days: int) -> Parts:
    shown = _of_visit_days("recommendations", days)
    clicked = _of_visit_days("recommendation_clicks", days)
    name = f"recommendation_click_rate_{days}d"
    return Parts((shown, clicked), ratio(name, lambda t: t[clicked.name], lambda t: t[shown.name]))


def _empty_search(days: int) -> Parts:
    searched = _of_visit_days("searches", days)
    empty = _of_visit_days("empty_searches", days)
    name = f"zero_result_share_{days}d"
    return Parts(
        (searched, empty), ratio(name, lambda t: t[empty.name], lambda t: t[searched.name])
    )


CHECKOUT_ABANDONMENT = Indicator(
    name="checkout_abandonment",
    meaning="Share of the sessions that reached the checkout and ended without an order.",
    unit="share",
    direction="up",
    windows=(90,),
    needs=("orders", "web_events"),
    source="C44",
    filled=("web_events.session_id",),
    owner="site",
    of=_checkout_abandonment,
)
ABANDON_STEP = Indicator(
    name="abandon_step",
    meaning="The step of the checkout at which the customer gave up most often.",
    unit="step, from 1",
    direction="either",
    windows=(90,),
    needs=("orders", "web_events"),
    source="C44",
    filled=("web_events.session_id", "web_events.step"),
    owner="site",
    of=_abandon_step,
)
LOAD_TIME = Indicator(
    name="load_time",
    meaning="Load time that three quarters of the customer's pages kept to.",
    unit="milliseconds",
    direction="up",
    windows=(30,),
    needs=("orders", "web_events"),
    source="C46",
    filled=("web_events.load_ms",),
    owner="site",
    of=_load_time,
)
FAULTS = Indicator(
    name="faults",
    meaning="Share of the sessions with an error.",
    unit="share",
    direction="up",
    windows=(30,),
    needs=("orders", "web_events"),
    source="C46",
    filled=("web_events.session_id",),
    owner="site",
    of=_faults,
)
PRICE_HESITATION = Indicator(
    name="price_hesitation",
    meaning="Share of the products looked at three times or more that were not bought and cost "
    "more than this customer usually pays.",
    unit="share",
    direction="up",
    windows=(90, 365),
    against="looks in the one, prices paid in the other",
    needs=("orders", "order_lines", "products", "web_events"),
    source="C49",
    filled=("web_events.product_id", "products.list_amount", "order_lines.net_amount"),
    owner="product",
    of=_price_hesitation,
)
COMPARE_LOOPS = Indicator(
    name="compare_loops",
    meaning="Returns, within a session, to a product looked at before another one.",
    unit="returns",
    direction="up",
    windows=(30,),
    needs=("orders", "web_events"),
    source="C50",
    filled=("web_events.product_id", "web_events.session_id"),
    owner="product",
    of=_compare_loops,
)
RECOMMENDATION = Indicator(
    name="recommendation",
    meaning="Recommendations clicked per recommendation shown.",
    unit="clicks per recommendation",
    direction="down",
    windows=(30,),
    needs=("orders", "web_events"),
    source="C52",
    owner="site",
    of=_recommendation,
)
EMPTY_SEARCH = Indicator(
    name="empty_search",
    meaning="Share of the searches that found nothing.",
    unit="share",
    direction="up",
    windows=(60,),
    needs=("orders", "web_events"),
    source="C57",
    filled=("web_events.results",),
    owner="product",
    of=_empty_search,
)

SITE: tuple[Indicator, ...] = (
    CHECKOUT_ABANDONMENT,
    ABANDON_STEP,
    LOAD_TIME,
    FAULTS,
    PRICE_HESITATION,
    COMPARE_LOOPS,
    RECOMMENDATION,
    EMPTY_SEARCH,
)
