"""Recalibrating: whether a model's probabilities are stretched and shifted, decided by later data.

Enters: a fitted model, how its family is fitted, the rows it learned from and the later ones that
it is chosen on. Leaves: the same model, or it recalibrated (models/recalibration.py).

What was wrong on one cut-off need not be wrong on the next: learned in the autumn of Online Retail,
the two numbers make the winter's Brier score a quarter worse. So the two numbers are learned on one
cut-off and judged on a later one, both by rows that the model in question had not seen. Worked
example, as of 2017-11-01 with a horizon of 30: fitted on the cut-offs to 2017-07-03, the family
predicts 2017-08-02 and the two numbers are learned there; put on the model of all cut-offs to
2017-08-02, they are kept if that predicts 2017-09-01 significantly better with them than without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.models.one_number import logistic_of
from churn_ml.models.protocol import Vector, logit, significant
from churn_ml.models.recalibration import EDGE, Recalibrated

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.models.protocol import Model

SURE = 1.96
"""Standard errors, over customers, by which the Brier score must gain."""


def where_it_helps(
    model: Model,
    fit: Callable[[pd.DataFrame], Model],
    past: pd.DataFrame,
    later: pd.DataFrame,
) -> Model:
    """`model`, recalibrated only if `later` shows that what was learned before it helps.

    `past`, `later`: rows with customer_id, cut_off (dates), label and features; `model` is what
    `fit` gives for `past`. The family is fitted again only where two numbers learned on `later`
    itself would help: what hindsight cannot better, an earlier cut-off cannot either.
    """
    if not _better(_line(model, later), model, later):
        return model
    last = max(past["cut_off"])
    apart = min(later["cut_off"]) - last
    before, between = past[past["cut_off"] + apart <= last], past[past["cut_off"] == last]
    if before["label"].nunique() < 2 or between["label"].nunique() < 2:  # noqa: PLR2004
        return model
    line = _line(fit(before), between)
    return Recalibrated(model, *line) if _better(line, model, later) else model


def _line(model: Model, rows: pd.DataFrame) -> tuple[float, float]:
    """The intercept and slope that fit the model's logits best to the labels of `rows`."""
    weight = rows["weight"].to_numpy(float) if "weight" in rows else np.ones(len(rows))
    label = rows["label"].to_numpy(np.int64)
    intercept, slope = significant(logistic_of(logit(model.predict(rows), EDGE), label, weight))
    return intercept, slope


def _better(line: tuple[float, float], model: Model, rows: pd.DataFrame) -> bool:
    """Whether the line keeps the model's order and surely betters its Brier score on `rows`."""
    if line[1] <= 0:
        return False
    label = rows["label"].to_numpy(float)
    before, after = (each.predict(rows) for each in (model, Recalibrated(model, *line)))
    gain = _per_customer((label - before) ** 2 - (label - after) ** 2, rows["customer_id"])
    return bool(gain.mean() > SURE * gain.std() / np.sqrt(len(gain)))


def _per_customer(gain: Vector, customers: pd.Series) -> Vector:
    """The sum over each customer's rows: whole customers are evidence."""
    summed = np.bincount(customers.factorize()[0], weights=gain)
    return np.asarray(summed, dtype=np.float64)
