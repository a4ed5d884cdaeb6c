"""Time cut into train, choose and evaluate: how much history it takes."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from churn_ml.config import Contract
from churn_ml.errors import TooEarly
from churn_ml.timeline import days_needed, layers

START = date(2017, 1, 1)


@pytest.mark.parametrize("gap_days", [0, 7])
def test_the_days_needed_are_enough_and_one_less_is_not(gap_days: int) -> None:
    contract = Contract(lookback_days=90, gap_days=gap_days, horizon_days=30, settle_days=1)
    enough = START + timedelta(days=days_needed(contract))
    split = layers(enough, START, contract, every_days=7)
    assert split.train == (START + timedelta(days=90),)
    window = timedelta(days=gap_days + 30)
    assert split.choose == split.train[0] + window
    assert split.evaluate == (split.train[0] + 2 * window,)
    with pytest.raises(TooEarly, match=f"data until {enough.isoformat()} at least"):
        layers(enough - timedelta(days=1), START, contract, every_days=7)


def test_four_evaluation_cut_offs_do_not_overlap_and_a_short_history_has_one() -> None:
    contract = Contract(lookback_days=90, horizon_days=30, settle_days=1)
    enough = START + timedelta(days=days_needed(contract) + 3 * 30)
    split = layers(enough, START, contract, every_days=7, evaluations=4)
    assert split.train == (START + timedelta(days=90),)
    steps = (split.train[-1], split.choose, *split.evaluate)
    assert [(b - a).days for a, b in pairwise(steps)] == [30] * 5
    short = layers(enough - timedelta(days=1), START, contract, every_days=7, evaluations=4)
    assert short == layers(enough - timedelta(days=1), START, contract, every_days=7)
