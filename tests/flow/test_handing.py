"""A training in several processes, one a candidate, leaves what it leaves in one."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import load
from churn_ml.errors import BadConfig, NotReady, StaleAttempt, Tampered
from churn_ml.flow import leakage
from churn_ml.house import House, open_house

from ..conftest import FIRST

ROOT = Path(__file__).parents[2]
KILLER = (sys.executable, "-m", "tests.faults.killed_step")
CANDIDATES = ("rule", "logistic", "xgboost")


@pytest.fixture
def house(
    trained: Path, copy_of: Callable[[Path], House], monkeypatch: pytest.MonkeyPatch
) -> House:
    """A copy of `trained`; the next training takes the panel as it was built and looked at."""
    house = copy_of(trained)
    panel, looked = panel_of(house), pins(house)["leakage"]
    monkeypatch.setattr(import_module("churn_ml.flow.train"), "build_panel", lambda _: panel)
    monkeypatch.setattr(leakage, "look", lambda *_: dict(looked))
    return house


def panel_of(house: House) -> pd.DataFrame:
    version = house.published("panel")[FIRST.isoformat()]
    rows: pd.DataFrame = house.warehouse.read_partition("panel", FIRST, version).to_pandas()
    return rows


def pins(house: House) -> Any:
    found = house.ledger.publication("train", FIRST)
    assert found is not None
    return found.pins


def reopened(house: House) -> House:
    """The same house, as another process opens it."""
    return open_house(load(house.config.root / "churn.toml"))


def killed(house: House, name: str) -> None:
    """Fit a candidate in a process that dies when its files are written, but not yet in place."""
    toml, where = house.config.root / "churn.toml", "churn_ml.models.store:_write"
    done = subprocess.run(
        [*KILLER, toml, "fit", FIRST.isoformat(), where, "after", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def test_killed_between_two_fits_and_gone_on_with_it_ends_in_the_same_models(house: House) -> None:
    before = pins(house)
    assert flow.prepare(house, FIRST) == CANDIDATES
    flow.fit(reopened(house), FIRST, "rule")
    killed(house, "logistic")
    assert pins(house) == before, "nothing is published yet"
    with pytest.raises(NotReady, match="logistic is not fitted yet"):
        flow.conclude(reopened(house), FIRST)
    for name in ("xgboost", "logistic", "rule"):
        flow.fit(reopened(house), FIRST, name)
    done = flow.conclude(reopened(house), FIRST)
    after = house.ledger.publication("train", FIRST)
    assert after is not None
    assert after.pins == before
    assert (done.attempt, done.rows_out) == (2, len(panel_of(house)))
    assert done.details["candidates"] == before["figures"]
    assert not list((house.config.path("models") / ".training").iterdir())
    assert flow.conclude(reopened(house), FIRST) == done, "its task died before Airflow knew"
    with pytest.raises(NotReady, match="clear the task prepare"):
        flow.fit(house, FIRST, "rule")


def test_a_newer_attempt_takes_the_training_away_from_its_fits(house: House) -> None:
    flow.prepare(house, FIRST)
    flow.fit(house, FIRST, "rule")
    with attempt(house, "train", FIRST, ()) as newer:
        newer.leave("done")
        with pytest.raises(NotReady, match="or began anew"):
            flow.fit(house, FIRST, "logistic")
        with pytest.raises(NotReady, match="or began anew"):
            flow.conclude(house, FIRST)


def test_a_newer_attempt_in_the_midst_of_concluding_is_not_overwritten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in flow.prepare(house, FIRST):
        flow.fit(house, FIRST, name)
    before, real = pins(house), flow.fitting.conclude

    def sleeps_there(*told: Any) -> None:
        house.ledger.take_token("train", FIRST)
        real(*told)

    monkeypatch.setattr(flow.fitting, "conclude", sleeps_there)
    with pytest.raises(StaleAttempt):
        flow.conclude(house, FIRST)
    assert pins(house) == before


def test_other_settings_or_other_bytes_between_two_parts_are_refused_o10(house: House) -> None:
    flow.prepare(house, FIRST)
    gate = house.config.gate.model_copy(update={"looks_per_year": 5})
    with pytest.raises(BadConfig, match="changed since this training was prepared"):
        flow.fit(replace(house, config=house.config.model_copy(update={"gate": gate})), FIRST, "x")
    for name in CANDIDATES:
        flow.fit(house, FIRST, name)
    (booster,) = house.config.path("models").glob(".training/*/logistic/model/*.json")
    booster.write_bytes(booster.read_bytes()[:-1])
    with pytest.raises(Tampered):
        flow.conclude(house, FIRST)
