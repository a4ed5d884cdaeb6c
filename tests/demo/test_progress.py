"""A task's change is one line: who, what it means, and the receipt of what it did, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from churn_ml.demo.progress import Telling
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
from churn_ml.stack.api import Task

DAY = date(2017, 10, 1)


@dataclass
class HandedOn:
    """What tasks handed on, by their names."""

    values: dict[str, Any] = field(default_factory=dict)

    def xcom(self, task: Task) -> Any:
        return self.values.get(task.name)


@pytest.fixture
def ledger() -> Ledger:
    """A ledger with one receipt: score/2017-10-01/1."""
    ledger = Ledger.open("sqlite://")
    token = ledger.take_token("score", DAY)
    receipt = Receipt("score", DAY, "done", attempt=token.number)
    ledger.file_receipt(token, receipt, datetime(2026, 1, 1, tzinfo=UTC))
    return ledger


def told(ledger: Ledger, handed_on: dict[str, Any], *tasks: Task) -> list[str]:
    """The lines said about `tasks`, without their seconds."""
    said: list[str] = []
    telling = Telling(HandedOn(handed_on), ledger, said.append)
    for task in tasks:
        telling(task)
    return [line.partition(" s  ")[2] for line in said]


def task(dag: str, name: str, state: str | None, try_number: int = 1) -> Task:
    return Task(f"churn_{dag}", "r1", name, state, try_number)


def test_a_task_that_runs_is_told_with_what_it_does(ledger: Ledger) -> None:
    assert told(ledger, {}, task("export", "export", "running")) == [
        "churn_export.export    runs: what changed is sent to the destinations"
    ]


def test_a_task_that_ended_is_told_with_its_receipt_from_the_ledger(ledger: Ledger) -> None:
    handed_on = {"score": {"receipt": "score/2017-10-01/1", "status": "done"}}
    (line,) = told(ledger, handed_on, task("score", "score", "success"))
    assert line.startswith("churn_score.score      done: score as of 2017-10-01: done, 0.0 s")


def test_a_receipt_that_is_handed_on_by_two_tasks_is_told_once(ledger: Ledger) -> None:
    same = {"receipt": "score/2017-10-01/1"}
    tasks = task("score", "score", "success"), task("score", "again", "success")
    assert told(ledger, {"score": same, "again": same}, *tasks)[1] == "churn_score.again      done"


@pytest.mark.parametrize(
    ("dag", "name", "handed_on", "why"),
    [
        (
            "promote",
            "announce",
            {"receipt": "promote/2017-11-01/1"},
            "only the very first",
        ),
        ("promote", "ask", None, "nobody has to be asked"),
        ("train", "prepare", {"status": "not_due"}, "no training is due"),
        ("train", "prepare", {"status": "too_early"}, "there is too little to learn from yet"),
        ("train", "log", None, "nothing was trained"),
        ("learn", "learn", {"status": "no_data"}, "no scores have matured"),
        ("score", "score", {"status": "no_champion"}, "there is no champion yet"),
    ],
)
def test_a_task_with_nothing_to_do_is_told_with_the_reason(
    ledger: Ledger, dag: str, name: str, handed_on: Any, why: str
) -> None:
    (line,) = told(ledger, {name: handed_on}, task(dag, name, "skipped"))
    assert f"skipped: {why}" in line


def test_an_answer_is_told_with_the_name_of_who_gave_it(ledger: Ledger) -> None:
    reply = {"chosen_options": ["Promote"], "responded_by_user": {"name": "demo-approver"}}
    assert told(ledger, {"ask": reply}, task("promote", "ask", "success")) == [
        "churn_promote.ask      done: demo-approver says Promote"
    ]


def test_a_second_try_is_told_as_one(ledger: Ledger) -> None:
    (line,) = told(ledger, {}, task("learn", "learn", "running", 2))
    assert "runs (try 2): matured scores" in line


@pytest.mark.parametrize("state", [None, "scheduled", "queued", "upstream_failed", "removed"])
def test_states_that_last_moments_are_not_told(state: str | None, ledger: Ledger) -> None:
    assert told(ledger, {}, task("learn", "learn", state)) == []


def test_a_reference_that_this_ledger_does_not_know_is_told_by_its_name(ledger: Ledger) -> None:
    handed_on = {"score": {"receipt": "score/2017-10-01/9"}}
    (line,) = told(ledger, handed_on, task("score", "score", "success"))
    assert line.endswith("done: score/2017-10-01/9")
