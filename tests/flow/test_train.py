"""Training a real shop of 300 households, with windows of its own: what it pins and is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_ml import features, flow
from churn_ml.attempt import attempt
from churn_ml.config import Consent, load
from churn_ml.demo import DEMO_KEY
from churn_ml.errors import Leak
from churn_ml.flow import leakage
from churn_ml.flow.definitions import indicators
from churn_ml.flow.panel import contactable, purchases, rows_at
from churn_ml.house import House, open_house
from churn_ml.in_memory import canonical
from churn_ml.merges import MERGES
from churn_ml.models import store
from churn_ml.panel import feature_columns
from churn_ml.receipts import Receipt
from churn_ml.warehouse import sql

from ..conftest import FIRST, SECOND

OWN = """
[features]
windows = { frequency = [7, 28], spend = [45], basket_value = [60] }
not_for_training = ["pace"]

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


def test_the_real_catalogue_on_real_data_has_no_leak_and_the_receipt_says_so(
    house: House, trained: tuple[Path, Receipt, list[str]]
) -> None:
    _, receipt, said = trained
    found = receipt.details["leakage"]
    assert (found["tables"], found["cut_off"]) == (7, "2017-08-01")
    assert found["features"] == len(feature_columns(panel_of(house)))
    assert found["computed_twice"] >= leakage.TWICE
    assert found["customers"] == (panel_of(house)["layer"] == "choose").sum()
    assert all(0.5 <= row["auc"] < 0.9 for row in found["strongest"])
    trained_on = panel_of(house).query("layer == 'train'")["cut_off"].max().isoformat()
    assert found["trained_cut_off"] == trained_on < found["cut_off"]
    assert any(f"no leak at 2017-08-01, nor at {trained_on}" in line for line in said)
    published = house.ledger.publication("train", FIRST)
    assert published is not None
    assert published.pins["leakage"] == found


def panel_of(house: House) -> pd.DataFrame:
    """The published panel of the training of `trained`."""
    versions = house.published("panel")
    rows = house.warehouse.read_partition("panel", FIRST, versions[FIRST.isoformat()])
    found: pd.DataFrame = rows.to_pandas()
    return found


def test_the_panel_says_who_may_be_contacted_and_a_shop_without_consents_tells_nobody_apart(
    house: House,
) -> None:
    assert panel_of(house)["contactable"].all()
    ids, no = pd.Series(["anna", "ben"]), {"customer_id": "anna", "given": False}
    no |= {"purpose": "contact", "occurred_at": "2017-09-01"}
    for default, told in (("none", [False, False]), ("assumed", [False, True])):
        shop = canonical(consents=[no])
        assert contactable(shop, ids, Consent(default=default)).tolist() == told
        assert contactable(canonical(), ids, Consent(default=default)).all()


def after_the_cut(house: House) -> pd.DataFrame:
    """The order days of the choosing cut-off, counted in tables that know the day of training."""
    return known_later(house, "choose")


def after_a_trained_cut(house: House) -> pd.DataFrame:
    """The same of the newest cut-off that is learned from, and of it alone."""
    return known_later(house, "train")


def known_later(house: House, layer: str) -> pd.DataFrame:
    panel = panel_of(house)
    cut_off = panel.loc[panel["layer"] == layer, "cut_off"].max()
    later = panel["cut_off"] == cut_off
    sign = next(one for one in indicators(house.config) if one.name == "frequency")
    with attempt(house, "train", FIRST, (), repin=True) as trial:
        trial.leave("read")
        told = features.build(
            trial.canonical(FIRST), cut_off, house.config.contract, indicators=[sign]
        )
    known = told.set_index("customer_id")[sign.names[0]]
    panel.loc[later, sign.names[0]] = panel.loc[later, "customer_id"].map(known)
    return panel


def an_id(house: House) -> pd.DataFrame:
    panel = panel_of(house)
    return panel.assign(customer_number=panel["customer_id"].str.extract(r"(\d+)").astype(float))


def of_the_label(house: House) -> pd.DataFrame:
    """Right for nine customers of ten only: no AUC alone betrays it."""
    panel = panel_of(house)
    wrong = np.arange(len(panel)) % 10 == 0
    return panel.assign(was_saved=(panel["label"].fillna(0).astype(float) - wrong).abs())


def a_tagged_column(house: House) -> pd.DataFrame:
    """Computed and honest, but the shop keeps its indicator from training."""
    panel = panel_of(house)
    assert not any(name.startswith("order_pace") for name in panel)
    return panel.assign(order_pace_30d=panel["order_days_30d"] / 2)


def a_flag_of_recency(house: House) -> pd.DataFrame:
    """Churned is who is silent for long at the cut-off itself: an AUC of 1, where .8 is honest."""
    panel = panel_of(house)
    return panel.assign(label=(panel["recency_days"] > panel["recency_days"].median()).astype(int))


def a_random_split(house: House) -> pd.DataFrame:
    """Rows of every cut-off in every layer: a panel split as one splits a table."""
    panel = panel_of(house)
    return panel.assign(layer=np.random.default_rng(1).permutation(panel["layer"]))


def an_overlap(house: House) -> pd.DataFrame:
    """The last training cut-off lies a day later: its label window reaches the choosing one."""
    panel = panel_of(house)
    last = panel.loc[panel["layer"] == "train", "cut_off"].max()
    with attempt(house, "train", FIRST, (), repin=True) as trial:
        trial.leave("read")
        moved = rows_at(trial, trial.canonical(FIRST), last + timedelta(days=1))
    return pd.concat([panel[panel["cut_off"] != last], moved.assign(layer="train", as_of=FIRST)])


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        pytest.param(a_flag_of_recency, "feature recency_days", id="trap 1: a flag of recency"),
        pytest.param(
            a_random_split, "the customers at risk at 2017-08-31", id="trap 2: a random split"
        ),
        pytest.param(an_overlap, "label window reaches", id="trap 3: windows that overlap"),
        (after_the_cut, "computed after its cut-off.*feature order_days_7d at 2017-08-01"),
        (after_a_trained_cut, "computed after its cut-off.*feature order_days_7d at 2017-07"),
        (an_id, "comes from nowhere.*feature customer_number"),
        (of_the_label, "comes from nowhere.*feature was_saved"),
        pytest.param(
            a_tagged_column, "comes from nowhere.*feature order_pace_30d", id="f84: a tagged column"
        ),
    ],
)
def test_d17_a_training_refuses_the_planted_leak_and_names_the_column(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    plant: Callable[[House], pd.DataFrame],
    words: str,
) -> None:
    planted, before = plant(house), house.ledger.publication("train", FIRST)
    monkeypatch.setattr(import_module("churn_ml.flow.train"), "build_panel", lambda _: planted)
    with pytest.raises(Leak, match=words):
        flow.train(house, FIRST, repin=True)
    assert house.ledger.publication("train", FIRST) == before


def test_d17_a_training_refuses_tables_that_hold_what_happened_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, cut = panel_of(house), sql.cut_at
    monkeypatch.setattr(sql, "cut_at", lambda shape, end: cut(shape, end + timedelta(days=9)))
    with attempt(house, "train", FIRST, (), repin=True) as trial:
        trial.leave("looked")
        with pytest.raises(Leak, match=r"holds what comes after.*table \w+"):
            leakage.look(trial, panel)


def test_a_cut_off_of_purchases_read_once_is_as_if_it_had_read_its_own(house: House) -> None:
    with attempt(house, "train", FIRST, (), repin=True) as trial:
        trial.leave("read")
        bought, now = purchases(trial), trial.canonical(FIRST)
        assert bought is not None
        once, alone = (rows_at(trial, now, date(2017, 7, 1), each) for each in (bought, None))
    assert len(once) > 100
    pd.testing.assert_frame_equal(once, alone, check_exact=True)


def test_a_key_told_of_twice_and_merged_customers_are_read_cut_by_cut(house: House) -> None:
    with attempt(house, "train", FIRST, (), repin=True) as trial:
        trial.leave("read")
        versions = dict(trial.world["orders"])
        assert trial.uncut("orders") is not None
        trial.world = trial.world | {MERGES: versions}
        assert trial.uncut("orders") is None
        orders = house.warehouse.read("orders", versions).limit(1).to_pyarrow()
        again = house.warehouse.handle("orders")
        told = house.warehouse.replace(again, SECOND, orders.drop_columns("ingest_key"))
        trial.world = {"orders": versions | {SECOND.isoformat(): told.version}}
        assert trial.uncut("orders") is None


def test_a_champion_whose_features_are_built_otherwise_now_makes_room_for_the_rule(
    house: House,
) -> None:
    crown(house, old := of_other_windows(house))
    assert not flow.due(house, FIRST)  # the verdict on the training is still to come
    promoted = flow.promote(house, FIRST)
    assert promoted.details["champion_from"] == old
    assert promoted.details["reasons"] == [
        f"the features of {old} are built otherwise now: the inactivity rule is it until a model "
        "of a later training beats it"
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
