"""Logistic regression: its file is enough to predict, and its reasons are exact."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from churn_ml.models import Bundle
from churn_ml.models.logistic import Logistic, Standard

BY_HAND = Logistic(
    features=("recency_days", "order_count"),
    intercept=-1.0,
    coef=(0.5, -0.25),
    standard=Standard(
        median=(10.0, 4.0), low=(0.0, 1.0), high=(30.0, 9.0), mean=(12.0, 5.0), scale=(6.0, 2.0)
    ),
)


def test_logit_by_hand() -> None:
    # z = ((24 - 12) / 6, (1 - 5) / 2) = (2, -2): -1 + .5 * 2 + .25 * 2 = .5
    row = pd.DataFrame({"recency_days": [24.0], "order_count": [1.0]})
    assert BY_HAND.contributions(row).tolist() == [[1.0, 0.5]]
    assert BY_HAND.predict(row)[0] == pytest.approx(1 / (1 + np.exp(-0.5)))


def test_missing_counts_as_the_median_and_far_away_as_the_bound() -> None:
    rows = pd.DataFrame({"recency_days": [np.nan, 10.0, 99.0, 30.0], "order_count": 5.0})
    p = BY_HAND.predict(rows)
    assert p[0] == p[1]
    assert p[2] == p[3]


def test_the_average_training_row_has_contributions_of_zero(
    bundles: dict[str, Bundle], rows: pd.DataFrame
) -> None:
    parts = bundles["logistic"].model.contributions(rows)
    np.testing.assert_allclose(parts.mean(axis=0), 0, atol=1e-9)


def test_the_cause_that_was_planted_has_the_sign_that_was_planted(
    bundles: dict[str, Bundle],
) -> None:
    model = bundles["logistic"].model
    coef = dict(zip(model.features, model.coef, strict=True))
    assert coef["recency_days"] > 0.5
    assert coef["order_count"] < -0.5
    assert abs(coef["tenure_days"]) < 0.2


def test_its_file_is_readable_json(bundles: dict[str, Bundle]) -> None:
    (content,) = bundles["logistic"].model.files().values()
    told = json.loads(content)
    assert set(told) == {"features", "intercept", "coef", "standard"}


def test_predicting_loads_no_scikit_learn() -> None:
    code = (
        "import sys, pandas as pd\n"
        "from churn_ml.models.logistic import Logistic, Standard\n"
        "one = (1.0,)\n"
        "model = Logistic(('a',), 0.0, one, Standard(one, one, one, one, one))\n"
        "model.predict(pd.DataFrame({'a': [1.0]}))\n"
        "print([m for m in ('sklearn', 'xgboost', 'mlflow') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
