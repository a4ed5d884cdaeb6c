"""The story through the running platform: two ingests triggered, the rest follows by itself.

Enters: a live stack and the shop's settings. Leaves: the lake, ledger, models, exports and MLflow
as the DAGs left them, and how long each took. What is promised is order: a key is followed until
nothing more can come of it before the next is triggered, and a verdict to promote is answered when
everything else of its day has ended, so that the day was scored by the champion it began with.

Worked example::

    drive(stack, load(config), say=print).seconds      # of the whole story
    drive(stack, load(config), keys=(FIRST,), answers={}, watch=kill_the_scheduler)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from churn_ml.demo.progress import Telling
from churn_ml.demo.story import ANSWER, APPROVER, FIRST, SECOND, TASKS, TRIGGERED
from churn_ml.errors import NotReady
from churn_ml.house import Addresses, Progress, open_ledger, silent
from churn_ml.stack.api import Airflow, Run, Task
from churn_ml.stack.following import (
    Asked,
    Check,
    Told,
    follow,
    nobody_answers,
    nobody_tells,
    patiently,
)
from churn_ml.stack.health import failure
from churn_ml.stack.record import SERVICES, read

if TYPE_CHECKING:
    from churn_ml.config import Config
    from churn_ml.stack import Stack

LIMIT_SECONDS = 900.0
"""How long the runs of one key may take on a slow machine, all in all."""
ASKING = "churn_promote"
"""The DAG whose questions are answered; what an export asks is left to others."""
EVERY_VERDICT = {FIRST: ANSWER, SECOND: ANSWER}


@dataclass(frozen=True)
class Driven:
    """What came of the story: its runs and tasks, and seconds from first trigger to last end."""

    seconds: float
    runs: tuple[Run, ...]
    tasks: tuple[Task, ...]


def addresses(stack: Stack) -> Addresses:
    """Where the ledger and MLflow of a stack are, with their logins."""
    return Addresses(ledger=stack.ledger_url, mlflow=stack.mlflow_login_url)


def drive(
    stack: Stack,
    config: Config,
    *,
    keys: Sequence[date] = (FIRST, SECOND),
    answers: Mapping[date, str] = EVERY_VERDICT,
    approver: str = APPROVER,
    say: Progress = silent,
    watch: Told = nobody_tells,
    limit_seconds: float = LIMIT_SECONDS,
) -> Driven:
    """Ingest each of `keys` through Airflow, one after the other, with all that follows from it.

    Parameters: `config`, the shop's settings; `answers`, what `approver` says to a verdict to
    promote of that as_of (one without an answer is left to others, and waited for); `say`, where
    progress goes; `watch`, called with every task at every change; `limit_seconds`, per key.
    Raises Permanent where a run failed, with DAG, task, key and the tail of its log; Transient
    where a key does not end in time; Unreachable where Airflow stays away, NotReady where the stack
    was stopped.
    """
    ledger, check = open_ledger(config, addresses(stack)), partial(check_alive, stack.folder)
    with Airflow.of(stack) as airflow, Airflow.of(stack, approver) as person:
        patiently(partial(airflow.ready, TASKS), check)
        telling = Telling(airflow, ledger, say)
        walk = partial(
            follow, airflow, limit_seconds=limit_seconds, tell=_both(telling, watch), check=check
        )
        started, looks = time.perf_counter(), []
        for day in keys:
            say(f"== {TRIGGERED} is triggered with the key {day}")
            past = _triggered(airflow, day.isoformat(), check)
            answer = _answering(person, answers.get(day), telling)
            looks.append(walk(day.isoformat(), past=past, answer=answer))
        return Driven(
            seconds=round(time.perf_counter() - started, 1),
            runs=tuple(run for look in looks for run in look.runs),
            tasks=tuple(task for look in looks for task in look.tasks),
        )


def _both(telling: Told, watch: Told) -> Told:
    def tell(task: Task) -> None:
        telling(task)
        watch(task)

    return tell


def _triggered(airflow: Airflow, key: str, check: Check) -> list[Run]:
    """Trigger the ingest of `key`, once, though an answer be lost; returns the runs before it.

    Only those that have ended: what an interrupted demo left open goes on by itself.
    """
    past = [run for run in patiently(partial(airflow.runs, key), check) if run.ended]
    run_id = f"manual__{key}__{secrets.token_hex(8)}"
    patiently(partial(airflow.trigger, TRIGGERED, key, run_id=run_id), check)
    return past


def check_alive(folder: Path) -> None:
    """Raise Unreachable where a service of the stack below `folder` is dead, with its log's end.

    Raises NotReady where none lives: somebody stopped it.
    """
    stack = read(folder)
    alive = stack.groups() if stack else {}
    if stack is None or not alive:
        raise NotReady(
            "the platform was stopped while the story was told",
            where=str(folder),
            next_step="KEEP=1 make demo goes on with it",
        )
    dead = [name for name in SERVICES if name not in alive]
    if dead:
        raise failure(stack, dead[0], "ended")


def _answering(person: Airflow, option: str | None, telling: Telling) -> Asked:
    """Answer every verdict with `option`, as `person`; None leaves them to others."""
    if option is None:
        return nobody_answers

    def answer(task: Task) -> bool:
        if not task.dag.startswith(ASKING):
            return False
        telling.note(f"{task.dag}.{task.name}", f"{person.user} answers {option}")
        person.answer(task, option)
        return True

    return answer
