"""Logistic regression on standardised columns: the permanent challenger.

It ties boosting on grocery and gift-shop data, its file is readable, and its reasons
are exact. For a row x with features j, missing values set to the training median m_j::

    z_j   = (clip(x_j, low_j, high_j) - mean_j) / scale_j
    logit = intercept + sum_j coef_j z_j

`low` and `high` are the .5 % and 99.5 % points of the training rows: a customer ten times larger
than any seen does not get a ten times larger logit. The mean of z over the training rows is 0, so
coef_j z_j is what feature j adds against the average customer. scikit-learn is needed to fit,
never to predict. Worked example: fitted on the cut-offs up to 2017-08-02, the medians, means and
scales of those cut-offs also standardise the rows of 2017-10-01.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.models.protocol import (
    Labels,
    Matrix,
    Setting,
    Vector,
    labels,
    matrix,
    probability,
    quantiles,
    significant,
    to_json,
)

if TYPE_CHECKING:
    import pandas as pd

INVERSE_PENALTY = 0.1
"""scikit-learn's C. On gone30 .01, .1 and 1 differ by less than .001 in AUC."""
TAIL_SHARE = 0.005
STILL = 1e-12


@dataclass(frozen=True)
class Standard:
    """What standardises the columns: one number of each kind per feature."""

    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def of(cls, values: Matrix, weight: Vector) -> Standard:
        """The standard of the training rows (rows x features, NaN where missing).

        >>> Standard.of(np.array([[1.0], [3.0], [np.nan]]), np.ones(3)).median
        (2.0,)
        """
        median = quantiles(values, weight, [0.5])[0]
        filled = np.where(np.isnan(values), median, values)
        low, high = quantiles(filled, weight, [TAIL_SHARE, 1 - TAIL_SHARE])
        clipped, share = np.clip(filled, low, high), (weight / weight.sum())[:, np.newaxis]
        mean = (share * clipped).sum(axis=0)
        spread = np.sqrt((share * (clipped - mean) ** 2).sum(axis=0))
        # a column without spread says nothing; dividing rounding errors by each other would
        still = spread <= STILL * np.maximum(1.0, np.abs(mean))
        kinds = (median, low, high, mean, np.where(still, 1.0, spread))
        return cls(*(tuple(significant(numbers)) for numbers in kinds))

    def apply(self, values: Matrix) -> Matrix:
        """The z of every row and feature: finite, whatever is missing or far away.

        >>> Standard((2.0,), (1.0,), (3.0,), (2.0,), (0.5,)).apply(np.array([[np.nan], [99.0]]))
        array([[0.],
               [2.]])
        """
        filled = np.where(np.isnan(values), np.array(self.median), values)
        clipped = np.clip(filled, np.array(self.low), np.array(self.high))
        standardised: Matrix = (clipped - np.array(self.mean)) / np.array(self.scale)
        return standardised


@dataclass(frozen=True)
class Logistic:
    """A fitted logistic regression: coefficients, intercept and the standard of its columns."""

    features: tuple[str, ...]
    intercept: float
    coef: tuple[float, ...]
    standard: Standard
    family: str = "logistic"

    @classmethod
    def fit(cls, rows: pd.DataFrame, label: Labels, setting: Setting) -> Logistic:
        """The regression fitted on every column of `rows`; of `setting` it reads the weights.

        >>> import pandas as pd
        >>> from churn_ml.models.example import SETTING
        >>> rows = pd.DataFrame({"recency_days": [1.0, 2, 3, 40, 50, None]})
        >>> model = Logistic.fit(rows, np.array([0, 0, 0, 1, 1, 1]), SETTING)
        >>> model.standard.median
        (3.0,)
        >>> [round(p, 2) for p in model.predict(rows).tolist()]
        [0.46, 0.47, 0.47, 0.55, 0.58, 0.47]
        """
        known = labels(label)
        features = tuple(str(name) for name in rows.columns)
        values = matrix(rows, features)
        weight = setting.weights(len(values))
        standard = Standard.of(values, weight)
        *coef, intercept = significant(_fit(standard.apply(values), known, weight))
        return cls(features, intercept, tuple(coef), standard)

    def predict(self, rows: pd.DataFrame) -> Vector:
        """The probability of churn of every row."""
        return probability(self.intercept + self.contributions(rows).sum(axis=1))

    def contributions(self, rows: pd.DataFrame) -> Matrix:
        """coef_j z_j: rows x features, logit units, exact."""
        parts: Matrix = self.standard.apply(matrix(rows, self.features)) * np.array(self.coef)
        return parts

    def base(self) -> float:
        """The logit of the average training row: the intercept."""
        return self.intercept

    def files(self) -> dict[str, bytes]:
        """One JSON file: the intercept, and per feature its coefficient and its standard."""
        numbers = asdict(self)
        del numbers["family"]
        return {"logistic.json": to_json(numbers)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Logistic:
        """The regression that `files` described."""
        numbers = json.loads(files["logistic.json"])
        standard = {kind: tuple(each) for kind, each in numbers["standard"].items()}
        features, coef = tuple(numbers["features"]), tuple(numbers["coef"])
        return cls(features, numbers["intercept"], coef, Standard(**standard))


def _fit(standardised: Matrix, label: Labels, weight: Vector) -> Vector:
    """The coefficients, then the intercept; one thread, so that the last bits are the same."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(limits=1):
        fitted = LogisticRegression(
            C=INVERSE_PENALTY, solver="newton-cholesky", tol=1e-10, max_iter=200
        ).fit(standardised, label, weight)
    return np.append(fitted.coef_[0], fitted.intercept_[0])
