"""The peers: what one would use without this house, on the same rows.

Enters: the training rows and the test rows of one cut-off. Leaves: a probability of churn per test
row and peer. BG/NBD and Pareto/NBD are taken as they are used: fitted to the histories known at the
test cut-off, their chance of no purchase within the horizon as it comes, without labels. XGBoost
has the parameters it comes with, and every feature that ours have. Logistic on RFM reads logarithms
of recency, order days, time as a customer and spend. Worked example: for the cut-off day 275 of
gone30, XGBoost learns on the six cut-offs to day 245, BG/NBD from all orders to day 275.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from churn_ml.models.btyd import BgNbd, ParetoNbd, Process, fitted
from churn_ml.models.buying import BgNbdModel
from churn_ml.models.histories import Histories, histories
from churn_ml.models.protocol import Vector, matrix
from churn_ml.panel import teaching

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.models.protocol import Matrix

DEFAULT_ROUNDS = 100
"""Trees of XGBoost's own interface for scikit-learn, whose parameters else are the library's."""


def processes(rows: pd.DataFrame, horizon_days: int) -> dict[str, tuple[float, Vector]]:
    """BG/NBD and Pareto/NBD on the histories of `rows`: log-likelihood, and chance of silence."""
    told = histories(matrix(rows, BgNbdModel.features))
    seen = Histories.of(told.x, told.t_x, told.T)

    def of(process: Process) -> tuple[float, Vector]:
        likelihood = float((process.log_likelihood(seen) * seen.times).sum())
        return likelihood, process.silent(told, float(horizon_days))

    return {"bgnbd": of(fitted(BgNbd, seen)), "pareto": of(fitted(ParetoNbd, seen))}


def xgboost_default(past: pd.DataFrame, test: pd.DataFrame) -> Vector:
    """XGBoost as it comes."""
    import xgboost as xgb

    names = teaching(past)
    table = xgb.DMatrix(matrix(past, names), past["label"].to_numpy(np.int64), nthread=1)
    booster = xgb.train({"objective": "binary:logistic", "nthread": 1}, table, DEFAULT_ROUNDS)
    return np.asarray(booster.inplace_predict(matrix(test, names)), dtype=np.float64)


def logistic_rfm(past: pd.DataFrame, test: pd.DataFrame) -> Vector:
    """Logistic regression on the logarithms of recency, frequency, tenure and spend."""
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(C=1e6, max_iter=1000).fit(_rfm(past), past["label"].astype(int))
    return np.asarray(fit.predict_proba(_rfm(test))[:, 1], dtype=np.float64)


def _rfm(rows: pd.DataFrame) -> Matrix:
    names = ("recency_days", "order_days_ever", "tenure_days", "spend_90d")
    return np.log1p(np.maximum(np.nan_to_num(matrix(rows, names)), 0.0))
