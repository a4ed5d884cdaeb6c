"""The catalogue of model families: what a candidate can be.

A new family is one module and one row here. Training walks this tuple, and a stored model names
its family by the first column: a model trained on 2017-10-01 with family `xgboost` has an id such
as `xgboost-3f2a9c1d0b7e`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from churn_ml.errors import BadConfig, BadInput
from churn_ml.models.boosting import Forest, XGBoost
from churn_ml.models.buying import BgNbdModel, ParetoNbdModel
from churn_ml.models.ensemble import Ensemble
from churn_ml.models.logistic import Logistic
from churn_ml.models.one_number import OneNumber
from churn_ml.models.protocol import Family
from churn_ml.models.rule import Cadence, Rfm, Rule, Threshold


def _of_one_number(model: type[OneNumber], meaning: str, *packages: str) -> Family:
    return Family(model.family, model, meaning, ("numpy", *packages), model.features)


FAMILIES: tuple[Family, ...] = (
    _of_one_number(Rule, "inactivity: one-variable fit on days since the last order"),
    _of_one_number(Threshold, "inactivity: the best threshold of days, found by halving"),
    _of_one_number(Cadence, "silence as a multiple of the customer's own gap"),
    _of_one_number(Rfm, "recency, frequency and money: equal weights on their places"),
    _of_one_number(BgNbdModel, "buy till you die: BG/NBD", "scipy"),
    _of_one_number(ParetoNbdModel, "buy till you die: Pareto/NBD", "scipy"),
    Family("logistic", Logistic, "standardised columns, ridge penalty", ("numpy", "scikit-learn")),
    Family("xgboost", XGBoost, "300 regularised trees of depth 4", ("numpy", "xgboost-cpu")),
    Family("forest", Forest, "300 trees of depth 6 side by side", ("numpy", "xgboost-cpu")),
    Family(
        "ensemble",
        Ensemble,
        "the mean logit of logistic, xgboost, forest and pareto",
        ("numpy", "scikit-learn", "scipy", "xgboost-cpu"),
    ),
)


def family(name: str) -> Family:
    """The family called `name`; raises BadInput with the known names otherwise.

    >>> family("rule").meaning
    'inactivity: one-variable fit on days since the last order'
    >>> family("oracle")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: there is no model family 'oracle' | got: oracle | expected: rule, ...
    """
    for candidate in FAMILIES:
        if candidate.name == name:
            return candidate
    raise BadInput(
        f"there is no model family {name!r}",
        got=name,
        expected=", ".join(each.name for each in FAMILIES),
        next_step="correct candidates in [training]",
    )


def check_needs(names: Iterable[str], columns: Collection[str]) -> None:
    """Raise BadConfig where a family of `names` needs a feature that is not among `columns`.

    >>> check_needs(["rule"], ["recency_days"])
    >>> check_needs(["rfm"], ["recency_days", "order_days_90d"])
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: candidate rfm needs features that are not there | where: ...
    """
    for name in names:
        missing = [need for need in family(name).needs if need not in columns]
        if missing:
            raise BadConfig(
                f"candidate {name} needs features that are not there",
                where="[training] candidates",
                got="no " + ", ".join(missing),
                expected=", ".join(family(name).needs),
                next_step=f"take {name} out of candidates, or bring the tables of its features:"
                " churn-ml preflight",
            )
