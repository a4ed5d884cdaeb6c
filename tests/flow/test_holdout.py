"""Sizing the draws of a scored shop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.errors import NotReady
from churn_ml.house import House

FIRST = date(2017, 10, 1)


def test_the_cost_of_the_holdout_is_what_its_chosen_were_expected_to_earn(
    copy_of: Callable[[Path], House], scored: Path
) -> None:
    house = copy_of(scored)
    told = flow.holdout(house, FIRST, rounds=26)["holdout"]
    version = house.published("actions")[FIRST.isoformat()]
    actions = house.warehouse.read_partition("actions", FIRST, version).to_pandas()
    kept = actions[actions["why"] == "holdout"]
    assert told["kept"] == len(kept) > 0
    assert told["not_earned"] == round(kept["expected_gain"].sum(), 2) > 0
    assert 0 < told["churn_contacted"] < told["churn"] < 1
    assert told["needed_rounds"] > 1
    assert flow.holdout(house, FIRST, rounds=1)["holdout"]["enough_share"] is None


def test_nothing_is_sized_before_a_scoring(
    copy_of: Callable[[Path], House], ingested: Path
) -> None:
    with pytest.raises(NotReady, match="nobody was scored"):
        flow.holdout(copy_of(ingested), FIRST)
