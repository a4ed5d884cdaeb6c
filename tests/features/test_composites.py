"""Composites by hand: three customers of whom each sign is 0, 1 and 2, or 10, 20 and 30 days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from churn_ml.config import Contract, Features
from churn_ml.features import CATALOGUE, Indicator, build, catalogue, names
from churn_ml.features.activity import FREQUENCY_TREND
from churn_ml.features.composites import FINANCE, INTERACTION
from churn_ml.features.frame import by_query
from churn_ml.features.visits import LOGIN_RECENCY
from churn_ml.in_memory import canonical

AS_OF = date(2017, 10, 1)
EVERYBODY = Contract(lookback_days=900)
ONE = 1.224744871  # 1 / sqrt(2 / 3), the standard deviation of 0, 1 and 2


def told(indicators: list[Indicator], shop: Any) -> dict[str, float | None]:
    """The last indicator's column by customer; the query of the engine says the same."""
    frame = build(shop, AS_OF, EVERYBODY, indicators=indicators)
    asked = by_query(shop, AS_OF, EVERYBODY, indicators=indicators)
    assert_frame_equal(frame, asked, check_exact=True)
    values = frame[indicators[-1].names[0]]
    pairs = zip(frame["customer_id"], values, strict=True)
    return {who: None if np.isnan(value) else value for who, value in pairs}


def orders(*days_ago: int, customer: str) -> list[dict[str, Any]]:
    days = [AS_OF - timedelta(days=days) for days in days_ago]
    return [{"customer_id": customer, "occurred_at": day} for day in days]


THREE = [
    *orders(40, 100, customer="anna"),  # 0 order days in 30 after 1 in the 30 before
    *orders(20, 40, 100, customer="ben"),  # 1 after 1
    *orders(10, 20, 40, 100, customer="cleo"),  # 2 after 1
]


def test_who_orders_less_than_the_others_stands_above_them() -> None:
    # order_days_ratio_30d is 0, 1, 2: mean 1, z -1.22, 0, 1.22, times the weight -1
    found = told([FREQUENCY_TREND, FINANCE], canonical(orders=THREE))
    assert found == {"anna": ONE, "ben": 0.0, "cleo": -ONE}


def test_of_whom_no_sign_is_known_nothing_is_said() -> None:
    shop = canonical(orders=[*THREE, *orders(5, customer="dora")])  # a customer of five days
    assert told([FREQUENCY_TREND, FINANCE], shop) == {
        "anna": ONE,
        "ben": 0.0,
        "cleo": -ONE,
        "dora": None,
    }


def test_a_sign_that_is_the_same_for_everybody_says_nothing() -> None:
    shop = canonical(
        orders=[*orders(20, 40, 100, customer="a"), *orders(20, 40, 100, customer="b")]
    )
    assert told([FREQUENCY_TREND, FINANCE], shop) == {"a": None, "b": None}


def test_without_any_of_its_signs_it_is_unknown() -> None:
    assert set(told([FINANCE], canonical(orders=THREE)).values()) == {None}


def test_a_sign_counts_three_standard_deviations_at_most() -> None:
    # 19 at 1 and one at 0: mean .95, sd sqrt(.0475) = .218, z of the one -4.36: cut to -3
    usual = [row for n in range(19) for row in orders(20, 40, 100, customer=f"c{n:02}")]
    shop = canonical(orders=[*usual, *orders(40, 100, customer="gone")])
    found = told([FREQUENCY_TREND, FINANCE], shop)
    assert found["gone"] == 3.0
    assert found["c00"] == pytest.approx(-0.05 / 0.217944947)


def test_long_without_a_login_is_far_from_the_others() -> None:
    # login_recency_days 10, 20, 30: z -1.22, 0, 1.22, weight 1
    logins = [
        {"customer_id": who, "kind": "login", "occurred_at": AS_OF - timedelta(days=days)}
        for who, days in (("anna", 10), ("ben", 20), ("cleo", 30))
    ]
    shop = canonical(orders=THREE, web_events=logins)
    assert told([LOGIN_RECENCY, INTERACTION], shop) == {"anna": -ONE, "ben": 0.0, "cleo": ONE}


@pytest.mark.parametrize("longer", [False, True])
def test_the_signs_are_columns_of_the_catalogue_under_any_windows(longer: bool) -> None:
    kept = {one.name: tuple(7 * d for d in one.windows) for one in CATALOGUE if one.windows}
    own = catalogue(Features(windows=kept if longer else {}))
    signs = [name for one in own for name, _ in one.over]
    assert set(signs) <= set(names(own))
    assert len(signs) == len({*FINANCE.over, *INTERACTION.over}) == len(set(signs))


def test_a_sign_of_other_days_is_told_by_them() -> None:
    own = catalogue(Features(windows={"frequency_trend": (20,)}))
    asked = [one for one in own if one.name in {"frequency_trend", "finance_anomaly"}]
    # order_days_ratio_20d: anna 0 of 1, ben 1 of 1, cleo 2 of 1
    assert told(asked, canonical(orders=THREE)) == {"anna": ONE, "ben": 0.0, "cleo": -ONE}
