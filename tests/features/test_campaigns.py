"""Campaigns, by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from churn_ml.features.campaigns import CONTACT, CONTACT_RECENCY, REDEMPTION, REDEMPTION_RATE

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def test_the_worked_example_of_the_module(read: Read, on: On) -> None:
    shop = {
        "orders": on(1),
        "campaign_contacts": on("2017-08-15", "2017-09-20"),
        "coupon_redemptions": on("2017-09-22"),
    }
    assert read(CONTACT, **shop) == {"contacts_90d": 2}
    assert read(CONTACT_RECENCY, **shop) == {"contact_recency_days": 11}
    assert read(REDEMPTION, **shop) == {"redemptions_180d": 1}
    assert read(REDEMPTION_RATE, **shop) == {
        "redemption_rate_180d": 0.5,
        "redemption_rate_180d_has_base": 1,
    }


def test_who_was_never_contacted_has_counts_of_zero_and_no_days_since(read: Read, on: On) -> None:
    shop = {"orders": on(1), "campaign_contacts": [], "coupon_redemptions": []}
    assert read(CONTACT, **shop) == {"contacts_90d": 0}
    assert read(CONTACT_RECENCY, **shop) == {"contact_recency_days": None}
    assert read(REDEMPTION_RATE, **shop) == {
        "redemption_rate_180d": None,
        "redemption_rate_180d_has_base": 0,
    }


def test_windows_hold_their_first_day(read: Read, on: On) -> None:
    for days, expected in ((90, 1), (91, 0)):
        found = read(CONTACT, orders=on(1), campaign_contacts=on(days))
        assert found == {"contacts_90d": expected}
    for days, expected in ((180, 1), (181, 0)):
        found = read(REDEMPTION, orders=on(1), coupon_redemptions=on(days))
        assert found == {"redemptions_180d": expected}


def test_contacts_of_others_are_not_mine(read: Read, on: On) -> None:
    other = on(3, customer_id="y")
    assert read(CONTACT, orders=on(1), campaign_contacts=other) == {"contacts_90d": 0}
