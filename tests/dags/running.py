"""The context of a task that runs as a plain function: a day, a run, and no scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
PAGE = "http://127.0.0.1:8080/dags/churn_score/runs/r1/tasks/score"


@dataclass
class Task:
    """A task instance as far as the door knows one.

    `running` stands for what Airflow's database would count. That a backfill's task can ask for it,
    and is let through alone, is tested in a running Airflow (tests/stack/year); which of two runs
    of a backfill is asked while the other one runs is a race there, so the refusal is tested here.
    """

    log_url: str = PAGE
    pushed: dict[str, Any] = field(default_factory=dict)
    running: int = 1

    def get_dr_count(self, dag_id: str, *, states: list[str]) -> int:
        assert (dag_id, states) == ("churn_score", ["running"])
        return self.running

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


class Events(dict[Any, SimpleNamespace]):
    """Outlet events by asset, made when asked for."""

    def __missing__(self, asset: Any) -> SimpleNamespace:
        self[asset] = SimpleNamespace(extra={})
        return self[asset]


@contextmanager
def running(
    key: str | None, *, run_type: str = "asset_triggered", **params: Any
) -> Iterator[dict[str, Any]]:
    """The context of a task in the run with that partition key."""
    from airflow.sdk.execution_time.context import set_current_context

    run = SimpleNamespace(
        dag_id="churn_score",
        run_id="r1",
        partition_key=key,
        run_after=NOW,
        run_type=run_type,
        triggering_user_name="ada" if run_type == "manual" else None,
    )
    context = {"dag_run": run, "ti": Task(), "outlet_events": Events(), "params": params}
    with set_current_context(context):  # type: ignore[arg-type]
        yield context
