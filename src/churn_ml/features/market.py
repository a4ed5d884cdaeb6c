"""Indicators of the customer's market: its mood, economy, currency, language and technology.

Worked example, as of 2017-10-01: shares of negative mentions of .1 and .3 in the weeks before and
of .4 in the last week have a mean of .2 and a standard deviation of .1: mkt_neg_sentiment_z_26w is
2. Of a currency worth 1.00 on the average of 180 days and .80 on that of the last 30, our prices
are 1 / .80 = 1.25 times what they were there: fx_price_ratio_30d 1.25.

What is published later than as_of is not known, whatever period it is of. Degenerate cases: whose
market is not known has null everywhere; weeks that were all alike give no deviation to compare
with; where nothing was published for the period a year before there is no change on the year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features.columns import plain, ratio
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, View

if TYPE_CHECKING:
    import ibis


def of_market(name: str, view: View, column: str) -> Measure:
    """The measure `name`: a column of a view with one row per customer, null without a market.

    >>> of_market("tech_events_180d", View("news", (180,)), "events").empty is None
    True
    """
    return Measure(name, view, lambda t: t[column].max(), empty=None)


def _mood(days: int, base_days: int) -> Parts:
    view = View("mood", (days, base_days))
    now, spans, total, squares = (
        of_market(f"mood_{name}_{days}_{base_days}", view, name)
        for name in ("now", "spans", "total", "squares")
    )

    def spread(t: ibis.Table) -> ibis.Value:
        """N x standard deviation of the earlier shares."""
        variance = t[spans.name] * t[squares.name] - t[total.name] * t[total.name]
        return variance.cast("float64").sqrt()

    columns = ratio(
        f"mkt_neg_sentiment_z_{base_days // 7}w",
        lambda t: t[spans.name] * t[now.name] - t[total.name],
        spread,
        lambda t: t[now.name].notnull(),
    )
    return Parts((now, spans, total, squares), columns)


def _published(name: str) -> Parts:
    view = View("economy")
    now = of_market(f"{name}_asof", view, name)
    before = of_market(f"{name}_before", view, f"{name}_before")
    change = Column(f"{name}_on_year", lambda t: t[now.name] - t[before.name])
    return Parts((now, before), (plain(now.name), change))


def _technology(days: int) -> Parts:
    name = f"tech_events_{days}d"
    return Parts((of_market(name, View("news", (days,)), "events"),), (plain(name),))


def _language() -> Parts:
    unspoken = Measure(
        "language_gap", View("homes"), lambda t: t.is_unspoken.cast("int64").max(), empty=None
    )
    return Parts((unspoken,), (plain("language_gap"),))


def _exchange(days: int, base_days: int) -> Parts:
    rates, rate_sum, base_rates, base_rate_sum = (
        of_market(f"{name}_{days}_{base_days}", View("exchange", (days, base_days)), name)
        for name in ("rates", "rate_sum", "base_rates", "base_rate_sum")
    )
    columns = ratio(
        # mean of the long window over that of the short one, with one division of whole numbers
        f"fx_price_ratio_{days}d",
        lambda t: t[base_rate_sum.name] * t[rates.name],
        lambda t: t[rate_sum.name] * t[base_rates.name],
    )
    return Parts((rates, rate_sum, base_rates, base_rate_sum), columns)


MOOD = Indicator(
    name="mood",
    meaning="Share of negative mentions of the shop in the market, against earlier weeks.",
    unit="standard deviations",
    direction="up",
    windows=(7, 182),
    against="the first against such spans in the second, before it",
    needs=("orders", "customers", "social_mentions"),
    source="C24",
    owner="marketing",
    filled=("customers.market", "social_mentions.negative"),
    of=_mood,
)
GROWTH = Indicator(
    name="gdp_growth",
    meaning="Growth of the market's economy as published last, and its change on the year.",
    unit="as published",
    direction="down",
    windows=(),
    needs=("orders", "customers", "macro_indicators"),
    source="C32",
    owner="marketing",
    filled=("customers.market",),
    of=lambda: _published("gdp_growth"),
)
UNEMPLOYMENT = Indicator(
    name="unemployment",
    meaning="Unemployment in the market as published last, and its change on the year.",
    unit="as published",
    direction="up",
    windows=(),
    needs=("orders", "customers", "macro_indicators"),
    source="C32",
    owner="marketing",
    filled=("customers.market",),
    of=lambda: _published("unemployment"),
)
TECHNOLOGY = Indicator(
    name="technology",
    meaning="News of industry and technology that touch the market.",
    unit="events",
    direction="either",
    windows=(180,),
    needs=("orders", "customers", "tech_events"),
    source="C33",
    owner="site",
    filled=("customers.market",),
    of=_technology,
)
LANGUAGE = Indicator(
    name="language",
    meaning="1 where site and support do not speak the customer's language.",
    unit="0 or 1",
    direction="up",
    windows=(),
    needs=("orders", "customers", "markets"),
    source="C47",
    owner="site",
    personal=True,
    filled=("customers.language", "customers.market", "markets.languages"),
    of=_language,
)
EXCHANGE = Indicator(
    name="exchange",
    meaning="Our prices in the market's currency, in the first window against the second.",
    unit="ratio",
    direction="up",
    windows=(30, 180),
    needs=("orders", "customers", "fx_rates", "markets"),
    source="C48",
    owner="marketing",
    filled=("customers.market", "markets.local_currency"),
    of=_exchange,
)

MARKET: tuple[Indicator, ...] = (
    MOOD,
    GROWTH,
    UNEMPLOYMENT,
    TECHNOLOGY,
    LANGUAGE,
    EXCHANGE,
)
