"""Choosing: which candidate of a training becomes the challenger.

Enters: what each candidate earned, row by row, and how well it predicts, on the choosing cut-off.
Leaves: one name. Money decides where it can; on one cut-off it seldom can, and of ten noisy figures
the highest is rarely the best later. So a candidate has to earn surely more to be preferred. Of
those that nobody surely beats the combination of the others is taken where it is one of them,
because to combine is less risky than to select (Hibon & Evgeniou 2005, International Journal of
Forecasting 21), and the one with the lowest Brier score where it is not.

Worked example, chosen on 2017-08-19: xgboost earns 217 per 1,000 customers more than the ensemble,
with a standard error of 139. That is not sure, so the ensemble is the challenger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.models.ensemble import Ensemble

Floats: TypeAlias = NDArray[np.float64]

SURE = 1.96
"""Standard errors of the paired difference by which a candidate has to earn more than another."""


def challenger(earned: Mapping[str, Floats], brier: Mapping[str, float]) -> str:
    """The candidate to go on with; ties to the first.

    `earned`: candidate -> what each row of the choosing cut-off (one per customer) earned under its
    policy, in the shop's currency, the rows of all in one order; `brier`: candidate -> its Brier
    score there.

    >>> noise = np.array([9.0, -9.0, 0.0, 0.0])
    >>> earned = {"xgboost": noise + 1, "logistic": np.zeros(4), "ensemble": -noise}
    >>> brier = {"xgboost": 0.16, "logistic": 0.15, "ensemble": 0.17}
    >>> challenger(earned, brier)
    'ensemble'
    >>> del earned["ensemble"]
    >>> challenger(earned, brier), challenger(earned | {"xgboost": np.ones(4)}, brier)
    ('logistic', 'xgboost')
    """
    most = max(earned, key=lambda name: float(earned[name].mean()))
    close = [name for name in earned if not _surely_more(earned[most] - earned[name])]
    return min(close, key=lambda name: (name != Ensemble.family, brier[name]))


def _surely_more(ahead: Floats) -> bool:
    """Whether a mean difference per row is above 0 by more than chance."""
    return bool(ahead.mean() > SURE * ahead.std() / np.sqrt(len(ahead)))
