"""The year's later days: models trained anew, questions of both kinds, and days that crowd."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from churn_ml import flow
from churn_ml.crm.protocol import REMOVED
from churn_ml.errors import BadInput, StaleAttempt
from churn_ml.stack.api import Question, Run, Task
from churn_ml.stack.following import Look, follow

from .conftest import DAY, Running
from .crm import FILES, ROWS, TABLE, connected, held, parts
from .records import check_backfilled_oldest_first, most_at_once, runs_of_dag
from .watching import (
    LIMIT_SECONDS,
    Each,
    Once,
    follow_further,
    kill,
    wait_for_the_send,
    wait_until,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

RETRAINED, TWICE = date(2017, 11, 7), date(2017, 11, 8)
BESIDES = (date(2017, 11, 9), date(2017, 11, 10))


def test_mlflow_killed_while_training_loses_nothing_m1_and_no_answer_is_a_no(
    told: Running,
) -> None:
    told.twin_does(RETRAINED, *DAY, "train", "judge", "record")
    told.ingest(RETRAINED)
    champion = told.house.champion(RETRAINED)
    told.edit("approval_hours = 1.0", "approval_hours = 0.001")

    def kill_mlflow(_: Task) -> None:
        kill(told, "mlflow")

    def start_it_again(_: Task) -> None:
        told.start()

    watch = Each(
        Once("churn_train", "prepare", kill_mlflow),
        Once("churn_train", "log", start_it_again, state="up_for_retry"),
    )
    train_again(told, tell=watch)
    assert watch.done
    models = [m for m in told.house.ledger.models() if m.trained_as_of == RETRAINED]
    assert models
    assert all(model.mlflow_run for model in models)
    check_refused(told, champion, "nobody answered")
    told.edit("approval_hours = 0.001", "approval_hours = 1.0")
    told.check_same_as_the_twin()


def test_a_rejected_verdict_is_on_record_and_the_champion_stays(told: Running) -> None:
    champion = told.house.champion(RETRAINED)
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


def test_r13_a_plan_that_changes_much_waits_for_a_person_and_sends_what_it_showed(
    told: Running,
) -> None:
    """The folder is to be filled half anew, and ten rows that somebody deleted from the table."""
    key, folder, past = RETRAINED.isoformat(), told.folder / "exports", runs_of(told, RETRAINED)
    told.edit("ask_above = 2.0", "ask_above = 0.3")
    half, ten = held_by(told, FILES)[::2], held_by(told, ROWS)[:10]
    with connected(told.crm) as crm:
        table = sa.table(TABLE, sa.column("customer_id"))
        crm.execute(sa.delete(table).where(table.c.customer_id.in_(ten)))
    told.house.ledger.doubt(FILES, half, told.house.clock())
    assert list(flow.reconcile(told.house, repair=True)[ROWS].missing) == ten
    before, asked = parts(folder), list[Question]()

    def say_send(task: Task) -> bool:
        asked.extend(told.airflow.questions())
        assert parts(folder) == before
        assert flow.reconcile(told.house)[ROWS].whole, "the other destination did not wait"
        told.approver.answer(task, "Send")
        return True

    told.airflow.trigger("churn_export", key)
    limit = LIMIT_SECONDS
    seen = follow(told.airflow, key, past=past, limit_seconds=limit, answer=say_send)
    said = {task.name: told.airflow.xcom(task) for task in seen.tasks}
    (question,), plan = asked, said["export"]["plans"][FILES]
    assert said["export"]["plans"] == {FILES: plan}
    assert question.subject == f"Send what changes crm_file as of {key}?"
    assert plan in question.body
    assert said["send"]["status"] == "done"
    (fresh,) = parts(folder).keys() - before.keys()
    assert fresh.rpartition("-")[0] == f"as_of={key}/part-{plan}", "its content is told behind it"
    ledger, now = told.house.ledger, told.house.clock()
    assert ledger.answered(FILES, plan) == "approve"
    assert ledger.answer(FILES, plan, "approve", "x", now).who == "demo-approver"
    first = ledger.receipt(said["export"]["receipt"]).receipt
    assert (first.status, first.details["requester"]) == ("asks", "admin")
    told.edit("ask_above = 0.3", "ask_above = 2.0")
    told.twin_does(RETRAINED, "doubt", told={FILES: half, ROWS: ten})
    told.twin_does(RETRAINED, "export")
    told.check_same_as_the_twin()


def test_o2_a_shell_and_airflow_that_send_one_plan_at_once_leave_every_row_once(
    told: Running,
) -> None:
    past, twenty = runs_of(told, RETRAINED), held_by(told, ROWS)[:20]
    told.twin_does(RETRAINED, "doubt", told={ROWS: twenty})
    told.twin_does(RETRAINED, "export")
    told.house.ledger.doubt(ROWS, twenty, told.house.clock())
    with ThreadPoolExecutor(1) as shell, held(told.crm) as crm:
        by_hand = shell.submit(flow.export, told.house, RETRAINED)
        wait_for_the_send(told, crm, RETRAINED)
        told.airflow.trigger("churn_export", RETRAINED.isoformat())
        wait_until(lambda: crm.waiting() == 2)
        crm.let_go()
        with pytest.raises(StaleAttempt):
            by_hand.result()
    follow_further(told, RETRAINED, past)
    told.check_same_as_the_twin()


def test_o2_further_runs_of_a_key_and_a_backfill_beside_it_end_as_one_by_one(
    told: Running,
) -> None:
    """They come while the key is being sent, and wait or go on beside it."""
    asked: list[int] = []

    def crowd(_: Task) -> None:
        wait_for_the_send(told, crm, TWICE)
        told.airflow.trigger("churn_export", TWICE.isoformat())
        told.airflow.trigger("churn_score", TWICE.isoformat())
        asked.append(told.airflow.backfill("churn_ingest", BESIDES[0], BESIDES[-1]))
        crm.let_go()

    crowded = Once("churn_export", "export", crowd)
    told.twin_does(TWICE, *DAY)
    with held(told.crm) as crm:
        told.ingest(TWICE, watch=crowded)
    assert crowded.done
    for day in BESIDES:
        told.twin_does(day, *DAY)
    wait_until(lambda: told.airflow.backfilled(asked[0]))
    for day in (TWICE, *BESIDES):
        follow_further(told, day, [])
    runs = told.airflow.runs(TWICE.isoformat())
    assert [run.dag for run in runs].count("churn_score") == 2
    assert [run.dag for run in runs].count("churn_export") == 3
    check_backfilled_oldest_first(told, *BESIDES)
    for dag in ("churn_ingest", "churn_score", "churn_export", "churn_learn"):
        assert most_at_once(runs_of_dag(told, dag)) == 1, dag
    told.check_same_as_the_twin()


def held_by(told: Running, destination: str) -> list[str]:
    """Whom the destination holds, as the ledger has it."""
    state = told.house.ledger.state(destination)
    return sorted(customer for customer, (content, _) in state.items() if content != REMOVED)


def runs_of(told: Running, key: date) -> list[Run]:
    return told.airflow.runs(key.isoformat())


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
