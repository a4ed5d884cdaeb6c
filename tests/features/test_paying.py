"""Paying, by hand: failed attempts, what is owed, renewals, methods that are not offered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from churn_ml.features.paying import ARREARS, METHOD_GAP, PAYMENT_FAILURES, RENEWAL, RENEWAL_WAIT

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def term(due: str, **more: Any) -> dict[str, Any]:
    """A period of the subscription "a" that ends on the day `due`."""
    told = {"occurred_at": "2016-01-01", "subscription_id": "a"}
    return told | {"due_at": datetime.fromisoformat(due)} | more


def test_failed_attempts_are_a_share_of_those_decided(read: Read, on: On) -> None:
    payments = (
        on(1, 90, status="failed")
        + on(2, 3, 4, 5, 6, 7, status="paid")
        + on(1, status="open")
        + on(91, 92, status="failed")
    )
    assert read(PAYMENT_FAILURES, orders=on(1), payments=payments) == {
        "pay_fails_90d": 2,
        "pay_fail_rate_90d": 0.25,  # 2 of 8
        "pay_fail_rate_90d_has_base": 1,
    }
    assert read(PAYMENT_FAILURES, orders=on(1), payments=on(1, status="open")) == {
        "pay_fails_90d": 0,
        "pay_fail_rate_90d": None,
        "pay_fail_rate_90d_has_base": 0,
    }


def test_arrears_are_what_is_open_after_its_due_day(read: Read, on: On) -> None:
    def invoice(due: datetime, amount: str, status: str = "open") -> dict[str, Any]:
        told = {"due_at": due, "amount": Decimal(amount), "status": status}
        return {"occurred_at": "2017-08-01"} | told

    invoices = [
        invoice(datetime(2017, 9, 21), "40.00"),
        invoice(datetime(2017, 9, 30, 23, 59), "2.50"),  # its day is just over
        invoice(datetime(2017, 10, 1), "100.00"),  # due on the day that begins
        invoice(datetime(2017, 6, 1), "100.00", status="paid"),
        {"occurred_at": "2017-08-01", "amount": Decimal("100.00"), "status": "open"},
    ]
    owes = {"days_past_due_max": 10, "overdue_amount": 42.5}
    assert read(ARREARS, orders=on(1), payments=invoices) == owes
    nothing = {"days_past_due_max": 0, "overdue_amount": 0}
    assert read(ARREARS, orders=on(1), payments=invoices[2:]) == nothing
    assert read(ARREARS, orders=on(1), payments=[]) == nothing


def test_renewals_are_a_share_of_the_last_four_periods_that_ended(read: Read, on: On) -> None:
    renewed = {"renewed_at": datetime(2017, 1, 1)}
    terms = [
        term("2017-10-01"),  # ends on the day that begins: not due yet
        term("2017-09-30"),
        term("2017-08-30", **renewed),
        term("2017-07-30", subscription_id="b", **renewed),
        term("2017-06-30", subscription_id="b", cancelled_at=datetime(2017, 6, 1)),
        term("2017-05-30", subscription_id="b", **renewed),  # the fifth
    ]
    half = {"renewal_rate_4": 0.5, "renewal_rate_4_has_base": 1}
    assert read(RENEWAL, orders=on(1), subscriptions=terms) == half
    none = {"renewal_rate_4": None, "renewal_rate_4_has_base": 0}
    assert read(RENEWAL, orders=on(1), subscriptions=terms[:1]) == none


@pytest.mark.parametrize(
    ("terms", "days"),
    [
        ([term("2017-09-26")], 5),
        ([term("2017-10-11")], -10),
        ([term("2017-09-26"), term("2017-10-11")], -10),  # the newest is what waits
        ([term("2017-09-26", renewed_at=datetime(2017, 9, 20))], None),
        ([term("2017-09-26", cancelled_at=datetime(2017, 9, 20))], None),
        # another subscription, due in 300 days, hides nothing
        ([term("2017-09-11"), term("2018-07-28", subscription_id="b")], 20),
        ([term("2017-10-11"), term("2018-07-28", subscription_id="b")], -10),
        # the newest period was cancelled: none before it waits
        ([term("2016-09-26"), term("2017-09-26", cancelled_at=datetime(2017, 9, 20))], None),
        ([], None),
    ],
)
def test_an_open_renewal_waits_since_the_day_it_was_due(
    read: Read, on: On, terms: list[dict[str, Any]], days: float | None
) -> None:
    found = read(RENEWAL_WAIT, orders=on(1), subscriptions=terms)
    assert found == {"renewal_overdue_days": days}


def test_a_method_that_the_market_does_not_offer_is_a_gap(read: Read, on: On) -> None:
    at_home = {"occurred_at": "2017-01-01", "market": "NL"}
    offers = [
        at_home | {"methods_offered": "card, ideal"},
        at_home | {"methods_offered": "Card,Invoice", "occurred_at": "2017-06-01"},
    ]

    def gap(*methods: str, markets: list[dict[str, Any]] = offers) -> float | None:
        payments = [on(30 - n, method=method)[0] for n, method in enumerate(methods)]
        shop = {"customers": [at_home], "markets": markets, "payments": payments}
        return read(METHOD_GAP, orders=on(1), **shop)["pay_method_gap"]

    assert gap("card") == 0
    assert gap("ideal") == 1  # no longer offered
    assert gap("voice") == 1  # a part of a word is no word
    assert gap("ideal", "ideal", "card") == 1  # used most
    assert gap("ideal", "card") == 0  # used last
    assert gap() is None
    assert gap("card", markets=[at_home]) is None
    assert gap("card", markets=[]) is None
