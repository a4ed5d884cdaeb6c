"""Two contracts in one house: each has its own steps, tables, champion and destinations."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from churn_ml import crm, flow
from churn_ml.config import load
from churn_ml.demo import DEMO_KEY
from churn_ml.errors import BadConfig, BadInput, Transient
from churn_ml.flow.guarding import recent
from churn_ml.house import House, open_house

FIRST = date(2017, 10, 1)

LIGHT = """
[training]
candidates = ["logistic"]
"""
"""One candidate that learns: what a second family would add here is minutes."""
FURTHER = """
[contracts.quick]
name = "quick20"
lookback_days = 60
horizon_days = 20
settle_days = 1

[destinations.quick_files]
kind = "file"
target = "out/quick"
first_load = "send"
contract = "quick"
"""


@pytest.fixture(scope="module")
def walked(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A shop under two contracts, walked whole for 2017-10-01."""
    folder = Path(shutil.copytree(ingested, tmp_path_factory.mktemp("two") / "shop"))
    with (folder / "churn.toml").open("a", encoding="utf-8") as settings:
        settings.write(LIGHT + FURTHER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)
        house = open_house(load(folder / "churn.toml"))
        flow.run(house, FIRST)
        yield house


def test_each_contract_has_its_own_champion_scores_and_steps(walked: House) -> None:
    quick = walked.under("quick")
    assert walked.champion(FIRST) != quick.champion(FIRST)
    for house in (walked, quick):
        scored = house.publication("score", FIRST)
        assert scored is not None
        assert scored.pins["contract"] == house.config.contract.stamp
        assert scored.pins["model"] == house.champion(FIRST)
    tables = walked.ledger.versions(["scores", "scores@quick"])
    assert [list(found) for found in tables.values()] == [["2017-10-01"], ["2017-10-01"]]
    steps = [receipt.step for receipt in walked.history()]
    assert steps.count("ingest") == 1 + 1
    assert {"train@quick", "promote@quick", "score@quick", "export@quick"} <= set(steps)


def test_a_destination_gets_the_contract_it_names(walked: House) -> None:
    sent = {
        r.step: r.details["destinations"] for r in walked.history() if "destinations" in r.details
    }
    assert list(sent["export@quick"]) == ["quick_files"]
    assert "quick_files" not in sent["export"]
    assert sent["export@quick"]["quick_files"]["sent"] > 0


def test_no_customer_is_chosen_under_two_contracts_within_the_contact_window(
    walked: House,
) -> None:
    first, second = (
        house.warehouse.read_partition(
            house.config.called("actions"), FIRST, house.published("actions")["2017-10-01"]
        ).to_pandas()
        for house in (walked, walked.under("quick"))
    )
    chosen = [set(r.loc[r["would_be_offer"] != "NONE", "customer_id"]) for r in (first, second)]
    assert chosen[0]
    assert not chosen[0] & chosen[1]
    late = second[second["why"] == "recently_contacted"]
    assert set(late["customer_id"]) == chosen[0] & set(second["customer_id"])


@pytest.mark.parametrize(("days", "held"), [(0, 1), (27, 1), (28, 0)])
def test_an_export_withholds_a_contact_within_another_contracts_window(
    walked: House, days: int, held: int
) -> None:
    from churn_ml.crm import Row
    from churn_ml.ledger import Ledger

    ledger, quick = Ledger.open("sqlite://"), walked.under("quick")
    ledger.save_plan("crm_sql", "p1", FIRST, [("h1", "ab", "{}", True)], base=None)
    house = replace(quick, ledger=ledger)
    as_of = FIRST + timedelta(days=days)
    guard = crm.Guard.of(
        house.config, suppressed=lambda _: (), consents=lambda _: {}, recent=recent(house)
    )
    rows = [
        Row(c, "upsert", as_of, {"offer": "NONE"}, "9f", contact=c != "h3")
        for c in ("h1", "h2", "h3")
    ]
    for settle in (False, True):
        if settle:
            ledger.acknowledge("p1", ["h1"], at=walked.clock())
        assert guard.withheld(rows) == ({"h1": "recently_contacted"} if held else {})


def test_a_contracts_decisions_alpha_and_aliases_are_its_own(walked: House) -> None:
    quick = walked.under("quick")
    assert [d.champion_to for d in quick.decisions()] == [quick.champion(FIRST)]
    assert quick.registry.name == "churn_ml.quick20"
    assert quick.registry.aliases()["champion"] == quick.champion(FIRST)
    assert walked.registry.aliases()["champion"] == walked.champion(FIRST)


def test_a_score_with_the_other_contracts_model_is_refused(walked: House) -> None:
    from churn_ml import scoring

    quick = walked.under("quick")
    theirs = walked.bundle(str(walked.champion(FIRST)))
    rows = quick.warehouse.read_partition(
        "features@quick", FIRST, quick.published("features")["2017-10-01"]
    ).to_pandas()
    with pytest.raises(BadInput, match="under another churn contract"):
        scoring.score(theirs, rows, quick.config.contract.stamp, spec_hash=theirs.origin.spec_hash)


def test_a_further_contract_waits_until_the_main_one_has_scored_the_day(
    walked: House, tmp_path: Path
) -> None:
    from churn_ml.ledger import Ledger

    for file in walked.config.root.glob("ledger.db*"):
        shutil.copy(file, tmp_path)
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    main, day = replace(walked, ledger=ledger), FIRST - timedelta(days=1)
    quick, now = main.under("quick"), walked.clock()
    for house in (quick, main):
        champion = house.champion(FIRST)
        ledger.decide(day, "override", champion_from=None, champion_to=champion, who="ada", at=now)
    with pytest.raises(Transient, match=r"has not scored this day .* --as-of 2017-09-30, then"):
        flow.score(quick, day)
    assert quick.publication("score", day) is None


def test_the_main_contract_publishes_the_same_with_and_without_a_further_one(
    walked: House, ingested: Path, copy_of: Callable[[Path], House]
) -> None:
    root = copy_of(ingested).config.root
    with (root / "churn.toml").open("a", encoding="utf-8") as settings:
        settings.write(LIGHT)
    alone = open_house(load(root / "churn.toml"))
    flow.run(alone, FIRST)
    both = walked.ledger.contents()
    assert {t: found for t, found in both.items() if "@" not in t} == alone.ledger.contents()


def test_an_unknown_contract_is_refused_in_words(walked: House) -> None:
    with pytest.raises(BadConfig, match=r"there is no contract 'slow' .* expected: quick"):
        walked.under("slow")
