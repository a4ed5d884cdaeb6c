"""What Airflow's API tells of runs, tasks, questions and logs, as frozen records.

Enters: JSON. Leaves: the records that api.py hands out. Worked example: a run keyed 2017-10-01
is `Run("churn_score", "asset_triggered__...", "2017-10-01", "running")` until it has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run of a DAG; `key` is its partition key, the as_of; `seconds` None before its end."""

    dag: str
    id: str
    key: str | None
    state: str
    seconds: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen in it.

        >>> Run("churn_score", "r1", "2017-10-01", "running").ended
        False
        """
        return self.state in ("success", "failed")


@dataclass(frozen=True)
class Task:
    """One task of a run at its newest try; `state` None before it is scheduled."""

    dag: str
    run: str
    name: str
    state: str | None
    try_number: int = 0
    index: int = -1
    seconds: float | None = None

    @property
    def path(self) -> str:
        """Its place in the API."""
        return f"/dags/{self.dag}/dagRuns/{self.run}/taskInstances/{self.name}"


@dataclass(frozen=True)
class Question:
    """What a task asks a person, and the options it gives."""

    task: Task
    subject: str
    body: str
    options: tuple[str, ...]


def run_of(told: Mapping[str, Any]) -> Run:
    """A run as the API tells it."""
    return Run(
        told["dag_id"], told["dag_run_id"], told["partition_key"], told["state"], told["duration"]
    )


def task_of(told: Mapping[str, Any]) -> Task:
    """A task as the API tells it."""
    return Task(
        dag=told["dag_id"],
        run=told["dag_run_id"],
        name=told["task_id"],
        state=told["state"],
        try_number=told["try_number"],
        index=told["map_index"],
        seconds=told["duration"],
    )


def lines_of(entry: Any) -> list[str]:
    """A log entry as lines; of an error only its kind and words, as the ledger keeps them.

    >>> lines_of({"event": "Task failed", "level": "error", "error_detail": [
    ...     {"exc_type": "BadInput", "exc_value": "no column"}]})
    ['Task failed', '  BadInput: no column']
    """
    if isinstance(entry, str):
        return entry.splitlines()
    said = str(entry.get("event", ""))
    if said.startswith("::"):  # where a group of lines folds
        return []
    causes = entry.get("error_detail") or ()
    return [*said.splitlines(), *(f"  {e['exc_type']}: {e['exc_value']}" for e in causes)]
