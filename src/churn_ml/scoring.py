"""Scoring: how likely each customer is to leave, and what that puts at risk.

Enters: a bundle and the feature rows of one as_of. Leaves: one row of `scores` per eligible
customer, still without its reasons (`reasons.py`): those are told beside the average of the
customer's segment, which rests on the scores. Worked example: as of 2017-10-01 household `h1` has
been silent for 21 days; its score is .62, its value 410.00, so 254.20 are at risk. Customers are
scored in blocks, so that memory holds the features once. This room never sees a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from churn_ml.errors import BadInput, BrokenPromise
from churn_ml.models.protocol import matrix
from churn_ml.tables import SCORES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.models.bundle import Bundle
    from churn_ml.models.protocol import Vector

    Places: TypeAlias = NDArray[np.intp]

DIGITS = 6
SCORE_DIGITS = 9
BLOCK = 50_000
"""Rows scored at a time: what is worked out for them is some hundred MB."""


def score(
    bundle: Bundle, features: pd.DataFrame, contract_stamp: str, *, spec_hash: str
) -> pd.DataFrame:
    """The `scores` rows of everybody in `features`, sorted by customer_id, without their reasons.

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
    """
    import pandas as pd

    _same_definitions(bundle, contract_stamp, spec_hash)
    _one_each(features)
    matrix(features.iloc[:0], bundle.model.features)  # says at once everything that is missing
    scored = [_block(bundle, features.iloc[rows]) for rows in blocks_of(order_of(features))]
    told = pd.concat(scored, ignore_index=True)
    told = told.assign(model=bundle.id, contract=contract_stamp)
    return told[[name for name in SCORES.names if name != "reasons"]]


def order_of(features: pd.DataFrame) -> Places:
    """The places of the rows by customer_id: the order in which scores stand."""
    return np.asarray(features["customer_id"].argsort(), np.intp)


def blocks_of(rows: Places) -> list[Places]:
    """The rows in blocks of at most `BLOCK`; one empty block where there are none."""
    return np.array_split(rows, max(-(-len(rows) // BLOCK), 1))


def _block(bundle: Bundle, rows: pd.DataFrame) -> pd.DataFrame:
    """Score and value of some rows."""
    risk = np.round(bundle.model.predict(rows), SCORE_DIGITS)
    value = np.round(np.asarray(bundle.value.predict(rows), dtype=float), DIGITS)
    _sound(risk, value)
    return rows[["customer_id", "as_of"]].assign(
        score=risk, value=value, value_at_risk=np.round(risk * value, DIGITS)
    )


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
