"""The ensemble says the mean of what its members say, in score and reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churn_ml.models import Bundle
from churn_ml.models.ensemble import MEMBERS, Ensemble


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


def test_its_logit_is_the_mean_of_its_members_logits(
    bundles: dict[str, Bundle], rows: pd.DataFrame
) -> None:
    alone = [logit(bundles[name].model.predict(rows)) for name in MEMBERS]
    together = logit(bundles["ensemble"].model.predict(rows))
    np.testing.assert_allclose(together, np.mean(alone, axis=0), atol=1e-6)


def test_its_files_are_those_of_its_members_under_their_names(bundles: dict[str, Bundle]) -> None:
    model = bundles["ensemble"].model
    own = {f"{name}.{file}" for name in MEMBERS for file in bundles[name].model.files()}
    assert set(model.files()) == own
    assert Ensemble.from_files(model.files()).files() == model.files()


def test_a_forest_says_the_churn_rate_of_its_leaves(
    bundles: dict[str, Bundle], rows: pd.DataFrame, label: np.ndarray
) -> None:
    p = bundles["forest"].model.predict(rows)
    assert abs(p.mean() - label.mean()) < 0.02
    assert 0 < p.min() < p.max() < 1
