"""Why this challenger: the best of the choosing cut-off, whatever the rows of the verdict say."""

from __future__ import annotations

from typing import Any

from churn_ml.flow.telling import chosen


def training(challenger: str, **profits: float | None) -> dict[str, Any]:
    """The pins of a training, as far as they say who was chosen and why."""
    figures = [
        {"name": name, "model": f"{name}-1", "profit_per_1000": profit}
        for name, profit in profits.items()
    ]
    layers = {"choose": {"cut_offs": ["2017-09-01"]}}
    return {"challenger": f"{challenger}-1", "figures": figures, "layers": layers}


def test_the_challenger_stands_beside_the_next_best_though_the_rule_earned_more() -> None:
    told = chosen(training("xgboost", rule=900.0, logistic=731.456, xgboost=769.0), "EUR")
    assert "xgboost was chosen on 2017-09-01" in told
    assert "earned 769.00 EUR per 1,000 customers against 731.46 EUR of logistic;" in told


def test_who_earned_less_was_chosen_for_predicting_best() -> None:
    told = chosen(training("xgboost", rule=9.0, logistic=770.0, xgboost=769.0), "EUR")
    assert "against 770.00 EUR of logistic, too close to tell, and predicted best;" in told


def test_the_ensemble_that_earned_less_was_chosen_for_combining_the_others() -> None:
    told = chosen(training("ensemble", logistic=770.0, ensemble=769.0), "EUR")
    assert "against 770.00 EUR of logistic, too close to tell, and combines the others;" in told


def test_a_single_model_stands_beside_the_rule() -> None:
    told = chosen(training("logistic", rule=96.0, logistic=None), "EUR")
    assert "earned an unknown sum per 1,000 customers against 96.00 EUR of rule;" in told


def test_the_rule_alone_was_no_choice() -> None:
    assert chosen(training("rule", rule=96.0), "EUR") == "rule was the only candidate"
