"""Spend from buying: published gamma-gamma, known populations, and the file."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Contract, Economics
from churn_ml.models.buying_spend import BuyingSpend, Floats, GammaGamma
from churn_ml.models.value import Recipe, ValueModel
from churn_ml.models.value_quality import judge

HISTORY = ("recency_days", "tenure_days", "order_days_ever", "order_days_90d", "spend_90d")
RECIPE = Recipe(
    HISTORY, "spend_90d", Contract(name="gone30", horizon_days=30), Economics(), HISTORY
)


def shop(customers: int, seed: int) -> pd.DataFrame:
    """A panel of one cut-off: everybody buys at a rate and for amounts of their own, nobody leaves.

    Rates and amounts are drawn apart, so past spend confuses the two and buying does not.
    """
    rng = np.random.default_rng(seed)
    rate, mean = rng.gamma(2.0, 0.05, customers), 60.0 / rng.gamma(3.0, 1.0, customers)
    days = rng.poisson(np.outer(rate, np.full(4, 90.0)))  # three windows past, the last is recent
    recent, later = days[:, 2], rng.poisson(rate * 30.0)

    def spent(orders: Floats) -> Floats:
        # amounts of one customer differ: each order is mean times an exponential
        return mean * rng.gamma(np.maximum(orders, 1e-9), 1.0)

    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(customers)],
            "cut_off": date(2017, 8, 2),
            "recency_days": np.where(recent > 0, 90.0 / (recent + 1), 120.0),
            "tenure_days": 270.0,
            "order_days_ever": days[:, :3].sum(axis=1) + 1.0,
            "order_days_90d": recent.astype(float),
            "spend_90d": spent(recent),
            "label": (later == 0).astype(int),
            "treated": False,
            "window_net_amount": spent(later),
        }
    )


def test_gamma_gamma_finds_the_parameters_it_was_drawn_from() -> None:
    rng = np.random.default_rng(3)
    n = rng.poisson(4.0, 20_000) + 1.0
    nu = rng.gamma(4.0, 1 / 15.0, len(n))
    average = rng.gamma(6.0 * n, 1 / nu) / n
    found = GammaGamma.fit(n, average)
    assert [found.p, found.q, found.gamma] == pytest.approx([6.0, 4.0, 15.0], rel=0.05)


def test_few_days_are_drawn_towards_everybody_and_many_are_not() -> None:
    model = GammaGamma(6.25, 3.74, 15.44)
    everybody = 6.25 * 15.44 / 2.74
    few, many = model.mean(np.array([1.0, 200.0]), np.array([100.0, 100.0]))
    assert everybody < few < many < 100.0
    assert many == pytest.approx(100.0, rel=0.01)


def test_totals_hold_and_the_ranking_beats_past_spend() -> None:
    model = ValueModel.fit(shop(4000, 1), RECIPE, "buying")
    found = judge(model, shop(4000, 2), "spend_90d")
    assert found.total_ratio == pytest.approx(1.0, abs=0.05)
    assert found.rank_correlation > found.past_rank_correlation


def test_a_shop_without_amounts_is_worth_nothing() -> None:
    free = shop(200, 1).assign(spend_90d=0.0, window_net_amount=0.0)
    assert ValueModel.fit(free, RECIPE, "buying").predict(free).tolist() == [0.0] * 200


def test_missing_histories_still_get_a_finite_value() -> None:
    model = ValueModel.fit(shop(400, 1), RECIPE, "buying")
    nobody = pd.DataFrame({name: [np.nan, 0.0, 1e12] for name in HISTORY})
    assert np.isfinite(model.predict(nobody)).all()


def test_the_file_gives_back_the_very_model() -> None:
    model = ValueModel.fit(shop(400, 1), RECIPE, "buying")
    assert ValueModel.from_files(model.files()) == model
    assert model.buying is not None
    assert BuyingSpend.from_tree(asdict(model.buying)) == model.buying


def test_the_treated_teach_nothing() -> None:
    rows = shop(400, 1)
    more = pd.concat([rows, shop(50, 9).assign(treated=True, spend_90d=1e6)], ignore_index=True)
    assert ValueModel.fit(more, RECIPE, "buying") == ValueModel.fit(rows, RECIPE, "buying")
