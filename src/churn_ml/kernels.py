"""Weighted metrics: every figure as a function of how often each row counts.

A kernel is prepared once for labels y and scores p: it sorts, groups tied scores and keeps what
does not change. It then takes weights, one row of the matrix per resample, and returns one figure
per resample. A bootstrap of a thousand resamples is so a few passes over a matrix, and the figure
itself is the same kernel with weights of 1. Plain sums only, no matrix products: the same bits
with any number of threads. Worked example: y = (0, 0, 1, 1) and p = (.1, .4, .35, .8) of the
cut-off 2017-09-01; weights (1, 1, 1, 1) give the AUC .75, and (2, 0, 1, 1), a resample in which
the first customer was drawn twice and the second never, gives 1.

>>> kernel = auc(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
>>> kernel(np.array([[1.0, 1, 1, 1], [2, 0, 1, 1]])).tolist()
[0.75, 1.0]
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from churn_ml.errors import BadInput

Floats = NDArray[np.float64]
Kernel = Callable[[Floats], Floats]
"""Weights (resamples x rows, in the order the rows were given) -> one figure per resample."""
Metric = Callable[[Floats, Floats], Kernel]
"""Labels and scores, one per row -> the kernel that judges them."""

BINS = 10
EDGE = 1e-12
"""Scores of exactly 0 and 1 are moved this far inside before a logarithm is taken."""
MAX_STEPS = 30
STILL = 1e-9


def auc(y: Floats, p: Floats) -> Kernel:
    """Mann & Whitney (1947): stayers below plus half of those level, per churner."""
    levels = _levels(y, p)

    def kernel(weight: Floats) -> Floats:
        churners, rows = levels(weight)
        stayers = rows - churners
        below = np.cumsum(stayers, axis=1) - stayers / 2
        pairs = churners.sum(axis=1) * stayers.sum(axis=1)
        return _ratio((churners * below).sum(axis=1), pairs)

    return kernel


def pr_auc(y: Floats, p: Floats) -> Kernel:
    """Average precision, tied scores as one step."""
    levels = _levels(y, -p)

    def kernel(weight: Floats) -> Floats:
        churners, rows = levels(weight)
        found, taken = np.cumsum(churners, axis=1), np.cumsum(rows, axis=1)
        precision = found / np.where(taken > 0, taken, 1.0)
        return _ratio((churners * precision).sum(axis=1), found[:, -1])

    return kernel


def brier(y: Floats, p: Floats) -> Kernel:
    """Mean squared difference of score and label."""
    return _mean_of((p - y) ** 2)


def log_loss(y: Floats, p: Floats) -> Kernel:
    """Mean of -ln(score of what happened)."""
    inside = np.clip(p, EDGE, 1 - EDGE)
    return _mean_of(-np.where(y == 1, np.log(inside), np.log1p(-inside)))


def lift(share: float) -> Metric:
    """Churn rate among the top `share`, over the overall one; raises BadInput outside (0, 1].

    >>> float(lift(0.5)(np.array([1.0, 0.0]), np.array([0.9, 0.1]))(np.ones((1, 2)))[0])
    2.0
    """
    if not 0 < share <= 1:
        raise BadInput(
            "lift is asked for an impossible share", got=share, expected="0 < share <= 1"
        )

    def metric(y: Floats, p: Floats) -> Kernel:
        levels = _levels(y, -p)

        def kernel(weight: Floats) -> Floats:
            churners, rows = levels(weight)
            before = np.cumsum(rows, axis=1) - rows
            wanted = share * rows.sum(axis=1, keepdims=True)
            part = np.clip((wanted - before) / np.where(rows > 0, rows, 1.0), 0.0, 1.0)
            found = (part * churners).sum(axis=1)
            return _ratio(found, share * churners.sum(axis=1))

        return kernel

    return metric


def ece(y: Floats, p: Floats) -> Kernel:
    """Mean |churn rate - mean score| over bins of equal count, cut once on the rows as given."""
    order = np.argsort(p, kind="stable")
    starts = bins(p[order])
    error = (y - p)[order]

    def kernel(weight: Floats) -> Floats:
        level = np.take(weight, order, axis=1)
        gaps = np.abs(np.add.reduceat(level * error, starts, axis=1))
        return _ratio(gaps.sum(axis=1), level.sum(axis=1))

    return kernel


def slope(y: Floats, p: Floats) -> Kernel:
    """Slope b of logit P(y) = a + b logit(p); NaN where one class or one score is missing."""
    inside = np.clip(p, EDGE, 1 - EDGE)
    x = np.log(inside) - np.log1p(-inside)
    return lambda weight: _logit_slope(weight, x, y)


def _logit_slope(weight: Floats, x: Floats, y: Floats) -> Floats:
    """Newton's method for (a, b) in every resample at once; NaN where b is not determined."""
    a, b = np.zeros((len(weight), 1)), np.ones((len(weight), 1))
    steps = np.full((2, len(weight)), np.nan)
    # a resample of one class has no maximum: it runs to infinity and is NaN in the end
    with np.errstate(all="ignore"):
        for _ in range(MAX_STEPS):
            q = 1.0 / (1.0 + np.exp(-(a + b * x)))
            error, curve = weight * (y - q), weight * (q * (1 - q))
            bent = curve * x
            up_a, up_b = error.sum(axis=1), (error * x).sum(axis=1)
            aa, ab, bb = curve.sum(axis=1), bent.sum(axis=1), (bent * x).sum(axis=1)
            det = aa * bb - ab * ab
            steps = np.stack([bb * up_a - ab * up_b, aa * up_b - ab * up_a])
            steps = np.where(det > EDGE * aa * bb, steps / det, np.nan)
            a, b = a + steps[0][:, np.newaxis], b + steps[1][:, np.newaxis]
            if not (np.abs(steps) > STILL).any():
                break
    return np.where((np.abs(steps) <= STILL).all(axis=0), b[:, 0], np.nan)


def _mean_of(loss: Floats) -> Kernel:
    return lambda weight: _ratio((weight * loss).sum(axis=1), weight.sum(axis=1))


def _ratio(above: Floats, below: Floats) -> Floats:
    """The ratio above / below; NaN where below is 0."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


def _levels(y: Floats, key: Floats) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Churners and rows under given weights, a column for each level of `key`, the lowest first."""
    order = np.argsort(key, kind="stable")
    starts = _steps(key[order])
    churned = y[order]

    def counted(weight: Floats) -> tuple[Floats, Floats]:
        level = np.take(weight, order, axis=1)
        churners = np.add.reduceat(level * churned, starts, axis=1)
        return churners, np.add.reduceat(level, starts, axis=1)

    return counted


def _steps(ordered: Floats) -> NDArray[np.intp]:
    """Where each run of equal values begins."""
    return np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))


def bins(ascending: Floats) -> NDArray[np.intp]:
    """Where each of up to `BINS` bins of equal count begins in ascending scores.

    >>> bins(np.linspace(0, 1, 20)).tolist()
    [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    >>> bins(np.array([0.2, 0.2, 0.2, 0.9])).tolist()
    [0, 3]
    """
    starts = _steps(ascending)
    ends = np.append(starts[1:], len(ascending))
    middle = (starts + ends) / 2
    number = np.floor(BINS * middle / len(ascending)).astype(int)
    first: NDArray[np.bool_] = np.append(True, number[1:] != number[:-1])
    return np.asarray(starts[first])
