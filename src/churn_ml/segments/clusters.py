"""Clusters of like risk: k-means on the score and on the signs that reasons name most often.

Enters: scores with their reasons, and the features of one as_of. Leaves: a number per scored
customer, 1 for the cluster with the highest mean score. The signs are standardised, an unknown one
counts as the mean. k is `[segments] clusters`: a number (4; 0 makes none) or "auto", the k from 2
to 8 with the largest silhouette. Seeded, and fitted on an even sample of the customers in
their order, so that the same day gives the same clusters.

Worked example: as of 2017-10-01 the reasons of most households are `recency_days` and `gap_ratio`;
cluster 1 are those who are long overdue.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

SIGNS = 8
"""Signs that a cluster is made of, beside the score."""
SAMPLE, SILHOUETTE_SAMPLE = 10_000, 1_000
AUTO = range(2, 9)
STARTS = 3


def clusters(
    scores: pd.DataFrame, features: pd.DataFrame, k: int | Literal["auto"]
) -> pd.DataFrame:
    """The cluster of each scored customer: customer_id and cluster, as text.

    `scores` (tables.SCORES) and `features`, one row per customer_id. Fewer customers than clusters
    make none.

    >>> import pandas as pd
    >>> scores = pd.DataFrame({"customer_id": list("abcd"), "score": [.1, .9, .12, .88],
    ...                        "reasons": '[{"indicator": "recency_days"}]'})
    >>> features = pd.DataFrame({"customer_id": list("abcd"), "recency_days": [2., 80., 3., 90.]})
    >>> clusters(scores, features, 2)["cluster"].tolist()
    ['2', '1', '2', '1']
    """
    import pandas as pd

    rows = scores[["customer_id", "score", "reasons"]].merge(features, on="customer_id")
    rows = rows.sort_values("customer_id", ignore_index=True)
    if k == 0 or len(rows) <= (max(AUTO) if k == "auto" else k):
        return pd.DataFrame({"customer_id": [], "cluster": []}, dtype=object)
    space = _space(rows)
    sample = space[:: -(-len(space) // SAMPLE)]
    centres = _centres(sample, _best(sample) if k == "auto" else k)
    order = np.argsort(-centres[:, 0], kind="stable")
    place = _nearest(space, centres[order])
    return pd.DataFrame({"customer_id": rows["customer_id"], "cluster": (place + 1).astype(str)})


def _space(rows: pd.DataFrame) -> Floats:
    """Score and signs, standardised; the score comes first."""
    named = Counter(
        one["indicator"]
        for text in rows["reasons"].iloc[:: -(-len(rows) // SAMPLE)]
        for one in json.loads(text or "[]")
    )
    ranked = sorted(named, key=lambda name: (-named[name], name))
    signs = [name for name in ranked if name in rows][:SIGNS]
    values = rows[["score", *signs]].to_numpy(dtype=np.float64)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    away = np.where(known, values - mean, 0.0)
    spread = np.sqrt((away**2).sum(axis=0) / count)
    return np.asarray(away / np.where(spread > 0, spread, 1.0))


def _centres(sample: Floats, k: int) -> Floats:
    """The centres of the best of several seeded starts; fewer where k of them cannot be told apart.

    SciPy's k-means adds in one order, so that the same rows give the same centres everywhere.
    """
    from scipy.cluster.vq import ClusterError, kmeans2, vq

    k = min(k, len(np.unique(sample, axis=0)))
    found: list[tuple[float, int, Floats]] = []
    for seed in range(STARTS):
        with suppress(ClusterError):
            centres, _ = kmeans2(sample, k, minit="++", rng=seed, missing="raise")
            found.append((float(vq(sample, centres)[1].sum()), seed, centres))
    return min(found, key=lambda one: one[:2])[2] if found else _centres(sample, k - 1)


def _best(sample: Floats) -> int:
    """The number of clusters that tells them apart best."""
    from sklearn.metrics import silhouette_score

    few = sample[:: -(-len(sample) // SILHOUETTE_SAMPLE)]
    places = {k: _nearest(few, _centres(few, k)) for k in AUTO}
    apart = {k: silhouette_score(few, at) for k, at in places.items() if len(np.unique(at)) > 1}
    return max(apart, key=lambda k: (round(apart[k], 6), -k), default=1)


def _nearest(space: Floats, centres: Floats) -> NDArray[np.intp]:
    from scipy.cluster.vq import vq

    return np.asarray(vq(space, centres)[0], dtype=np.intp)
