"""Recalibration: a fitted model whose logit is stretched and shifted, in score and reasons alike.

    logit of the score = intercept + slope * logit of the model

These are the two numbers of Platt (1999). Enters: a model and the two numbers. Leaves: a model that
says other probabilities and ranks as before: every reason is `slope` times what it was, and the
base carries the intercept. Its files are the model's and one more. Worked example: slope .9 and
intercept .2 turn a logit of -1.00 into -.70, and a score of .27 into .33. Whether it is kept,
recalibrating.py decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from churn_ml.models.protocol import Family, Matrix, Model, Vector, logit, probability, to_json

if TYPE_CHECKING:
    import pandas as pd

FILE = "recalibration.json"
EDGE = 1e-9
"""The model's probabilities are kept so far from 0 and 1: their logits stay finite."""


@dataclass(frozen=True)
class Recalibrated:
    """A model, and the line that its logit is put through; `slope` above 0 keeps the order."""

    model: Model
    intercept: float
    slope: float

    @property
    def family(self) -> str:
        """The name of the model's recipe."""
        return self.model.family

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns that the model reads."""
        return self.model.features

    def predict(self, rows: pd.DataFrame) -> Vector:
        """The recalibrated probability of churn of every row."""
        return probability(self.intercept + self.slope * logit(self.model.predict(rows), EDGE))

    def contributions(self, rows: pd.DataFrame) -> Matrix:
        """What each feature adds to the recalibrated logit: rows x features, as exact as before."""
        return self.slope * self.model.contributions(rows)

    def base(self) -> float:
        """The recalibrated logit before any feature has spoken."""
        return self.intercept + self.slope * self.model.base()

    def files(self) -> dict[str, bytes]:
        """The model's files, and the two numbers as JSON."""
        line = {"intercept": self.intercept, "slope": self.slope}
        return {**self.model.files(), FILE: to_json(line)}


def restored(of: Family, files: Mapping[str, bytes]) -> Model:
    """The model of that family that `files` described, recalibrated where they say so.

    >>> from churn_ml.models.example import by_hand
    >>> from churn_ml.models.families import family
    >>> model = Recalibrated(by_hand().model, 0.2, 0.9)
    >>> restored(family(model.family), model.files()) == model
    True
    """
    own = {name: data for name, data in files.items() if name != FILE}
    model = of.model.from_files(own)
    if FILE not in files:
        return model
    line = json.loads(files[FILE])
    return Recalibrated(model, line["intercept"], line["slope"])
