"""The client against a running Airflow: what it is told, and what it says when it is refused."""

from __future__ import annotations

from datetime import date

import pytest

from churn_ml.demo.story import TASKS
from churn_ml.errors import BadInput, NotReady, Unreachable
from churn_ml.stack import wire
from churn_ml.stack.api import Airflow, Task
from churn_ml.stack.checks import free_ports

from .conftest import FIRST, SECOND, Running
from .watching import task_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_every_dag_is_parsed_without_an_error(running: Running) -> None:
    running.airflow.ready(TASKS)
    assert running.airflow.import_errors() == []


def test_a_wrong_password_is_refused_with_the_user_and_without_the_password(
    running: Running,
) -> None:
    with (
        Airflow(running.airflow_url, "admin", "not-the-password") as airflow,
        pytest.raises(BadInput, match="refuses the login of admin") as refused,
    ):
        airflow.runs()
    assert "not-the-password" not in str(refused.value)


def test_a_token_that_ran_out_is_taken_anew(running: Running) -> None:
    with Airflow.of(running.stack) as airflow:
        airflow._http.headers["Authorization"] = "Bearer ran-out"
        assert airflow.import_errors() == []


def test_a_user_the_stack_does_not_have_is_named(running: Running) -> None:
    with pytest.raises(BadInput, match=r"no user nobody.*admin, demo-approver"):
        Airflow.of(running.stack, "nobody")


def test_an_address_where_nobody_listens_is_unreachable() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    with Airflow(url, "admin", "x") as airflow, pytest.raises(Unreachable, match=url):
        airflow.runs()


def test_a_dag_that_nobody_deployed_is_waited_for_and_then_named(running: Running) -> None:
    with pytest.raises(NotReady, match="does not know the DAG churn_dance"):
        running.airflow.trigger("churn_dance", FIRST.isoformat(), patience_seconds=1)


def test_a_key_that_is_no_day_is_refused_by_the_ingest(running: Running) -> None:
    running.airflow.ready(["churn_ingest"])
    with pytest.raises(BadInput, match=r"refused POST .*churn_ingest/dagRuns.*400"):
        running.airflow.trigger("churn_ingest", "yesterday")


def test_a_dag_without_a_schedule_is_not_backfilled(running: Running) -> None:
    running.airflow.ready(["churn_score"])
    with pytest.raises(BadInput, match="refused POST /api/v2/backfills"):
        running.airflow.backfill("churn_score", date(2017, 11, 2), date(2017, 11, 3))


def test_the_runs_of_a_key_are_those_and_no_others(told: Running) -> None:
    runs = told.airflow.runs(SECOND.isoformat())
    assert {run.dag for run in runs} == set(TASKS)
    assert {(run.key, run.state) for run in runs} == {(SECOND.isoformat(), "success")}
    assert all(run.seconds for run in runs)
    assert told.airflow.runs("2017-1") == []


def test_a_listing_longer_than_a_page_is_whole(
    told: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = told.airflow.runs()
    tasks = told.airflow.tasks(runs)
    monkeypatch.setattr(wire, "PAGE", 2)
    assert told.airflow.runs() == runs
    assert sorted(told.airflow.tasks(runs), key=str) == sorted(tasks, key=str)


def test_what_a_task_handed_on_and_logged_can_be_read(told: Running) -> None:
    scored = task_of(told, "churn_score", SECOND, "score")
    assert told.airflow.xcom(scored)["receipt"].startswith(f"score/{SECOND.isoformat()}/")
    assert told.airflow.xcom(scored, "nothing") is None
    tail = told.airflow.log_tail(scored, lines=5)
    assert 1 <= len(tail.splitlines()) <= 5
    assert told.airflow.log_tail(Task("churn_score", scored.run, "dance", None)) == ""


def test_who_is_not_asked_cannot_answer(told: Running) -> None:
    with pytest.raises(BadInput, match="this task asks nothing"):
        told.approver.answer(task_of(told, "churn_score", SECOND, "score"), "Promote")
