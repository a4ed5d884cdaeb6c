"""Judging a real shop of 300 households: on how many cut-offs, and what is said of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.config import load
from churn_ml.demo import DEMO_KEY
from churn_ml.errors import NotReady
from churn_ml.house import House, open_house

from ..conftest import FIRST, SECOND

FOUR = """[gate]
evaluation_cut_offs = 4
min_disagreements = 1
min_disagreeing_churners = 1

[training]
candidates = ["logistic"]
min_rows = 100
"""


@pytest.fixture(scope="module")
def trained(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of 300 households that was trained with four cut-offs left to the gate; unchanged."""
    folder = Path(shutil.copytree(ingested, tmp_path_factory.mktemp("judging") / "shop"))
    file = folder / "churn.toml"
    file.write_text(file.read_text().replace("[gate]\n", FOUR))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)
        flow.train(open_house(load(file)), FIRST)
    return folder


@pytest.fixture
def house(trained: Path, copy_of: Callable[[Path], House]) -> House:
    return copy_of(trained)


def test_real_households_are_judged_on_four_cut_offs_where_history_leaves_them(
    house: House,
) -> None:
    found = house.publication("train", FIRST)
    assert found is not None
    rule = found.pins["candidates"]["rule"]
    day, now = FIRST - timedelta(days=1), house.clock()
    house.ledger.decide(day, "first", champion_from=None, champion_to=rule, who="churn_ml", at=now)
    told = flow.judge(house, FIRST).details
    assert told["evaluated_on"] == ["2017-06-02", "2017-07-02", "2017-08-01", "2017-08-31"]
    assert told["cut_offs"] == 4
    assert told["rows"] > 2 * told["customers"], "a customer at several cut-offs is one customer"
    assert told["between_se"] >= 0.0
    assert any(why.startswith("4 cut-offs (2017-06-02, ") for why in told["reasons"])
    assert told["diagnosis"]["randomised"] is None, "nothing was delivered"


def test_an_old_model_is_shown_beside_a_fresh_one_on_the_same_rows(house: House) -> None:
    told = flow.staleness(house, FIRST)
    assert (told["family"], told["learned_to"]) == ("logistic", "2017-05-03")
    ages = {row["cut_off"]: (row["age_days"], row["fresh_days"]) for row in told["ages"]}
    assert ages == {"2017-07-02": (30, 0), "2017-08-01": (60, 0), "2017-08-31": (90, 0)}
    for row in told["ages"]:
        old, fresh = row["auc"]
        assert 0.6 < old < 0.95
        assert row["auc_loss"][0] == pytest.approx(fresh - old, abs=1e-5)
        assert row["brier_loss"][0] == pytest.approx(row["brier"][0] - row["brier"][1], abs=1e-5)
        assert row["auc_loss"][1] < row["auc_loss"][0] < row["auc_loss"][2]
    assert told["advice"].endswith("[schedule] train_every_days is 28")
    with pytest.raises(NotReady, match="no panel to try ages on"):
        flow.staleness(house, SECOND)
