"""Choosing: money decides where it can; of those that nobody surely beats the ensemble stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn_ml.choosing import SURE, challenger

ROWS = 400


def earning(mean: float) -> NDArray[np.float64]:
    """What 400 rows earned: a standard deviation of 20, so a standard error of 1."""
    return mean + 20.0 * np.where(np.arange(ROWS) % 2 == 0, 1.0, -1.0)


def chosen(**brier: float) -> str:
    """The choice where the ensemble earns 0 for sure, xgboost 1.9 and logistic 1 standard error."""
    earned = {"xgboost": earning(1.9), "logistic": -earning(-1.0), "ensemble": np.zeros(ROWS)}
    return challenger({name: earned[name] for name in brier}, brier)


def test_a_lead_that_may_be_chance_does_not_unseat_the_ensemble() -> None:
    assert chosen(xgboost=0.15, logistic=0.14, ensemble=0.16) == "ensemble"


def test_a_sure_lead_does() -> None:
    for lead, best in ((SURE - 0.01, "ensemble"), (SURE + 0.01, "xgboost")):
        earned = {"ensemble": np.zeros(ROWS), "xgboost": earning(lead)}
        assert challenger(earned, {"ensemble": 0.1, "xgboost": 0.2}) == best


def test_what_all_rows_share_is_no_noise() -> None:
    earned = {"ensemble": earning(0.0), "xgboost": earning(0.1)}
    assert challenger(earned, {"ensemble": 0.1, "xgboost": 0.2}) == "xgboost"


def test_without_the_ensemble_the_best_prediction_is_taken_of_those_not_surely_beaten() -> None:
    assert chosen(xgboost=0.15, logistic=0.14) == "logistic"
    assert chosen(xgboost=0.14, logistic=0.15) == "xgboost"
    earned = {"xgboost": earning(3.0), "logistic": np.zeros(ROWS)}
    assert challenger(earned, {"xgboost": 0.15, "logistic": 0.14}) == "xgboost"


def test_equals_go_to_the_first() -> None:
    earned = dict.fromkeys(("forest", "xgboost"), earning(1.0))
    assert challenger(earned, dict.fromkeys(earned, 0.1)) == "forest"
