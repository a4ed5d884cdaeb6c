"""Reasons: what raised and what lowered each score, beside the average of the customer's segment.

Enters: a bundle, the feature rows and the scores of one as_of, and the segment of each customer.
Leaves: the scores with their reasons. Worked example: as of 2017-10-01 household `h1` has been
silent for 21 days where its segment averages 8, and its first reason reads

    {"average": 8.0, "direction": "up", "effect": 1.31, "indicator": "recency_days", "value": 21.0}

`effect` is what the indicator adds to the logit of this customer's score, `direction` whether that
raises the score (up) or lowers it (down), `average` the mean of the indicator over the customers of
the same segment who are scored with `h1`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from churn_ml.errors import BadInput
from churn_ml.models.protocol import matrix
from churn_ml.scoring import DIGITS, blocks_of, order_of
from churn_ml.tables import SCORES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.models.bundle import Bundle
    from churn_ml.models.protocol import Matrix, Vector

    Places: TypeAlias = NDArray[np.intp]

REASONS = 3
"""How many of the strongest reasons a score carries; one of the other direction may follow."""


def explained(
    bundle: Bundle, features: pd.DataFrame, scores: pd.DataFrame, segment: pd.Series
) -> pd.DataFrame:
    """The `scores` with the reasons of each, as JSON lists: the rows of tables.SCORES.

    `features` and `scores`: as in and from `scoring.score`. `segment`: customer_id -> segment, over
    whose scored customers each average is taken. The `REASONS` strongest come first, strongest
    first; where they all point in one direction, the strongest of the other follows. Indicators
    without effect are left out; equal effects come in the order of the model's features. An unknown
    value is null. Raises BadInput where features and scores are not of the same customers, or one
    of them has no segment.

    >>> import pandas as pd
    >>> from churn_ml.models.example import ORIGIN, by_hand
    >>> from churn_ml.scoring import score
    >>> rows = pd.DataFrame({"customer_id": ["h2", "h1"], "as_of": "2017-10-01",
    ...                      "recency_days": [2.0, 21.0]})
    >>> scores = score(by_hand(), rows, ORIGIN.contract, spec_hash=ORIGIN.spec_hash)
    >>> together = pd.Series({"h1": "ACTIVE", "h2": "ACTIVE"})
    >>> explained(by_hand(), rows, scores, together)["reasons"][0]
    '[{"average": 11.5, "direction": "up", "effect": 1.333444, "indicator": "recency_days", ...}]'
    """
    import pandas as pd

    order = order_of(features)
    ids = features["customer_id"].to_numpy(object)[order]
    of = pd.factorize(segment.reindex(ids), sort=True)[0]
    if not np.array_equal(ids, scores["customer_id"].to_numpy(object)) or (of < 0).any():
        raise BadInput(
            "features, scores and segments are not of the same customers",
            where="reasons",
            got=f"{len(ids)} with features, {len(scores)} with scores, {int((of < 0).sum())} of "
            "them without a segment",
            expected="all three of every customer, from one as_of",
        )
    averages = _averages(features, bundle.model.features, order, of)
    blocks = zip(blocks_of(order), blocks_of(of), strict=True)
    told = [_reasons(bundle, features.iloc[rows], averages, some) for rows, some in blocks]
    return scores.assign(reasons=[one for block in told for one in block])[list(SCORES.names)]


def _reasons(bundle: Bundle, rows: pd.DataFrame, averages: Matrix, of: Places) -> list[str]:
    """The reasons of every row as JSON; `averages`: segments x features; `of`: a row's segment."""
    names = bundle.model.features
    values = matrix(rows, names)
    effects = np.round(bundle.model.contributions(rows), DIGITS)
    every = np.arange(len(values))
    heads, tails = _heads(averages), [f', "indicator": {json.dumps(n)}, "value": ' for n in names]
    told = []
    for place, effect in _strongest(effects):
        which = zip(
            of.tolist(), place.tolist(), effect.tolist(), values[every, place].tolist(), strict=True
        )
        told.append(_texts(which, heads, tails))
    return [f"[{', '.join(filter(None, each))}]" for each in zip(*told, strict=True)]


def _strongest(effects: Matrix) -> list[tuple[Places, Vector]]:
    """The columns of the largest effects of every row with these effects, strongest first.

    Of equals the first one. The last is the strongest of the direction that the others lack, with
    an effect of 0 where they lack none.

    >>> found = _strongest(np.array([[0.5, -2.0, 0.5, 0.0], [0.4, 0.3, 0.2, -0.1]]))
    >>> [place.tolist() for place, _ in found], found[-1][1].tolist()
    ([[1, 0], [0, 1], [2, 2], [0, 3]], [0.0, -0.1])
    """
    every, left, found = np.arange(len(effects)), np.abs(effects), []
    for _ in range(min(REASONS, effects.shape[1])):
        place = left.argmax(axis=1)
        found.append((place, effects[every, place]))
        left[every, place] = -1.0
    up = found[0][1] > 0
    other = np.where(up, effects.argmin(axis=1), effects.argmax(axis=1))
    effect = effects[every, other]
    told = np.any([place == other for place, _ in found], axis=0)
    return [*found, (other, np.where(told | ((effect > 0) == up), 0.0, effect))]


def _heads(averages: Matrix) -> list[list[tuple[str, str]]]:
    """How a reason begins where it lowers the score and where it raises it: segments x features."""
    begins = '{{"average": {}, "direction": "{}", "effect": '
    return [
        [(begins.format(mean, "down"), begins.format(mean, "up")) for mean in map(_plain, row)]
        for row in averages.tolist()
    ]


def _texts(
    which: Iterable[tuple[int, int, float, float]],
    heads: Sequence[Sequence[tuple[str, str]]],
    tails: Sequence[str],
) -> list[str]:
    """One reason of each row as the text of a JSON object; empty where it has no effect.

    `which`: segment, column, effect and value of each row. Keys are sorted; floats as json writes
    them. Only effect and value differ from row to row, and so only they are formatted for each.

    >>> heads, tails = _heads(np.array([[8.0]])), [', "indicator": "recency_days", "value": ']
    >>> _texts([(0, 0, 1.5, 21.0), (0, 0, 0.0, 2.0)], heads, tails)
    ['{"average": 8.0, "direction": "up", "effect": 1.5, "indicator": "recency_days", ...}', '']
    """
    return [
        f"{heads[i][j][effect > 0]}{effect!r}{tails[j]}{_plain(value)}}}" if effect else ""
        for i, j, effect, value in which
    ]


def _plain(number: float) -> str:
    """A JSON number: rounded, null where unknown, never minus zero.

    >>> _plain(-0.0), _plain(float("nan"))
    ('0.0', 'null')
    """
    return "null" if math.isnan(number) else repr(round(float(number), DIGITS) + 0.0)


def _averages(features: pd.DataFrame, names: Sequence[str], order: Places, of: Places) -> Matrix:
    """Mean per segment and column over the known values, NaN where none is known.

    `order`: in which the rows are added up, since the last bits of a sum depend on it; `of`: the
    segment of each, in that order. One column at a time.
    """
    count = int(of.max(initial=-1)) + 1
    columns = [_means(matrix(features, [name])[order, 0], of, count) for name in names]
    return np.column_stack(columns)


def _means(values: Vector, of: Places, count: int) -> Vector:
    """The mean of the known values of each segment.

    >>> _means(np.array([1.0, np.nan, 4.0, np.nan]), np.array([0, 0, 1, 2]), 3).tolist()
    [1.0, 4.0, nan]
    """
    known = ~np.isnan(values)
    number = np.bincount(of, known, count)
    total = np.bincount(of, np.where(known, values, 0.0), count)
    means: Vector = np.divide(total, number, out=np.full(count, np.nan), where=number > 0)
    return means
