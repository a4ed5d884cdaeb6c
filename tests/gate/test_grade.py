"""The grade's letters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from churn_ml.config import Gate
from churn_ml.gate.bootstrap import Estimate
from churn_ml.gate.evaluation import Earning
from churn_ml.gate.grade import Grade, best_reference, grade
from churn_ml.gate.policies import PolicyOnRows, references
from churn_ml.gate.trial import Trial
from churn_ml.simulate import contest


@pytest.fixture(scope="module")
def trial() -> Trial:
    """Three features against five."""
    return contest(1, 5000, 5000, (3, 5), Gate())


def _graded(
    trial: Trial, model: PolicyOnRows, *, margin: float = 10.0, calibrated: bool = True
) -> Grade:
    return grade(
        model,
        (trial.reference, trial.rule),
        trial.evidence,
        trial.terms,
        margin_per_1000=margin,
        calibrated=calibrated,
    )


def _fortune_teller(trial: Trial) -> PolicyOnRows:
    return replace(trial.challenger, name="oracle", p=trial.evidence.truth.y)


def test_a_fortune_teller_is_graded_a_and_earns_all_there_is(trial: Trial) -> None:
    model = replace(_fortune_teller(trial), value=trial.evidence.truth.value)
    found = _graded(trial, model)
    assert (found.letter, found.kappa) == ("A", 1.0)
    assert "this model earns 100%" in found.words


def test_without_calibration_an_a_is_a_b(trial: Trial) -> None:
    assert _graded(trial, _fortune_teller(trial), calibrated=False).letter == "B"


def test_the_rule_itself_adds_nothing_and_is_graded_d(trial: Trial) -> None:
    found = _graded(trial, trial.rule)
    assert (found.letter, found.kappa) == ("D", 0.0)
    assert found.words.startswith("D, do not use")


def test_a_model_that_ranks_better_without_money_is_graded_c(trial: Trial) -> None:
    """It contacts nobody, as the reference here does: no money, but a better order."""
    nobody = references(trial.evidence, 0.25, trial.rule.value)[0]
    silent = replace(trial.challenger, tau=np.inf)
    found = grade(
        silent,
        (nobody, trial.rule),
        trial.evidence,
        trial.terms,
        margin_per_1000=10.0,
        calibrated=True,
    )
    assert found.letter == "C"
    assert "contacting nobody" in found.words


def test_the_same_without_a_better_order_is_graded_d(trial: Trial) -> None:
    nobody = references(trial.evidence, 0.25, trial.rule.value)[0]
    silent = replace(trial.rule, tau=np.inf)
    found = grade(
        silent,
        (nobody, trial.rule),
        trial.evidence,
        trial.terms,
        margin_per_1000=10.0,
        calibrated=True,
    )
    assert found.letter == "D"


def test_the_reference_is_the_one_that_earned_most_on_validation() -> None:
    def earned(name: str, profit: float) -> Earning:
        return Earning(name, Estimate(profit, 1.0, profit - 2, profit + 2, 2.0), 0.1)

    assert best_reference([earned("rule", 10), earned("nobody", 0), earned("everybody", 12)]) == (
        "everybody"
    )
