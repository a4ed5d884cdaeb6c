"""DeLong: the AUC with its uncertainty, and the paired difference of two, without resampling.

Enters: labels, scores, and the customer of every row. Leaves: an `Estimate` and a p-value. DeLong,
DeLong & Clarke-Pearson (1988) write an AUC as a mean of structural components: each churner's share
of stayers below him, each stayer's share of churners above. Sun & Xu (2014) find all of them from
three rankings, so that 100,000 rows take a moment and not 10^10 comparisons.

A customer's rows at several cut-offs are one piece of evidence. Their components are therefore
summed before the spread is taken, churner rows against stayer rows of the same customer included
(Obuchowski 1997). With one row per customer this is DeLong's formula to the digit.

Worked example: at the cut-off 2017-10-01 two churners and two stayers; three of the four pairs are
in the right order.

>>> y, p = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])
>>> area(y, p, Rows.of(["h1", "h2", "h3", "h4"])).value
0.75
"""

from __future__ import annotations

import numpy as np

from churn_ml.economics import Flags, Floats
from churn_ml.gate.bootstrap import Estimate, Rows

ALPHA = 0.025


def area(y: Floats, p: Floats, rows: Rows) -> Estimate:
    """The AUC of one score with normal 95 % bounds, cut at 0 and 1.

    `y`: 1 churned, 0 not; `p`: the score, any scale; `rows`: whose row each is. Zero throughout
    where one class is missing.
    """
    found = _estimate(y, _components(y, p), rows)
    return Estimate(
        found.value, found.se, max(found.low, 0.0), min(found.high, 1.0), found.critical
    )


def gain(y: Floats, scores: tuple[Floats, Floats], rows: Rows) -> Estimate:
    """AUC of the second score minus that of the first, paired, with normal 95 % bounds.

    Zero throughout where one class is missing.

    >>> y = np.array([1.0, 0.0, 1.0, 0.0])
    >>> better, worse = np.array([0.9, 0.1, 0.8, 0.2]), np.array([0.9, 0.5, 0.4, 0.1])
    >>> gain(y, (worse, better), Rows.of(["a", "b", "c", "d"])).value
    0.25
    """
    return _estimate(y, _components(y, scores[1]) - _components(y, scores[0]), rows)


def p_value(found: Estimate) -> float:
    """The two-sided p of "no difference"; 1 where nothing differs.

    >>> round(p_value(Estimate(1.96, 1.0, 0.0, 3.92, 1.96)), 3)
    0.05
    """
    from scipy.special import ndtr

    if found.se == 0.0:
        return 1.0
    return float(f"{2 * ndtr(-abs(found.value) / found.se):.9g}")


def _components(y: Floats, p: Floats) -> Floats:
    """Per churner the share of stayers below, per stayer the share of churners above; ties half.

    Sun & Xu (2014): the rank among all minus the rank among one's own.
    """
    from scipy.stats import rankdata

    churned = y == 1.0
    positives, negatives = int(churned.sum()), int((~churned).sum())
    placed = np.zeros(len(y))
    if not positives or not negatives:
        return placed
    ranks = rankdata(p)
    placed[churned] = (ranks[churned] - rankdata(p[churned])) / negatives
    placed[~churned] = 1.0 - (ranks[~churned] - rankdata(p[~churned])) / positives
    return placed


def _estimate(y: Floats, placed: Floats, rows: Rows) -> Estimate:
    """The mean component with its standard error over customers."""
    from scipy.special import ndtri

    churned = y == 1.0
    positives, negatives = int(churned.sum()), int((~churned).sum())
    if not positives or not negatives:
        return Estimate(0.0, 0.0, 0.0, 0.0, 0.0)
    value = float(placed[churned].mean())
    se = float(np.sqrt(_variance(churned, placed - value, rows)))
    z = float(ndtri(1 - ALPHA))
    return Estimate(*(float(f"{v:.9g}") for v in (value, se, value - z * se, value + z * se, z)))


def _variance(churned: Flags, off: Floats, rows: Rows) -> float:
    """Of churner rows, of stayer rows, and twice their covariance, by customer (Obuchowski)."""
    customers = int(rows.customer.max()) + 1
    sums, sizes = [], []
    for kind in (churned, ~churned):
        owner = rows.customer[kind]
        sums.append(np.bincount(owner, weights=off[kind], minlength=customers))
        sizes.append((int(kind.sum()), len(np.unique(owner))))
    within = sum(
        _widened(float((total**2).sum()), groups) / size**2
        for total, (size, groups) in zip(sums, sizes, strict=True)
    )
    across = _widened(float((sums[0] * sums[1]).sum()), customers)
    return max(within + 2 * across / (sizes[0][0] * sizes[1][0]), 0.0)


def _widened(squares: float, groups: int) -> float:
    """A sum of squares over `groups` with their mean known, as if it were not."""
    return squares * groups / max(groups - 1, 1)
