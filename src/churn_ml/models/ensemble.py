"""The ensemble: the mean logit of logistic regression, boosted trees, a forest, Pareto/NBD.

Each member reads what it would read alone, and the mean is taken of their logits: of several
opinions the odds are averaged, not the probabilities, so that reasons add up as they do in each.
What a feature adds is the mean of what it adds in the members. Pareto/NBD is one of them because it
errs otherwise: trees cut time as a customer into steps and know nothing beyond the longest they
saw, where a process goes on. It is left out where its features are not there. The forest averages
trees that each saw other rows and columns, which errs otherwise than trees that mend one another.
Worked example: members that say .10, .20, .30 and .20 have logits -2.20, -1.39, -.85 and -1.39;
their mean -1.45 is a probability of .189.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from churn_ml.models.boosting import Forest, XGBoost
from churn_ml.models.buying import ParetoNbdModel
from churn_ml.models.logistic import Logistic
from churn_ml.models.protocol import (
    Labels,
    Learner,
    Matrix,
    Model,
    Setting,
    Vector,
    logit,
    probability,
)

if TYPE_CHECKING:
    import pandas as pd

MEMBERS: Mapping[str, type[Learner]] = {
    "logistic": Logistic,
    "xgboost": XGBoost,
    "forest": Forest,
    "pareto": ParetoNbdModel,
}
NEEDS: Mapping[str, tuple[str, ...]] = {"pareto": ParetoNbdModel.features}
"""Features without which a member is left out."""
EDGE = 1e-9
"""Members' probabilities are kept so far from 0 and 1: their logits stay finite."""


@dataclass(frozen=True)
class Ensemble:
    """Fitted members by name, in the order of `MEMBERS`; the first reads every feature."""

    members: Mapping[str, Model]
    family: ClassVar[str] = "ensemble"

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns that the members read."""
        return next(iter(self.members.values())).features

    @classmethod
    def fit(cls, rows: pd.DataFrame, label: Labels, setting: Setting) -> Self:
        """Every member fitted on every column of `rows` that it can read.

        >>> import pandas as pd
        >>> from churn_ml.models.example import SETTING
        >>> rows = pd.DataFrame({"recency_days": np.arange(200.0)})
        >>> model = Ensemble.fit(rows, (rows["recency_days"] > 99).to_numpy(int), SETTING)
        >>> first, last = model.predict(rows)[[0, 199]]
        >>> bool(first < 0.3), bool(last > 0.7), list(model.members)
        (True, True, ['logistic', 'xgboost', 'forest'])
        """
        there = [name for name in MEMBERS if set(NEEDS.get(name, ())) <= set(rows.columns)]
        return cls({name: MEMBERS[name].fit(rows, label, setting) for name in there})

    def predict(self, rows: pd.DataFrame) -> Vector:
        """The probability of churn of every row."""
        told = [logit(each.predict(rows), EDGE) for each in self.members.values()]
        return probability(np.mean(told, axis=0))

    def contributions(self, rows: pd.DataFrame) -> Matrix:
        """What each feature adds to the mean logit: rows x features, exact."""
        place = {name: number for number, name in enumerate(self.features)}
        total = np.zeros((len(rows), len(place)))
        for each in self.members.values():
            total[:, [place[name] for name in each.features]] += each.contributions(rows)
        return total / len(self.members)

    def base(self) -> float:
        """The mean of the members' bases."""
        return float(np.mean([each.base() for each in self.members.values()]))

    def files(self) -> dict[str, bytes]:
        """The files of every member, under its name: `xgboost.booster.ubj`."""
        return {
            f"{name}.{file}": content
            for name, member in self.members.items()
            for file, content in member.files().items()
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The members that `files` described."""
        own: dict[str, dict[str, bytes]] = {}
        for file, content in files.items():
            name, _, rest = file.partition(".")
            own.setdefault(name, {})[rest] = content
        return cls(
            {name: each.from_files(own[name]) for name, each in MEMBERS.items() if name in own}
        )
