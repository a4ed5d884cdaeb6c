"""Fulfilment, by hand: cancellations, days on the way, missed promises, customs, fees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from churn_ml.features.fulfilment import CANCELLATION, CUSTOMS, LATENESS, SHIPPING_COST, TRANSIT

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def parcel(left: str, arrived: str | None, **more: str) -> dict[str, Any]:
    """A shipment: when it left, when it arrived, and what else is known of it."""
    told = {name: datetime.fromisoformat(when) for name, when in more.items()}
    there = datetime.fromisoformat(arrived) if arrived else None
    return {"occurred_at": left, "delivered_at": there} | told


def test_cancellations_are_a_share_of_all_orders_placed_and_compared_with_before(
    read: Read, on: On
) -> None:
    recent = on(1, 20, 180) + on(5, status="cancelled")
    before = on(181, 360) + on(200, 300, status="cancelled") + on(361, status="cancelled")
    assert read(CANCELLATION, orders=recent + before) == {
        "cancel_rate_180d": 0.25,  # 1 of 4
        "cancel_rate_180d_has_base": 1,
        "cancel_rate_delta_180d": -0.25,  # 1 of 4 less 2 of 4
        "cancel_rate_delta_180d_has_base": 1,
    }


def test_without_orders_in_a_window_its_cancellations_have_no_base(read: Read, on: On) -> None:
    young = read(CANCELLATION, orders=on(180))
    assert (young["cancel_rate_180d"], young["cancel_rate_180d_has_base"]) == (0, 1)
    assert (young["cancel_rate_delta_180d"], young["cancel_rate_delta_180d_has_base"]) == (None, 0)
    old = read(CANCELLATION, orders=on(181))
    assert (old["cancel_rate_180d"], old["cancel_rate_180d_has_base"]) == (None, 0)
    assert (old["cancel_rate_delta_180d"], old["cancel_rate_delta_180d_has_base"]) == (None, 0)


def test_days_on_the_way_are_the_middle_of_the_last_three_that_arrived(read: Read, on: On) -> None:
    parcels = [
        parcel("2017-09-29 08:00", None),  # on its way: tells nothing yet
        parcel("2017-09-01 06:00", "2017-09-10 06:00"),  # 9 days
        parcel("2017-08-01 06:00", "2017-08-03 18:00"),  # 2.5 days
        parcel("2017-07-01 06:00", "2017-07-04 06:00"),  # 3 days
        parcel("2017-06-01 06:00", "2017-06-02 06:00"),  # the fourth
    ]
    assert read(TRANSIT, orders=on(1), shipments=parcels) == {"transit_days_3": 3}
    assert read(TRANSIT, orders=on(1), shipments=parcels[1:3]) == {"transit_days_3": 5.75}
    assert read(TRANSIT, orders=on(1), shipments=parcels[:1]) == {"transit_days_3": None}
    assert read(TRANSIT, orders=on(1), shipments=[]) == {"transit_days_3": None}


def test_late_is_what_arrived_after_the_promised_day_or_did_not_arrive(read: Read, on: On) -> None:
    parcels = [
        # in time: any hour of the promised day
        parcel("2017-09-01 06:00", "2017-09-04 20:00", promised_at="2017-09-04 08:00"),
        parcel("2017-09-02 06:00", "2017-09-05 00:00", promised_at="2017-09-04 08:00"),  # late
        parcel("2017-09-03 06:00", None, promised_at="2017-09-30 18:00"),  # the day is over: late
        parcel("2017-09-04 06:00", None, promised_at="2017-10-01 18:00"),  # may still come
        parcel("2017-09-05 06:00", "2017-09-25 06:00"),  # nothing was promised
    ]
    late = {"late_share_180d": round(2 / 3, 9), "late_share_180d_has_base": 1}
    assert read(LATENESS, orders=on(1), shipments=parcels) == late
    none = {"late_share_180d": None, "late_share_180d_has_base": 0}
    assert read(LATENESS, orders=on(1), shipments=parcels[3:]) == none


def test_a_shipment_counts_by_the_day_it_left(read: Read, on: On) -> None:
    # 180 days before 2017-10-01 lies 2017-04-04
    for left, flag in (("2017-04-04 00:00", 1), ("2017-04-03 23:59", 0)):
        parcels = [parcel(left, "2017-04-20 06:00", promised_at="2017-04-06 06:00")]
        assert read(LATENESS, orders=on(1), shipments=parcels)["late_share_180d_has_base"] == flag


def test_customs_count_the_longest_stay_and_what_is_still_there(read: Read, on: On) -> None:
    def held(since: str, until: str | None, arrived: str | None = None) -> dict[str, Any]:
        more = {"customs_in_at": since} | ({"customs_out_at": until} if until else {})
        return parcel("2017-09-01 06:00", arrived, **more)

    def days(*parcels: dict[str, Any]) -> float | None:
        return read(CUSTOMS, orders=on(1), shipments=parcels)["customs_days_max_180d"]

    short = held("2017-09-05 06:00", "2017-09-05 18:00", "2017-09-08 06:00")
    long = held("2017-09-05 06:00", "2017-09-09 18:00", "2017-09-12 06:00")
    there = held("2017-09-21 06:00", None)
    unrecorded = held("2017-09-05 06:00", None, "2017-09-28 06:00")
    assert days(short) == 0.5
    assert days(short, long) == 4.5
    assert days(short, long, there) == 10
    assert days(unrecorded) is None
    assert days(parcel("2017-09-01 06:00", "2017-09-04 06:00")) is None
    assert days(long | {"occurred_at": "2017-04-03"}) is None


def test_fees_and_duty_are_compared_with_what_the_goods_cost(read: Read, on: On) -> None:
    orders = on(1, net_amount=30, shipping_amount=5, duty_amount=3) + on(180, net_amount=10)
    other = on(181, net_amount=10, shipping_amount=9) + on(
        2, net_amount=10, shipping_amount=9, status="cancelled"
    )
    dear = {"shipping_share_180d": 0.2, "shipping_share_180d_has_base": 1}  # 8 of 40
    assert read(SHIPPING_COST, orders=orders + other) == dear
    gift = {"shipping_share_180d": None, "shipping_share_180d_has_base": 0}
    assert read(SHIPPING_COST, orders=on(1, net_amount=0, shipping_amount=5)) == gift
