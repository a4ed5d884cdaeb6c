"""A threshold changed as a decision of its own: chained, in force, refused, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn_ml import cli, flow
from churn_ml.errors import BadInput
from churn_ml.flow.following import wanted
from churn_ml.house import Addresses, House
from churn_ml.receipts import Receipt

from ..conftest import FIRST, SECOND

AWAY = Addresses(mlflow="http://127.0.0.1:9")
BY_ADA = {"who": "ada", "why": "too few were reached"}


@pytest.fixture
def house(championed: Path, copy_of: Callable[[Path], House]) -> House:
    """A shop whose champion, the rule, waits for a threshold of 4.50 as of 2017-11-01."""
    house = replace(copy_of(championed), addresses=AWAY)
    rule = house.champion(FIRST)
    verdict = {
        "decision": "threshold",
        "champion_from": rule,
        "challenger": rule,
        "evidence_hash": "5bec",
        "alpha_spent": 0.0076,
        "reasons": ["change the threshold: with 4.50 in place of 0.00 ..."],
        "taus": {"champion": 4.5, "champion_in_force": house.bundle(str(rule)).tau},
        "tau_to": 4.5,
    }
    token = house.ledger.take_token("judge", SECOND)
    receipt = Receipt("judge", SECOND, "threshold", details=verdict)
    house.ledger.publish(token, receipt=receipt, at=house.clock(), pins={"verdict": verdict})
    return house


def test_a_yes_changes_the_threshold_from_that_day_on_and_nothing_else(house: House) -> None:
    rule = house.bundle(str(house.champion(FIRST)))
    before = wanted(house)
    with pytest.raises(BadInput, match="a yes needs a name"):
        flow.record(house, SECOND, answer="Promote")
    done = flow.record(house, SECOND, answer="Promote", approver="ada")
    assert (done.status, done.details["champion"]) == ("retuned", rule.id)
    assert house.tau(rule, SECOND - timedelta(days=1)) == rule.tau
    assert house.tau(rule, SECOND) == house.tau(rule, SECOND + timedelta(days=90)) == 4.5
    assert (house.champion(SECOND), wanted(house)) == (rule.id, before)
    assert house.ledger.alpha_spent(2017) == pytest.approx(0.0076)
    assert flow.record(house, SECOND, answer="Promote", approver="ada").status == "retuned"
    assert house.ledger.verify() == 2
    log = ["decisions", "log", "--config", str(house.config.root / "churn.toml")]
    assert "threshold" in CliRunner().invoke(cli.app, log).stdout


def test_a_no_leaves_the_threshold_as_it_was(house: House) -> None:
    rule = house.bundle(str(house.champion(FIRST)))
    assert flow.record(house, SECOND, answer="Reject", approver="ada").status == "refused"
    assert house.tau(rule, SECOND) == rule.tau


def test_a_rollback_gives_the_former_threshold_back_and_twice_has_to_be_meant(house: House) -> None:
    rule = house.bundle(str(house.champion(FIRST)))
    flow.record(house, SECOND, answer="Promote", approver="ada")
    day = SECOND + timedelta(days=1)
    dry = flow.rollback(house, day, dry_run=True, **BY_ADA)
    assert (dry.status, house.tau(rule, day)) == ("dry_run", 4.5)
    done = flow.rollback(house, day, **BY_ADA)
    assert (done.status, house.champion(day)) == ("retuned", rule.id)
    assert (house.tau(rule, SECOND), house.tau(rule, day)) == (4.5, rule.tau)
    last = house.ledger.decisions()[-1]
    assert (last.kind, last.who, last.verdict["reasons"]) == ("threshold", "ada", [BY_ADA["why"]])
    with pytest.raises(BadInput, match="rolled back already"):
        flow.rollback(house, day, **BY_ADA)
    assert house.ledger.verify() == 3


def test_a_scoring_contacts_and_exports_by_the_threshold_decided_for_its_day(
    championed: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(championed)
    rule, tau = str(house.champion(FIRST)), 0.4
    told = {"champion_from": rule, "champion_to": rule, "verdict": {"tau_to": tau}}
    house.ledger.decide(FIRST, "threshold", who="ada", at=house.clock(), **told)
    flow.score(house, FIRST)
    scored = house.publication("score", FIRST)
    assert scored is not None
    assert scored.pins["tau"] == tau
    version = house.published("actions")[FIRST.isoformat()]
    actions = house.warehouse.read_partition("actions", FIRST, version).to_pandas()
    chosen = actions["would_be_offer"] != "NONE"
    assert chosen.any()
    assert actions.loc[chosen, "expected_gain"].min() > tau >= house.bundle(rule).tau
