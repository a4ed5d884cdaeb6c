"""Spend, by hand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from churn_ml.features.spend import (
    BASKET_EVER,
    BASKET_VALUE,
    BASKET_VALUE_TREND,
    LAST_BASKET,
    SPEND,
    SPEND_HABIT,
    SPEND_TREND,
)

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def paid(on: On, **amounts: str) -> list[dict[str, Any]]:
    """paid(on, d5="1.20"): an order of 1.20 five days before as_of; d5_2 is a second one."""
    days = {name: int(name[1:].split("_")[0]) for name in amounts}
    return [
        order
        for name, amount in amounts.items()
        for order in on(days[name], net_amount=Decimal(amount))
    ]


def test_the_worked_example_of_the_module(read: Read, on: On) -> None:
    orders = (
        on("2017-09-20", net_amount=Decimal("40.00"))
        + on("2017-08-20", net_amount=Decimal("80.00"))
        + on("2017-06-01", net_amount=Decimal("5.00"))
    )
    assert read(SPEND, orders=orders) == {"spend_30d": 40, "spend_60d": 120, "spend_90d": 120}
    assert read(SPEND_TREND, orders=orders)["spend_ratio_30d"] == 0.5


def test_spend_is_exact_to_the_cent_in_any_order(read: Read, on: On) -> None:
    assert read(SPEND, orders=paid(on, d1="0.10", d2="0.20", d3="12345678.90")) == {
        "spend_30d": 12345679.2,
        "spend_60d": 12345679.2,
        "spend_90d": 12345679.2,
    }


def test_an_order_of_unknown_amount_is_a_day_without_money(read: Read, on: On) -> None:
    orders = paid(on, d1="3.00") + on(2, net_amount=None)
    assert read(SPEND, orders=orders)["spend_30d"] == 3


def test_a_free_earlier_window_is_no_base(read: Read, on: On) -> None:
    found = read(SPEND_TREND, orders=paid(on, d5="3.00", d40="0.00", d100="9.00"))
    assert found["spend_ratio_30d"] is None
    assert found["spend_ratio_30d_has_base"] == 0


def test_the_usual_basket_is_the_median_order_day(read: Read, on: On) -> None:
    # Days of 2.00, 3.00 + 5.00, 9.00 and 20.00: median (8 + 9) / 2.
    orders = paid(on, d1="2.00", d2="3.00", d2_2="5.00", d3="9.00", d4="20.00", d95="99.00")
    assert read(BASKET_VALUE, orders=orders) == {"basket_median_90d": 8.5, "basket_max_90d": 20}


def test_no_order_in_the_window_has_no_usual_basket(read: Read, on: On) -> None:
    assert read(BASKET_VALUE, orders=on(91)) == {
        "basket_median_90d": None,
        "basket_max_90d": None,
    }
    assert read(LAST_BASKET, orders=on(91)) == {
        "last_basket_ratio_90d": None,
        "last_basket_ratio_90d_has_base": 0,
    }


def test_basket_value_trend_divides_mean_order_days(read: Read, on: On) -> None:
    # Recent half: 30.00 on 2 days, 15.00 a day. Earlier half: 60.00 on 3 days, 20.00 a day.
    orders = paid(on, d10="10.00", d45="20.00", d46="20.00", d60="15.00", d90="25.00")
    assert read(BASKET_VALUE_TREND, orders=orders) == {
        "basket_value_ratio_45d": 0.75,
        "basket_value_ratio_45d_has_base": 1,
    }


def test_the_spend_of_the_window_is_held_against_the_days_since_the_first_order(
    read: Read, on: On
) -> None:
    # 30.00 in the last 90 of 180 days, 40.00 in all: .333 a day against .222
    orders = paid(on, d180="10.00", d90="12.00", d1="18.00")
    assert read(SPEND_HABIT, orders=orders) == {
        "spend_habit_ratio_90d": 1.5,
        "spend_habit_ratio_90d_has_base": 1,
    }


def test_who_came_within_the_window_spends_as_ever_and_who_never_paid_has_no_habit(
    read: Read, on: On
) -> None:
    new = read(SPEND_HABIT, orders=paid(on, d89="10.00", d1="18.00"))
    assert new == {"spend_habit_ratio_90d": 1, "spend_habit_ratio_90d_has_base": 1}
    free = read(SPEND_HABIT, orders=paid(on, d180="0.00", d1="0.00"))
    assert free == {"spend_habit_ratio_90d": None, "spend_habit_ratio_90d_has_base": 0}


def test_no_recent_order_has_no_basket_value_to_compare(read: Read, on: On) -> None:
    found = read(BASKET_VALUE_TREND, orders=paid(on, d50="10.00", d90="10.00"))
    assert found["basket_value_ratio_45d_has_base"] == 0


def test_the_last_basket_is_the_whole_last_order_day(read: Read, on: On) -> None:
    orders = paid(on, d2="4.00", d2_2="8.00", d9="6.00", d20="3.00")
    assert read(LAST_BASKET, orders=orders)["last_basket_ratio_90d"] == 2


def test_an_order_day_of_all_history_is_told_in_steps_that_name_nobody(read: Read, on: On) -> None:
    # 101.00 on two days: twice the square root of 50.50 is 14.2, as of any mean from 49 to 56.24
    orders = paid(on, d400="60.00", d3="30.00", d3_2="11.00")
    assert read(BASKET_EVER, orders=orders) == {"basket_ever_steps": 14}
    assert read(BASKET_EVER, orders=paid(on, d3="56.24")) == {"basket_ever_steps": 14}
    assert read(BASKET_EVER, orders=paid(on, d3="-5.00")) == {"basket_ever_steps": 0}
