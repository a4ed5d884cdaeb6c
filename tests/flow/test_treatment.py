"""Whom a campaign takes out of the training, and who stands for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import load
from churn_ml.flow.treatment import treated, weights
from churn_ml.house import House, open_house
from churn_ml.models.logistic import Logistic
from churn_ml.models.protocol import Setting, probability

FIRST, LATER = date(2017, 10, 1), date(2017, 11, 1)
Copy = Callable[[Path], House]


def test_the_holdout_of_a_campaign_weighs_for_the_contacted_and_nobody_else(
    copy_of: Copy, scored: Path
) -> None:
    file = copy_of(scored).config.root / "churn.toml"
    file.write_text(file.read_text().replace('kind = "file"', 'kind = "file"\ndelivers = true'))
    house = open_house(load(file))
    flow.export(house, FIRST)
    version = house.published("actions")[FIRST.isoformat()]
    actions = house.warehouse.read_partition("actions", FIRST, version).to_pandas()
    chosen = (actions["would_be_offer"] != "NONE").to_numpy()
    held = house.held_out(actions["customer_id"])
    with attempt(house, "try", LATER, ()) as trial:
        reached = treated(trial, FIRST)
        found = weights(trial, FIRST, actions["customer_id"], reached)
        before = weights(trial, date(2017, 1, 1), actions["customer_id"], frozenset())
        trial.leave("done")
    assert set(actions.loc[chosen & ~held, "customer_id"]) == reached
    assert found[chosen & held].tolist() == [10.0] * int((chosen & held).sum())
    assert (chosen & held).any()
    assert set(found[~(chosen & held)]) == {1.0}
    assert set(before) == {1.0}


def test_weighting_the_holdout_mends_what_dropping_the_treated_leaves() -> None:
    """A made-up population: risk is curved, the model straight, the policy contacts the risky.

    The error is the mean score of the risky less their churn without contact. A contact saves 30 %.
    """
    rng = np.random.default_rng(17)
    x = rng.normal(size=40_000)
    risk = probability(-1.5 + 0.8 * x + 0.05 * x**2)
    left = rng.random(len(x)) < risk
    risky = x > 1.0
    held = rng.random(len(x)) < 0.1
    contacted = risky & ~held
    seen = left & ~(contacted & (rng.random(len(x)) < 0.3))

    def error(kept: np.ndarray, weight: np.ndarray) -> float:
        rows = pd.DataFrame({"x": x})
        day = np.full(int(kept.sum()), np.datetime64("2017-08-02"))
        setting = Setting(17, 30, day, weight[kept])
        model = Logistic.fit(rows[kept], seen[kept].astype(np.int64), setting)
        return float(model.predict(rows[risky]).mean() - left[risky].mean())

    once = np.ones(len(x))
    ignored = error(np.full(len(x), fill_value=True), once)
    dropped = error(~contacted, once)
    weighted = error(~contacted, np.where(risky, 10.0, 1.0))
    assert abs(ignored) > abs(dropped) > abs(weighted)
    assert [ignored, dropped, weighted] == pytest.approx([-0.09, -0.04, -0.015], abs=0.01)
