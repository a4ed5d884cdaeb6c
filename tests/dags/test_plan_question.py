"""The question before a large export, and the three tasks around it: counts, never a customer."""

from __future__ import annotations

import doctest
import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from churn_ml.config import load
from churn_ml.errors import BadInput, StaleAttempt
from churn_ml.house import open_house
from churn_ml.receipts import Receipt

from ..conftest import FIRST, SECOND
from .running import running

ASKS = {
    "plan_id": "5f1c",
    "upserts": 640,
    "creates": 40,
    "removals": 60,
    "of_rows": 2000,
    "share": 0.35,
    "limit": 0.3,
    "affected": {"segment": {"LOST": 600, "NEW": 30, "others": 10}, "cause": {"FX": 7}},
}
REPLY = {"chosen_options": ["Send"], "responded_by_user": {"id": "7", "name": "ada"}}
NOBODY = {"chosen_options": ["Keep back"], "responded_by_user": None}
Work = Callable[[str, str], Callable[..., Any]]


@pytest.fixture(scope="module")
def plan_question(dags_folder: Path) -> ModuleType:
    """dags/plan_question.py, which knows nothing of Airflow."""
    return importlib.import_module("plan_question")


def exported(status: str = "asks", **changed: Any) -> Receipt:
    counts = {"sent": 0, "unchanged": 0, "removed": 0, "asks": ASKS | {"refused": False} | changed}
    return Receipt("export", SECOND, status, details={"destinations": {"crm": counts}}, attempt=2)


def test_its_examples_run(plan_question: ModuleType) -> None:
    assert doctest.testmod(plan_question, optionflags=doctest.ELLIPSIS).failed == 0


def test_a_question_shows_what_would_change_of_how_many(plan_question: ModuleType) -> None:
    asked = plan_question.question(exported(), {"crm": "5f1c"})
    assert asked["plans"] == {"crm": "5f1c"}
    assert asked["subject"] == "Send what changes crm as of 2017-11-01?"
    assert "| `crm` | 40 | 600 | 60 | 2,000 | 35.0 % | 30 % |" in asked["body"]
    assert "Plan `5f1c`. Receipt: `export/2017-11-01/2`." in asked["body"]
    assert json.loads(json.dumps(asked, allow_nan=False)) == asked


def test_a_question_says_who_is_affected_what_a_no_means_and_where_the_rows_are(
    plan_question: ModuleType,
) -> None:
    body = plan_question.question(exported(), {"crm": "5f1c"})["body"]
    assert "What would be told at `crm`, to how many:" in body
    assert "* segment: `LOST` 600, `NEW` 30, `others` 10\n* cause: `FX` 7" in body
    assert "*Keep back* sends nothing of it: the destination stays as it is" in body
    assert "No answer in time is *Keep back*" in body
    assert "`churn-ml export --as-of 2017-11-01 --dry-run`" in body
    club = replace(exported(affected={}), step="export@club")
    told = plan_question.question(club, {"crm": "5f1c"})["body"]
    assert "`churn-ml export --as-of 2017-11-01 --contract club --dry-run`" in told
    assert "What would be told" not in told


def test_the_first_load_has_no_share(plan_question: ModuleType) -> None:
    asked = plan_question.question(exported(of_rows=0, share=None), {"crm": "5f1c"})
    assert "| `crm` | 40 | 600 | 60 | 0 | the first load | 30 % |" in asked["body"]


@pytest.mark.parametrize(("status", "plans"), [("done", {}), ("dry_run", {"crm": "5f1c"})])
def test_nobody_is_asked_about_what_is_sent_or_only_counted(
    plan_question: ModuleType, status: str, plans: dict[str, str]
) -> None:
    nothing = {"plans": {}, "subject": "", "body": ""}
    assert plan_question.question(exported(status), plans) == nothing


def test_a_yes_without_a_name_is_none(plan_question: ModuleType) -> None:
    told = plan_question.answer(REPLY | {"responded_by_user": None}, {"plans": {"crm": "5f1c"}})
    assert (told["answer"], told["who"]) == ("refuse", None)


def test_r13_what_ada_says_yes_to_in_airflow_is_sent(at_cautious: Path, work: Work) -> None:
    with running("2017-10-01", dry_run=False):
        told = work("churn_export", "export")()
        assert told["status"] == "asks"
        assert sorted(told["plans"]) == ["crm_file", "crm_sql"]
        assert work("churn_export", "route")(told)
        assert not list((at_cautious / "exports").rglob("*.csv"))
        sent = work("churn_export", "send")(REPLY, told)
    assert sent["status"] == "done"
    assert sent["rows_out"] > 200
    assert len(list((at_cautious / "exports").rglob("*.csv"))) == 1
    house = open_house(load(at_cautious / "churn.toml"))
    assert house.ledger.waiting() == []


def test_r13_a_question_that_timed_out_sends_nothing(at_cautious: Path, work: Work) -> None:
    with running("2017-10-01", dry_run=False):
        told = work("churn_export", "export")()
        assert work("churn_export", "send")(NOBODY, told)["status"] == "kept_back"
        again = work("churn_export", "export")()
    assert (again["status"], again["plans"]) == ("kept_back", {})
    assert not list((at_cautious / "exports").rglob("*.csv"))


def test_m7_who_triggered_the_export_cannot_answer_it(at_cautious: Path, work: Work) -> None:
    with running("2017-10-01", run_type="manual", dry_run=False):
        told = work("churn_export", "export")()
        with pytest.raises(BadInput, match="cannot approve"):
            work("churn_export", "send")(REPLY, told)


def test_r13_an_answer_about_a_plan_that_has_changed_asks_anew(
    at_cautious: Path, work: Work, door: ModuleType, monkeypatch: Any
) -> None:
    with running("2017-10-01", dry_run=False):
        told = work("churn_export", "export")()
    file = at_cautious / "churn.toml"
    house = open_house(load(file))
    someone = house.ledger.versions(["scores"])["scores"]
    frame = house.warehouse.read_partition("scores", FIRST, someone[FIRST.isoformat()])
    customer = frame.column("customer_id")[0].as_py()
    house.ledger.suppress(house.suppression_key(customer), house.clock())
    with running("2017-10-01", dry_run=False), pytest.raises(StaleAttempt, match="asks anew"):
        work("churn_export", "send")(REPLY, told)
    assert {one.plan_id for one in house.ledger.waiting()}.isdisjoint(told["plans"].values())
