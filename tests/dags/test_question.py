"""The question put to a person: figures and reasons, never a customer, and what a reply means."""

from __future__ import annotations

import doctest
import json
from types import ModuleType
from typing import Any

import pytest

from churn_ml.config import Gate
from churn_ml.gate.judging import verdict
from churn_ml.receipts import Receipt
from churn_ml.simulate import contest

from ..conftest import SECOND


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The details of a judging whose verdict is to promote, as the ledger keeps them."""
    trial = contest(2, train=3000, evaluate=1500, features=(1, 5), gate=Gate(alpha_year=0.3))
    reached: dict[str, Any] = json.loads(verdict(trial).to_json())
    return reached | {"champion_from": reached["champion"]}


def judged(told: dict[str, Any]) -> Receipt:
    return Receipt("judge", SECOND, told["decision"], details=told, attempt=2)


def test_its_examples_run(question: ModuleType) -> None:
    assert doctest.testmod(question, optionflags=doctest.ELLIPSIS).failed == 0


def test_a_verdict_to_promote_asks_with_both_profits_and_every_reason(
    question: ModuleType, told: dict[str, Any]
) -> None:
    asked = question.question(judged(told), "EUR")
    assert asked["asks"]
    assert asked["subject"] == f"Promote {told['challenger']} as of 2017-11-01?"
    assert f"| the champion earns | {told['champion_per_1000']:,.2f} |" in asked["body"]
    assert f"| the difference | {told['interval'][0]:+,.2f} |" in asked["body"]
    assert all(f"* {reason}" in asked["body"] for reason in told["reasons"])
    assert "`judge/2017-11-01/2`" in asked["body"]


def test_a_verdict_on_the_threshold_asks_to_change_it_and_says_that_the_champion_stays(
    question: ModuleType, told: dict[str, Any]
) -> None:
    changed = told | {"decision": "threshold", "tau_to": 4.5}
    asked = question.question(judged(changed), "EUR")
    assert asked["asks"]
    former = told["champion_from"]
    assert asked["subject"] == f"Keep {former} and change its threshold to 4.50 as of 2017-11-01?"
    assert f"`{former}` stays, and contacts from an expected gain of 4.50 on" in asked["body"]


def test_why_this_challenger_was_chosen_is_asked_about_too(
    question: ModuleType, told: dict[str, Any]
) -> None:
    chosen = "xgboost was chosen on 2017-09-01"
    asked = question.question(judged(told | {"chosen": chosen}), "EUR")
    assert f"\n* {chosen}" in asked["body"]


def test_a_verdict_answered_before_asks_nobody(question: ModuleType, told: dict[str, Any]) -> None:
    assert not question.question(judged(told | {"repeated": True}), "EUR")["asks"]


@pytest.mark.parametrize("decision", ["keep", "undecidable"])
def test_a_verdict_against_the_challenger_asks_nobody(
    question: ModuleType, told: dict[str, Any], decision: str
) -> None:
    assert not question.question(judged(told | {"decision": decision}), "EUR")["asks"]


def test_the_first_champion_needs_no_figures(question: ModuleType) -> None:
    told = {
        "decision": "first",
        "champion_from": None,
        "challenger": "rule-1",
        "reasons": ["no champion yet"],
        "interval": None,
    }
    asked = question.question(judged(told), "EUR")
    assert not asked["asks"]
    assert "From nobody to `rule-1`" in asked["body"]


def test_the_question_fits_into_xcom_as_plain_json(
    question: ModuleType, told: dict[str, Any]
) -> None:
    asked = question.question(judged(told), "EUR")
    assert json.loads(json.dumps(asked, allow_nan=False)) == asked


def test_a_user_without_a_name_is_known_by_the_id(question: ModuleType) -> None:
    reply = {"chosen_options": ["Reject"], "responded_by_user": {"id": "7", "name": ""}}
    found = question.answer(reply, {"receipt": "judge/2017-11-01/2"})
    assert found == {"answer": "Reject", "approver": "7", "judged": "judge/2017-11-01/2"}
