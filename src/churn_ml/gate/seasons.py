"""Seasons: how much cut-offs differ, beyond what their customers do.

Enters: one number per row and its cut-off. Leaves: the variance to add to the mean's, and the
quantile of Student's t on L - 1 degrees. A model that is better in one season has not been shown to
be better in the next; below four cut-offs nobody can say, and the verdict says "one season".

Worked example: four cut-offs with means 1, 2, 3 and 6, each with a variance of 1: tau^2 is 11 / 3.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

SEASONS = 4
"""From this number of cut-offs on, the variance between them can be estimated."""


def between(x: Floats, cut_off: Ints, alpha: float) -> tuple[float, float]:
    """The variance that seasons add to the mean, and Student's quantile; 0, 0 below `SEASONS`.

    `x`: one number per row; `cut_off`: its cut-off, numbered from 0; `alpha`: one-sided. The mean
    over all rows takes each cut-off by its share of them, and tau^2 times the sum of squares of
    these shares is what the cut-offs add to its variance.

    >>> between(np.array([0.0, 2.0, 1.0, 3.0, 5.0, 7.0]), np.array([0, 0, 1, 1, 2, 2]), 0.025)
    (0.0, 0.0)
    """
    from scipy.special import stdtrit

    size = np.bincount(cut_off).astype(float)
    seasons = len(size)
    if seasons < SEASONS:
        return 0.0, 0.0
    mean = np.bincount(cut_off, weights=x) / size
    square = np.bincount(cut_off, weights=(x - mean[cut_off]) ** 2)
    variance = square / size / np.maximum(size - 1, 1)
    share = size / size.sum()
    student = float(stdtrit(seasons - 1, 1 - alpha))
    return tau_squared(mean, variance) * float((share**2).sum()), student


def tau_squared(mean: Floats, variance: Floats) -> float:
    """How much the true means of several studies differ: their variance, at least 0.

    `mean`, `variance`: of each study, here a cut-off; one without variance says nothing. With
    w = 1 / variance and Q = sum w (mean - mean_w)^2 it is `(Q - (L - 1)) / (sum w - sum w^2 /
    sum w)` (DerSimonian & Laird 1986, equation 8).

    >>> round(tau_squared(np.array([1.0, 2.0, 3.0, 6.0]), np.ones(4)), 4)
    3.6667
    """
    seen = variance > 0
    w, d = 1.0 / variance[seen], mean[seen]
    freedom = float(w.sum() - (w**2).sum() / w.sum()) if len(w) else 0.0
    if freedom <= 0:
        return 0.0
    spread = float((w * (d - (w * d).sum() / w.sum()) ** 2).sum()) - (len(w) - 1)
    return max(spread / freedom, 0.0)
