"""The market, by hand: mood, economy, technology, language, exchange rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from churn_ml.config import Contract
from churn_ml.features import build
from churn_ml.features.market import (
    EXCHANGE,
    GROWTH,
    LANGUAGE,
    MOOD,
    TECHNOLOGY,
    UNEMPLOYMENT,
)
from churn_ml.in_memory import canonical
from churn_ml.timeline import parse_as_of

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]
GERMAN = [{"occurred_at": "2017-01-01", "market": "DE", "language": "de"}]


def mentions(days: int, negative: int, of: int = 10, market: str = "DE") -> dict[str, Any]:
    when = datetime(2017, 10, 1) - timedelta(days=days)
    return {"occurred_at": when, "market": market, "mentions": of, "negative": negative}


def test_the_mood_of_the_last_week_is_told_in_deviations_from_the_weeks_before(
    read: Read, on: On
) -> None:
    def z(*rows: dict[str, Any]) -> tuple[float | None, float | None]:
        found = read(MOOD, orders=on(1), customers=GERMAN, social_mentions=rows)
        name = "mkt_neg_sentiment_z_26w"
        return found[name], found[f"{name}_has_base"]

    # .1 and .3 before: mean .2, deviation .1; the last week .4
    week, before = [mentions(1, 1), mentions(7, 7)], [mentions(8, 1), mentions(189, 3)]
    assert z(*week, *before) == (2, 1)
    assert z(*week, *before, mentions(190, 10), mentions(3, 10, market="FR")) == (2, 1)
    assert z(*week, mentions(8, 3), mentions(15, 3)) == (None, 0)  # always alike
    assert z(*before) == (None, 0)
    assert z(*week) == (None, 0)
    assert z() == (None, 0)


def test_the_economy_is_what_was_published_last_against_the_year_before(read: Read, on: On) -> None:
    def rows(name: str, **values: float) -> list[dict[str, Any]]:
        return [
            {
                "occurred_at": f"{month[1:5]}-{month[5:]}-01",
                "market": "DE",
                "name": name,
                "value": v,
            }
            for month, v in values.items()
        ]

    told = rows("gdp_growth", m201604=1.5, m201607=1.75, m201701=3, m201707=2.25) + rows(
        "unemployment", m201608=6.5, m201708=5.5
    )
    shop = {"orders": on(1), "customers": GERMAN, "macro_indicators": told}
    assert read(GROWTH, **shop) == {"gdp_growth_asof": 2.25, "gdp_growth_on_year": 0.5}
    assert read(UNEMPLOYMENT, **shop) == {"unemployment_asof": 5.5, "unemployment_on_year": -1}
    young = shop | {"macro_indicators": told[2:]}
    assert read(GROWTH, **young) == {"gdp_growth_asof": 2.25, "gdp_growth_on_year": None}


def test_news_of_technology_count_in_their_market(read: Read, on: On) -> None:
    rows = on(1, 180, 181, market="DE", kind="ai_search") + on(2, market="FR", kind="ai_search")
    shop = {"orders": on(1), "customers": GERMAN}
    assert read(TECHNOLOGY, tech_events=rows, **shop) == {"tech_events_180d": 2}
    assert read(TECHNOLOGY, tech_events=rows[3:], **shop) == {"tech_events_180d": 0}


def test_the_market_is_the_one_valid_at_as_of_and_null_where_it_is_not_known(
    read: Read, on: On
) -> None:
    rows = on(1, 2, market="DE", kind="ai_search")

    def events(*customers: dict[str, Any]) -> float | None:
        shop = {"orders": on(1), "customers": customers, "tech_events": rows}
        return read(TECHNOLOGY, **shop)["tech_events_180d"]

    moved = {"occurred_at": "2017-06-01", "market": "FR"}
    assert events(*GERMAN, moved) == 0
    assert events(moved | {"market": None}) is None
    assert events() is None


@pytest.mark.parametrize(
    ("languages", "language", "gap"),
    [
        ("de,en", "de", 0),
        ("EN, DE", "de", 0),
        ("fr,en", "de", 1),
        ("nds", "de", 1),
        (None, "de", None),
        ("de", None, None),
    ],
)
def test_a_language_that_the_market_does_not_speak_is_a_gap(
    read: Read, on: On, languages: str | None, language: str | None, gap: int | None
) -> None:
    people = [{"occurred_at": "2017-01-01", "market": "DE", "language": language}]
    markets = [{"occurred_at": "2017-01-01", "market": "DE", "languages": languages}]
    found = read(LANGUAGE, orders=on(1), customers=people, markets=markets)
    assert found == {"language_gap": gap}


def test_a_currency_that_fell_makes_our_prices_rise_there(read: Read, on: On) -> None:
    def rates(*told: tuple[int, str]) -> list[dict[str, Any]]:
        return [on(d, currency="TRY", rate=Decimal(rate))[0] for d, rate in told]

    def price(*rows: dict[str, Any], currency: str | None = "TRY") -> list[float | None]:
        markets = [{"occurred_at": "2017-01-01", "market": "DE", "local_currency": currency}]
        shop = {"customers": GERMAN, "markets": markets, "fx_rates": rows}
        return list(read(EXCHANGE, orders=on(1), **shop).values())

    # mean .25 of 30 days, (.25 + .25 + .40 + .50) / 4 = .35 of 180: .35 / .25
    rows = rates((1, "0.25"), (30, "0.25"), (31, "0.40"), (180, "0.50"), (181, "9"))
    assert price(*rows) == [1.4, 1]
    assert price(*rows[2:]) == [None, 0]
    assert price(*rows, currency="EUR") == [None, 0]
    assert price(*rows, currency=None) == [None, 0]


def test_customers_of_one_market_see_the_same_and_nobody_twice() -> None:
    orders = [{"customer_id": c, "occurred_at": "2017-09-30"} for c in ("anna", "ben", "cleo")]
    people: Sequence[dict[str, Any]] = [
        {"customer_id": c, "market": market, "occurred_at": "2017-01-01"}
        for c, market in (("anna", "DE"), ("ben", "DE"), ("cleo", "FR"))
    ]
    news = [{"market": "DE", "kind": k, "occurred_at": "2017-09-01"} for k in ("ai", "5g")]
    shop = canonical(orders=orders, customers=people, tech_events=news)
    frame = build(shop, parse_as_of("2017-10-01"), Contract(), indicators=[TECHNOLOGY])
    assert frame.customer_id.tolist() == ["anna", "ben", "cleo"]
    assert frame.tech_events_180d.tolist() == [2, 2, 0]
