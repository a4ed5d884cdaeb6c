"""Visits, by hand: trends and their bases, sessions, logins, the weekly slope, one order only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from churn_ml.features.indicator import Indicator
from churn_ml.features.visits import (
    ACTIVITY_SLOPE,
    BROWSING,
    LOGIN_RECENCY,
    ONE_AND_DONE,
    SESSION_LENGTH,
    SOCIAL,
    VISITING,
)

Columns = dict[str, float | None]
Read = Callable[..., Columns]
On = Callable[..., list[dict[str, Any]]]
AS_OF = date(2017, 10, 1)


@pytest.fixture
def at(read: Read, on: On) -> Read:
    """at(INDICATOR, events): the columns of a customer with these web events and one old order."""

    def columns(indicator: Indicator, events: list[dict[str, Any]]) -> Columns:
        return read(indicator, orders=on(200), web_events=events)

    return columns


def session(days: int, *seconds: int, **more: Any) -> list[dict[str, Any]]:
    """A session of its own, noon of that many days before as_of: one event at each second."""
    noon = datetime.combine(AS_OF - timedelta(days=days), datetime.min.time()).replace(hour=12)
    name = f"{days}-{seconds}"
    return [
        {
            "event_id": f"{name}-{second}",
            "session_id": name,
            "occurred_at": noon + timedelta(seconds=second),
            **more,
        }
        for second in seconds
    ]


def test_the_worked_example_of_the_module(at: Read, on: On) -> None:
    august = on("2017-08-20", "2017-08-25")
    events = (
        on("2017-07-15")
        + 3 * august
        + 3 * on("2017-09-28")
        + on("2017-08-20", kind="login")
        + on("2017-09-29", platform="social", kind="share")
    )
    assert at(BROWSING, events) == {
        "pageviews_30d": 3,
        "pageviews_ratio_30d": 0.5,
        "pageviews_ratio_30d_has_base": 1,
    }
    assert at(VISITING, events) == {
        "active_days_30d": 1,
        "active_days_ratio_30d": 0.5,
        "active_days_ratio_30d_has_base": 1,
    }
    assert at(LOGIN_RECENCY, events) == {"login_recency_days": 42}


def test_the_windows_of_browsing_end_at_30_and_60_days(at: Read, on: On) -> None:
    # 30 days ago is recent, 31 and 60 are before, 61 is neither and shows who was known by then
    assert at(BROWSING, on(61, 60, 31, 31, 30)) == {
        "pageviews_30d": 1,
        "pageviews_ratio_30d": round(1 / 3, 9),
        "pageviews_ratio_30d_has_base": 1,
    }


def test_only_page_views_are_browsing_and_every_event_is_a_visit(at: Read, on: On) -> None:
    events = on(60, 30) + on(3, 3, kind="click") + on(2, kind="search")
    assert at(BROWSING, events)["pageviews_30d"] == 1
    assert at(VISITING, events)["active_days_30d"] == 3


@pytest.mark.parametrize(("first", "ratio", "flag"), [(59, None, 0), (60, 1.0, 1)])
def test_who_was_not_known_to_the_site_when_the_earlier_window_began_has_no_trend(
    at: Read, on: On, first: int, ratio: float | None, flag: int
) -> None:
    for indicator, name in ((BROWSING, "pageviews"), (VISITING, "active_days")):
        found = at(indicator, on(first, 5))
        assert found[f"{name}_ratio_30d"] == ratio
        assert found[f"{name}_ratio_30d_has_base"] == flag


def test_who_never_came_has_no_visits_no_login_and_no_base(at: Read) -> None:
    assert at(BROWSING, []) == {
        "pageviews_30d": 0,
        "pageviews_ratio_30d": None,
        "pageviews_ratio_30d_has_base": 0,
    }
    assert at(LOGIN_RECENCY, []) == {"login_recency_days": None}


def test_a_session_lasts_from_its_first_event_to_the_end_of_its_last(at: Read) -> None:
    # before: 100 s and 300 s, median 200; recently: 40 s and 20 s on the last page
    recent = session(5, 0, 40)
    recent[1]["duration_seconds"] = 20.9
    assert at(SESSION_LENGTH, session(60, 0, 100) + session(31, 0, 7, 300) + recent) == {
        "session_seconds_30d": 60,
        "session_seconds_ratio_30d": 0.3,
        "session_seconds_ratio_30d_has_base": 1,
    }


@pytest.mark.parametrize(("ago", "seconds"), [(1, 40), (2, 940)])
def test_the_time_on_the_last_page_counts_where_it_cannot_run_on_after_as_of(
    at: Read, ago: int, seconds: int
) -> None:
    events = session(ago, 0, 40)
    events[1]["duration_seconds"] = 900
    assert at(SESSION_LENGTH, events)["session_seconds_30d"] == seconds


def test_a_session_over_midnight_belongs_to_the_day_of_its_first_event(at: Read) -> None:
    half_a_day = 12 * 3600
    found = at(SESSION_LENGTH, session(31, half_a_day - 60, half_a_day + 60) + session(30, 0, 30))
    assert found["session_seconds_ratio_30d"] == 0.25  # 30 s against 120 s


def test_without_sessions_in_both_windows_their_length_has_no_base(at: Read) -> None:
    base = "session_seconds_ratio_30d_has_base"
    assert at(SESSION_LENGTH, session(61, 0, 9) + session(30, 0, 9))[base] == 0
    only_before = at(SESSION_LENGTH, session(31, 0, 9))
    assert (only_before["session_seconds_30d"], only_before[base]) == (None, 0)
    assert at(SESSION_LENGTH, session(31, 0) + session(30, 0, 9))[base] == 0


def test_a_fraction_of_a_second_and_an_event_without_session_make_no_session_longer(
    at: Read, on: On
) -> None:
    events = session(3, 0, 10) + on("2017-09-28 13:00")
    events[1]["occurred_at"] += timedelta(milliseconds=700)
    assert at(SESSION_LENGTH, events)["session_seconds_30d"] == 10


def test_social_media_is_kept_apart_from_visits(at: Read, on: On) -> None:
    # 180 and 91 days ago are before, 90 and 1 are recent
    events = on(180, 91, 91, 90, 1, platform="social", kind="share") + on(120, platform="app")
    assert at(SOCIAL, events) == {
        "social_ratio_90d": round(2 / 3, 9),
        "social_ratio_90d_has_base": 1,
    }
    assert at(VISITING, events)["active_days_30d"] == 0
    assert at(SOCIAL, on(179, 1, platform="social"))["social_ratio_90d"] is None


def test_two_visit_days_in_the_last_of_twelve_weeks_are_a_slope_of_6_22_1716(
    at: Read, on: On
) -> None:
    others = on(84, customer_id="y")
    found = at(ACTIVITY_SLOPE, on(1, 7) + on(7, kind="click") + others)
    assert found == {"activity_slope_12w": round(6 * 22 / 1716, 9)}


def test_the_slope_takes_orders_and_visits_and_ends_after_twelve_weeks(read: Read, on: On) -> None:
    # order days: 84 days ago weighs -11, 85 nothing; visits: 8 days ago weighs 9, 85 nothing
    found = read(ACTIVITY_SLOPE, orders=on(85, 84, 84), web_events=on(85, 8))
    assert found == {"activity_slope_12w": round(6 * -2 / 1716, 9)}


@pytest.mark.parametrize(("first", "slope"), [(83, None), (84, round(6 * -11 / 1716, 9))])
def test_a_customer_younger_than_twelve_weeks_has_no_slope(
    read: Read, on: On, first: int, slope: float | None
) -> None:
    found = read(ACTIVITY_SLOPE, orders=on(first), web_events=on(84, customer_id="y"))
    assert found == {"activity_slope_12w": slope}


def test_visits_recorded_for_less_than_twelve_weeks_make_no_slope(at: Read, on: On) -> None:
    assert at(ACTIVITY_SLOPE, on(1, 83)) == {"activity_slope_12w": None}


@pytest.mark.parametrize(
    ("orders", "visits", "done"),
    [
        ((50,), (90, 50, 19), 1),  # before, on the day itself, and 31 days after
        ((50,), (20,), 0),  # 30 days after
        ((50,), (49,), 0),
        ((50, 40), (), 0),
        ((31,), (), 1),
        ((30,), (), None),  # yesterday was the 29th day after: not over yet
        ((30,), (1,), 0),
    ],
)
def test_one_and_done_is_one_order_and_no_visit_in_the_30_days_after_it(
    read: Read, on: On, orders: tuple[int, ...], visits: tuple[int, ...], done: int | None
) -> None:
    others = on(90, customer_id="y")
    found = read(ONE_AND_DONE, orders=on(*orders), web_events=on(*visits) + others)
    assert found == {"one_and_done_30d": done}


@pytest.mark.parametrize(("shops_first", "done"), [(49, None), (50, 1)])
def test_who_came_back_is_not_known_where_visits_are_recorded_only_since(
    read: Read, on: On, shops_first: int, done: int | None
) -> None:
    others = on(shops_first, customer_id="y")
    assert read(ONE_AND_DONE, orders=on(50), web_events=others) == {"one_and_done_30d": done}


def test_a_cancelled_order_is_no_second_order(read: Read, on: On) -> None:
    orders = on(50) + on(45, status="cancelled", order_id="c")
    events = on(50, customer_id="y")
    assert read(ONE_AND_DONE, orders=orders, web_events=events) == {"one_and_done_30d": 1}
