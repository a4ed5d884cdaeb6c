"""The site, by hand: checkouts left, load times and errors, wishes, searches, recommendations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from churn_ml.features.indicator import Indicator
from churn_ml.features.site import (
    ABANDON_STEP,
    CHECKOUT_ABANDONMENT,
    COMPARE_LOOPS,
    EMPTY_SEARCH,
    FAULTS,
    LOAD_TIME,
    PRICE_HESITATION,
    RECOMMENDATION,
)

Columns = dict[str, float | None]
Events = list[dict[str, Any]]
Read = Callable[..., Columns]
On = Callable[..., Events]
AS_OF = date(2017, 10, 1)


@pytest.fixture
def at(read: Read, on: On) -> Read:
    """at(INDICATOR, events): the columns of a customer with these web events and one old order."""

    def columns(indicator: Indicator, events: Events) -> Columns:
        return read(indicator, orders=on(200), web_events=events)

    return columns


def noon(days: int, minutes: int = 0) -> datetime:
    """Noon of that many days before as_of, and so many minutes later."""
    day = datetime.combine(AS_OF - timedelta(days=days), datetime.min.time())
    return day + timedelta(hours=12, minutes=minutes)


def checkout(days: int, *steps: int | None, session: str = "") -> Events:
    """A session of its own at noon: one step of the checkout a minute."""
    return [
        {
            "kind": "checkout_step",
            "event_id": f"{session}{days}-{minute}",
            "session_id": f"{session}{days}",
            "step": step,
            "occurred_at": noon(days, minute),
        }
        for minute, step in enumerate(steps)
    ]


def looks(days: int, *products: str, session: str | None = "s") -> Events:
    """Looks at products in one session, a minute each from noon on."""
    return [
        {
            "event_id": f"{session}-{days}-{minute}",
            "session_id": session and f"{session}-{days}",
            "product_id": product,
            "occurred_at": noon(days, minute),
        }
        for minute, product in enumerate(products)
    ]


def ordered(*moments: datetime, **more: Any) -> Events:
    return [{"occurred_at": moment, "order_id": str(moment), **more} for moment in moments]


def test_the_worked_example_of_the_module(read: Read, on: On) -> None:
    events = checkout(90, 1, 2) + checkout(40, 2) + checkout(9, 1, 2, 3) + checkout(5, 1, 2, 3, 4)
    searches = on(9, kind="search", results=0) + on(7, kind="search", results=12)
    shop = {"orders": ordered(noon(5, 10)), "web_events": events + searches}
    assert read(CHECKOUT_ABANDONMENT, **shop) == {
        "checkout_abandon_share_90d": 0.75,
        "checkout_abandon_share_90d_has_base": 1,
    }
    assert read(ABANDON_STEP, **shop) == {"abandon_step_90d": 2}
    assert read(EMPTY_SEARCH, **shop) == {
        "zero_result_share_60d": 0.5,
        "zero_result_share_60d_has_base": 1,
    }


@pytest.mark.parametrize(
    ("minutes", "abandoned"),
    [(-1, 1), (0, 0), (2, 0), (32, 0), (33, 1)],  # steps at 0, 1 and 2 minutes past noon
)
def test_an_order_up_to_half_an_hour_after_the_last_step_is_of_the_checkout(
    read: Read, minutes: int, abandoned: int
) -> None:
    shop = {"orders": ordered(noon(5, minutes)), "web_events": checkout(5, 1, 2, 3)}
    assert read(CHECKOUT_ABANDONMENT, **shop)["checkout_abandon_share_90d"] == abandoned


def test_an_order_cancelled_later_had_been_placed(read: Read) -> None:
    cancelled = ordered(noon(5, 3), status="cancelled")
    shop = {"orders": [*cancelled, *ordered(noon(200))], "web_events": checkout(5, 1)}
    assert read(CHECKOUT_ABANDONMENT, **shop)["checkout_abandon_share_90d"] == 0


def test_two_orders_in_a_checkout_are_one_checkout(read: Read) -> None:
    orders = ordered(noon(5, 3), noon(5, 4))
    shop = {"orders": orders, "web_events": checkout(5, 1) + checkout(6, 1)}
    assert read(CHECKOUT_ABANDONMENT, **shop)["checkout_abandon_share_90d"] == 0.5


def test_no_checkout_in_the_window_is_no_base_and_no_step(at: Read, on: On) -> None:
    events = checkout(91, 1) + on(5, kind="cart_add", session_id="s")
    assert at(CHECKOUT_ABANDONMENT, events) == {
        "checkout_abandon_share_90d": None,
        "checkout_abandon_share_90d_has_base": 0,
    }
    assert at(ABANDON_STEP, events) == {"abandon_step_90d": None}


def test_the_step_of_exit_is_the_most_frequent_and_of_several_the_earliest(at: Read) -> None:
    assert at(ABANDON_STEP, checkout(9, 1, 3) + checkout(8, 2, 1)) == {"abandon_step_90d": 2}
    frequent = checkout(9, 3) + checkout(8, 3) + checkout(7, 1)
    assert at(ABANDON_STEP, frequent) == {"abandon_step_90d": 3}


def test_checkouts_without_a_known_step_tell_no_step(at: Read) -> None:
    unknown = checkout(9, None) + checkout(8, None)
    assert at(ABANDON_STEP, unknown) == {"abandon_step_90d": None}
    assert at(ABANDON_STEP, unknown + checkout(7, 4)) == {"abandon_step_90d": 4}


def test_load_time_is_the_upper_quartile_of_the_window(at: Read, on: On) -> None:
    # of 100, 200, 300, 400 and 1000 whole milliseconds the fourth is the upper quartile
    times = (100.4, 200.0, 300.0, 400.0, 1000.0)
    events = [row for time in times for row in on(30, load_ms=time)]
    rest = on(5) + on(31, load_ms=9000.0) + on(2, load_ms=9000.0, platform="social")
    assert at(LOAD_TIME, events + rest) == {"load_ms_p75_30d": 400}
    # between 100 and 200 three quarters of the way
    assert at(LOAD_TIME, events[:2]) == {"load_ms_p75_30d": 175}
    assert at(LOAD_TIME, on(5)) == {"load_ms_p75_30d": None}


def test_faults_are_sessions_with_an_error_of_either_kind(at: Read, on: On) -> None:
    events = (
        on(30, 30, kind="error", session_id="a")
        + on(9, error_code="E7", session_id="b")
        + on(8, session_id="c")
        + on(7, session_id="d")
        + on(31, kind="error", session_id="e")
        + on(6, kind="error")
    )
    assert at(FAULTS, events) == {"error_share_30d": 0.5, "error_share_30d_has_base": 1}
    assert at(FAULTS, on(31, session_id="e")) == {
        "error_share_30d": None,
        "error_share_30d_has_base": 0,
    }


def bought(days: int, product: str, net: str, quantity: int = 1) -> dict[str, Events]:
    """An order of one line."""
    on = {"occurred_at": noon(days), "order_id": f"{days}-{product}"}
    line = {"product_id": product, "net_amount": Decimal(net), "quantity": quantity}
    return {"orders": [on], "order_lines": [on | line]}


def wishing(events: Events, *purchases: dict[str, Events]) -> dict[str, Events]:
    """A shop of four products, these looks and these purchases."""
    prices = {"lamp": "30.00", "desk": "90.00", "mug": "8.00", "rug": None}
    goods = [
        {"occurred_at": "2017-01-01", "product_id": p, "list_amount": price and Decimal(price)}
        for p, price in prices.items()
    ]
    told = {table: [row for p in purchases for row in p[table]] for table in purchases[0]}
    return {**told, "products": goods, "web_events": events}


def test_price_hesitation_is_what_was_looked_at_and_is_dearer_than_the_usual(read: Read) -> None:
    # A unit cost 5.00, 10.00 (four for 40.00) and 40.00: 10.00 is usual. Of lamp, desk and mug,
    # looked at three times, the lamp is dearer and left, the desk was bought, the mug is cheap;
    # the rug has no price, and twice is no wish.
    seen = looks(90, *3 * ["lamp"]) + looks(10, *3 * ["desk"], *3 * ["mug"], *3 * ["rug"], "vase")
    shop = wishing(
        seen, bought(300, "pen", "5.00"), bought(200, "bag", "40.00", 4), bought(9, "desk", "40.00")
    )
    assert read(PRICE_HESITATION, **shop) == {
        "price_hesitation_share_90d": round(1 / 3, 9),
        "price_hesitation_share_90d_has_base": 1,
    }


def test_two_looks_and_looks_before_the_window_are_no_wish(read: Read) -> None:
    seen = looks(90, "lamp", "lamp") + looks(91, *4 * ["desk"])
    shop = wishing(seen, bought(300, "pen", "5.00"))
    assert read(PRICE_HESITATION, **shop)["price_hesitation_share_90d_has_base"] == 0


@pytest.mark.parametrize(("paid", "share"), [(365, 1.0), (366, None)])
def test_prices_paid_are_those_of_a_year(read: Read, paid: int, share: float | None) -> None:
    shop = wishing(looks(5, *3 * ["lamp"]), bought(paid, "pen", "5.00"))
    assert read(PRICE_HESITATION, **shop)["price_hesitation_share_90d"] == share


def test_what_was_bought_before_the_window_may_be_wished_for_again(read: Read) -> None:
    shop = wishing(looks(5, *3 * ["lamp"]), bought(91, "lamp", "20.00"))
    assert read(PRICE_HESITATION, **shop)["price_hesitation_share_90d"] == 1
    shop = wishing(looks(5, *3 * ["lamp"]), bought(90, "lamp", "20.00"))
    assert read(PRICE_HESITATION, **shop)["price_hesitation_share_90d"] == 0


def test_the_list_price_is_the_one_valid_at_as_of(read: Read) -> None:
    shop = wishing(looks(5, *3 * ["lamp"]), bought(300, "pen", "20.00"))
    shop["products"].append(
        {"product_id": "lamp", "occurred_at": "2017-09-30", "list_amount": Decimal("15.00")}
    )
    assert read(PRICE_HESITATION, **shop)["price_hesitation_share_90d"] == 0


def test_a_loop_is_a_return_to_a_product_with_another_between(at: Read) -> None:
    # lamp desk lamp desk: two returns; mug mug: none
    events = looks(30, "lamp", "desk", "lamp", "desk", "mug", "mug")
    assert at(COMPARE_LOOPS, events) == {"compare_loops_30d": 2}
    assert at(COMPARE_LOOPS, looks(31, "lamp", "desk", "lamp")) == {"compare_loops_30d": 0}


def test_looks_of_two_sessions_or_of_none_are_no_loop(at: Read) -> None:
    apart = looks(9, "lamp", "desk", session="a") + looks(9, "lamp", session="b")
    assert at(COMPARE_LOOPS, apart) == {"compare_loops_30d": 0}
    loose = looks(9, "lamp", "desk", "lamp", session=None)
    assert at(COMPARE_LOOPS, loose) == {"compare_loops_30d": 0}


def test_recommendations_are_clicks_per_one_shown(at: Read, on: On) -> None:
    events = (
        on(30, 20, 10, 1, kind="recommendation_view")
        + on(10, kind="recommendation_click")
        + on(31, kind="recommendation_view")
        + on(31, kind="recommendation_click")
    )
    assert at(RECOMMENDATION, events) == {
        "recommendation_click_rate_30d": 0.25,
        "recommendation_click_rate_30d_has_base": 1,
    }
    assert at(RECOMMENDATION, on(31, kind="recommendation_view")) == {
        "recommendation_click_rate_30d": None,
        "recommendation_click_rate_30d_has_base": 0,
    }


def test_a_search_whose_hits_are_not_known_is_no_base(at: Read, on: On) -> None:
    assert at(EMPTY_SEARCH, on(5, kind="search") + on(61, kind="search", results=0)) == {
        "zero_result_share_60d": None,
        "zero_result_share_60d_has_base": 0,
    }
    found = at(EMPTY_SEARCH, on(60, 4, kind="search", results=0) + on(5, kind="search"))
    assert found["zero_result_share_60d"] == 1
