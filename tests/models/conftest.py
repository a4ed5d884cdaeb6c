"""Rows with a known cause of churn, and a bundle of every family fitted on them once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from churn_ml.models import FAMILIES, Bundle, versions
from churn_ml.models.example import ORIGIN, SETTING, worth


def shop(customers: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Silent customers churn, frequent ones do not; a tenth of the baskets is unknown."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "basket_amount": rng.lognormal(3, 1, customers),
            "order_count": rng.poisson(6, customers).astype(float),
            "recency_days": rng.exponential(20, customers).round(),
            "tenure_days": rng.uniform(30, 700, customers).round(),
        }
    )
    logit = 0.08 * rows["recency_days"] - 0.35 * rows["order_count"] - 1
    label = (rng.random(customers) < 1 / (1 + np.exp(-logit))).astype(int).to_numpy()
    rows.loc[rng.random(customers) < 0.1, "basket_amount"] = np.nan
    # what the rules and the processes read: a habit that hangs together with the silence
    rows["tenure_days"] += rows["recency_days"]
    gap = (rows["tenure_days"] - rows["recency_days"]) / np.maximum(rows["order_count"], 1)
    rows["gap_median_days"] = gap.where(rows["order_count"] > 1).round()
    rows["order_days_ever"] = rows["order_count"] + 1 + rng.poisson(4, customers)
    rows["order_days_90d"] = rng.poisson(3, customers).astype(float)
    rows["spend_90d"] = rng.lognormal(3, 1, customers)
    return rows, label


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    return shop(800, seed=1)[0]


@pytest.fixture(scope="session")
def label() -> np.ndarray:
    return shop(800, seed=1)[1]


@pytest.fixture(scope="session")
def bundles(rows: pd.DataFrame, label: np.ndarray) -> dict[str, Bundle]:
    found = {}
    for family in FAMILIES:
        origin = replace(ORIGIN, versions=versions(family))
        fitted = family.model.fit(rows, label, SETTING)
        found[family.name] = Bundle(fitted, worth(100.0), 2.5, origin)
    return found


@pytest.fixture(params=[family.name for family in FAMILIES])
def bundle(request: pytest.FixtureRequest, bundles: dict[str, Bundle]) -> Bundle:
    return bundles[request.param]
