"""What the tests of the year are made of: watch a task, and strike where it is."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import psutil
import sqlalchemy as sa

from churn_ml.stack.api import Run, Task
from churn_ml.stack.following import Look, follow

from .crm import ROWS, Held

if TYPE_CHECKING:
    from .conftest import Running

LIMIT_SECONDS = 300


class Once:
    """Do something once, as soon as a task is seen in a state, at its n-th try if one is named."""

    def __init__(
        self,
        dag: str,
        task: str,
        act: Callable[[Task], None],
        *,
        state: str = "running",
        at_try: int | None = None,
    ) -> None:
        self.wanted, self.act, self.at_try = (dag, task, state), act, at_try
        self.done = False

    def __call__(self, task: Task) -> None:
        here = (task.dag, task.name, task.state) == self.wanted
        if here and not self.done and self.at_try in (None, task.try_number):
            self.done = True
            self.act(task)


class Each:
    """Several that watch for something; `done` when every one has seen it."""

    def __init__(self, *watching: Once) -> None:
        self.watching = watching

    def __call__(self, task: Task) -> None:
        for one in self.watching:
            one(task)

    @property
    def done(self) -> bool:
        return all(one.done for one in self.watching)


def task_of(told: Running, dag: str, key: date, name: str) -> Task:
    """A task of the newest run of a DAG for a key."""
    runs = told.airflow.runs(key.isoformat(), dag)
    return next(task for task in told.airflow.tasks(runs[:1]) if task.name == name)


def newest(told: Running) -> date:
    """The newest day that was exported: an older one would send nothing."""
    keys = [run.key for run in told.airflow.runs(dag="churn_export") if run.key]
    return date.fromisoformat(max(keys))


def follow_further(told: Running, key: date, past: list[Run]) -> Look:
    """Wait for what has come of a key since those runs."""
    return follow(told.airflow, key.isoformat(), past=past, limit_seconds=LIMIT_SECONDS)


def processes_of(told: Running, task: Task) -> list[psutil.Process]:
    """The process that runs a task, and the one that supervises it."""
    process = psutil.Process(told.airflow.ask("GET", task.path)["pid"])
    parent = process.parent()
    assert parent is not None
    return [process, parent]


def kill_task(told: Running, task: Task) -> None:
    """Kill the process that runs a task, not the one that supervises it."""
    processes_of(told, task)[0].send_signal(signal.SIGKILL)


def kill(told: Running, service: str) -> None:
    """Kill a service and what it started; it is gone when this returns, as a start has to see."""
    os.killpg(told.stack.groups()[service], signal.SIGKILL)
    wait_until(lambda: service not in told.stack.groups(), every_seconds=0.05)


def score_again(told: Running, key: date) -> list[psutil.Process]:
    """Score a key once more beside everything else; its processes, as soon as it has its token."""
    before = tokens(told, "score", key)
    run = told.airflow.trigger("churn_score", key.isoformat())
    begun: list[Task] = []

    def has_begun() -> bool:
        begun[:] = [task for task in told.airflow.tasks([run]) if task.state == "running"]
        return bool(begun)

    wait_until(has_begun, every_seconds=0.2)
    processes = processes_of(told, begun[0])
    wait_until(lambda: tokens(told, "score", key) > before, every_seconds=0.02)
    return processes


def wait_for_the_send(told: Running, crm: Held, as_of: date) -> None:
    """Until somebody waits in the middle of a batch, with nothing of the plan acknowledged."""
    wait_until(lambda: crm.waiting() > 0, every_seconds=0.1)
    found = told.house.ledger.open_plan(ROWS)
    assert found is not None
    assert found[1] == as_of
    assert found[2]


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
