"""Training a real shop of 300 households, with windows of its own: what it pins and is told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.config import Config, Features, Shop, load
from churn_ml.demo import DEMO_KEY
from churn_ml.features import names
from churn_ml.flow.definitions import VALUE_FEATURES, indicators
from churn_ml.house import House, open_house
from churn_ml.models import store
from churn_ml.receipts import Receipt

from ..conftest import FIRST

OWN = """
[features]
windows = { frequency = [7, 28], spend = [45], basket_value = [60] }

[training]
min_rows = 100_000
"""


@pytest.fixture(scope="module")
def trained(
    ingested: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Receipt, list[str]]:
    """A shop with windows of its own and too small for more than the rule, trained; unchanged."""
    folder = Path(shutil.copytree(ingested, tmp_path_factory.mktemp("trained") / "shop"))
    with (folder / "churn.toml").open("a", encoding="utf-8") as settings:
        settings.write(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)
        said: list[str] = []
        receipt = flow.train(open_house(load(folder / "churn.toml"), say=said.append), FIRST)
    return folder, receipt, said


@pytest.fixture
def house(trained: tuple[Path, Receipt, list[str]], tmp_path: Path) -> House:
    """A copy of the shop of `trained`."""
    return open_house(load(Path(shutil.copytree(trained[0], tmp_path / "copy")) / "churn.toml"))


def test_a_shop_below_the_minimum_keeps_the_rule_and_is_told_so(
    house: House, trained: tuple[Path, Receipt, list[str]]
) -> None:
    _, receipt, said = trained
    published = house.ledger.publication("train", FIRST)
    assert published is not None
    assert list(published.pins["candidates"]) == ["rule"]
    assert published.pins["challenger"] == published.pins["candidates"]["rule"]
    assert receipt.details["too_few"]["min_rows"] == 100_000
    assert receipt.details["too_few"]["churners"] > 0
    assert any("too few to train more than the inactivity rule" in line for line in said)
    assert {"kind", "rows", "passes", "total_ratio"} <= set(receipt.details["value"])
    json.dumps(dict(receipt.details), allow_nan=False)


@pytest.mark.parametrize(
    "windows", [{"frequency": (7, 28)}, {"spend": (30, 45)}, {"basket_value": (60,)}, {}]
)
def test_what_value_models_read_is_built_under_any_windows(
    windows: dict[str, tuple[int, ...]],
) -> None:
    config = Config(shop=Shop(name="s", currency="EUR"), features=Features(windows=windows))
    assert set(VALUE_FEATURES) <= set(names(indicators(config)))


def test_a_champion_whose_features_are_built_otherwise_now_makes_room_for_the_rule(
    house: House,
) -> None:
    crown(house, old := of_other_windows(house))
    assert not flow.due(house, FIRST)  # the verdict on the training is still to come
    promoted = flow.promote(house, FIRST)
    assert promoted.details["champion_from"] == old
    assert promoted.details["reasons"] == [
        f"the features of {old} are built otherwise now: the inactivity rule is it until "
        "something beats it"
    ]
    published = house.ledger.publication("train", FIRST)
    assert published is not None
    assert promoted.details["champion"] == published.pins["challenger"] != old
    tomorrow = FIRST + timedelta(days=1)
    assert not flow.due(house, tomorrow)
    crown(house, old, tomorrow)
    assert flow.due(house, tomorrow)


def of_other_windows(house: House) -> str:
    """The rule of the training as it would be, had it learned under other definitions."""
    published = house.ledger.publication("train", FIRST)
    assert published is not None
    rule = house.bundle(published.pins["candidates"]["rule"])
    other = replace(rule, origin=replace(rule.origin, spec_hash="5bec"))
    model_id = store.save(other, house.config.path(house.config.paths.models))
    known = house.ledger.model(rule.id)
    folder = f"{house.config.paths.models}/{model_id}"
    house.ledger.add_model(replace(known, id=model_id, sha256=other.sha256, folder=folder))
    return model_id


def crown(house: House, model_id: str, as_of: date = FIRST) -> None:
    """Make a model champion, whoever was it."""
    former, now = house.champion(as_of), house.clock()
    house.ledger.decide(
        as_of, "override", champion_from=former, champion_to=model_id, who="ada", at=now
    )
