"""Messages, ads, promotions and care, by hand: three customers, the edges, and no base."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from churn_ml.features import Indicator
from churn_ml.features.messages import (
    AD_CLICKS,
    CARE_RECENCY,
    DISCOUNT_DEPTH,
    INVITATION,
    OFFERS,
    OPEN_RATE,
    PROMO_JOINS,
    RESPONSE,
)

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def told(on: On) -> Callable[..., list[dict[str, Any]]]:
    """told("m1", 20, "sent", opened=19): what happened to an e-mail, told in days before as_of."""

    def message(
        number: str, sent: int, *, channel: str = "email", purpose: str = "marketing", **later: int
    ) -> list[dict[str, Any]]:
        facts = {"message_id": number, "channel": channel, "purpose": purpose}
        events = on(sent, kind="sent", **facts)
        for kind, day in later.items():
            events += on(day, kind=kind.removesuffix("_2"), message_id=number)
        return events

    return message


def test_the_worked_example_of_the_module(read: Read, on: On, told: Any) -> None:
    events = told("m1", 10, opened=9) + told("m2", 20) + told("m3", 30) + told("m4", 90)
    events += told("m5", 91, opened=90) + told("m6", 100, opened=100) + told("m7", 180, opened=1)
    events += told("m8", 170) + told("m9", 181, opened=181)
    # m1 of m1 to m4 are opened; m5, m6, m7 of m5 to m8; m9 is of neither window.
    assert read(OPEN_RATE, orders=on(1), message_events=events) == {
        "email_open_rate_90d": 0.25,
        "email_open_rate_90d_has_base": 1,
        "email_open_rate_delta_90d": -0.5,
        "email_open_rate_delta_90d_has_base": 1,
    }


def test_only_emails_that_arrived_are_asked_for_and_each_is_opened_once(
    read: Read, on: On, told: Any
) -> None:
    events = told("m1", 10, opened=9, opened_2=8) + told("m2", 20)
    events += told("m3", 10, bounced=10) + told("m4", 10, channel="sms", opened=9)
    events += on(5, kind="opened", message_id="never-sent", channel="email")
    found = read(OPEN_RATE, orders=on(1), message_events=events)
    assert found["email_open_rate_90d"] == 0.5
    # Nothing was sent in the 90 days before.
    assert found["email_open_rate_delta_90d"] is None
    assert found["email_open_rate_delta_90d_has_base"] == 0


def test_a_message_is_answered_by_a_click_or_a_reply_on_any_channel(
    read: Read, on: On, told: Any
) -> None:
    now = told("m1", 90, clicked=1, replied=1) + told("m2", 2, channel="sms", replied=1)
    now += told("m3", 3, opened=3) + told("m4", 4, complained=3)
    before = told("m5", 91) + told("m6", 180, channel="push", clicked=100) + told("m7", 95)
    # 2 of 4 now, 1 of 3 before.
    assert read(RESPONSE, orders=on(1), message_events=now + before) == {
        "msg_response_delta_90d": round(2 / 4 - 1 / 3, 9),
        "msg_response_delta_90d_has_base": 1,
    }


def test_clicks_per_advertisement_shown(read: Read, on: On) -> None:
    seen = on(1, 2, 3, 90, kind="impression") + on(90, kind="click")
    earlier = on(91, 180, kind="impression") + on(91, kind="click")
    # 1 of 4 now, 1 of 2 before; what is 181 days old counts nowhere.
    events = seen + earlier + on(181, kind="click")
    assert read(AD_CLICKS, orders=on(1), ad_events=events) == {
        "ad_ctr_delta_90d": -0.25,
        "ad_ctr_delta_90d_has_base": 1,
    }
    clicks_alone = on(1, 91, kind="click")
    assert read(AD_CLICKS, orders=on(1), ad_events=clicks_alone) == {
        "ad_ctr_delta_90d": None,
        "ad_ctr_delta_90d_has_base": 0,
    }


def test_promotions_joined_per_promotion_offered(read: Read, on: On) -> None:
    now = on(1, 2, 3, 4, 90, kind="offered") + on(1, kind="joined")
    before = on(91, 180, kind="offered") + on(91, 180, kind="joined")
    # 1 of 5 now, 2 of 2 before.
    assert read(PROMO_JOINS, orders=on(1), promo_events=now + before) == {
        "promo_join_rate_delta_90d": -0.8,
        "promo_join_rate_delta_90d_has_base": 1,
    }
    assert read(PROMO_JOINS, orders=on(1), promo_events=now) == {
        "promo_join_rate_delta_90d": None,
        "promo_join_rate_delta_90d_has_base": 0,
    }


def test_offers_and_their_mean_depth_leave_out_what_was_joined_or_not_told(
    read: Read, on: On
) -> None:
    events = on(1, kind="offered", depth=0.1) + on(90, kind="offered", depth=0.25)
    events += on(2, kind="offered") + on(2, kind="joined", depth=0.9)
    events += on(91, kind="offered", depth=0.9)
    assert read(OFFERS, orders=on(1), promo_events=events) == {"offers_90d": 3}
    assert read(DISCOUNT_DEPTH, orders=on(1), promo_events=events) == {"discount_depth_90d": 0.175}
    assert read(OFFERS, orders=on(1), promo_events=[]) == {"offers_90d": 0}
    assert read(DISCOUNT_DEPTH, orders=on(1), promo_events=[]) == {"discount_depth_90d": None}


def test_care_is_what_was_delivered_and_asked_for_nothing(read: Read, on: On, told: Any) -> None:
    events = told("m1", 40, purpose="care", opened=39) + told("m2", 5, bounced=4, purpose="care")
    events += told("m3", 3) + told("m4", 2, purpose="service")
    assert read(CARE_RECENCY, orders=on(1), message_events=events) == {"care_recency_days": 40}
    assert read(CARE_RECENCY, orders=on(1), message_events=told("m3", 3)) == {
        "care_recency_days": None
    }


def test_a_treatment_is_care_but_not_in_an_arm_that_got_nothing(
    read: Read, on: On, told: Any
) -> None:
    messages = told("m1", 40, purpose="care")
    done = on(20, action_code="CALL", arm="open") + on(10, action_code="CALL", arm="holdout")
    shop = {"orders": on(1), "message_events": messages}
    assert read(CARE_RECENCY, **shop, treatments=done) == {"care_recency_days": 20}
    assert read(CARE_RECENCY, **shop, treatments=on(7, action_code="CALL")) == {
        "care_recency_days": 7
    }


@pytest.mark.parametrize(("first", "change", "flag"), [(360, -1.0, 1), (359, None, 0)])
def test_invitations_fall_for_who_was_a_customer_in_both_windows(
    read: Read, on: On, first: int, change: float | None, flag: int
) -> None:
    # 1 in the last 180 days, 2 in the 180 before.
    events = on(180, 181, 360, 361, kind="invite") + on(1, kind="share")
    assert read(INVITATION, orders=on(first), web_events=events) == {
        "invites_delta_180d": change,
        "invites_delta_180d_has_base": flag,
    }


def test_invitations_that_nobody_recorded_before_are_no_base(read: Read, on: On) -> None:
    found = read(INVITATION, orders=on(800), web_events=on(1, 359, kind="invite"))
    assert found == {"invites_delta_180d": None, "invites_delta_180d_has_base": 0}


def test_two_customers_keep_their_own_messages(read: Read, on: On, told: Any) -> None:
    mine = told("m1", 10, opened=9) + told("m2", 10)
    theirs = [row | {"customer_id": "y"} for row in told("m3", 10) + told("m4", 9, opened=9)]
    found = read(OPEN_RATE, orders=on(1), message_events=mine + theirs)
    assert found["email_open_rate_90d"] == 0.5


@pytest.mark.parametrize("indicator", [OPEN_RATE, RESPONSE], ids=lambda i: i.name)
def test_who_got_no_message_has_no_share(read: Read, on: On, indicator: Indicator) -> None:
    found = read(indicator, orders=on(1), message_events=[])
    flags: Sequence[str] = [name for name in indicator.names if name.endswith("_has_base")]
    assert [found[name] for name in flags] == [0] * len(flags)
    assert [found[name.removesuffix("_has_base")] for name in flags] == [None] * len(flags)
