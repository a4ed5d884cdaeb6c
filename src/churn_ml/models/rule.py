"""Rules as probabilities: inactivity, its best threshold, the customer's own cadence, and RFM.

"Silent for long" is what a shop would watch without us: the inactivity rule is the first champion,
and the bar for every other model. Its number is ln(1 + days since the last order): the logarithm
leaves the ranking as it is and is better calibrated than plain days (Complete Journey, gone30:
Brier .0734 against .0743). "Silent for longer than usual" divides by the customer's own median gap.
RFM adds the places of recency, order days and spend among the customers trained on.

Worked example, as of 2017-10-01: last order 09-28, usually one a week. The number of inactivity is
ln(1 + 3) = 1.386, that of cadence ln(1 + 3 / 7) = .357.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from churn_ml.models.one_number import OneNumber
from churn_ml.models.protocol import Labels, Matrix, Setting, Vector, quantiles, significant

PLACES = 20
"""RFM's places: twentieths of the training rows."""


class Rule(OneNumber):
    """The inactivity rule: ln(1 + days since the last order).

    >>> import pandas as pd
    >>> from churn_ml.models.example import SETTING
    >>> days = pd.DataFrame({"recency_days": [1.0, 2, 3, 40, 50, 60]})
    >>> rule = Rule.fit(days, np.array([0, 0, 1, 0, 1, 1]), SETTING)
    >>> rule.slope > 0, rule.typical
    (True, (21.5,))
    """

    family: ClassVar[str] = "rule"
    features: ClassVar[tuple[str, ...]] = ("recency_days",)

    @classmethod
    def number(cls, values: Matrix, learned: Mapping[str, Any]) -> Vector:  # noqa: ARG003
        """Negative days cannot be and count as 0."""
        return np.log1p(np.maximum(values[:, 0], 0.0))


class Threshold(OneNumber):
    """The best inactivity rule of one threshold: silent for so many days or longer, or not.

    The days are found by halving: the fewest at which no more customers are silent than churned, so
    that as many are warned of as leave. Two groups have two churn rates: that is the score.

    >>> import pandas as pd
    >>> from churn_ml.models.example import SETTING
    >>> days = pd.DataFrame({"recency_days": [1.0, 2, 3, 40, 50, 60]})
    >>> rule = Threshold.fit(days, np.array([0, 0, 1, 0, 1, 0]), SETTING)
    >>> rule.learned, rule.predict(days).round(2).tolist()
    ({'days': 41}, [0.25, 0.25, 0.25, 0.25, 0.5, 0.5])
    """

    family: ClassVar[str] = "threshold"
    features: ClassVar[tuple[str, ...]] = ("recency_days",)

    @classmethod
    def learn(cls, values: Matrix, label: Labels, setting: Setting) -> Mapping[str, Any]:
        """The days of the threshold."""
        weight = setting.weights(len(values))
        churned = float((weight * label).sum())
        low, high = 0, int(np.max(values[:, 0], initial=0.0)) + 1
        while low < high:
            days = (low + high) // 2
            silent = float(weight[values[:, 0] >= days].sum())
            low, high = (low, days) if silent <= churned else (days + 1, high)
        return {"days": high}

    @classmethod
    def number(cls, values: Matrix, learned: Mapping[str, Any]) -> Vector:
        """1 for who is silent for as long, else 0."""
        return np.asarray(values[:, 0] >= learned["days"], dtype=np.float64)


class Cadence(OneNumber):
    """The own-cadence rule: ln(1 + days since the last order / own median gap).

    Who has no habit yet is measured by the typical gap.

    >>> Cadence.number(np.array([[3.0, 7.0]]), {}).round(3).tolist()
    [0.357]
    """

    family: ClassVar[str] = "cadence"
    features: ClassVar[tuple[str, ...]] = ("recency_days", "gap_median_days")

    @classmethod
    def number(cls, values: Matrix, learned: Mapping[str, Any]) -> Vector:  # noqa: ARG003
        """A gap below a day cannot be and counts as one."""
        return np.log1p(np.maximum(values[:, 0], 0.0) / np.maximum(values[:, 1], 1.0))


class Rfm(OneNumber):
    """RFM as one score: equal weights (Miglautsch 2000), 0 for the top and 1 for the bottom.

    >>> places = {"edges": [[10.0, 20.0], [1.0, 2.0], [5.0, 50.0]]}
    >>> Rfm.number(np.array([[1.0, 3, 99], [30, 0, 0]]), places).tolist()
    [0.0, 1.0]
    """

    family: ClassVar[str] = "rfm"
    features: ClassVar[tuple[str, ...]] = ("recency_days", "order_days_90d", "spend_90d")

    @classmethod
    def learn(
        cls,
        values: Matrix,
        label: Labels,  # noqa: ARG003
        setting: Setting,
    ) -> Mapping[str, Any]:
        """The edges between the places, per feature."""
        inner = np.arange(1, PLACES) / PLACES
        edges = quantiles(values, setting.weights(len(values)), list(inner))
        return {"edges": [significant(of_one) for of_one in edges.T]}

    @classmethod
    def number(cls, values: Matrix, learned: Mapping[str, Any]) -> Vector:
        """The mean share of edges on the worse side: long ago, seldom, little."""
        worse = []
        for column, edges in zip(values.T, learned["edges"], strict=True):
            below = np.searchsorted(edges, column, side="right") / len(edges)
            worse.append(below)
        recency, frequency, money = worse
        score: Vector = (recency + (1 - frequency) + (1 - money)) / len(worse)
        return score
