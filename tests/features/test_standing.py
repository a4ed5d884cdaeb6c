"""Standing, by hand: the person in charge, leaks, tiers, points that run out, new products."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from churn_ml.features.standing import AGENT_CHANGE, BREACH, NOVELTY, POINTS_EXPIRING, TIER_DOWN

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize(
    ("agents", "changed"),
    [
        ({300: "amy", 90: "bob"}, 1),
        ({300: "amy", 91: "bob"}, 0),
        ({300: "amy", 5: "amy"}, 0),
        ({5: "amy"}, 0),  # the first one is no change
        ({}, 0),
    ],
)
def test_another_person_in_charge_is_a_change(
    read: Read, on: On, agents: dict[int, str], changed: int
) -> None:
    staff = [row for days, agent in agents.items() for row in on(days, agent_id=agent)]
    found = read(AGENT_CHANGE, orders=on(1), staff_assignments=staff)
    assert found == {"agent_changed_90d": changed}


def test_who_was_a_customer_of_the_market_when_data_leaked_was_exposed(read: Read, on: On) -> None:
    def exposed(*incidents: dict[str, Any], orders: list[dict[str, Any]]) -> float | None:
        people = [{"occurred_at": "2017-01-01", "market": "DE"}]
        found = read(BREACH, orders=orders, customers=people, site_incidents=incidents)
        return found["breach_exposed_180d"]

    def leak(days: int, market: str | None, kind: str = "breach") -> dict[str, Any]:
        return on(days, market=market, kind=kind)[0]

    old = on(300, 1)
    assert exposed(leak(180, "DE"), orders=old) == 1
    assert exposed(leak(180, None), orders=old) == 1
    assert exposed(leak(20, "FR"), leak(181, "DE"), leak(5, "DE", "outage"), orders=old) == 0
    assert exposed(leak(20, "DE"), orders=on(20)) == 1
    assert exposed(leak(20, "DE"), orders=on(19)) == 0
    assert exposed(orders=old) == 0


def test_a_leak_everywhere_touches_those_whose_market_is_not_known(read: Read, on: On) -> None:
    shop = {"customers": [], "site_incidents": on(20, kind="breach")}
    assert read(BREACH, orders=on(30), **shop) == {"breach_exposed_180d": 1}


def test_a_tier_below_that_of_half_a_year_ago_is_a_loss(read: Read, on: On) -> None:
    def level(days: int, level: int, **more: Any) -> dict[str, Any]:
        return on(days, programme="club", level=level, **more)[0]

    def down(*versions: dict[str, Any]) -> float | None:
        return read(TIER_DOWN, orders=on(1), memberships=versions)["tier_down_180d"]

    assert down(level(300, 3), level(100, 2)) == 1
    assert down(level(300, 3), level(180, 2)) == 1
    assert down(level(300, 3), level(181, 2)) == 0  # was so when the window began
    assert down(level(300, 2), level(100, 1), level(50, 2)) == 0  # came back
    assert down(level(300, 1), level(100, 3)) == 0
    assert down(level(100, 3), level(50, 2)) == 0  # no member yet when it began
    assert down() == 0


def test_a_membership_that_ended_is_a_tier_lost_in_its_own_programme(read: Read, on: On) -> None:
    def club(end: datetime) -> list[dict[str, Any]]:
        return on(300, programme="club", level=2, ends_at=end)

    def down(*versions: dict[str, Any]) -> float | None:
        return read(TIER_DOWN, orders=on(1), memberships=versions)["tier_down_180d"]

    assert down(*club(datetime(2017, 9, 30))) == 1
    assert down(*club(datetime(2017, 10, 1))) == 0
    assert down(*club(datetime(2017, 3, 1))) == 0  # before the window
    assert down(*club(datetime(2017, 9, 30)), *on(300, programme="plus", level=1)) == 1


def test_points_run_out_unless_they_were_used(read: Read, on: On) -> None:
    def left(*bookings: tuple[int, datetime | None]) -> float | None:
        rows = [{"occurred_at": "2017-08-01", "points": p, "expires_at": e} for p, e in bookings]
        return read(POINTS_EXPIRING, orders=on(1), loyalty_ledger=rows)["points_expiring_60d"]

    soon, last, later = datetime(2017, 10, 1), datetime(2017, 11, 29), datetime(2017, 11, 30)
    gone = datetime(2017, 9, 30)
    assert left((500, soon), (-300, None)) == 200
    assert left((500, last)) == 500
    assert left((500, later), (500, None)) == 0
    assert left((100, gone), (-100, None), (500, soon), (-50, None)) == 450
    # 100 ran out without a booking: whatever was used before, not more than 500 are left
    assert left((100, gone), (500, soon)) == 500
    assert left((100, soon), (500, later), (-300, None)) == 0
    assert left() == 0


def test_orders_with_a_product_launched_lately_are_a_share_of_all(read: Read, on: On) -> None:
    def launched(product: str, when: datetime | None) -> dict[str, Any]:
        return {"product_id": product, "launched_at": when, "occurred_at": "2016-01-01"}

    products = [
        launched("new", datetime(2017, 7, 1)),
        launched("old", datetime(2016, 1, 1)),
        launched("unknown", None),
    ]

    def line(day: str, order: str, product: str) -> dict[str, Any]:
        return {"occurred_at": day, "order_id": order, "product_id": product}

    lines = [
        line("2017-09-28", "a", "new"),  # 89 days after its launch
        line("2017-09-28", "a", "old"),
        line("2017-09-29", "b", "new"),  # 90 days after it
        line("2017-09-30", "c", "unknown"),
        line("2017-08-01", "d", "new"),
        line("2017-08-01", "d", "new"),
    ]
    orders = [
        {"occurred_at": day, "order_id": order}
        for day, order in (
            ("2017-09-28", "a"),
            ("2017-09-29", "b"),
            ("2017-09-30", "c"),
            ("2017-08-01", "d"),
        )
    ]
    shop = {"order_lines": lines, "products": products}
    half = {"new_product_share_180d": 0.5, "new_product_share_180d_has_base": 1}
    assert read(NOVELTY, orders=orders, **shop) == half
    none = {"new_product_share_180d": None, "new_product_share_180d_has_base": 0}
    assert read(NOVELTY, orders=on(181), **shop) == none
