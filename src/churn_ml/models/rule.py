"""The inactivity rule as a probability: the first champion, and the bar for every other model.

"Silent for long" is what a shop would watch without us. To stand in the same gate as the others
it becomes a probability by a logistic fit on one variable, the days since the last order d::

    logit P(churn) = a + b ln(1 + d)

The logarithm leaves the ranking as it is and is better calibrated than plain days (Complete
Journey, gone30: Brier .0734 against .0743). Worked example: a customer whose last order lies
three days before 2017-10-01 has d = 3, so ln(1 + d) = 1.386.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.models.protocol import (
    Labels,
    Matrix,
    Vector,
    labels,
    matrix,
    probability,
    significant,
    to_json,
)

if TYPE_CHECKING:
    import pandas as pd

RECENCY = "recency_days"
PENALTY = 1e-6
"""Ridge on (a, b): keeps both finite where days since last order separate the classes."""
MAX_STEPS = 100
STILL = 1e-12


@dataclass(frozen=True)
class Rule:
    """A fitted inactivity rule; `typical` stands in for missing days (their median, logged)."""

    intercept: float
    slope: float
    typical: float
    family: str = "rule"
    features: tuple[str, ...] = (RECENCY,)

    @classmethod
    def fit(cls, rows: pd.DataFrame, label: Labels, *, seed: int) -> Rule:  # noqa: ARG003 - as all
        """The rule fitted on `recency_days` of `rows`; `seed` is not needed.

        >>> import pandas as pd
        >>> days = pd.DataFrame({"recency_days": [1.0, 2, 3, 40, 50, 60]})
        >>> rule = Rule.fit(days, np.array([0, 0, 1, 0, 1, 1]), seed=17)
        >>> rule.slope > 0
        True
        """
        known = labels(label)
        days = _logged(rows)
        typical = float(np.nanmedian(days)) if np.isfinite(days).any() else 0.0
        intercept, slope = significant(_newton(np.where(np.isnan(days), typical, days), known))
        return cls(intercept, slope, significant(np.array([typical]))[0])

    def predict(self, rows: pd.DataFrame) -> Vector:
        """The probability of churn of every row."""
        return probability(self.intercept + self.slope * self._filled(rows))

    def contributions(self, rows: pd.DataFrame) -> Matrix:
        """The one feature's part of the logit, against the typical customer: rows x 1."""
        return (self.slope * (self._filled(rows) - self.typical))[:, np.newaxis]

    def base(self) -> float:
        """The logit of the typical customer."""
        return self.intercept + self.slope * self.typical

    def files(self) -> dict[str, bytes]:
        """One JSON file with the three numbers.

        >>> Rule(-3.0, 0.9, 1.5).files()
        {'rule.json': b'{"intercept":-3.0,"slope":0.9,"typical":1.5}'}
        """
        numbers = {"intercept": self.intercept, "slope": self.slope, "typical": self.typical}
        return {"rule.json": to_json(numbers)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Rule:
        """The rule that `files` described.

        >>> rule = Rule(-3.0, 0.9, 1.5)
        >>> Rule.from_files(rule.files()) == rule
        True
        """
        return cls(**json.loads(files["rule.json"]))

    def _filled(self, rows: pd.DataFrame) -> Vector:
        days = _logged(rows)
        return np.where(np.isnan(days), self.typical, days)


def _logged(rows: pd.DataFrame) -> Vector:
    """ln(1 + days since the last order); negative days cannot be and count as 0."""
    return np.log1p(np.maximum(matrix(rows, (RECENCY,))[:, 0], 0.0))


def _newton(x: Vector, label: Labels) -> Vector:
    """Maximum likelihood of (intercept, slope) by Newton's method, with a trace of ridge.

    Plain sums instead of matrix products: the same bits with any number of threads.
    """
    beta = np.zeros(2)
    for _ in range(MAX_STEPS):
        p = probability(beta[0] + beta[1] * x)
        weight, error = p * (1 - p), p - label
        uphill = np.array([error.sum(), (error * x).sum()]) + PENALTY * beta
        off = (weight * x).sum()
        curvature = np.array([[weight.sum(), off], [off, (weight * x * x).sum()]])
        step = np.linalg.solve(curvature + PENALTY * np.eye(2), uphill)
        beta = beta - step
        if np.abs(step).max() < STILL:
            break
    return beta
