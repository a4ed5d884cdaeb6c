"""The ensemble: the mean logit of logistic regression, boosted trees and a forest.

Each member reads what it would read alone, and the mean is taken of their logits: of three opinions
the odds are averaged, not the probabilities, so that reasons add up as they do in each. What a
feature adds is the mean of what it adds in the members. Worked example: members that say .10, .20
and .30 have logits -2.20, -1.39 and -.85; their mean -1.48 is a probability of .186.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from churn_ml.models.boosting import Forest, XGBoost
from churn_ml.models.logistic import Logistic
from churn_ml.models.protocol import Labels, Matrix, Model, Setting, Vector, probability

if TYPE_CHECKING:
    import pandas as pd

MEMBERS: Mapping[str, type[Model]] = {
    "logistic": Logistic,
    "xgboost": XGBoost,
    "forest": Forest,
}
EDGE = 1e-9
"""Members' probabilities are kept so far from 0 and 1: their logits stay finite."""


@dataclass(frozen=True)
class Ensemble:
    """Fitted members, in the order of `MEMBERS`, all on the same features."""

    members: tuple[Model, ...]
    family: ClassVar[str] = "ensemble"

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns that the members read."""
        return self.members[0].features

    @classmethod
    def fit(cls, rows: pd.DataFrame, label: Labels, setting: Setting) -> Self:
        """Every member fitted on every column of `rows`.

        >>> import pandas as pd
        >>> from churn_ml.models.example import SETTING
        >>> rows = pd.DataFrame({"recency_days": np.arange(200.0)})
        >>> model = Ensemble.fit(rows, (rows["recency_days"] > 99).to_numpy(int), SETTING)
        >>> first, last = model.predict(rows)[[0, 199]]
        >>> bool(first < 0.3), bool(last > 0.7)
        (True, True)
        """
        return cls(tuple(member.fit(rows, label, setting) for member in MEMBERS.values()))

    def predict(self, rows: pd.DataFrame) -> Vector:
        """The probability of churn of every row."""
        told = [np.clip(each.predict(rows), EDGE, 1 - EDGE) for each in self.members]
        return probability(np.mean([np.log(p / (1 - p)) for p in told], axis=0))

    def contributions(self, rows: pd.DataFrame) -> Matrix:
        """What each feature adds to the mean logit: rows x features, exact."""
        parts: Matrix = np.mean([each.contributions(rows) for each in self.members], axis=0)
        return parts

    def base(self) -> float:
        """The mean of the members' bases."""
        return float(np.mean([each.base() for each in self.members]))

    def files(self) -> dict[str, bytes]:
        """The files of every member, under its name: `xgboost.booster.ubj`."""
        return {
            f"{name}.{file}": content
            for name, member in zip(MEMBERS, self.members, strict=True)
            for file, content in member.files().items()
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The members that `files` described."""

        def of(name: str) -> dict[str, bytes]:
            own = {file.partition("."): content for file, content in files.items()}
            return {rest: content for (first, _, rest), content in own.items() if first == name}

        return cls(tuple(member.from_files(of(name)) for name, member in MEMBERS.items()))
