"""Scoring: how likely each customer is to leave, what that puts at risk, and why we think so.

Enters: a bundle and the feature rows of one as_of. Leaves: one row of `scores` per eligible
customer. Worked example: as of 2017-10-01 household `h1` has been silent for 21 days where the
scored customers average 8; its score is .62, its value 410.00, so 254.20 are at risk, and the
first reason reads

    {"average": 8.0, "direction": "up", "effect": 1.31, "indicator": "recency_days", "value": 21.0}

`effect` is what the indicator adds to the logit of this customer's score, `direction` whether that
raises the score (up) or lowers it (down), `average` the mean of the indicator over the customers
scored together. This room never sees a label.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.errors import BadInput, BrokenPromise
from churn_ml.models.protocol import matrix
from churn_ml.tables import SCORES

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.models.bundle import Bundle
    from churn_ml.models.protocol import Matrix, Vector

REASONS = 3
"""How many reasons a score carries."""
DIGITS = 6
SCORE_DIGITS = 9


def score(
    bundle: Bundle, features: pd.DataFrame, contract_stamp: str, *, spec_hash: str
) -> pd.DataFrame:
    """The `scores` rows of everybody in `features`, sorted by customer_id.

    `features`: one row per customer_id (with as_of and the feature columns). `contract_stamp` and
    `spec_hash` are those that hold now; raises BadInput where the bundle was trained under another
    contract or feature catalogue, where a feature column is missing or a customer comes twice, and
    BrokenPromise where a score is not a probability. No rows give no rows.

    >>> import pandas as pd
    >>> from churn_ml.models.example import ORIGIN, by_hand
    >>> rows = pd.DataFrame({"customer_id": ["h2", "h1"], "as_of": "2017-10-01",
    ...                      "recency_days": [2.0, 21.0]})
    >>> scored = score(by_hand(), rows, ORIGIN.contract, spec_hash=ORIGIN.spec_hash)
    >>> scored[["customer_id", "score", "value", "value_at_risk"]].round(2).to_dict("records")
    [{'customer_id': 'h1', 'score': 0.45, 'value': 100.0, 'value_at_risk': 44.57},
     {'customer_id': 'h2', 'score': 0.12, 'value': 100.0, 'value_at_risk': 11.8}]
    >>> scored["reasons"][0]
    '[{"average": 11.5, "direction": "up", "effect": 1.333444, "indicator": "recency_days", ...}]'
    """
    _same_definitions(bundle, contract_stamp, spec_hash)
    rows = features.sort_values("customer_id").reset_index(drop=True)
    _one_each(rows)
    risk = np.round(bundle.model.predict(rows), SCORE_DIGITS)
    value = np.round(np.asarray(bundle.value.predict(rows), dtype=float), DIGITS)
    _sound(risk, value)
    scored = rows[["customer_id", "as_of"]].assign(
        score=risk,
        value=value,
        value_at_risk=np.round(risk * value, DIGITS),
        reasons=reasons(bundle, rows),
        model=bundle.id,
        contract=contract_stamp,
    )
    return scored[list(SCORES.names)]


def reasons(bundle: Bundle, rows: pd.DataFrame) -> list[str]:
    """The `REASONS` strongest reasons of every row of `rows`, strongest first, as JSON lists.

    Indicators without effect are left out; equal effects come in the order of the model's features.
    An unknown value is null.

    >>> import pandas as pd
    >>> from churn_ml.models.example import by_hand
    >>> reasons(by_hand(), pd.DataFrame({"recency_days": [4.0]}))
    ['[]']
    """
    names = bundle.model.features
    values = matrix(rows, names)
    effects = np.round(bundle.model.contributions(rows), DIGITS)
    average = _mean_of_known(values)
    strongest = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :REASONS]
    return [
        json.dumps(
            [
                _reason(names[j], values[i, j], average[j], effects[i, j])
                for j in strongest[i]
                if effects[i, j] != 0
            ],
            sort_keys=True,
        )
        for i in range(len(values))
    ]


def _reason(indicator: str, value: float, average: float, effect: float) -> dict[str, Any]:
    return {
        "indicator": indicator,
        "direction": "up" if effect > 0 else "down",
        "value": _plain(value),
        "average": _plain(average),
        "effect": float(effect),
    }


def _plain(number: float) -> float | None:
    """A JSON number: rounded, null where unknown, never minus zero."""
    return None if np.isnan(number) else round(float(number), DIGITS) + 0.0


def _mean_of_known(values: Matrix) -> Vector:
    """Mean per column over the known values; NaN where none is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _same_definitions(bundle: Bundle, contract_stamp: str, spec_hash: str) -> None:
    """Refuse to score under definitions that the model has never seen."""
    for what, trained, now in (
        ("churn contract", bundle.origin.contract, contract_stamp),
        ("feature catalogue", bundle.origin.spec_hash, spec_hash),
    ):
        if trained != now:
            raise BadInput(
                f"the model was trained under another {what}",
                where=bundle.id,
                got=now[:40],
                expected=trained[:40],
                next_step=f"score with the former {what}, or train and promote under this one",
            )


def _one_each(rows: pd.DataFrame) -> None:
    twice = rows["customer_id"].duplicated()
    if twice.any():
        raise BadInput(
            "a customer stands twice in the feature rows",
            got=f"{int(twice.sum())} repeated rows of {len(rows)}",
            expected="one row per customer_id, of one as_of",
        )


def _sound(risk: Vector, value: Vector) -> None:
    """The room's promise: every score is a probability and every value a number."""
    if not ((risk >= 0) & (risk <= 1)).all() or not np.isfinite(value).all():
        raise BrokenPromise(
            "a score or a value is not a number that can be acted on",
            got=f"score {risk.min()} to {risk.max()}, value {value.min()} to {value.max()}",
            expected="score in [0, 1], value finite",
        )
