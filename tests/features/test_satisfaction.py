"""Satisfaction, by hand: what is newest, what it is compared with, and where there is no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from churn_ml.features import Indicator
from churn_ml.features.satisfaction import (
    BELONGING,
    CONTRIBUTION,
    CSAT,
    FELT_IMPORTANCE,
    PERCEIVED_RISK,
    PERCEIVED_VALUE,
    RATING,
    RECOMMENDATION,
    UNSATISFIED,
)

Read = Callable[..., dict[str, float | None]]
On = Callable[..., list[dict[str, Any]]]


def test_the_worked_example_of_the_module(read: Read, on: On) -> None:
    surveys = on("2017-03-01", csat=5.0) + on("2017-09-01", csat=2.0) + on("2017-06-01", csat=4.0)
    assert read(CSAT, orders=on(1), surveys=surveys) == {
        "csat_last": 2,
        "csat_delta": -2.5,
        "csat_delta_has_base": 1,
        "csat_slope_3": -1.5,
    }
    assert read(UNSATISFIED, orders=on(1), surveys=surveys) == {"is_unsatisfied_or_neutral_180d": 1}


def test_surveys_that_do_not_ask_are_passed_over(read: Read, on: On) -> None:
    # The newest that asks for csat is 20 days old; the one before 40.
    surveys = on(20, csat=4.0) + on(40, csat=3.5) + on(1, nps=9) + on(30, nps=2)
    assert read(CSAT, orders=on(1), surveys=surveys) == {
        "csat_last": 4,
        "csat_delta": 0.5,
        "csat_delta_has_base": 1,
        "csat_slope_3": None,
    }
    assert read(RECOMMENDATION, orders=on(1), surveys=surveys) == {"nps_last": 9}


def test_the_slope_looks_at_the_last_three_alone(read: Read, on: On) -> None:
    # From the oldest: 1, 2, 5, 4. The last three are 2, 5, 4: (4 - 2) / 2.
    surveys = on(4, csat=1.0) + on(3, csat=2.0) + on(2, csat=5.0) + on(1, csat=4.0)
    found = read(CSAT, orders=on(1), surveys=surveys)
    assert found["csat_slope_3"] == 1
    assert found["csat_delta"] == round(4 - 8 / 3, 9)


def test_one_answer_has_nothing_to_be_compared_with_and_none_is_no_answer(
    read: Read, on: On
) -> None:
    one = read(CSAT, orders=on(1), surveys=on(1, csat=3.0))
    assert one == {
        "csat_last": 3,
        "csat_delta": None,
        "csat_delta_has_base": 0,
        "csat_slope_3": None,
    }
    none = read(CSAT, orders=on(1), surveys=on(1, nps=3))
    assert (none["csat_last"], none["csat_delta_has_base"]) == (None, 0)


@pytest.mark.parametrize(
    ("ago", "csat", "expected"), [(180, 3.0, 1), (180, 3.1, 0), (1, 1.0, 1), (181, 1.0, None)]
)
def test_three_of_five_is_neutral_within_half_a_year(
    read: Read, on: On, ago: int, csat: float, expected: float | None
) -> None:
    found = read(UNSATISFIED, orders=on(1), surveys=on(ago, csat=csat) + on(400, csat=1.0))
    assert found == {"is_unsatisfied_or_neutral_180d": expected}


def test_of_two_surveys_at_one_instant_the_later_number_is_newest(read: Read, on: On) -> None:
    surveys = on(1, csat=5.0, survey_id="b") + on(1, csat=1.0, survey_id="a")
    assert read(CSAT, orders=on(1), surveys=surveys)["csat_last"] == 5


def test_reviews_comments_and_posts_are_written_for_others(read: Read, on: On) -> None:
    reviews = on(90, 91, 180, 181, rating=4.0)
    # 1 review now, 2 before.
    alone = read(CONTRIBUTION, orders=on(180), reviews=reviews)
    assert alone == {"ugc_delta_90d": -1, "ugc_delta_90d_has_base": 1}
    events = on(1, 2, kind="comment") + on(3, kind="forum_post") + on(4, kind="page_view")
    # 4 now (1 review, 2 comments, 1 post), 2 before.
    before = on(180, kind="comment", customer_id="y")
    both = read(CONTRIBUTION, orders=on(180), reviews=reviews, web_events=events + before)
    assert both == {"ugc_delta_90d": 2, "ugc_delta_90d_has_base": 1}
    # The shop took in comments only from 3 days ago on.
    newly = read(CONTRIBUTION, orders=on(180), reviews=reviews, web_events=events)
    assert newly == {"ugc_delta_90d": None, "ugc_delta_90d_has_base": 0}
    young = read(CONTRIBUTION, orders=on(179), reviews=reviews)
    assert young == {"ugc_delta_90d": None, "ugc_delta_90d_has_base": 0}


def test_ratings_against_the_half_year_before(read: Read, on: On) -> None:
    reviews = on(1, rating=2.0) + on(180, rating=3.5) + on(181, rating=5.0) + on(360, rating=4.0)
    # (2 + 3.5) / 2 = 2.75 now, (5 + 4) / 2 = 4.5 before; 361 days ago counts nowhere.
    reviews += on(361, rating=1.0)
    assert read(RATING, orders=on(1), reviews=reviews) == {
        "rating_mean_180d": 2.75,
        "rating_mean_delta_180d": -1.75,
        "rating_mean_delta_180d_has_base": 1,
    }
    assert read(RATING, orders=on(1), reviews=on(181, rating=5.0)) == {
        "rating_mean_180d": None,
        "rating_mean_delta_180d": None,
        "rating_mean_delta_180d_has_base": 0,
    }


@pytest.mark.parametrize(
    "indicator", [PERCEIVED_RISK, PERCEIVED_VALUE, BELONGING, FELT_IMPORTANCE], ids=lambda i: i.name
)
def test_the_newest_answer_to_a_scale_counts_for_a_year(
    read: Read, on: On, indicator: Indicator
) -> None:
    scale, (column,) = indicator.name, indicator.names
    assert column == f"{scale}_last_365d"
    surveys = on(365, **{scale: 4.5}) + on(366, **{scale: 1.0}) + on(1, csat=5.0)
    assert read(indicator, orders=on(1), surveys=surveys) == {column: 4.5}
    assert read(indicator, orders=on(1), surveys=on(366, **{scale: 1.0})) == {column: None}
