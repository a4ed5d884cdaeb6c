"""Scoring: how likely each customer is to leave, what that puts at risk, and why we think so.

Enters: a bundle and the feature rows of one as_of. Leaves: one row of `scores` per eligible
customer. Worked example: as of 2017-10-01 household `h1` has been silent for 21 days where the
scored customers average 8; its score is .62, its value 410.00, so 254.20 are at risk, and the
first reason reads

    {"average": 8.0, "direction": "up", "effect": 1.31, "indicator": "recency_days", "value": 21.0}

`effect` is what the indicator adds to the logit of this customer's score, `direction` whether that
raises the score (up) or lowers it (down), `average` the mean of the indicator over the customers
scored together. They are scored in blocks, so that memory holds the features once. This room never
sees a label.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.errors import BadInput, BrokenPromise
from churn_ml.models.protocol import matrix
from churn_ml.tables import SCORES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.models.bundle import Bundle
    from churn_ml.models.protocol import Matrix, Vector

REASONS = 3
"""How many reasons a score carries."""
DIGITS = 6
SCORE_DIGITS = 9
BLOCK = 50_000
"""Rows scored at a time: what is worked out for them is some hundred MB."""


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
    import pandas as pd

    _same_definitions(bundle, contract_stamp, spec_hash)
    _one_each(features)
    order = np.asarray(features["customer_id"].argsort(), np.intp)
    average = _averages(features, bundle.model.features, order)
    blocks = np.array_split(order, max(-(-len(order) // BLOCK), 1))
    scored = [_block(bundle, features.iloc[rows], average) for rows in blocks]
    told = pd.concat(scored, ignore_index=True)
    return told.assign(model=bundle.id, contract=contract_stamp)[list(SCORES.names)]


def reasons(bundle: Bundle, rows: pd.DataFrame) -> list[str]:
    """The `REASONS` strongest reasons of every row of `rows`, strongest first, as JSON lists.

    Indicators without effect are left out; equal effects come in the order of the model's features.
    An unknown value is null.

    >>> import pandas as pd
    >>> from churn_ml.models.example import by_hand
    >>> reasons(by_hand(), pd.DataFrame({"recency_days": [4.0]}))
    ['[]']
    """
    average = _averages(rows, bundle.model.features, np.arange(len(rows)))
    return _reasons(bundle, rows, average)


def _block(bundle: Bundle, rows: pd.DataFrame, average: Vector) -> pd.DataFrame:
    """Score, value and reasons of some rows."""
    risk = np.round(bundle.model.predict(rows), SCORE_DIGITS)
    value = np.round(np.asarray(bundle.value.predict(rows), dtype=float), DIGITS)
    _sound(risk, value)
    return rows[["customer_id", "as_of"]].assign(
        score=risk,
        value=value,
        value_at_risk=np.round(risk * value, DIGITS),
        reasons=_reasons(bundle, rows, average),
    )


def _reasons(bundle: Bundle, rows: pd.DataFrame, average: Vector) -> list[str]:
    """The reasons of every row as JSON; `average`: one number per feature of the model."""
    names = bundle.model.features
    values = matrix(rows, names)
    effects = np.round(bundle.model.contributions(rows), DIGITS)
    every = np.arange(len(values))
    told = []
    for place in _strongest(effects):
        which = zip(
            place, effects[every, place].tolist(), values[every, place].tolist(), strict=True
        )
        told.append(_texts(which, names, average))
    return [f"[{', '.join(filter(None, each))}]" for each in zip(*told, strict=True)]


def _strongest(effects: Matrix) -> list[NDArray[np.intp]]:
    """The columns of the largest effects of every row, strongest first; of equals the first one.

    >>> [place.tolist() for place in _strongest(np.array([[0.5, -2.0, 0.5, 0.0]]))]
    [[1], [0], [2]]
    """
    left, found = np.abs(effects), []
    for _ in range(min(REASONS, effects.shape[1])):
        found.append(left.argmax(axis=1))
        left[np.arange(len(left)), found[-1]] = -1.0
    return found


def _texts(
    which: Iterable[tuple[int, float, float]], names: Sequence[str], average: Vector
) -> list[str]:
    """One reason of each row as the text of a JSON object; empty where it has no effect.

    `which`: column, effect and value of each row. Keys are sorted; floats as json writes them. Only
    effect and value differ from row to row, and so only they are formatted for each.

    >>> _texts([(0, 1.5, 21.0), (0, 0.0, 2.0)], ["recency_days"], np.array([8.0]))
    ['{"average": 8.0, "direction": "up", "effect": 1.5, "indicator": "recency_days", ...}', '']
    """
    heads = {
        up: [f'{{"average": {_plain(mean)}, "direction": "{word}", "effect": ' for mean in average]
        for up, word in ((True, "up"), (False, "down"))
    }
    tails = [f', "indicator": {json.dumps(name)}, "value": ' for name in names]
    return [
        f"{heads[effect > 0][j]}{effect!r}{tails[j]}{_plain(value)}}}" if effect else ""
        for j, effect, value in which
    ]


def _plain(number: float) -> str:
    """A JSON number: rounded, null where unknown, never minus zero.

    >>> _plain(-0.0), _plain(float("nan"))
    ('0.0', 'null')
    """
    return "null" if math.isnan(number) else repr(round(float(number), DIGITS) + 0.0)


def _averages(features: pd.DataFrame, names: Sequence[str], order: NDArray[np.intp]) -> Vector:
    """Mean per column over the known values; NaN where none is known. One column at a time.

    `order`: in which the rows are added up, since the last bits of a sum depend on it.
    """
    matrix(features.iloc[:0], names)  # says at once everything that is missing
    return np.array([_mean_of_known(matrix(features, [name])[order, 0]) for name in names])


def _mean_of_known(values: Vector) -> float:
    known = ~np.isnan(values)
    count = int(known.sum())
    return float(np.where(known, values, 0.0).sum()) / count if count else float("nan")


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
