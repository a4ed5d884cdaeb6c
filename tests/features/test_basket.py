"""The basket, by hand: lines, discounts, categories won and lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from churn_ml.features.basket import (
    BASKET_SIZE,
    BASKET_TREND,
    BREADTH,
    BREADTH_TREND,
    CATEGORIES_LOST,
    CATEGORY_SHIFT,
    CONCENTRATION,
    PRICE_HELP,
)
from churn_ml.features.indicator import Indicator

Columns = dict[str, float | None]
Basket = tuple[int, Sequence[str]]
AS_OF = date(2017, 10, 1)
GOODS = {"milk": "dairy", "cheese": "dairy", "bread": "bakery", "soap": "drugstore"}


def shop(*baskets: Basket, status: str = "completed", **more: Any) -> dict[str, Any]:
    """One order per basket (days before as_of, products), a product of a category each."""
    orders, lines = [], []
    for number, (days, goods) in enumerate(baskets):
        on = {"occurred_at": AS_OF - timedelta(days=days), "order_id": str(number)}
        orders.append(on | {"status": status})
        lines += [on | {"product_id": product} | more for product in goods]
    start = {"occurred_at": "2017-01-01"}
    products = [start | {"product_id": p, "category": c} for p, c in GOODS.items()]
    return {"orders": orders, "order_lines": lines, "products": products}


@pytest.fixture
def at(read: Callable[..., Columns]) -> Callable[..., Columns]:
    """at(INDICATOR, (10, ["milk"]), ...): the columns of a customer with these baskets."""

    def columns(indicator: Indicator, *baskets: Basket, **more: Any) -> Columns:
        return read(indicator, **shop(*baskets, **more))

    return columns


At = Callable[..., Columns]


def test_the_worked_example_of_the_module(at: At) -> None:
    baskets = ((90, ["milk"]), (60, ["bread", "soap"]), (46, ["milk"]), (10, ["milk"]))
    assert at(BREADTH, *baskets) == {"categories_90d": 3}
    assert at(BREADTH_TREND, *baskets)["categories_ratio_45d"] == round(1 / 3, 9)
    assert at(CATEGORIES_LOST, *baskets)["categories_lost_share_45d"] == round(2 / 3, 9)


def test_basket_size_is_lines_per_order_day(at: At) -> None:
    found = at(BASKET_SIZE, (90, ["milk", "bread"]), (3, ["milk"]), (3, ["soap", "bread"]))
    assert found == {"lines_per_day_90d": 2.5, "lines_per_day_90d_has_base": 1}


def test_lines_older_than_ninety_days_are_not_seen(at: At) -> None:
    found = at(BASKET_SIZE, (91, ["milk", "bread"]))
    assert found == {"lines_per_day_90d": None, "lines_per_day_90d_has_base": 0}


def test_basket_trend_compares_halves_of_ninety_days(at: At) -> None:
    found = at(BASKET_TREND, (90, ["milk", "bread"]), (46, ["milk"]), (45, ["milk", "soap"]))
    assert found == {"lines_ratio_45d": round(2 / 3, 9), "lines_ratio_45d_has_base": 1}


@pytest.mark.parametrize(("first", "flag"), [(89, 0), (90, 1)])
def test_halves_need_a_customer_of_ninety_days(at: At, first: int, flag: int) -> None:
    for indicator in (BASKET_TREND, BREADTH_TREND, CATEGORIES_LOST):
        found = at(indicator, (first, ["milk"]), (5, ["milk"]))
        assert found[f"{indicator.names[0]}_has_base"] == flag


def test_discounts_and_coupons_are_shares_of_the_price_before_them(at: At) -> None:
    price = {
        "net_amount": Decimal("6.00"),
        "discount_amount": Decimal("2.00"),
        "coupon_amount": Decimal("4.00"),
    }
    assert at(PRICE_HELP, (5, ["milk"]), (9, ["bread"]), **price) == {
        "discount_share_90d": 0.25,
        "discount_share_90d_has_base": 1,
        "coupon_share_90d": 0.4,
        "coupon_share_90d_has_base": 1,
    }


def test_a_missing_discount_is_none_given(at: At) -> None:
    assert at(PRICE_HELP, (5, ["milk"]))["discount_share_90d"] == 0


def test_goods_for_nothing_are_no_base(at: At) -> None:
    found = at(PRICE_HELP, (5, ["milk"]), net_amount=Decimal("0.00"))
    assert (found["discount_share_90d"], found["discount_share_90d_has_base"]) == (None, 0)


def test_products_that_are_not_known_count_as_one_category(at: At) -> None:
    assert at(BREADTH, (5, ["milk", "cheese", "unheard", "of"])) == {"categories_90d": 2}


def test_the_category_is_the_one_valid_at_as_of(read: Callable[..., Columns]) -> None:
    rows = shop((5, ["milk", "cheese"]))
    rows["products"].append(
        {"product_id": "cheese", "category": "deli", "occurred_at": "2017-09-30"}
    )
    assert read(BREADTH, **rows) == {"categories_90d": 2}


def test_concentration_is_the_share_of_the_dearest_category(at: At) -> None:
    found = at(CONCENTRATION, (5, ["milk", "cheese", "bread"]), (9, ["milk"]))
    assert found == {"top_category_share_90d": 0.75, "top_category_share_90d_has_base": 1}


def test_category_shift_is_what_the_last_order_day_had_for_the_first_time(at: At) -> None:
    found = at(CATEGORY_SHIFT, (40, ["milk"]), (3, ["milk", "bread"]), (3, ["soap"]))
    assert found == {
        "new_category_share_90d": round(2 / 3, 9),
        "new_category_share_90d_has_base": 1,
    }
    assert at(CATEGORY_SHIFT, (40, ["milk"]), (3, ["cheese"]))["new_category_share_90d"] == 0


def test_one_order_day_cannot_shift(at: At) -> None:
    found = at(CATEGORY_SHIFT, (100, ["milk"]), (3, ["bread"]))
    assert found == {"new_category_share_90d": None, "new_category_share_90d_has_base": 0}


def test_lines_of_a_cancelled_order_are_not_bought(read: Callable[..., Columns]) -> None:
    kept, cancelled = shop((5, ["milk"])), shop((3, ["bread", "soap"]), status="cancelled")
    for table in ("orders", "order_lines"):
        moved = [row | {"order_id": "c"} for row in cancelled[table]]
        kept[table] += moved
    assert read(BREADTH, **kept) == {"categories_90d": 1}
    assert read(BASKET_SIZE, **kept)["lines_per_day_90d"] == 1
