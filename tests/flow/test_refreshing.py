"""What the refresh lane is told by a real ledger: who won last, how old it is, how often it ran."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from churn_ml.flow.refreshing import asked
from churn_ml.gate.policies import PolicyOnRows
from churn_ml.gate.trial import Refresh
from churn_ml.house import House
from churn_ml.models import store

from ..conftest import FIRST, SECOND


@pytest.fixture
def house(championed: Path, copy_of: Callable[[Path], House]) -> House:
    """A shop whose champion is the rule since 2017-10-01."""
    return copy_of(championed)


def _crowned(house: House, number: int, as_of: date, lane: str, **origin: Any) -> str:
    """A copy of the first rule, made champion by a verdict of that lane."""
    rule = house.bundle(str(house.champion(FIRST)))
    bundle = replace(rule, tau=rule.tau + number, origin=replace(rule.origin, **origin))
    models = house.config.paths.models
    model_id, known = store.save(bundle, house.config.path(models)), house.ledger.model(rule.id)
    told = {"id": model_id, "sha256": bundle.sha256, "folder": f"{models}/{model_id}"}
    house.ledger.add_model(replace(known, **told))
    house.ledger.decide(
        as_of,
        "promote",
        champion_from=house.champion(as_of),
        champion_to=model_id,
        who="bob",
        at=house.clock(),
        verdict={"lane": lane},
    )
    return model_id


def _policy(name: str, bundle: Any) -> PolicyOnRows:
    return PolicyOnRows(name, np.zeros(1), np.zeros(1), bundle.tau, "rows")


def _asked(house: House, as_of: date) -> Refresh | None:
    """What is asked of the champion and of a challenger of 2018-05-01 and the same family."""
    champion = str(house.champion(as_of))
    bundle = house.bundle(champion)
    late = replace(bundle, origin=replace(bundle.origin, trained_as_of=date(2018, 5, 1)))
    return asked(house, as_of, (bundle, late), _policy, _policy(champion, bundle))


def test_without_a_refresh_the_champion_is_the_last_to_win(house: House) -> None:
    told = _asked(house, SECOND)
    assert told is not None
    assert told.winner.name == house.champion(SECOND)
    assert (told.used, told.same_recipe) == (0, True)
    assert told.age_days == (date(2018, 5, 1) - FIRST).days


def test_behind_two_refreshes_stands_who_won_before_them(house: House) -> None:
    won = _crowned(house, 1, SECOND, "profit")
    _crowned(house, 2, date(2017, 12, 1), "refresh")
    last = _crowned(house, 3, date(2018, 3, 1), "refresh", trained_as_of=date(2018, 3, 1))
    told = _asked(house, date(2018, 4, 1))
    assert told is not None
    assert house.champion(date(2018, 4, 1)) == last
    assert told.winner.name == won
    assert told.age_days == 61
    assert told.used == 1, "one of them was in the year before"


def test_a_winner_whose_features_are_built_otherwise_now_leaves_the_lane_shut(house: House) -> None:
    _crowned(house, 1, SECOND, "profit", spec_hash="5bec")
    _crowned(house, 2, date(2018, 3, 1), "refresh")
    assert _asked(house, date(2018, 4, 1)) is None
