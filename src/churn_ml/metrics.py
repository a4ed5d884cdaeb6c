"""Metrics: how good predictions are, each with an interval over customers.

Enters: labels y (1 churned, 0 not), scores p and the customer of every row. Leaves: floats. Every
metric is written once, for weighted rows: the figure itself has weights of 1, and a bootstrap
resample is a weight per row, the number of times its customer was drawn. Rows are sorted once, a
thousand resamples are then a few passes over a matrix, and tied scores are one step. Whole
customers are drawn because a customer who stands at several cut-offs is one piece of evidence.

Worked example: at the cut-off 2017-09-01 four customers score .1, .4, .35, .8 and the second two
churn. Three of the four pairs of a churner and a stayer are in the right order: AUC .75. Undefined
figures (no churner, say) are NaN, never 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from churn_ml import kernels
from churn_ml.errors import BadInput
from churn_ml.kernels import Floats, Kernel, Metric

Customers = Sequence[str] | Sequence[int] | NDArray[np.object_]

LIFT_SHARE = 0.1
TAILS = (0.025, 0.975)
"""The quantiles of the resamples that bound an interval."""
CELLS = 200_000
"""Weights of resamples x rows held at once: 1.6 MB, so that they stay in the cache."""

METRICS: dict[str, Metric] = {
    "auc": kernels.auc,
    "pr_auc": kernels.pr_auc,
    "brier": kernels.brier,
    "log_loss": kernels.log_loss,
    "lift_at_10": kernels.lift(LIFT_SHARE),
    "ece": kernels.ece,
    "calibration_slope": kernels.slope,
}
"""Every metric by the name that reports, receipts and MLflow use."""


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds of its percentile interval."""

    value: float
    low: float
    high: float


def auc(y: ArrayLike, p: ArrayLike) -> float:
    """Share of (churner, stayer) pairs in the right order; tied pairs count half.

    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return _once(kernels.auc, y, p)


def ece(y: ArrayLike, p: ArrayLike) -> float:
    """Expected calibration error: mean |churn rate - mean score| over ten bins of equal count.

    Bins are cut by rank; rows with the same score share a bin. Its bootstrap interval lies too
    high, since a resample is noisier than the rows are: judge it against `ece_null`.

    >>> round(ece([0, 1], [0.25, 0.25]), 4)
    0.25
    """
    return _once(kernels.ece, y, p)


def calibration_slope(y: ArrayLike, p: ArrayLike) -> float:
    """Slope b of logit P(y) = a + b logit(p) (Cox 1958): 1 is right, below 1 overconfident.

    >>> y = [0, 0, 0, 1, 1, 1, 1, 0]
    >>> round(calibration_slope(y, [0.25] * 4 + [0.75] * 4), 6)
    1.0
    """
    return _once(kernels.slope, y, p)


def ece_null(p: ArrayLike, *, seed: int, draws: int = 1000, quantile: float = 0.95) -> float:
    """The ECE that a perfectly calibrated model with these scores stays below, 95 % of the time.

    Labels are drawn from the scores themselves `draws` times; a small sample has a large one.

    >>> ece_null([0.5] * 100, seed=1) > ece_null([0.5] * 10000, seed=1)
    True
    """
    _, score = _checked(np.zeros(np.size(p)), p)
    score = np.sort(score)
    starts = kernels.bins(score)
    expected = np.add.reduceat(score, starts)
    rng = np.random.default_rng(seed)
    found = []
    for size in _chunks(draws, len(score)):
        churned = np.add.reduceat(
            rng.random((size, len(score))) < score, starts, axis=1, dtype=float
        )
        found.append(np.abs(churned - expected).sum(axis=1) / len(score))
    return float(np.quantile(np.concatenate(found), quantile))


def report(
    y: ArrayLike,
    p: ArrayLike,
    customers: Customers,
    *,
    resamples: int,
    seed: int,
    metrics: Mapping[str, Metric] = METRICS,
) -> dict[str, Interval]:
    """Every metric of one model with its 95 % percentile interval, customers resampled.

    `y`, `p`: label and score per row; `customers`: the customer_id of every row, drawn as a whole;
    `metrics`: those wanted, by name. The same seed draws the same customers for every metric and
    model; the order of the rows changes nothing. Resamples in which a metric is undefined are left
    out. Raises BadInput where a label is not 0 or 1, a score lies outside [0, 1], or the lengths
    differ.

    >>> y, p, names = [0, 0, 1, 1] * 10, [0.1, 0.4, 0.35, 0.8] * 10, range(40)
    >>> sorted(report(y, p, names, resamples=100, seed=17))[:3]
    ['auc', 'brier', 'calibration_slope']
    """
    label, score = _checked(y, p)
    order, owner = _owners(customers, label, score)
    prepared = [metric(label[order], score[order]) for metric in metrics.values()]
    draws = _resampled(prepared, owner, resamples, seed)
    return {
        name: _interval(kernel, drawn, len(order))
        for name, kernel, drawn in zip(metrics, prepared, draws, strict=True)
    }


def _once(metric: Metric, y: ArrayLike, p: ArrayLike) -> float:
    label, score = _checked(y, p)
    return float(metric(label, score)(np.ones((1, len(label))))[0])


def _checked(y: ArrayLike, p: ArrayLike) -> tuple[Floats, Floats]:
    label, score = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    if label.ndim != 1 or label.shape != score.shape or not len(label):
        raise BadInput(
            "labels and scores do not belong together",
            got=f"{label.shape} and {score.shape}",
            expected="one of each per row, one row at least",
        )
    if not np.isin(label, (0.0, 1.0)).all() or not ((score >= 0) & (score <= 1)).all():
        raise BadInput(
            "a label or a score cannot be judged",
            expected="labels 0 or 1, scores in [0, 1]",
            next_step="leave immature rows out before judging",
        )
    return label, score


def _owners(customers: Customers, *columns: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """An order of the rows that does not depend on the given one, and each row's customer in it."""
    if len(customers) != len(columns[0]):
        raise BadInput(
            "customers and scores do not belong together",
            got=f"{len(customers)} and {len(columns[0])}",
            expected="one of each per row",
        )
    names = np.asarray(customers, dtype=str)
    number = np.unique(names, return_inverse=True)[1]
    order = np.lexsort((*columns, number))
    return order, number[order]


def _resampled(
    prepared: Sequence[Kernel], owner: NDArray[np.intp], resamples: int, seed: int
) -> list[Floats]:
    """Every kernel's figure in every resample: the same draws of customers for all of them."""
    customers = int(owner.max()) + 1
    rng = np.random.default_rng(seed)
    found: list[list[Floats]] = [[] for _ in prepared]
    for size in _chunks(resamples, len(owner)):
        drawn = rng.integers(customers, size=(size, customers))
        drawn += customers * np.arange(size)[:, np.newaxis]
        times = np.bincount(drawn.ravel(), minlength=size * customers).reshape(size, customers)
        # take, unlike an index, lays rows out one after the other: sums then have the same bits
        weight = np.take(times.astype(float), owner, axis=1)
        for figures, kernel in zip(found, prepared, strict=True):
            figures.append(kernel(weight))
    return [np.concatenate(figures) for figures in found]


def _chunks(total: int, width: int) -> Iterator[int]:
    """Sizes that add up to `total`, so that size x width stays within `CELLS`."""
    size = max(1, CELLS // max(width, 1))
    while total > 0:
        yield min(size, total)
        total -= size


def _interval(kernel: Kernel, draws: Floats, rows: int) -> Interval:
    value = float(kernel(np.ones((1, rows)))[0])
    known = draws[np.isfinite(draws)]
    if not len(known):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, TAILS)
    return Interval(value, float(low), float(high))
