"""Returns, by hand: rates and reasons, the time to the refund, the contacts it took."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from churn_ml.features.indicator import Indicator
from churn_ml.features.returns import (
    DEFECT,
    NOT_AS_DESCRIBED,
    REFUND,
    RETURN_EFFORT,
    RETURN_RATE,
)

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def test_a_return_rate_counts_orders_given_back_per_order_and_compares(read: Read, on: On) -> None:
    orders = on(1, 2, 3, 180) + on(5, status="cancelled") + on(181, 360)
    returns = (
        on(1, order_id="a")  # two returns of one order
        + on(2, order_id="a", kind="exchange")
        + on(180)  # of an order that is not known
        + on(181, order_id="b")
        + on(361, order_id="c")
    )
    assert read(RETURN_RATE, orders=orders, returns=returns) == {
        "return_rate_180d": 0.5,  # 2 of 4
        "return_rate_180d_has_base": 1,
        "return_rate_delta_180d": 0,  # 1 of 2 before
        "return_rate_delta_180d_has_base": 1,
    }


def test_without_orders_before_there_is_no_change_and_without_any_no_rate(
    read: Read, on: On
) -> None:
    young = read(RETURN_RATE, orders=on(1, 10), returns=on(3))
    assert (young["return_rate_180d"], young["return_rate_delta_180d"]) == (0.5, None)
    assert young["return_rate_delta_180d_has_base"] == 0
    old = read(RETURN_RATE, orders=on(200), returns=on(3))
    assert (old["return_rate_180d"], old["return_rate_180d_has_base"]) == (None, 0)


@pytest.mark.parametrize(
    ("indicator", "reason", "column"),
    [
        (NOT_AS_DESCRIBED, "not_as_described", "nad_return_rate_180d"),
        (DEFECT, "defect", "defect_return_rate_180d"),
    ],
)
def test_a_reason_counts_the_orders_that_came_back_for_it(
    read: Read, on: On, indicator: Indicator, reason: str, column: str
) -> None:
    returns = on(180, reason=reason) + on(181, reason=reason) + on(4, reason="too small") + on(5)
    found = read(indicator, orders=on(1, 2, 3, 4, 181), returns=returns)
    assert found == {column: 0.25, f"{column}_has_base": 1}
    assert read(indicator, orders=on(1), returns=on(5))[column] == 0
    assert read(indicator, orders=on(200), returns=returns) == {
        column: None,
        f"{column}_has_base": 0,
    }


def test_a_refund_takes_from_opening_to_the_money_back(read: Read, on: On) -> None:
    def back(opened: str, refunded: datetime | None) -> dict[str, Any]:
        return {"occurred_at": opened, "refunded_at": refunded}

    returns = [
        back("2017-08-01 12:00", datetime(2017, 8, 5, 12)),  # 4 days
        back("2017-09-01 12:00", datetime(2017, 9, 7, 18)),  # 6.25 days
        back("2017-04-04 12:00", datetime(2017, 5, 4, 12)),  # 30 days, just inside the window
        back("2017-04-03 12:00", datetime(2017, 4, 4, 12)),  # before it
        back("2017-09-20 12:00", None),
    ]
    assert read(REFUND, orders=on(1), returns=returns) == {"refund_days_180d": 6.25}
    assert read(REFUND, orders=on(1), returns=returns[-1:]) == {"refund_days_180d": None}


def test_contacts_about_an_order_count_from_the_day_it_was_given_back(read: Read, on: On) -> None:
    returns = on(10, order_id="a") + on(8, order_id="a") + on(20, order_id="b") + on(181)
    tickets = (
        on(11, order_id="a", contacts=7)  # the day before its return
        + on(10, order_id="a", contacts=3)
        + on(9, order_id="a")  # still open: one contact
        + on(5, order_id="c", contacts=9)
        + on(5, contacts=9)
    )
    shop = {"orders": on(1), "returns": returns, "tickets": tickets}
    # 3 + 1 contacts for the orders a and b
    effort = {"contacts_per_return_180d": 2, "contacts_per_return_180d_has_base": 1}
    assert read(RETURN_EFFORT, **shop) == effort
    none = {"contacts_per_return_180d": None, "contacts_per_return_180d_has_base": 0}
    assert read(RETURN_EFFORT, **(shop | {"returns": on(181, order_id="a")})) == none
