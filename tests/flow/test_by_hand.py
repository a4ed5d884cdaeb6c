"""What a person decides by hand, and the doctor who finds what another hand did."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from churn_ml import cli, flow, views
from churn_ml.errors import BadConfig, BadInput, NotReady, Tampered
from churn_ml.flow.doctor import doctor
from churn_ml.house import Addresses, House
from churn_ml.models import store
from churn_ml.receipts import Receipt

from ..conftest import FIRST, SECOND

AWAY = Addresses(mlflow="http://127.0.0.1:9")
BY_ADA = {"who": "ada", "why": "odd scores"}


@pytest.fixture
def house(championed: Path, copy_of: Callable[[Path], House]) -> House:
    """A shop whose first champion, the rule, was replaced as of 2017-11-01."""
    house = copy_of(championed)
    rule = house.bundle(str(house.champion(FIRST)))
    crown(house, kept(house, replace(rule, tau=rule.tau + 1)), SECOND)
    return replace(house, addresses=AWAY)


def kept(house: House, bundle: Any) -> str:
    """Store a model and note it in the ledger."""
    models = house.config.paths.models
    model_id = store.save(bundle, house.config.path(models))
    known = house.ledger.models()[0]
    folder = f"{models}/{model_id}"
    house.ledger.add_model(replace(known, id=model_id, sha256=bundle.sha256, folder=folder))
    return model_id


def crown(house: House, model_id: str, as_of: date) -> None:
    former, now = house.champion(as_of), house.clock()
    house.ledger.decide(
        as_of, "promote", champion_from=former, champion_to=model_id, who="bob", at=now
    )


def churn_ml(house: House, *words: str, code: int = 0) -> str:
    toml = str(house.config.root / "churn.toml")
    done = CliRunner().invoke(cli.app, [*words, "--config", toml], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


def test_m9_a_rollback_is_one_command_one_row_and_less_than_a_minute(house: House) -> None:
    rule, odd = str(house.champion(FIRST)), str(house.champion(SECOND))
    day = SECOND + timedelta(days=4)
    dry = flow.rollback(house, day, dry_run=True, **BY_ADA)
    assert (dry.status, house.champion(day)) == ("dry_run", odd)
    began = time.monotonic()
    done = flow.rollback(house, day, **BY_ADA)
    assert time.monotonic() - began < 60
    assert (house.champion(SECOND), house.champion(day)) == (odd, rule)
    last = house.ledger.decisions()[-1]
    assert (last.kind, last.who, last.verdict["reasons"]) == ("rollback", "ada", ["odd scores"])
    assert (last.champion_from, last.champion_to) == (odd, rule)
    assert done.details["aliases"].startswith("not moved: MLflow")
    assert house.ledger.verify() == 3
    told = views.report(house.history())
    assert told["champion"] == rule
    assert told["verdicts"][-1]["decision"] == "rollback"


def test_going_back_twice_has_to_be_meant(house: House) -> None:
    flow.rollback(house, SECOND, **BY_ADA)
    with pytest.raises(BadInput, match="rolled back already"):
        flow.rollback(house, SECOND, **BY_ADA)
    odd = house.ledger.decisions()[-1].champion_from
    assert flow.rollback(house, SECOND, to=odd, **BY_ADA).status == "rolled_back"
    assert house.champion(SECOND) == odd


def test_a_rollback_says_what_scores_anew_and_shows_the_difference(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = house.ledger.take_token("score", SECOND)
    receipt = Receipt("score", SECOND, "done")
    house.ledger.publish(token, receipt=receipt, at=house.clock())
    told = churn_ml(house, "rollback", "--as-of", "2017-11-01", "--who", "ada", "--why", "odd")
    assert "is champion again, in place of" in told
    assert "churn-ml export --as-of 2017-11-01 --dry-run" in told


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ({"as_of": FIRST}, BadInput, "another model became champion later"),
        ({"as_of": date(2017, 9, 1)}, NotReady, "no champion to roll back"),
        ({"to": "xgboost-0123456789ab"}, BadInput, "or never was"),
        ({"who": " "}, BadInput, "a name and a reason"),
        ({"why": ""}, BadInput, "a name and a reason"),
    ],
)
def test_what_cannot_be_gone_back_to_is_refused_by_name(
    house: House, how: dict[str, Any], error: type[Exception], words: str
) -> None:
    asked = {"as_of": SECOND} | BY_ADA | how
    with pytest.raises(error, match=words):
        flow.rollback(house, asked.pop("as_of"), **asked)
    assert len(house.ledger.decisions()) == 2


def test_nobody_goes_back_to_a_model_that_could_not_score(house: House) -> None:
    rule = house.bundle(str(house.champion(FIRST)))
    later = SECOND + timedelta(days=1)
    stranger = replace(rule, origin=replace(rule.origin, spec_hash="5bec"))
    crown(house, kept(house, stranger), later)
    crown(house, rule.id, later)
    with pytest.raises(BadConfig, match="are others now"):
        flow.rollback(house, later, **BY_ADA)
    folder = house.config.path(house.ledger.model(rule.id).folder)
    crown(house, kept(house, replace(rule, tau=9.0)), later)
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(Tampered):
        flow.rollback(house, later, **BY_ADA)


@pytest.fixture
def undecided(house: House) -> House:
    """A verdict that is not to promote, on a third model."""
    rule = house.bundle(str(house.champion(FIRST)))
    third = kept(house, replace(rule, tau=7.0))
    verdict = {
        "decision": "undecidable",
        "champion_from": house.champion(SECOND),
        "challenger": third,
        "evidence_hash": "e1",
        "reasons": ["the year's alpha is spent"],
        "alpha_spent": 0.0,
    }
    token = house.ledger.take_token("judge", SECOND)
    receipt = Receipt("judge", SECOND, "undecidable", details=verdict)
    house.ledger.publish(token, receipt=receipt, at=house.clock(), pins={"verdict": verdict})
    return house


def test_m7_a_spent_budget_leaves_an_override_by_another_with_a_reason(undecided: House) -> None:
    house, verdict = undecided, undecided.ledger.publication("judge", SECOND)
    assert verdict is not None
    flow.record(house, SECOND)
    with pytest.raises(BadInput, match="only a spent budget leaves an override"):
        flow.override(house, SECOND, **BY_ADA)
    year = house.config.gate.alpha_year
    odd = house.champion(SECOND)
    house.ledger.decide(
        SECOND,
        "refuse",
        champion_from=None,
        champion_to=odd,
        who="churn_ml",
        at=house.clock(),
        alpha_spent=year,
    )
    with pytest.raises(BadInput, match="cannot promote by it"):
        flow.override(replace(house, requester="ada"), SECOND, **BY_ADA)
    for _ in range(2):
        done = flow.override(house, SECOND, **BY_ADA)
    assert done.status == "overridden"
    last = house.ledger.decisions()[-1]
    assert (last.kind, last.who, last.verdict["why"]) == ("override", "ada", "odd scores")
    assert [d.kind for d in house.ledger.decisions()].count("override") == 1
    assert house.champion(SECOND) == last.champion_to != odd
    shown = views.report(house.history())["verdicts"][-1]
    assert shown["decision"] == "undecidable, overridden by ada"


def test_decisions_are_shown_in_words_and_as_json_and_verified(house: House) -> None:
    told = json.loads(churn_ml(house, "decisions", "log", "--json"))
    assert [(row["as_of"], row["kind"]) for row in told] == [
        ("2017-10-01", "first"),
        ("2017-11-01", "promote"),
    ]
    words = churn_ml(house, "decisions", "log")
    assert "no champion yet" in words
    assert "2 decisions in one chain" in churn_ml(house, "decisions", "verify")
    with sqlite3.connect(house.config.root / "ledger.db") as ledger:
        ledger.execute("update decisions set who = 'bobby' where number = 2")
    with pytest.raises(Tampered, match="broken at decision 2"):
        churn_ml(house, "decisions", "verify")


def by_check(house: House, **how: Any) -> dict[str, Any]:
    return {row["check"]: row for row in doctor(house, **how)}


def test_m7_an_alias_moved_by_hand_is_found_and_mended(
    house: House, championed: Path, tmp_path: Path
) -> None:
    house = replace(house, addresses=Addresses(mlflow=f"sqlite:///{tmp_path}/mlflow.db"))
    rule, odd = str(house.champion(FIRST)), str(house.champion(SECOND))
    held = {"champion": rule, "former_champion": odd}
    vars(house)["registry"] = Aliases(held)
    found = by_check(house)["MLflow's aliases"]
    assert not found["well"]
    assert f"champion points at {rule}, the ledger says {odd}" in found["told"]
    assert found["next_step"] == "churn-ml log --as-of 2017-10-01"  # it was never told of these
    assert house.champion(SECOND) == odd, "scoring asks the ledger"
    assert by_check(house, repair=True)["MLflow's aliases"]["well"]
    assert held == {"champion": odd, "former_champion": rule}


class Aliases:
    """A registry that holds aliases and nothing else."""

    def __init__(self, held: dict[str, str]) -> None:
        self.held = held

    def aliases(self) -> dict[str, str]:
        return dict(self.held)

    def set_alias(self, alias: str, model_id: str) -> None:
        self.held[alias] = model_id

    def tag(self, model_id: str, tags: dict[str, str]) -> None: ...

    def unfinished(self) -> dict[str, int]:
        return {}


def test_the_doctor_names_what_is_not_well_and_ends_with_1(house: House) -> None:
    found = by_check(house)
    assert found["decisions"]["told"] == "2 in one chain"
    assert found["champion"]["well"]
    assert found["destination crm_file"]["well"]
    assert "MLflow did not do what it was asked" in found["MLflow's aliases"]["told"]
    former = house.config.path(house.ledger.model(str(house.champion(FIRST))).folder)
    (former / "model" / "rule.json").write_bytes(b"{}")
    with sqlite3.connect(house.config.root / "ledger.db") as ledger:
        ledger.execute("delete from decisions where number = 1")
    told = churn_ml(house, "doctor", "--json", code=1)
    broken = {row["check"] for row in json.loads(told) if not row["well"]}
    assert {"decisions"} <= broken


def test_m11_the_doctor_finds_another_byte_in_the_former_champions_folder(house: House) -> None:
    former = house.config.path(house.ledger.model(str(house.champion(FIRST))).folder)
    (former / "model" / "rule.json").write_bytes(b"{}")
    found = by_check(house)
    assert found["champion"]["well"]
    assert "not those that were saved" in found["former champion"]["told"]


def test_m12_a_champion_that_was_trained_long_ago_is_reported(house: House) -> None:
    schedule = house.config.schedule.model_copy(update={"stale_after_days": 30})
    later = FIRST + timedelta(days=31)
    token = house.ledger.take_token("ingest", later)
    house.ledger.publish(token, receipt=Receipt("ingest", later, "done"), at=house.clock())
    assert by_check(house)["champion"]["well"]
    found = by_check(replace(house, config=house.config.model_copy(update={"schedule": schedule})))[
        "champion"
    ]
    assert not found["well"]
    assert "trained 31 days before the newest data: more than the 30" in found["told"]


def test_an_override_puts_the_verdict_it_goes_past_on_record_first(
    undecided: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = undecided.ledger.receipt("judge/2017-11-01/1").receipt
    monkeypatch.setattr(import_module("churn_ml.flow.promote"), "judge", lambda *_: judged)
    with pytest.raises(BadInput, match="a name and a reason"):
        flow.promote(undecided, SECOND, why="the season begins")
    with pytest.raises(BadInput, match="only a spent budget"):
        flow.promote(undecided, SECOND, approver="ada", why="the season begins")
    assert [d.kind for d in undecided.ledger.decisions()] == ["first", "promote", "refuse"]
