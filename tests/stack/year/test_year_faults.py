"""The year goes on: tasks and services are killed and stopped while they score and send.

Every send is struck while the table waits in the middle of a batch; the folder of files has its
part by then. In the end ledger, table and folder hold what those of the twin hold, raw row by raw
row and byte by byte.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from functools import partial

import psutil
import pytest

from churn_ml.stack.api import Task

from .conftest import DAY, Running
from .crm import ROWS, held
from .watching import (
    Each,
    Once,
    follow_further,
    kill,
    kill_task,
    processes_of,
    score_again,
    task_of,
    tokens,
    wait_for_the_send,
    wait_until,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

KILLED, STOPPED, DOWN = date(2017, 11, 4), date(2017, 11, 5), date(2017, 11, 6)


def test_what_is_killed_while_it_scores_and_sends_is_run_again_and_ends_the_same_c8_c9(
    told: Running,
) -> None:
    """The task that scores; the scheduler with all it runs; the task that sends."""

    def kill_the_scheduler(_: Task) -> None:
        assert told.house.ledger.publication("score", KILLED) is None
        kill(told, "scheduler")
        told.start()

    def kill_the_sender(task: Task) -> None:
        wait_for_the_send(told, crm, KILLED)
        kill_task(told, task)
        crm.let_go()

    killed = Each(
        Once("churn_score", "score", partial(kill_task, told), at_try=1),
        Once("churn_score", "score", kill_the_scheduler, at_try=2),
        Once("churn_export", "export", kill_the_sender),
    )
    told.twin_does(KILLED, *DAY)
    with held(told.crm) as crm:
        told.ingest(KILLED, watch=killed)
    assert killed.done
    assert task_of(told, "churn_export", KILLED, "export").try_number == 2
    told.check_same_as_the_twin()


def test_a_send_stopped_past_its_heartbeat_wakes_beside_its_second_try_c9_o2(
    told: Running,
) -> None:
    """Two processes of one task send the same batch at once; beside them an older day is scored
    again, which is stopped too until its second try is done, and whose export comes after a newer
    one (O4).
    """
    asleep: list[psutil.Process] = []
    past = told.airflow.runs(KILLED.isoformat())

    def stop_both(sending: Task) -> None:
        wait_for_the_send(told, crm, STOPPED)
        asleep.extend(processes_of(told, sending))
        asleep.extend(score_again(told, KILLED))
        for process in reversed(asleep):
            process.suspend()

    def wake_the_sender(_: Task) -> None:
        wait_until(lambda: crm.waiting() == 2, every_seconds=0.1)
        assert [process.status() for process in asleep] == [psutil.STATUS_STOPPED] * 4
        wake(asleep[:2])
        crm.let_go()

    watch = Each(
        Once("churn_export", "export", stop_both, at_try=1),
        Once("churn_export", "export", wake_the_sender, at_try=2),
    )
    told.twin_does(STOPPED, *DAY)
    with held(told.crm) as crm:
        try:
            told.ingest(STOPPED, watch=watch)
            follow_further(told, KILLED, past)
            assert [scoring.status() for scoring in asleep[2:]] == [psutil.STATUS_STOPPED] * 2
        finally:
            wake(asleep)
    assert watch.done
    _, alive = psutil.wait_procs(asleep[::2], timeout=60)
    assert not alive
    check_published_by_the_last(told, "export", STOPPED)
    check_published_by_the_last(told, "score", KILLED)
    check_came_too_late(told, KILLED)
    told.check_same_as_the_twin()


def test_the_database_and_all_of_airflow_killed_in_mid_send_lose_nothing_c10_c15(
    told: Running,
) -> None:
    """The server has the ledger, Airflow's own database and the CRM's table."""
    past = told.airflow.runs(KILLED.isoformat())

    def kill_and_start(_: Task) -> None:
        wait_for_the_send(told, crm, DOWN)
        score_again(told, KILLED)
        # a scheduler ends by itself where its database is away: killed, it is surely gone
        for service in ("scheduler", "postgres", "api-server", "dag-processor"):
            kill(told, service)
        told.start()

    killed = Once("churn_export", "export", kill_and_start)
    told.twin_does(DOWN, *DAY)
    with held(told.crm) as crm:
        told.ingest(DOWN, watch=killed)
    assert killed.done
    follow_further(told, KILLED, past)
    told.check_same_as_the_twin()


def wake(asleep: list[psutil.Process]) -> None:
    for process in asleep:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def check_published_by_the_last(told: Running, step: str, as_of: date) -> None:
    """The newest attempt is what stands, and the one before it has not published."""
    ledger = told.house.ledger
    published = ledger.publication(step, as_of)
    assert published is not None
    assert published.token == tokens(told, step, as_of) > 1
    ended = {r.receipt.attempt: r.receipt.status for r in ledger.receipts(step, as_of)}
    assert ended[published.token] == "done"
    assert ended.get(published.token - 1) != "done"


def check_came_too_late(told: Running, as_of: date) -> None:
    """The newest export of a day older than what the table has was counted and not sent."""
    newest = told.house.ledger.publication("export", as_of)
    assert newest is not None
    told_of = told.house.ledger.receipt(f"export/{as_of.isoformat()}/{newest.token}").receipt
    counts = told_of.details["destinations"][ROWS]
    assert counts["sent"] == 0 < counts["older"]
