"""Rhythm, by hand. dora's dates and figures are those of the module docstring."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import pytest

from churn_ml.features.rhythm import (
    CADENCE,
    IRREGULARITY,
    LONGEST_SILENCE,
    ORDERS_EVER,
    OVERDUE,
    PAST_SILENCE,
    RECENCY,
    TENURE_DAYS,
)

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]
DORA = ("2017-08-01", "2017-08-08", "2017-08-15")


def test_recency_and_tenure_count_whole_days_to_the_last_and_first_order(
    read: Read, on: On
) -> None:
    assert read(RECENCY, orders=on(*DORA)) == {"recency_days": 47}
    assert read(TENURE_DAYS, orders=on(*DORA)) == {"tenure_days": 61}
    assert read(ORDERS_EVER, orders=on(*DORA)) == {"order_days_ever": 3}


@pytest.mark.parametrize(
    ("at", "days"), [("2017-09-30 00:00", 1), ("2017-09-29 23:59:59.999999", 2)]
)
def test_a_day_ends_at_midnight_utc(read: Read, on: On, at: str, days: int) -> None:
    assert read(RECENCY, orders=on(at)) == {"recency_days": days}


def test_cadence_reads_the_gaps_between_order_days(read: Read, on: On) -> None:
    # 60, 50, 30 and 29 days ago, the last day twice: gaps 10, 20, 1.
    assert read(CADENCE, orders=on(60, 50, 30, 29, 29)) == {
        "gap_median_days": 10,
        "gap_mean_days": round(31 / 3, 9),
        "gap_max_days": 20,
    }


def test_one_order_day_has_no_gap(read: Read, on: On) -> None:
    assert read(CADENCE, orders=on(5, 5)) == {
        "gap_median_days": None,
        "gap_mean_days": None,
        "gap_max_days": None,
    }


def test_overdue_compares_the_silence_with_the_own_gaps(read: Read, on: On) -> None:
    found = read(OVERDUE, orders=on(*DORA))
    assert found == {
        "gap_ratio": round(47 / 7, 9),
        "gap_ratio_has_base": 1,
        "gap_max_ratio": round(47 / 7, 9),
        "gap_max_ratio_has_base": 1,
    }


def test_two_order_days_are_too_short_a_history_for_a_habit(read: Read, on: On) -> None:
    assert read(OVERDUE, orders=on(20, 10)) == {
        "gap_ratio": None,
        "gap_ratio_has_base": 0,
        "gap_max_ratio": None,
        "gap_max_ratio_has_base": 0,
    }
    assert read(IRREGULARITY, orders=on(20, 10)) == {"gap_cv": None, "gap_cv_has_base": 0}


def test_irregularity_is_deviation_over_mean(read: Read, on: On) -> None:
    # Gaps 10 and 30: mean 20, standard deviation 10.
    assert read(IRREGULARITY, orders=on(50, 40, 10)) == {"gap_cv": 0.5, "gap_cv_has_base": 1}
    # Gaps 10, 20 and 1: variance 501 / 3 - (31 / 3)^2.
    uneven = read(IRREGULARITY, orders=on(60, 50, 30, 29))["gap_cv"]
    assert uneven == pytest.approx(sqrt(501 / 3 - (31 / 3) ** 2) / (31 / 3), abs=1e-9)


def test_equal_gaps_are_perfectly_regular(read: Read, on: On) -> None:
    assert read(IRREGULARITY, orders=on(*DORA)) == {"gap_cv": 0, "gap_cv_has_base": 1}


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((200, 110, 20), 90),  # the gap of 90 closed inside the window
        ((200, 91), 91),  # still open
        ((300, 92, 85, 10), 75),  # the gap of 208 closed 92 days ago: outside
        ((300, 90, 85, 80), 210),  # closed on the window's first day
    ],
)
def test_the_longest_silence_closed_inside_the_window_or_is_open(
    read: Read, on: On, days: tuple[int, ...], expected: int
) -> None:
    assert read(LONGEST_SILENCE, orders=on(*days)) == {"silence_max_90d": expected}


def test_past_silence_is_the_share_of_past_days_followed_by_thirty_without_order(
    read: Read, on: On
) -> None:
    assert read(PAST_SILENCE, orders=on(*DORA)) == {
        "past_silence_share": round(17 / 31, 9),
        "past_silence_share_has_base": 1,
    }
    # A closed gap of 40 days holds 10 such beginnings, the open 20 days none; 60 - 30 days judged.
    assert read(PAST_SILENCE, orders=on(60, 20))["past_silence_share"] == round(10 / 30, 9)


@pytest.mark.parametrize(("first", "flag"), [(30, 0), (31, 1)])
def test_nothing_is_known_of_past_silence_before_thirty_days_are_over(
    read: Read, on: On, first: int, flag: int
) -> None:
    found = read(PAST_SILENCE, orders=on(first, 1))
    assert found["past_silence_share_has_base"] == flag
    assert (found["past_silence_share"] is None) is (flag == 0)


def test_a_cancelled_order_leaves_no_trace_in_the_rhythm(read: Read, on: On) -> None:
    orders = on(50, 40, 10) + on(5, 30, status="cancelled")
    assert read(RECENCY, orders=orders) == {"recency_days": 10}
    assert read(IRREGULARITY, orders=orders)["gap_cv"] == 0.5
