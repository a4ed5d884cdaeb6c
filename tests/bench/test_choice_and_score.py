"""The benches of scoring and of the choice: the real path on few customers."""

from __future__ import annotations

import pytest

from churn_ml.bench import choice, score


def test_the_choice_keeps_to_both_limits_and_stays_near_the_bound() -> None:
    told = choice.measure(3_000, 6, say=lambda line: None)
    alone, capped = told["rounds"]
    for each in (alone, capped):
        assert 0 < each["spent"] <= each["budget"]
        assert each["gap"] <= 0.01
    assert capped["contacts"] <= capped["capacity"] == 150
    assert capped["expected_gain"] <= alone["expected_gain"]
    assert told["gap"] == max(alone["gap"], capped["gap"])


@pytest.mark.slow
def test_reasons_of_a_champion_are_xgboosts_own_at_many_times_the_speed() -> None:
    told = score.measure(20_000, say=lambda line: None)
    assert told["rows"] == 20_000
    assert told["max_abs_diff"] <= 1e-4
    assert told["top3_identical"]
    assert told["rows_per_cpu_s"] > 3 * told["pred_contribs_rows_per_cpu_s"]
