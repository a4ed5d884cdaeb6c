"""Slices: attributes as valid at the cut, absent where the shop has none, and bands of tenure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_ml.in_memory import canonical
from churn_ml.panel import feature_columns
from churn_ml.slices import ATTRIBUTES, of_rows, told


def _person(name: str, day: str, **attributes: str) -> dict[str, str]:
    return {"customer_id": name, "occurred_at": day} | attributes


def _known(**tables: list[dict[str, str]]) -> dict[str, list[object]]:
    rows = told(canonical(**tables)).sort_values("customer_id")
    return {row[0]: list(row[1:]) for row in rows.to_numpy().tolist()}


def test_the_newest_version_of_a_customer_is_told() -> None:
    found = _known(
        customers=[
            _person("anna", "2017-01-01", country="AT", channel="shop"),
            _person("anna", "2017-06-01", country="DE", channel="web"),
            _person("ben", "2017-01-01"),
        ]
    )
    assert found == {"anna": ["DE", "web", None], "ben": [None, None, None]}


def test_the_tier_of_a_customer_comes_before_that_of_a_membership() -> None:
    found = _known(
        customers=[_person("anna", "2017-01-01", tier="gold"), _person("ben", "2017-01-01")],
        memberships=[
            _person("anna", "2017-06-01", tier="basic"),
            _person("ben", "2017-02-01", tier="silver"),
            _person("ben", "2017-06-01", tier="platinum"),
            _person("cleo", "2017-06-01", tier="basic"),
        ],
    )
    assert {name: row[2] for name, row in found.items()} == {
        "anna": "gold",
        "ben": "platinum",
        "cleo": "basic",
    }


def test_a_shop_without_the_tables_is_told_nothing() -> None:
    rows = told(canonical(orders=[_person("anna", "2017-01-01")]))
    assert rows.empty
    assert list(rows.columns) == ["customer_id", *ATTRIBUTES]


def test_slices_of_which_the_panel_says_nothing_are_left_out() -> None:
    panel = pd.DataFrame({"country": ["DE", "AT", None], "tier": [None] * 3})
    found = of_rows(panel)
    assert {name: labels.tolist() for name, labels in found.items()} == {
        "country": ["DE", "AT", ""]
    }


@pytest.mark.parametrize(
    ("days", "band"),
    [
        (0, "under 90 days"),
        (89, "under 90 days"),
        (90, "90 days to a year"),
        (364, "90 days to a year"),
        (365, "over a year"),
        (9999, "over a year"),
        (np.nan, ""),
    ],
)
def test_a_band_of_tenure_holds_its_first_day_and_not_its_last(days: float, band: str) -> None:
    assert of_rows(pd.DataFrame({"tenure_days": [days]}))["tenure"].tolist() == [band]


def test_what_slices_is_never_a_feature() -> None:
    panel = pd.DataFrame(columns=[*ATTRIBUTES, "contactable", "stage", "recency_days"])
    assert feature_columns(panel) == ("recency_days",)
