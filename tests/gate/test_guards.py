"""Guards: calibration, slices with few and many disagreements, Holm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from churn_ml.config import Gate
from churn_ml.economics import NO_CONTACT, Floats
from churn_ml.gate.bootstrap import Resampling
from churn_ml.gate.evaluation import Comparison, compare
from churn_ml.gate.guards import brier, calibration, slices, standard_slices
from churn_ml.gate.policies import decide
from churn_ml.gate.trial import Trial
from churn_ml.simulate import contest, population

ROWS = 6000
MARGIN = 10.0


@pytest.fixture(scope="module")
def trial() -> Trial:
    """Twins on 6,000 customers."""
    return contest(1, 5000, ROWS, (5, 5), Gate())


@pytest.fixture(scope="module")
def compared(trial: Trial) -> Comparison:
    """Their comparison."""
    how = Resampling(0.025, 100, 1)
    return compare(trial.champion, trial.challenger, trial.evidence, trial.terms, how)


def test_the_truth_is_calibrated_and_an_overstatement_is_not(trial: Trial) -> None:
    truth = population(ROWS, 2 * 1 + 2).p
    for p, passes in ((truth, True), (np.minimum(truth * 1.3, 1.0), False)):
        policy = replace(trial.challenger, p=p)
        found = calibration(policy, decide(policy, trial.evidence, trial.terms), trial.evidence)
        assert all(guard.passed for guard in found) == passes, found


def test_a_policy_that_chooses_nobody_has_no_money_to_be_wrong_about(trial: Trial) -> None:
    nobody = np.full(ROWS, NO_CONTACT)
    guard = calibration(trial.challenger, nobody, trial.evidence)[2]
    assert (guard.name, guard.passed) == ("value_weighted", True)


def test_one_rate_for_all_has_no_slope_and_fails(trial: Trial) -> None:
    flat = replace(trial.challenger, p=np.full(ROWS, float(trial.evidence.truth.y.mean())))
    guard = calibration(flat, np.full(ROWS, NO_CONTACT), trial.evidence)[1]
    assert (guard.name, guard.passed) == ("slope", False)


def test_brier_blocks_the_surely_worse_only(trial: Trial) -> None:
    noise = np.random.default_rng(1).normal(0, 0.15, ROWS)
    worse = replace(trial.challenger, p=np.clip(trial.challenger.p + noise, 0, 1))
    assert not brier(trial.champion, worse, trial.evidence).passed
    assert brier(worse, trial.champion, trial.evidence).passed


def _losing(compared: Comparison, trial: Trial, where: Floats, churners: int) -> Comparison:
    """The comparison with losses planted: 60 a churner no longer saved, 8 gained a stayer."""
    per_row = np.zeros(ROWS)
    churned = trial.evidence.truth.y == 1.0
    per_row[np.flatnonzero(where & churned)[:churners]] = -60.0
    per_row[np.flatnonzero(where & ~churned)[:30]] = 8.0
    return replace(compared, per_row=per_row)


def _in(trial: Trial, name: str, label: str) -> Floats:
    return trial.evidence.slices[name] == label


def test_a_slice_that_surely_loses_is_named(trial: Trial, compared: Comparison) -> None:
    lost = _losing(compared, trial, _in(trial, "stage", "silent"), churners=60)
    names = [guard.name for guard in slices(lost, trial.evidence, MARGIN)]
    assert "slice stage silent" in names
    assert not any("active" in name for name in names)


def test_a_slice_of_ten_disagreements_on_stayers_is_not_evidence(
    trial: Trial, compared: Comparison
) -> None:
    """All ten lose 8, none is a churner: the spread is nearly nothing and says nearly nothing."""
    per_row = np.zeros(ROWS)
    stayers = np.flatnonzero(_in(trial, "stage", "new") & (trial.evidence.truth.y == 0.0))
    per_row[stayers[:200]] = -100.0
    (guard,) = slices(replace(compared, per_row=per_row), trial.evidence, MARGIN)
    assert guard.passed


def test_small_slices_are_not_looked_at(trial: Trial, compared: Comparison) -> None:
    few = np.where(np.arange(ROWS) < 499, "few", "").astype(object)
    evidence = replace(trial.evidence, slices={"size": few})
    lost = _losing(compared, trial, few == "few", churners=60)
    (guard,) = slices(lost, evidence, MARGIN)
    assert guard.passed
    assert "none of 0 slices" in guard.says


def test_thirty_slices_do_not_block_an_equal_model_half_of_the_time(trial: Trial) -> None:
    """Without Holm's correction 1 - .975^30 = 53 % of equal models would be blocked."""
    rng = np.random.default_rng(1)
    how = Resampling(0.025, 100, 1)
    plain = compare(trial.champion, trial.champion, trial.evidence, trial.terms, how)
    blocked = 0
    for _ in range(25):
        thirty = {f"s{i}": (rng.random(ROWS) < 0.5).astype(str).astype(object) for i in range(15)}
        evidence = replace(trial.evidence, slices=thirty)
        equal = replace(plain, per_row=rng.normal(0, 10, ROWS))
        blocked += not all(g.passed for g in slices(equal, evidence, margin_per_1000=0.0))
    assert blocked <= 3


def test_the_standard_slices_are_tenths_of_value_stages_and_the_unseen() -> None:
    value = np.arange(100.0)
    found = standard_slices(value, np.array(["new"] * 100), np.arange(100) >= 10)
    assert [int((found["value decile"] == str(d)).sum()) for d in range(1, 11)] == [10] * 10
    assert (found["customers"] == "never seen in training").sum() == 10
