"""Competition, by hand: prices, promotions, launches, shares of the market."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from churn_ml.features.competition import (
    COMPETITOR_LAUNCHES,
    COMPETITOR_PROMOTIONS,
    COMPETITOR_SHARE,
    PRICE_GAP,
)

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]
GERMAN = [{"occurred_at": "2017-01-01", "market": "DE"}]


def act(kind: str, when: str, **more: Any) -> dict[str, Any]:
    """What the competitor "rival" did in the market DE."""
    told = {"competitor": "rival", "kind": kind, "market": "DE", "occurred_at": when}
    return told | more


def test_our_prices_are_compared_with_the_lowest_in_the_categories_bought(
    read: Read, on: On
) -> None:
    def product(name: str, category: str | None, price: str | None) -> dict[str, Any]:
        amount = Decimal(price) if price else None
        told = {"product_id": name, "category": category, "list_amount": amount}
        return {"occurred_at": "2017-01-01"} | told

    def seen(days: int, name: str, price: str) -> dict[str, Any]:
        return on(days, competitor=f"shop{days}", product_id=name, amount=Decimal(price))[0]

    products = [
        product("mocha", "coffee", "5.00"),
        product("mocha", "coffee", "6.00") | {"occurred_at": "2017-06-01"},
        product("santos", "coffee", "5.00"),
        product("java", "coffee", None),
        product("soap", "care", "1.00"),
        product("thing", None, "1.00"),
    ]
    prices = [
        *(seen(3, "mocha", "4.50"), seen(30, "mocha", "4.00"), seen(31, "mocha", "1.00")),
        *(seen(1, "santos", "6.00"), seen(1, "java", "1.00")),
        *(seen(1, "soap", "9.00"), seen(1, "thing", "9.00")),
    ]

    def gap(*lines: dict[str, Any]) -> list[float | None]:
        shop = {"order_lines": lines, "products": products, "competitor_prices": prices}
        return list(read(PRICE_GAP, orders=on(1, order_id="o"), **shop).values())

    def line(days: int, name: str) -> dict[str, Any]:
        return on(days, order_id="o", product_id=name)[0]

    # list prices 6.00 + 5.00 against 4.00 + 6.00, however often coffee was bought
    assert gap(line(180, "santos"), line(2, "java"), line(181, "soap")) == [1.1, 1]
    assert gap(line(1, "thing")) == [None, 0]
    assert gap() == [None, 0]


@pytest.mark.parametrize(
    ("first", "ends", "days"),
    [
        ("2017-09-20", datetime(2017, 9, 24, 12), 5),
        ("2017-09-20", None, 1),
        ("2017-09-29", datetime(2017, 10, 20), 2),  # only the days that have been
        ("2017-07-01", datetime(2017, 9, 3), 3),  # 1, 2 and 3 September, 30 to 28 days ago
        ("2017-07-01", datetime(2017, 8, 31), 0),
        ("2017-08-31", None, 0),
    ],
)
def test_days_with_a_promotion_are_those_inside_the_window(
    read: Read, on: On, first: str, ends: datetime | None, days: int
) -> None:
    events = [act("promotion", first, ends_at=ends), act("launch", "2017-09-20")]
    shop = {"orders": on(1), "customers": GERMAN, "competitor_events": events}
    assert read(COMPETITOR_PROMOTIONS, **shop) == {"comp_promo_days_30d": days}


def test_launches_count_in_their_market(read: Read, on: On) -> None:
    events = [
        *on(1, 90, 91, competitor="rival", kind="launch", market="DE"),
        *on(2, competitor="rival", kind="launch", market="FR"),
        act("promotion", "2017-09-20"),
    ]

    def launches(*people: dict[str, Any]) -> float | None:
        shop = {"orders": on(1), "customers": people, "competitor_events": events}
        return read(COMPETITOR_LAUNCHES, **shop)["comp_launches_90d"]

    assert launches(*GERMAN) == 2
    assert launches(GERMAN[0] | {"market": "IT"}) == 0
    assert launches(GERMAN[0] | {"market": None}) is None


def test_shares_of_competitors_are_compared_with_the_quarter_before(read: Read, on: On) -> None:
    def share(days: int, value: float, competitor: str = "rival") -> dict[str, Any]:
        row = {"competitor": competitor, "kind": "share", "market": "DE", "value": value}
        return on(days, **row)[0]

    def change(*events: dict[str, Any]) -> list[float | None]:
        shop = {"orders": on(1), "customers": GERMAN, "competitor_events": events}
        return list(read(COMPETITOR_SHARE, **shop).values())

    rival = [share(91, 0.5), share(10, 0.3), share(92, 0.25), share(182, 0.9)]  # .3 - .25
    other = [share(20, 0.1, "other"), share(150, 0.2, "other")]  # .1 - .2
    new = [share(20, 0.1, "new"), share(183, 0.4, "new")]  # nothing in the quarter before
    assert change(*rival) == [0.05, 1, 0]
    assert change(*rival, *other, *new) == [-0.05, 1, 0]
    assert change(*new, act("acquisition", "2017-09-01")) == [None, 0, 1]
