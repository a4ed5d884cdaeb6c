"""Telling: the figures of models side by side, as receipts, reports and the benchmark show them.

Enters: policies on one evidence (weighing.py), or a value model and the rows to judge it on.
Leaves: dictionaries ready for JSON, in which an undefined figure is None. Worked example: at
2017-10-01 the rule stands as `{"name": "rule", "auc": [0.759, 0.72, 0.8], "profit_per_1000": ...}`
beside the champion and the candidates, and nobody, everybody, base rate and oracle below them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from churn_ml import metrics
from churn_ml.economics import Terms
from churn_ml.flow.weighing import PAST
from churn_ml.gate import evaluation
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.grade import grade
from churn_ml.gate.guards import calibration
from churn_ml.gate.judging import margin_per_1000
from churn_ml.gate.policies import PolicyOnRows, decide
from churn_ml.models.ensemble import Ensemble
from churn_ml.models.spend import MIN_ROWS
from churn_ml.models.value import ValueModel
from churn_ml.models.value_quality import judge

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Config

METRICS = {"auc": "auc", "pr_auc": "pr_auc", "brier": "brier", "lift10": "lift_at_10"}
"""Names in the report -> names in metrics.py."""


def side_by_side(
    config: Config,
    policies: Sequence[PolicyOnRows],
    simple: Mapping[str, PolicyOnRows],
    reference: str,
    frozen: Evidence,
) -> list[dict[str, Any]]:
    """Every policy with its metrics, profit and grade on the same rows, ready for JSON.

    Each metric is [value, low, high], 95 %, customers resampled; profit is in the shop's currency
    per 1,000 customers at risk, `profit_at_saved_share` the same where a saved customer is worth
    .25, .5 or 1 of V. References stand below, the oracle last, without metrics. Raises BadInput
    where a policy was scored on other rows.

    >>> from churn_ml.config import Config, Gate, Shop
    >>> from churn_ml.simulate import contest
    >>> trial = contest(2, train=1000, evaluate=500, features=(1, 5), gate=Gate())
    >>> config = Config(shop=Shop(name="s", currency="EUR"), offers=trial.terms.offers)
    >>> told = side_by_side(config, [trial.rule], {"rule": trial.rule}, "rule", trial.evidence)
    >>> [row["name"] for row in told], told[0]["grade"], sorted(told[0]["profit_at_saved_share"])
    (['rule', 'oracle'], 'D', ['0.25', '0.5', '1.0'])
    """
    terms = Terms.of(config)
    everyone = (*policies, *(s for name, s in simple.items() if name != "rule"))
    earned = {row.name: row for row in evaluation.evaluate(everyone, frozen, terms)}
    against = simple[reference], simple["rule"]
    margin = margin_per_1000(earned["oracle"].profit_per_1000.value, config.gate)
    saved = evaluation.by_saved_share(everyone, frozen, terms)
    told = [
        figures(each, frozen)
        | earned_by(earned[each.name])
        | {"profit_at_saved_share": saved[each.name]}
        | {"grade": _grade(each, against, frozen, terms, margin)}
        for each in policies
    ]
    below = [row for name, row in earned.items() if name not in {p.name for p in policies}]
    shares = {name: {"profit_at_saved_share": found} for name, found in saved.items()}
    return told + [{"name": row.name} | earned_by(row) | shares.get(row.name, {}) for row in below]


def _grade(
    each: PolicyOnRows,
    against: tuple[PolicyOnRows, PolicyOnRows],
    frozen: Evidence,
    terms: Terms,
    margin: float,
) -> str:
    choice = decide(each, frozen, terms)
    calibrated = all(guard.passed for guard in calibration(each, choice, frozen))
    return grade(each, against, frozen, terms, margin_per_1000=margin, calibrated=calibrated).letter


def figures(shown: PolicyOnRows, frozen: Evidence) -> dict[str, Any]:
    """Every metric of a policy as [value, low, high] (95 %, customers resampled), and its ECE.

    What is undefined on these rows is None. Raises BadInput where a score lies outside [0, 1].

    >>> from churn_ml.config import Gate
    >>> from churn_ml.simulate import contest
    >>> trial = contest(2, train=1000, evaluate=500, features=(1, 5), gate=Gate())
    >>> list(figures(trial.rule, trial.evidence))
    ['name', 'auc', 'pr_auc', 'brier', 'lift10', 'ece']
    """
    found = metrics.report(
        frozen.truth.y,
        shown.p,
        frozen.customer_id,
        resamples=1000,
        seed=frozen.seed % 2**32,
        metrics={key: metrics.METRICS[key] for key in METRICS.values()},
    )
    told = {name: interval_told(found[key]) for name, key in METRICS.items()}
    return {"name": shown.name} | told | {"ece": number_told(metrics.ece(frozen.truth.y, shown.p))}


def earned_by(row: evaluation.Earning) -> dict[str, Any]:
    """Profit per 1,000 customers at risk in the shop's currency, and the share contacted.

    >>> from churn_ml.gate.bootstrap import Estimate
    >>> earned_by(evaluation.Earning("rule", Estimate(9.0, 3.5, 2.0, 16.0, 1.96), 0.25))
    {'profit_per_1000': [9.0, 2.0, 16.0], 'contacted_share': 0.25}
    """
    profit = row.profit_per_1000
    return {
        "profit_per_1000": [profit.value, profit.low, profit.high],
        "contacted_share": row.contacted_share,
    }


def value_told(model: ValueModel, rows: pd.DataFrame) -> dict[str, Any]:
    """How good a value model is on the retained, untreated `rows`, ready for JSON.

    `cap_keeps`: the share of all value that is left below the cap, the 99th percentile of the
    training rows. Fewer than 20 retained rows judge nothing: then only their number stands there.
    Raises BadInput where a feature of the model is missing.

    >>> from churn_ml.simulate import spending_panel, spending_recipe
    >>> panel = spending_panel(2000, seed=1)
    >>> told = value_told(ValueModel.fit(panel, spending_recipe()), panel)
    >>> told["kind"], told["passes"], 0.9 < told["cap_keeps"] < 1
    ('regression', True, True)
    """
    about = {"kind": model.kind, "observed_days": model.observed_days}
    stayed = int((rows["label"] == 0).sum())
    if stayed < MIN_ROWS:
        return about | {"rows": stayed}
    found = judge(model, rows, PAST)
    whole = float(model.predict(rows, capped=False).sum())
    keeps = float(model.predict(rows).sum()) / whole if whole > 0 else 1.0
    judged = asdict(found) | {"decile_ratios": list(found.decile_ratios)}
    return about | judged | {"passes": found.passes, "cap_keeps": number_told(keeps)}


def chosen(training: Mapping[str, Any], currency: str) -> str:
    """Why this challenger and not another, in one sentence.

    `training`: the pins of a training: `figures` (name, model, profit_per_1000 on the choosing
    cut-off), `challenger` (a model id), `layers`. The rule is no rival where there is another.

    >>> chosen({"challenger": "xgboost-1", "layers": {"choose": {"cut_offs": ["2017-09-01"]}},
    ...         "figures": [{"name": "rule", "model": "rule-1", "profit_per_1000": 96.0},
    ...                     {"name": "logistic", "model": "logistic-1", "profit_per_1000": 731.0},
    ...                     {"name": "xgboost", "model": "xgboost-1", "profit_per_1000": 769.0}],
    ... }, "USD")
    'xgboost was chosen on 2017-09-01, where it earned 769.00 USD per 1,000 customers against
    731.00 USD of logistic; the rows of this verdict had no say in that'
    """
    of = {row["model"]: row for row in training["figures"]}
    best = of.pop(training["challenger"])
    rivals = [row for row in of.values() if row["name"] != "rule"] or list(of.values())
    if not rivals:
        return f"{best['name']} was the only candidate"
    second = max(rivals, key=lambda row: row["profit_per_1000"] or 0.0)
    (day,) = training["layers"]["choose"]["cut_offs"]
    earned, less = (_amount(row["profit_per_1000"], currency) for row in (best, second))
    behind = (best["profit_per_1000"] or 0.0) < (second["profit_per_1000"] or 0.0)
    rival = second["name"] != "rule"
    merit = "combines the others" if best["name"] == Ensemble.family else "predicted best"
    close = f", too close to tell, and {merit}" if behind and rival else ""
    return (
        f"{best['name']} was chosen on {day}, where it earned {earned} per 1,000 customers against "
        f"{less} of {second['name']}{close}; the rows of this verdict had no say in that"
    )


def _amount(profit: float | None, currency: str) -> str:
    return "an unknown sum" if profit is None else f"{profit:,.2f} {currency}"


def interval_told(found: metrics.Interval) -> list[float | None]:
    """A metric as [value, low, high], ready for JSON.

    >>> interval_told(metrics.Interval(0.75, float("nan"), float("nan")))
    [0.75, None, None]
    """
    return [number_told(each) for each in (found.value, found.low, found.high)]


def number_told(number: float) -> float | None:
    """A figure with six decimals; None where it is undefined, since JSON knows no NaN.

    >>> number_told(2 / 3), number_told(float("nan"))
    (0.666667, None)
    """
    return round(float(number), 6) if math.isfinite(number) else None
