"""A year through a real Airflow: by assets, by backfill, with kills, questions and a canary.

The tests follow each other: each takes the next days of the shop. In the end, Airflow's house and
that of a twin which no scheduler ever ran hold the same content.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from churn_ml import views
from churn_ml.errors import BadInput
from churn_ml.stack.api import Task
from churn_ml.stack.following import Look, follow

from .conftest import CANARY, DAY, FIRST, SECOND, Running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

RANGE = (date(2017, 11, 2), date(2017, 11, 3), date(2017, 11, 4))
TASK_KILLED, SCHEDULER_KILLED = date(2017, 11, 5), date(2017, 11, 6)
RETRAINED, STOPPED = date(2017, 11, 7), date(2017, 11, 8)
DOWN, TWICE = date(2017, 11, 9), date(2017, 11, 10)
BESIDES = (date(2017, 11, 11), date(2017, 11, 12))
LIMIT_SECONDS = 300


def test_the_story_through_airflow_ends_in_the_content_of_the_direct_one(told: Running) -> None:
    told.check_same_as_the_twin()
    assert told.house.champion(FIRST) == told.twin.champion(FIRST)
    assert told.house.champion(FIRST)


def test_no_run_is_keyed_today_or_has_no_key(told: Running) -> None:
    keys = {run.key for run in told.airflow.runs()}
    assert keys == {FIRST.isoformat(), SECOND.isoformat()}
    assert datetime.now(UTC).date().isoformat() not in keys


def test_receipts_name_the_task_that_asked_for_them(told: Running) -> None:
    (scored,) = told.house.ledger.receipts("score", SECOND)
    assert scored.caller is not None
    assert scored.caller.startswith(f"{told.airflow_url}/dags/churn_score/runs/")
    handed_on = told.airflow.xcom(task_of(told, "churn_score", SECOND))
    assert handed_on["receipt"] == scored.receipt.reference
    assert set(handed_on) == {"receipt", "status", "rows_in", "rows_out"}


def test_mlflow_holds_every_model_and_the_run_leads_back_to_airflow(told: Running) -> None:
    house = told.house
    logged = house.ledger.receipt(f"log/{SECOND.isoformat()}/1").receipt.details
    assert logged["run_url"].startswith(told.stack.mlflow_url)
    models = [m for m in house.ledger.models() if m.trained_as_of == SECOND]
    assert {m.id for m in models} == set(logged["mlflow"])
    assert all(m.mlflow_run and m.mlflow_version for m in house.ledger.models())
    assert house.registry.aliases()["champion"] == house.champion(SECOND)
    assert told.stack.secrets["mlflow"] not in logged["run_url"]


def test_three_days_backfilled_are_the_three_days_one_by_one(told: Running) -> None:
    asked = told.airflow.backfill("churn_ingest", RANGE[0], RANGE[-1])
    for day in RANGE:
        told.twin_does(day, *DAY)
    wait_until(lambda: told.airflow.backfilled(asked))
    for day in RANGE:
        follow(told.airflow, day.isoformat(), limit_seconds=LIMIT_SECONDS)
    told.check_same_as_the_twin()
    days = {run.key for run in told.airflow.runs(dag="churn_ingest")}
    assert days == {day.isoformat() for day in (FIRST, SECOND, *RANGE)}


def test_a_killed_task_is_run_again_and_ends_the_same(told: Running) -> None:
    killed = Once("churn_score", "score", partial(send, told, signal.SIGKILL))
    told.twin_does(TASK_KILLED, *DAY)
    told.ingest(TASK_KILLED, watch=killed)
    assert killed.done
    assert task_of(told, "churn_score", TASK_KILLED).try_number == 2
    told.check_same_as_the_twin()


def test_a_killed_scheduler_comes_back_and_scoring_ends_the_same_c9(told: Running) -> None:
    def kill_the_scheduler(_: Task) -> None:
        assert told.house.ledger.publication("score", SCHEDULER_KILLED) is None
        kill(told, "scheduler")
        told.start()

    killed = Once("churn_score", "score", kill_the_scheduler)
    told.twin_does(SCHEDULER_KILLED, *DAY)
    told.ingest(SCHEDULER_KILLED, watch=killed)
    assert killed.done
    told.check_same_as_the_twin()


def test_mlflow_killed_while_training_loses_nothing_m1_and_no_answer_is_a_no(
    told: Running,
) -> None:
    told.twin_does(RETRAINED, *DAY, "train", "judge", "record")
    told.ingest(RETRAINED)
    champion = told.house.champion(RETRAINED)

    def kill_mlflow(_: Task) -> None:
        kill(told, "mlflow")

    def start_it_again(_: Task) -> None:
        told.start()

    killed = Once("churn_train", "prepare", kill_mlflow)
    back = Once("churn_train", "log", start_it_again, state="up_for_retry")

    def watch(task: Task) -> None:
        killed(task)
        back(task)

    train_again(told, tell=watch)
    assert killed.done
    assert back.done
    models = [m for m in told.house.ledger.models() if m.trained_as_of == RETRAINED]
    assert models
    assert all(model.mlflow_run for model in models)
    check_refused(told, champion, "nobody answered")
    told.check_same_as_the_twin()


def test_a_rejected_verdict_is_on_record_and_the_champion_stays(told: Running) -> None:
    champion = told.house.champion(RETRAINED)
    told.edit("approval_hours = 0.004", "approval_hours = 1.0")
    told.edit("[gate]", "[policy]\ncontact_window_days = 29\n\n[gate]")
    told.twin_does(RETRAINED, "train", repin=True)

    def judge_twice(_: Task) -> None:
        told.airflow.trigger("churn_promote", RETRAINED.isoformat())

    again = Once("churn_promote", "ask", judge_twice, state="awaiting_input")
    train_again(told, answer="Reject", conf={"repin": True}, tell=again)
    assert again.done  # the second run waited behind the question, and asked nobody
    check_refused(told, champion, "demo-approver")
    told.twin_does(RETRAINED, "judge", "record", answer="Reject", approver="demo-approver")
    told.check_same_as_the_twin()


def test_an_approved_verdict_makes_the_challenger_champion(told: Running) -> None:
    champion = told.house.champion(RETRAINED)
    told.edit("contact_window_days = 29", "contact_window_days = 30")
    told.twin_does(RETRAINED, "train", repin=True)
    train_again(told, answer="Promote", conf={"repin": True})
    decided = told.house.ledger.decisions()[-1]
    assert (decided.kind, decided.who) == ("promote", "demo-approver")
    assert told.house.champion(RETRAINED) == decided.champion_to != champion
    assert told.house.registry.aliases() == {
        "champion": decided.champion_to,
        "challenger": decided.champion_to,
        "former_champion": champion,
    }
    told.twin_does(RETRAINED, "judge", "record", answer="Promote", approver="demo-approver")
    told.check_same_as_the_twin()


def test_an_answered_question_is_not_answered_again(told: Running) -> None:
    runs = told.airflow.runs(RETRAINED.isoformat(), "churn_promote")
    asked = next(task for task in told.airflow.tasks(runs[:1]) if task.name == "ask")
    with pytest.raises(BadInput, match="409"):
        told.approver.answer(asked, "Reject")
    assert told.airflow.questions() == []
    assert told.airflow.announced(RETRAINED.isoformat()) == []


def test_a_task_stopped_past_its_heartbeat_publishes_nothing_when_it_wakes_c9(
    told: Running,
) -> None:
    stopped: list[psutil.Process] = []

    def stop_half_way(task: Task) -> None:
        wait_until(lambda: tokens(told, "score", STOPPED) == 1, every_seconds=0.02)
        stopped.extend(processes_of(told, task))
        for process in stopped:
            process.suspend()

    asleep = Once("churn_score", "score", stop_half_way)
    told.twin_does(STOPPED, *DAY)
    try:
        told.ingest(STOPPED, watch=asleep)
        published = told.house.ledger.publication("score", STOPPED)
        assert published is not None
        assert published.token > 1
        assert [p.status() for p in stopped] == [psutil.STATUS_STOPPED] * 2
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()
    _, alive = psutil.wait_procs(stopped[:1], timeout=60)
    assert not alive
    ended = [filed.receipt for filed in told.house.ledger.receipts("score", STOPPED)]
    assert [r.attempt for r in ended if r.status == "done"] == [published.token]
    assert told.house.ledger.publication("score", STOPPED) == published
    told.check_same_as_the_twin()


def test_the_database_and_all_of_airflow_killed_in_mid_scoring_lose_nothing_c10_c15(
    told: Running,
) -> None:
    def kill_and_start(_: Task) -> None:
        # a scheduler ends by itself where its database is away: killed, it is surely gone
        for service in ("scheduler", "postgres", "api-server", "dag-processor"):
            kill(told, service)
        told.start()

    killed = Once("churn_score", "score", kill_and_start)
    told.twin_does(DOWN, *DAY)
    told.ingest(DOWN, watch=killed)
    assert killed.done
    told.check_same_as_the_twin()


def test_o2_a_second_run_of_a_key_and_a_backfill_beside_it_end_as_one_by_one(
    told: Running,
) -> None:
    asked: list[int] = []

    def crowd(_: Task) -> None:
        told.airflow.trigger("churn_score", TWICE.isoformat())
        asked.append(told.airflow.backfill("churn_ingest", BESIDES[0], BESIDES[-1]))

    crowded = Once("churn_score", "score", crowd)
    told.twin_does(TWICE, *DAY)
    told.ingest(TWICE, watch=crowded)
    assert crowded.done
    for day in BESIDES:
        told.twin_does(day, *DAY)
    wait_until(lambda: told.airflow.backfilled(asked[0]))
    for day in (TWICE, *BESIDES):
        follow(told.airflow, day.isoformat(), limit_seconds=LIMIT_SECONDS)
    assert len(told.airflow.runs(TWICE.isoformat(), "churn_score")) == 2
    told.check_same_as_the_twin()


def test_no_customer_and_no_secret_is_where_it_does_not_belong_s8_s9(told: Running) -> None:
    stack = told.stack
    everything = views.contents(told.house.ledger)
    assert everything["tables"]["scores"]
    secrets = {*stack.secrets.values(), *stack.users.values()}
    for name in ("airflow", "mlflow", "mlflow_auth"):
        check_absent({CANARY, *secrets}, f"database {name}", rows_of(stack.database(name)))
    for table in ("xcom", "rendered_task_instance_fields", "hitl_detail", "asset_event"):
        assert any(rows_of(stack.database("airflow"), {table})), table
    told_tables = {"receipts", "publications", "decisions", "models", "lots"}
    check_absent({CANARY, *secrets}, "ledger", rows_of(stack.ledger_url, told_tables))
    assert any(CANARY in row for row in rows_of(stack.ledger_url, {"delivered"}))
    for part in ("logs", "mlartifacts", "models"):
        check_absent({CANARY, *secrets}, part, texts_below(told.folder / part))


# What the tests are made of


class Once:
    """Do something once, as soon as a task is seen in a state."""

    def __init__(
        self, dag: str, task: str, act: Callable[[Task], None], *, state: str = "running"
    ) -> None:
        self.wanted, self.act = (dag, task, state), act
        self.done = False

    def __call__(self, task: Task) -> None:
        if (task.dag, task.name, task.state) == self.wanted and not self.done:
            self.done = True
            self.act(task)


def train_again(told: Running, *, answer: str | None = None, **further: Any) -> Look:
    """Trigger a training by hand and follow it to the recorded decision."""
    tell = further.pop("tell", lambda _: None)
    key = RETRAINED.isoformat()
    past = told.airflow.runs(key)

    def say(task: Task) -> bool:
        if answer is not None:
            told.approver.answer(task, answer)
        return answer is not None

    told.airflow.trigger("churn_train", key, **further)
    return follow(told.airflow, key, past=past, limit_seconds=LIMIT_SECONDS, tell=tell, answer=say)


def check_refused(told: Running, champion: str | None, who: str) -> None:
    decided = told.house.ledger.decisions()[-1]
    assert (decided.kind, decided.who, decided.as_of) == ("refuse", who, RETRAINED)
    assert decided.champion_from == champion
    assert told.house.champion(RETRAINED) == champion
    assert told.house.registry.aliases()["champion"] == champion


def task_of(told: Running, dag: str, key: date) -> Task:
    """The only task of the newest run of a DAG for a key that was not skipped."""
    runs = told.airflow.runs(key.isoformat(), dag)
    return next(t for t in told.airflow.tasks(runs[:1]) if t.state != "skipped")


def processes_of(told: Running, task: Task) -> list[psutil.Process]:
    """The process that runs a task, and the one that supervises it."""
    pid = told.airflow.ask("GET", task.path)["pid"]
    process = psutil.Process(pid)
    parent = process.parent()
    assert parent is not None
    return [process, parent]


def kill(told: Running, service: str) -> None:
    """Kill a service and what it started; it is gone when this returns, as a start has to see."""
    os.killpg(told.stack.groups()[service], signal.SIGKILL)
    wait_until(lambda: service not in told.stack.groups(), every_seconds=0.05)


def send(told: Running, number: signal.Signals, task: Task) -> None:
    processes_of(told, task)[0].send_signal(number)


def tokens(told: Running, step: str, as_of: date) -> int:
    """How many attempts of a step have begun."""
    engine = sa.create_engine(told.house.ledger._engine.url, poolclass=sa.NullPool)
    query = sa.text("select number from tokens where step = :step and as_of = :as_of")
    with engine.connect() as connection:
        found = connection.execute(query, {"step": step, "as_of": as_of}).scalar()
    return int(found or 0)


def wait_until(
    true: Callable[[], bool], *, limit_seconds: float = LIMIT_SECONDS, every_seconds: float = 0.5
) -> None:
    until = time.monotonic() + limit_seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(every_seconds)


def rows_of(url: str, only: set[str] | None = None) -> Iterator[str]:
    """Every row of a PostgreSQL database, as text."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    try:
        with engine.connect() as connection:
            for table in sa.inspect(connection).get_table_names():
                if only is None or table in only:
                    yield from connection.execute(
                        sa.text(f'select t::text from "{table}" t')
                    ).scalars()
    finally:
        engine.dispose()


def texts_below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("utf-8", errors="replace")


def check_absent(words: set[str], where: str, texts: Iterator[str]) -> None:
    count = 0
    for text in texts:
        count += 1
        found = [word[:4] + "..." for word in words if word in text]
        assert not found, f"{found} in {where}: {text[:300]}"
    assert count, f"nothing was looked at in {where}"
