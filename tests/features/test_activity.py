"""Activity, by hand: counts at the edges of their windows, trends and their bases, pace, weeks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from churn_ml.features.activity import (
    FREQUENCY,
    FREQUENCY_TREND,
    PACE,
    STORES,
    WEEKDAYS,
    WEEKS_ACTIVE,
)

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def test_the_worked_example_of_the_module(read: Read, on: On) -> None:
    orders = on("2017-08-02", "2017-08-05", "2017-08-20", "2017-09-10", "2017-09-28")
    counts = read(FREQUENCY, orders=orders)
    assert (counts["order_days_30d"], counts["order_days_60d"]) == (2, 5)
    assert read(FREQUENCY_TREND, orders=orders)["order_days_ratio_30d"] == round(2 / 3, 9)


@pytest.mark.parametrize("window", [14, 30, 60, 90])
def test_a_window_of_w_days_holds_its_first_day_and_not_the_day_before(
    read: Read, on: On, window: int
) -> None:
    column = f"order_days_{window}d"
    assert read(FREQUENCY, orders=on(window))[column] == 1
    assert read(FREQUENCY, orders=on(window + 1))[column] == 0


def test_the_first_instant_of_a_window_is_inside_it(read: Read, on: On) -> None:
    # [2017-09-01 00:00, 2017-10-01 00:00)
    assert read(FREQUENCY, orders=on("2017-09-01 00:00"))["order_days_30d"] == 1
    assert read(FREQUENCY, orders=on("2017-08-31 23:59:59.999999"))["order_days_30d"] == 0


def test_several_orders_on_a_day_are_one_order_day(read: Read, on: On) -> None:
    assert read(FREQUENCY, orders=on(3, 3, 3, 4))["order_days_14d"] == 2


def test_a_trend_compares_with_the_window_before(read: Read, on: On) -> None:
    found = read(FREQUENCY_TREND, orders=on(60, 45, 31, 30, 29, 28, 14, 1))
    assert found == {
        "order_days_ratio_14d": 2.0,  # 14 and 1 days ago against 28
        "order_days_ratio_14d_has_base": 1,
        "order_days_ratio_30d": round(5 / 3, 9),
        "order_days_ratio_30d_has_base": 1,
    }


def test_without_orders_before_there_is_no_trend(read: Read, on: On) -> None:
    found = read(FREQUENCY_TREND, orders=on(100, 10))
    assert found["order_days_ratio_30d"] is None
    assert found["order_days_ratio_30d_has_base"] == 0


@pytest.mark.parametrize(("first", "ratio", "flag"), [(59, None, 0), (60, 1.0, 1)])
def test_who_was_no_customer_when_the_earlier_window_began_has_no_trend(
    read: Read, on: On, first: int, ratio: float | None, flag: int
) -> None:
    found = read(FREQUENCY_TREND, orders=on(first, 5))
    assert found["order_days_ratio_30d"] == ratio
    assert found["order_days_ratio_30d_has_base"] == flag


def test_pace_counts_yesterday_fully_and_the_far_edge_least(read: Read, on: On) -> None:
    assert read(PACE, orders=on(1))["order_pace_30d"] == 1
    assert read(PACE, orders=on(30))["order_pace_30d"] == round(1 / 30, 9)
    assert read(PACE, orders=on(31))["order_pace_30d"] == 0
    # 30/30 + 16/30 + 1/30
    assert read(PACE, orders=on(1, 15, 30))["order_pace_30d"] == round(47 / 30, 9)


def test_weeks_are_counted_back_from_as_of(read: Read, on: On) -> None:
    # 1 and 7 days ago lie in the last week, 8 in the one before, 84 in the twelfth, 85 in none.
    assert read(WEEKS_ACTIVE, orders=on(1, 7))["weeks_active_12w"] == 1
    assert read(WEEKS_ACTIVE, orders=on(7, 8))["weeks_active_12w"] == 2
    assert read(WEEKS_ACTIVE, orders=on(1, 84))["weeks_active_12w"] == 2
    assert read(WEEKS_ACTIVE, orders=on(1, 85))["weeks_active_12w"] == 1


def test_the_weekend_is_saturday_and_sunday(read: Read, on: On) -> None:
    # 2017-09-30 was a Saturday, 09-24 a Sunday, 09-25 a Monday, 09-29 a Friday.
    orders = on("2017-09-30", "2017-09-24", "2017-09-25", "2017-09-29", "2017-09-22")
    assert read(WEEKDAYS, orders=orders) == {
        "weekend_share_90d": 0.4,
        "weekend_share_90d_has_base": 1,
        "weekdays_90d": 4,
    }


def test_no_order_in_the_window_leaves_the_weekend_share_without_base(read: Read, on: On) -> None:
    assert read(WEEKDAYS, orders=on(91)) == {
        "weekend_share_90d": None,
        "weekend_share_90d_has_base": 0,
        "weekdays_90d": 0,
    }


def test_stores_are_the_different_ones_of_the_window(read: Read, on: On) -> None:
    orders = on(1, 5, store_id="a") + on(9, store_id="b") + on(91, store_id="c")
    assert read(STORES, orders=orders) == {"stores_90d": 2}
    assert read(STORES, orders=on(1)) == {"stores_90d": 0}
