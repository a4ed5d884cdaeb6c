"""Models of one number: what a shop would watch without us, made a probability.

A number is worked out of one to three features, and a logistic fit on it alone gives the chance of
churn, so that a rule stands in the same gate as any other model::

    logit P(churn) = a + b number

What each feature adds is its Shapley value (Shapley 1953) against the typical customer, the
medians of the training rows: exact, for there are at most eight mixtures of the two. Each family
is a class that names its features, learns the number's parameters and works the number out; see
`rule.py` and `buying.py`. Worked example: a customer whose last order lies three days before
2017-10-01 has the number ln(1 + 3) = 1.386 of the inactivity rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any, ClassVar, Self

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

PENALTY = 1e-6
"""Ridge on (a, b): keeps both finite where the number separates the classes."""
MAX_STEPS = 100
STILL = 1e-12


@dataclass(frozen=True)
class OneNumber:
    """A fitted model of one number; `typical` holds the medians that stand in for missing values.

    `learned` is what `learn` told; a feature that no training row has is typically 0.
    """

    intercept: float
    slope: float
    typical: tuple[float, ...]
    learned: Mapping[str, Any] = field(default_factory=dict)

    family: ClassVar[str]
    features: ClassVar[tuple[str, ...]]

    @classmethod
    def learn(
        cls,
        values: Matrix,  # noqa: ARG003
        label: Labels,  # noqa: ARG003
        setting: Setting,  # noqa: ARG003
    ) -> Mapping[str, Any]:
        """The number's own parameters, as JSON can hold them; none where it has none."""
        return {}

    @classmethod
    def number(cls, values: Matrix, learned: Mapping[str, Any]) -> Vector:
        """The number of every row, finite; `values` in the order of `features`."""
        raise NotImplementedError

    @classmethod
    def fit(cls, rows: pd.DataFrame, label: Labels, setting: Setting) -> Self:
        """The model fitted on its features among the columns of `rows`."""
        known, values = labels(label), matrix(rows, cls.features)
        weight = setting.weights(len(values))
        typical = quantiles(values, weight, [0.5])[0]
        learned = cls.learn(cls._filled(values, typical), known, setting)
        number = cls.number(cls._filled(values, typical), learned)
        intercept, slope = significant(logistic_of(number, known, weight))
        return cls(intercept, slope, tuple(significant(typical)), learned)

    def predict(self, rows: pd.DataFrame) -> Vector:
        """The probability of churn of every row."""
        return probability(self._logit(self._values(rows)))

    def contributions(self, rows: pd.DataFrame) -> Matrix:
        """The Shapley value of each feature against the typical customer: rows x features."""
        values, count = self._values(rows), len(self.features)
        parts = np.zeros(values.shape)
        for place in range(count):
            others = [other for other in range(count) if other != place]
            for size in range(count):
                weight = 1 / (count * comb(count - 1, size))
                for chosen in combinations(others, size):
                    with_it = self._mixed(values, (*chosen, place))
                    parts[:, place] += weight * (with_it - self._mixed(values, chosen))
        return parts

    def base(self) -> float:
        """The logit of the typical customer."""
        return float(self._logit(np.array([self.typical]))[0])

    def files(self) -> dict[str, bytes]:
        """One JSON file with the fit, the typical customer and what was learned."""
        told: dict[str, Any] = {"intercept": self.intercept, "slope": self.slope}
        told |= {"typical": list(self.typical), "learned": dict(self.learned)}
        return {f"{self.family}.json": to_json(told)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The model that `files` described."""
        told = json.loads(files[f"{cls.family}.json"])
        return cls(told["intercept"], told["slope"], tuple(told["typical"]), told["learned"])

    def _values(self, rows: pd.DataFrame) -> Matrix:
        return self._filled(matrix(rows, self.features), np.array(self.typical))

    @staticmethod
    def _filled(values: Matrix, typical: Vector) -> Matrix:
        """`values` with the typical ones where they are missing."""
        return np.where(np.isnan(values), typical, values)

    def _logit(self, values: Matrix) -> Vector:
        return self.intercept + self.slope * self.number(values, self.learned)

    def _mixed(self, values: Matrix, own: tuple[int, ...]) -> Vector:
        """The logit of the typical customer with the rows' own values at the places `own`."""
        mixed = np.tile(np.array(self.typical), (len(values), 1))
        mixed[:, list(own)] = values[:, list(own)]
        return self._logit(mixed)


def logistic_of(number: Vector, label: Labels, weight: Vector) -> Vector:
    """Maximum likelihood of (intercept, slope) by Newton's method, with a trace of ridge.

    Plain sums instead of matrix products: the same bits with any number of threads. The number is
    centred first, so that one far from 0 does not hide its spread.

    >>> number, label = np.array([1.0, 2, 3, 4]), np.array([0, 1, 0, 1])
    >>> logistic_of(number, label, np.ones(4)).round(2).tolist()
    [-2.27, 0.91]
    """
    centre = float((weight * number).sum() / weight.sum())
    x, beta = number - centre, np.zeros(2)
    for _ in range(MAX_STEPS):
        p = probability(beta[0] + beta[1] * x)
        spread, error = weight * p * (1 - p), weight * (p - label)
        uphill = np.array([error.sum(), (error * x).sum()]) + PENALTY * beta
        off = (spread * x).sum()
        curvature = np.array([[spread.sum(), off], [off, (spread * x * x).sum()]])
        step = np.linalg.solve(curvature + PENALTY * np.eye(2), uphill)
        beta = beta - step
        if np.abs(step).max() < STILL:
            break
    return np.array([beta[0] - beta[1] * centre, beta[1]])
