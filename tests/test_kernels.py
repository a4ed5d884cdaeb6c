"""Weighted kernels: a weight is a count, and bins do not depend on the order of equal scores."""

from __future__ import annotations

import numpy as np
import pytest

from churn_ml import kernels
from churn_ml.errors import BadInput
from churn_ml.metrics import METRICS


def test_equal_scores_go_to_the_bin_of_their_middle() -> None:
    # ten bins of two rows; the six equal scores stand at rows 1 to 6, in the middle row 4: bin 2
    p = np.r_[0.05, np.full(6, 0.2), np.linspace(0.3, 0.9, 13)]
    assert kernels.bins(p).tolist() == [0, 1, 7, 8, 10, 12, 14, 16, 18]


@pytest.mark.parametrize("name", METRICS)
def test_a_weight_of_two_is_the_row_twice(name: str) -> None:
    rng = np.random.default_rng(7)
    # bins of equal count move when a row comes twice; ten clear steps keep them still
    p = np.repeat(np.linspace(0.05, 0.95, 10), 4)
    y = (rng.random(40) < p).astype(float)
    weighted = METRICS[name](y, p)(np.full((1, 40), 2.0))[0]
    twice = METRICS[name](np.tile(y, 2), np.tile(p, 2))(np.ones((1, 80)))[0]
    assert weighted == pytest.approx(twice)


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_lift_of_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(BadInput, match="impossible share"):
        kernels.lift(share)
