"""Follow every run of one key, wherever assets carry it, until nothing more can come of it.

Enters: the client and a key. Leaves: the runs, all successful, or an error that names DAG, task and
key and ends with the tail of the log. A run that has ended may still have asked for others; a key
is at rest only when all its runs had ended, then no event waited for a run, and then no run had
been added. Worked example: the ingest keyed 2017-10-01 asks for score, learn and train; train for
promote; promote, with the first champion, for score again, and score for export.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from churn_ml.errors import Permanent, Transient, Unreachable
from churn_ml.stack.api import Airflow, Run, Task

ASLEEP = "awaiting_input"
"""The state of a task that waits for a person: it moves only when it is answered, or times out."""
WAITING = frozenset({None, ASLEEP, "success", "failed", "skipped", "upstream_failed", "removed"})
"""States of the tasks of a run in which nothing moves: ended, asleep, or behind one that is."""
POLL_SECONDS = 1.0
AWAY_SECONDS = 180.0
"""How long the API, or a service, may be away: it is restarted in less."""

Answer = TypeVar("Answer")
Told = Callable[[Task], None]
Asked = Callable[[Task], bool]
Check = Callable[[], None]


@dataclass(frozen=True)
class Look:
    """What one look at a key found; `at_rest`: nothing moves, but for an answer."""

    runs: tuple[Run, ...]
    tasks: tuple[Task, ...]
    at_rest: bool

    @property
    def asleep(self) -> tuple[Task, ...]:
        """The tasks that wait for a person."""
        return tuple(task for task in self.tasks if task.state == ASLEEP)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of the key."""
        return self.at_rest and all(run.ended for run in self.runs)


def nobody_tells(_: Task) -> None:
    """The listener of who needs no progress."""


def nobody_answers(_: Task) -> bool:
    """The answer of who leaves questions to others."""
    return False


def nothing_to_check() -> None:
    """The check of who knows of no service."""


def look(airflow: Airflow, key: str, past: Collection[Run] = ()) -> Look:
    """The runs and tasks of a key as they are now; `past` are left out."""
    known = {(run.dag, run.id) for run in past}

    def present() -> list[Run]:
        return [run for run in airflow.runs(key) if (run.dag, run.id) not in known]

    runs = present()
    tasks = airflow.tasks(runs)
    asleep = {run.dag for run in runs if _is_asleep(run, tasks)}
    # one run of a DAG at a time: the next one waits in the queue until a person has answered
    still = all(
        run.ended or _is_asleep(run, tasks) or (run.state == "queued" and run.dag in asleep)
        for run in runs
    )
    # in this order: whatever an ended run asked for is announced, or already a run
    at_rest = still and not airflow.announced(key) and _same(runs, present())
    return Look(tuple(runs), tuple(tasks), at_rest)


def follow(
    airflow: Airflow,
    key: str,
    *,
    past: Collection[Run] = (),
    limit_seconds: float,
    tell: Told = nobody_tells,
    answer: Asked = nobody_answers,
    check: Check = nothing_to_check,
) -> Look:
    """Wait until every run of `key` has ended well; returns the last look.

    Parameters: `past`, runs to leave out; `tell`, called once for every state a task takes;
    `answer`, called with each task that waits for a person once nothing else moves: True where it
    answered; `check`, called at every look, raises Unreachable where a service is dead, and another
    error where it stays so. Raises Permanent where a run failed, Transient where it does not end
    within `limit_seconds`, Unreachable where the API or a service stays away for three minutes.
    """
    until, heard = time.monotonic() + limit_seconds, time.monotonic()
    told: dict[tuple[str, str, str, int], tuple[str | None, int]] = {}
    answered: set[str] = set()
    while True:
        try:
            seen = look(airflow, key, past)
            _tell_changes(seen.tasks, told, tell)
            _check_none_failed(airflow, key, seen)
            if seen.ended:
                return seen
            if seen.at_rest:
                answered |= {t.path for t in seen.asleep if t.path not in answered and answer(t)}
            check()
            heard = time.monotonic()
        except Unreachable:
            if time.monotonic() - heard > AWAY_SECONDS:
                raise
            with suppress(Unreachable):
                check()  # another error says that it will not come back
        if time.monotonic() > until:
            raise _late(airflow, key, past, limit_seconds)
        time.sleep(POLL_SECONDS)


def patiently(ask: Callable[[], Answer], check: Check = nothing_to_check) -> Answer:
    """What `ask` returns, asked again while the API is away; it must do no harm when asked twice.

    Raises Unreachable where the API stays away for three minutes, and what `check` says of it.
    """
    began = time.monotonic()
    while True:
        try:
            return ask()
        except Unreachable:
            if time.monotonic() - began > AWAY_SECONDS:
                raise
            with suppress(Unreachable):
                check()  # another error says that it will not come back
        time.sleep(POLL_SECONDS)


def _is_asleep(run: Run, tasks: Sequence[Task]) -> bool:
    """Whether a run only waits for a person."""
    states = [task.state for task in tasks if (task.dag, task.run) == (run.dag, run.id)]
    return ASLEEP in states and WAITING.issuperset(states)


def _same(runs: Sequence[Run], later: Sequence[Run]) -> bool:
    return {(run.dag, run.id) for run in runs} == {(run.dag, run.id) for run in later}


def _tell_changes(
    tasks: Sequence[Task],
    told: dict[tuple[str, str, str, int], tuple[str | None, int]],
    tell: Told,
) -> None:
    """Tell every task whose state or try is not the one told before, and note it."""
    for task in tasks:
        name, state = (task.dag, task.run, task.name, task.index), (task.state, task.try_number)
        if told.get(name) != state:
            told[name] = state
            tell(task)


def _check_none_failed(airflow: Airflow, key: str, seen: Look) -> None:
    """Raise Permanent for the first run that failed, with the tail of its failed task's log."""
    failed = [run for run in seen.runs if run.state == "failed"]
    for run in failed:
        mine = (t for t in seen.tasks if (t.dag, t.run) == (run.dag, run.id))
        task = next((t for t in mine if t.state == "failed"), None)
        tail = airflow.log_tail(task) if task else "no task of it failed: it was set to failed"
        raise Permanent(
            f"{run.dag} failed for {key}" + (f" in its task {task.name}" if task else ""),
            where=f"{airflow.url}/dags/{run.dag}/runs/{run.id}",
            next_step=f"read the whole log there; it ends with:\n{tail}",
        )


def _late(airflow: Airflow, key: str, past: Collection[Run], limit_seconds: float) -> Transient:
    """The error of a key that does not come to its end, with what is open."""
    try:
        seen = look(airflow, key, past)
        states = [f"{t.dag}.{t.name} {t.state}" for t in seen.tasks if t.state not in WAITING]
        asked = [f"{t.dag}.{t.name} waits for an answer" for t in seen.asleep]
        queued = [f"{run.dag} queued" for run in seen.runs if run.state == "queued"]
        pending = [f"{dag} not started" for dag in airflow.announced(key)]
        open_ones = states + asked + queued + pending or ["nothing open that Airflow tells of"]
    except Unreachable as error:
        open_ones = [error.what]
    return Transient(
        f"the runs of {key} did not end within {limit_seconds:.0f} s",
        where=airflow.url,
        got=", ".join(open_ones),
        next_step="see churn-ml stack status, the log of the scheduler, and the DAG's page",
    )
