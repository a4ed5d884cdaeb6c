"""Rows with a known cause of churn, and a bundle of every family fitted on them once."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from churn_ml.models import FAMILIES, Bundle, Origin, versions
from churn_ml.models.value import ValueModel


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
    return rows, label


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    return shop(800, seed=1)[0]


@pytest.fixture(scope="session")
def label() -> np.ndarray:
    return shop(800, seed=1)[1]


def everybody_is_worth(amount: float) -> ValueModel:
    return ValueModel(
        kind="past_rate",
        features=("recency_days",),
        centre=(0.0,),
        spread=(1.0,),
        coefficients=(0.0,),
        intercept=amount,
        window_cap=1e6,
        extension=1.0,
        observed_days=30,
        margin_rate=1.0,
        value_horizon_days=365,
    )


@pytest.fixture(scope="session")
def bundles(rows: pd.DataFrame, label: np.ndarray) -> dict[str, Bundle]:
    found = {}
    for family in FAMILIES:
        origin = Origin(
            spec_hash="5bec",
            contract="gone30-0f1e2d3c",
            trained_as_of=date(2017, 10, 1),
            train_cut_offs=(date(2017, 7, 3), date(2017, 8, 2)),
            choose_cut_off=date(2017, 9, 1),
            config_hash="c0ff",
            seed=17,
            versions=versions(family),
        )
        fitted = family.model.fit(rows, label, seed=17)
        found[family.name] = Bundle(fitted, everybody_is_worth(100.0), 2.5, origin)
    return found


@pytest.fixture(params=[family.name for family in FAMILIES])
def bundle(request: pytest.FixtureRequest, bundles: dict[str, Bundle]) -> Bundle:
    return bundles[request.param]
