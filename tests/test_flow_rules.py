"""Rules of the hall that the story does not pass: answers, keys, contracts, silence of files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from churn_ml import __version__, flow
from churn_ml.config import load
from churn_ml.errors import BadConfig, BadInput, NotReady, StaleAttempt, TooEarly
from churn_ml.house import House, open_house
from churn_ml.ledger import ModelRecord
from churn_ml.receipts import Receipt

from .conftest import FIRST, SECOND

VERDICT = {
    "decision": "promote",
    "champion_from": "rule-1",
    "challenger": "xgboost-1",
    "evidence_hash": "e1",
    "alpha_spent": 0.0038,
    "reasons": ["it earns more"],
}


@pytest.fixture
def reigned(house: House) -> House:
    """A house with a champion, and a verdict to promote that waits for its answer."""
    for model_id in ("rule-1", "xgboost-1"):
        stamp = house.config.contract.stamp
        house.ledger.add_model(ModelRecord(model_id, "rule", "0a", "m", FIRST, stamp))
    at = house.clock()
    house.ledger.decide(FIRST, "first", champion_from=None, champion_to="rule-1", who="test", at=at)
    token = house.ledger.take_token("judge", SECOND)
    receipt = Receipt("judge", SECOND, "promote", details=VERDICT)
    house.ledger.publish(token, receipt=receipt, at=at, pins={"verdict": VERDICT})
    return house


def test_an_approved_verdict_promotes_and_names_the_approver(reigned: House) -> None:
    receipt = flow.record(reigned, SECOND, answer="Promote", approver="ada")
    assert receipt.status == "promoted"
    assert receipt.details["approver"] == "ada"
    assert reigned.champion(SECOND) == "xgboost-1"
    assert reigned.champion(SECOND - timedelta(days=1)) == "rule-1"


def test_a_rejected_verdict_is_a_recorded_refusal_and_spends_its_alpha(reigned: House) -> None:
    receipt = flow.record(reigned, SECOND, answer="Reject", approver="ada")
    assert receipt.status == "refused"
    assert reigned.champion(SECOND) == "rule-1"
    assert reigned.ledger.alpha_spent(2017) == pytest.approx(0.0038)


def test_an_answered_verdict_takes_no_other_answer(reigned: House) -> None:
    flow.record(reigned, SECOND, answer="Reject", approver="ada")
    flow.record(reigned, SECOND, answer="Reject", approver="ada")
    with pytest.raises(BadInput, match="answered already"):
        flow.record(reigned, SECOND, answer="Promote", approver="bob")
    assert len(reigned.ledger.decisions()) == 2


def test_an_answer_that_never_came_is_a_no_by_nobody(reigned: House) -> None:
    receipt = flow.record(reigned, SECOND, answer="Reject", approver=None)
    assert (receipt.status, receipt.details["approver"]) == ("refused", "nobody answered")
    assert reigned.champion(SECOND) == "rule-1"
    assert reigned.ledger.alpha_spent(2017) == pytest.approx(0.0038)


def test_a_yes_to_another_verdict_than_the_one_that_was_shown_promotes_nobody(
    reigned: House,
) -> None:
    newer = VERDICT | {"challenger": "logistic-2"}
    reigned.ledger.add_model(
        ModelRecord("logistic-2", "x", "0b", "m", FIRST, reigned.config.contract.stamp)
    )
    token = reigned.ledger.take_token("judge", SECOND)
    receipt = Receipt("judge", SECOND, "promote", details=newer, attempt=token.number)
    reigned.ledger.publish(token, receipt=receipt, at=reigned.clock(), pins={"verdict": newer})
    yes = {"answer": "Promote", "approver": "ada"}
    with pytest.raises(StaleAttempt, match="another than the one that was answered"):
        flow.record(reigned, SECOND, judged="judge/2017-11-01/1", **yes)
    assert reigned.champion(SECOND) == "rule-1"
    flow.record(reigned, SECOND, judged="judge/2017-11-01/2", **yes)
    assert reigned.champion(SECOND) == "logistic-2"


def test_an_answer_is_yes_or_no(reigned: House) -> None:
    with pytest.raises(BadInput, match="unknown answer"):
        flow.record(reigned, SECOND, answer="promote", approver="ada")
    assert len(reigned.ledger.decisions()) == 1


def test_a_history_that_is_too_short_yet_is_no_failure(house: House) -> None:
    early = FIRST - timedelta(days=180)
    flow.ingest(house, early)
    with pytest.raises(TooEarly, match="history is too short to train"):
        flow.train(house, early)
    (filed,) = house.ledger.receipts("train")
    assert filed.receipt.status == "too_early"


@pytest.mark.slow
def test_training_long_after_the_last_order_says_so(
    ingested: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(ingested)
    late = FIRST + timedelta(days=400)
    flow.ingest(house, late)
    with pytest.raises(NotReady, match="no customer is eligible in the layers") as raised:
        flow.train(house, late)
    assert not isinstance(raised.value, TooEarly)  # somebody has to look where the orders are


@pytest.mark.parametrize("nobody", [None, "", " "])
def test_nobody_promotes_without_a_name(reigned: House, nobody: str | None) -> None:
    with pytest.raises(BadInput, match="a yes needs a name"):
        flow.record(reigned, SECOND, answer="Promote", approver=nobody)
    assert reigned.champion(SECOND) == "rule-1"


def test_m7_who_asked_does_not_approve(reigned: House) -> None:
    token = reigned.ledger.take_token("train", SECOND)
    receipt, pins = Receipt("train", SECOND, "done"), {"requesters": ["ada"]}
    reigned.ledger.publish(token, receipt=receipt, at=reigned.clock(), pins=pins)
    asked_by_bob = replace(reigned, requester="bob")
    for who in ("ada", "bob", " ada "):
        with pytest.raises(BadInput, match="cannot promote by it") as refused:
            flow.record(asked_by_bob, SECOND, answer="Promote", approver=who)
        assert "let another user answer" in str(refused.value.next_step)
    assert reigned.champion(SECOND) == "rule-1"
    flow.record(asked_by_bob, SECOND, answer="Promote", approver="eve")
    assert reigned.ledger.decisions()[-1].who == "eve"


def test_m7_who_asked_may_say_no_and_who_works_alone_may_say_yes(reigned: House) -> None:
    alone = reigned.config.schedule.model_copy(update={"four_eyes": False})
    config = reigned.config.model_copy(update={"schedule": alone})
    asked = replace(reigned, requester="ada")
    assert flow.record(asked, SECOND, answer="Reject", approver="ada").status == "refused"
    newer = VERDICT | {"evidence_hash": "e2"}
    token = reigned.ledger.take_token("judge", SECOND)
    receipt = Receipt("judge", SECOND, "promote", details=newer)
    reigned.ledger.publish(token, receipt=receipt, at=reigned.clock(), pins={"verdict": newer})
    yes = {"answer": "Promote", "approver": "ada"}
    assert flow.record(replace(asked, config=config), SECOND, **yes).status == "promoted"


def test_an_ingest_without_files_moves_no_watermark_n1(
    ingested: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(ingested)
    shutil.rmtree(house.config.root / "drops/orders/drop=2017-10-02")
    later = FIRST + timedelta(days=1)
    for table in ("orders", "order_lines"):
        shutil.rmtree(house.config.root / f"drops/{table}/drop=2017-10-02", ignore_errors=True)
    assert flow.ingest(house, later).status == "no_data"
    with pytest.raises(NotReady, match="the data does not reach this as_of"):
        flow.score(house, later)


def test_another_holdout_key_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert house.holdout_key
    monkeypatch.setenv("CHURN_ML_HOLDOUT_KEY", "another-key-of-16")
    with pytest.raises(BadConfig, match="holds another key"):
        _ = open_house(house.config).holdout_key
    monkeypatch.setenv("CHURN_ML_HOLDOUT_KEY", "short")
    with pytest.raises(BadConfig, match="not set or too short"):
        _ = open_house(house.config).holdout_key


def test_a_new_contract_starts_a_new_line_without_a_champion(reigned: House) -> None:
    toml = reigned.config.root / "churn.toml"
    toml.write_text(toml.read_text().replace("horizon_days = 30", "horizon_days = 45"))
    other = open_house(load(toml))
    assert reigned.champion(SECOND) == "rule-1"
    assert other.champion(SECOND) is None


@pytest.mark.slow
def test_settings_that_a_step_does_not_read_may_change_between_runs_o10(
    ingested: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(ingested)
    toml = house.config.root / "churn.toml"
    toml.write_text(toml.read_text().replace('target = "exports"', 'target = "elsewhere"'))
    assert flow.ingest(open_house(load(toml)), FIRST).status == "done"
    toml.write_text(toml.read_text().replace("tolerance = 0.01", "tolerance = 0.02"))
    with pytest.raises(BadConfig, match=r"churn\.toml changed since ingest"):
        flow.ingest(open_house(load(toml)), FIRST)


def test_a_re_run_by_another_version_of_the_code_says_so_and_goes_on_o10(
    scored: Path, copy_of: Callable[[Path], House], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    house = replace(copy_of(scored), say=said.append)
    assert flow.score(house, FIRST).status == "done"
    assert not [line for line in said if "published by" in line]
    monkeypatch.setattr(import_module("churn_ml.attempt.bracket"), "__version__", "9.9.9")
    assert flow.score(house, FIRST).status == "done"
    assert f"  score was published by churn_ml {__version__}, this is 9.9.9" in said
    again = house.publication("score", FIRST)
    assert again is not None
    assert again.pins["churn_ml"] == "9.9.9"


def test_a_foreign_error_goes_on_record_without_its_words(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise KeyError("customer 4711")

    monkeypatch.setattr("churn_ml.sources.files.FilesSource.lots", broken)
    with pytest.raises(KeyError):
        flow.ingest(house, FIRST)
    filed = house.ledger.receipts("ingest")[0].receipt
    assert (filed.status, filed.details) == ("failed", {"error": "KeyError"})


def test_without_a_champion_no_second_training_is_due_before_the_verdict_on_the_first(
    house: House,
) -> None:
    assert flow.due(house, FIRST)
    stamp = house.config.contract.stamp
    house.ledger.add_model(ModelRecord("rule-1", "rule", "0a", "m", FIRST, stamp))
    token = house.ledger.take_token("train", FIRST)
    receipt = Receipt("train", FIRST, "done")
    house.ledger.publish(token, receipt=receipt, at=house.clock(), pins={"challenger": "rule-1"})
    assert not flow.due(house, FIRST + timedelta(days=1))
    assert flow.due(house, FIRST + timedelta(days=28))
    judged = house.ledger.take_token("judge", FIRST)
    house.ledger.publish(judged, receipt=Receipt("judge", FIRST, "first"), at=house.clock())
    assert flow.due(house, FIRST + timedelta(days=1))


def test_a_walk_passes_over_no_training_that_somebody_has_to_mend(house: House) -> None:
    said: list[str] = []
    with pytest.raises(NotReady, match="the data does not reach this as_of"):
        flow.run(house, date(2016, 12, 1), warn=said.append)  # before the shop's first file
    assert said == []
