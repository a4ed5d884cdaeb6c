"""The inactivity rule against fits that can be done by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_ml.models import Bundle
from churn_ml.models.example import SETTING
from churn_ml.models.rule import Rule, Threshold


def days(*values: float | None) -> pd.DataFrame:
    return pd.DataFrame({"recency_days": pd.Series(values, dtype=float)})


def test_two_groups_by_hand_get_their_own_churn_rates() -> None:
    # ln(1 + d) is 0 and 1; one of four churns at 0, three of four at 1:
    # intercept = ln(1/3), slope = ln 3 - ln(1/3)
    rows = days(*[0.0] * 4, *[np.e - 1] * 4)
    rule = Rule.fit(rows, np.array([0, 0, 0, 1, 0, 1, 1, 1]), SETTING)
    assert rule.intercept == pytest.approx(-np.log(3), abs=1e-5)
    assert rule.slope == pytest.approx(2 * np.log(3), abs=1e-5)
    np.testing.assert_allclose(rule.predict(days(0.0, np.e - 1)), [0.25, 0.75], atol=1e-5)


def test_a_longer_silence_never_lowers_the_score(bundles: dict[str, Bundle]) -> None:
    scores = bundles["rule"].model.predict(days(*range(400)))
    assert (np.diff(scores) >= 0).all()


def test_its_mean_score_is_the_churn_rate_of_the_training_rows(
    rows: pd.DataFrame, label: np.ndarray
) -> None:
    rule = Rule.fit(rows, label, SETTING)
    assert rule.predict(rows).mean() == pytest.approx(label.mean(), abs=1e-6)


def test_an_unknown_silence_counts_as_the_typical_one() -> None:
    rule = Rule(intercept=-3.0, slope=0.9, typical=(5.0,))
    assert rule.predict(days(None))[0] == pytest.approx(rule.predict(days(5.0))[0])
    assert rule.contributions(days(None))[0, 0] == 0


def test_days_that_separate_the_classes_give_a_finite_fit() -> None:
    rule = Rule.fit(days(1, 2, 3, 50, 60, 70), np.array([0, 0, 0, 1, 1, 1]), SETTING)
    assert np.isfinite([rule.intercept, rule.slope]).all()
    assert rule.predict(days(2, 60)).round(2).tolist() == [0, 1]


@given(
    silent=st.lists(st.integers(0, 40), min_size=2, max_size=30),
    churners=st.integers(1, 29),
)
def test_halving_finds_the_fewest_days_at_which_no_more_are_silent_than_churned(
    silent: list[int], churners: int
) -> None:
    churned = min(churners, len(silent) - 1)
    label = np.arange(len(silent)) < churned
    found = Threshold.fit(days(*silent), label.astype(int), SETTING).learned["days"]
    enough = [d for d in range(43) if sum(s >= d for s in silent) <= churned]
    assert found == enough[0]
