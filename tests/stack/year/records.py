"""When runs and tries began and ended, as Airflow's own records tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from churn_ml.stack.api import Task

if TYPE_CHECKING:
    from .conftest import Running

OPEN = datetime.max.replace(tzinfo=UTC)
"""The end of what has not ended."""


@dataclass(frozen=True)
class Span:
    """What ran, in which state it ended, and from when to when."""

    name: str
    state: str
    began: datetime
    ended: datetime


def tries_of(told: Running, task: Task) -> list[Span]:
    """Every try of a task, in its order."""
    found = told.airflow.ask("GET", f"{task.path}/tries")["task_instances"]
    return [_span(str(each["try_number"]), each) for each in found]


def runs_of_dag(told: Running, dag: str, kind: str | None = None) -> list[Span]:
    """Every run of a DAG that began, called by its key, in the order of their beginnings."""
    found = told.airflow.pages("GET", f"/dags/{dag}/dagRuns", "dag_runs")
    asked = [run for run in found if run["start_date"] and kind in (None, run["run_type"])]
    return sorted((_span(run["partition_key"], run) for run in asked), key=lambda one: one.began)


def most_at_once(spans: Sequence[Span]) -> int:
    """How many of them ran at once at most; one that begins as another ends is after it.

    >>> days = [datetime(2017, 10, day, tzinfo=UTC) for day in (1, 2, 3)]
    >>> most_at_once([Span("a", "success", days[0], days[2]), Span("b", "success", days[1], OPEN)])
    2
    """
    changes = [(one.began, 1) for one in spans], [(one.ended, -1) for one in spans]
    running = most = 0
    for _, change in sorted(changes[0] + changes[1]):
        running += change
        most = max(most, running)
    return most


def check_backfilled_oldest_first(told: Running, *days: date) -> None:
    """A backfill of `days` began them in their order, each when the one before it had ended."""
    wanted = [day.isoformat() for day in days]
    made = [run for run in runs_of_dag(told, "churn_ingest", "backfill") if run.name in wanted]
    assert [run.name for run in made] == wanted
    assert [run.state for run in made] == ["success"] * len(wanted)
    assert most_at_once(made) == 1


def _span(name: str, told: dict[str, Any]) -> Span:
    ended = told["end_date"]
    return Span(
        name,
        told["state"],
        datetime.fromisoformat(told["start_date"]),
        datetime.fromisoformat(ended) if ended else OPEN,
    )
