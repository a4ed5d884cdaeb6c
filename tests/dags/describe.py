"""Run by test_dags.py in a process of its own: read every DAG file as Airflow reads it.

Arguments: the folder of the DAG files, then churn.toml files ("" for none set). Writes one JSON
list to standard output, one object a churn.toml: file name -> its DAGs in plain values, the
processor seconds that importing it took beside airflow.sdk, the warnings it gave, the packages it
brought, or its error. Each file is imported with nothing of ours left over from the one before.
Airflow is imported in functions only: pytest imports this file to look for examples in it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def warm_up() -> None:
    """Load what DAG files import of Airflow, and what the first DAG of a process loads.

    These two seconds are Airflow's own: its DAG processor has spent them before it reads a file.
    """
    importlib.import_module("airflow.providers.standard.operators.hitl")
    from airflow.sdk import dag, task

    @dag(schedule=None)
    def first() -> None:
        @task
        def nothing() -> None:
            """Do nothing."""

        nothing()

    first()


def forget_ours(folder: Path) -> None:
    """Unload the folder's modules and churn_ml's: what they cost counts for each file."""
    shared = {path.stem for path in folder.glob("*.py")}
    for name in [n for n in sys.modules if n in shared or n.split(".")[0] == "churn_ml"]:
        del sys.modules[name]


def read(path: Path) -> dict[str, Any]:
    from airflow.sdk.definitions._internal.contextmanager import DagContext

    forget_ours(path.parent)
    before = set(sys.modules)
    DagContext.autoregistered_dags.clear()
    DagContext.current_autoregister_module_name = path.stem
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        started = time.process_time()
        try:
            importlib.import_module(path.stem)
        except Exception as error:  # noqa: BLE001 - told to the test, as the UI tells it
            return {"error": f"{type(error).__name__}: {error}"}
        seconds = time.process_time() - started
    return {
        "seconds": seconds,
        "warnings": [str(each.message) for each in warned],
        "packages": sorted({name.split(".")[0] for name in set(sys.modules) - before}),
        "dags": [described(found) for found, _ in DagContext.autoregistered_dags],
    }


def described(found: Any) -> dict[str, Any]:
    """A DAG, serialized as the scheduler gets it: what cannot be serialized it would never see."""
    from airflow.serialization.serialized_objects import DagSerialization

    stored = DagSerialization.to_dict(found)
    schedule, read_back = stored["dag"]["timetable"], DagSerialization.from_dict(stored)
    condition = schedule["__var"].get("asset_condition", {})
    either = condition.get("objects", [condition])
    return {
        "dag_id": found.dag_id,
        "doc_md": found.doc_md,
        "description": found.description,
        "tags": sorted(found.tags),
        "start_date": found.start_date.isoformat(),
        "end_date": found.end_date and found.end_date.isoformat(),
        "catchup": found.catchup,
        "max_active_runs": found.max_active_runs,
        "params": {name: found.params.get_param(name).serialize() for name in found.params},
        "timetable": schedule["__type"].rpartition(".")[2],
        "key_format": schedule["__var"].get("key_format"),
        "after": sorted(each["name"] for each in either if each),
        "any_of": condition.get("__type") == "asset_any",
        "tasks": {
            each.task_id: told(each) | {"retry_waits_seconds": waits(read_back, each.task_id)}
            for each in found.tasks
        },
    }


def told(each: Any) -> dict[str, Any]:
    waits = getattr(each, "response_timeout", None)
    return {
        "owner": each.owner,
        "pool": each.pool,
        "timeout_seconds": each.execution_timeout.total_seconds(),
        "rules": each.retry_policy.serialize()["rules"],
        "after": sorted(each.upstream_task_ids),
        "trigger_rule": each.trigger_rule.value,
        "outlets": [asset.name for asset in each.outlets],
        "doc": each.doc_md,
        "splits": getattr(each, "multiple_outputs", False),
        "mapped": each.is_mapped,
        "map_name": getattr(each, "map_index_template", None),
        "answers": [getattr(each, "options", None), getattr(each, "defaults", None)],
        "waits_seconds": waits and waits.total_seconds(),
        "waits_by": waiting(each) if waits else None,
        "triggers": getattr(each, "deferrable", False) or each.start_from_trigger,
    }


def waits(dag: Any, name: str) -> list[float]:
    """How long the scheduler waits after each failed try of a task that is tried again."""
    from airflow.models.taskinstance import TaskInstance

    task, ended = dag.get_task(name), datetime(2017, 10, 1, tzinfo=UTC)
    failed = {"task": task, "task_id": name, "dag_id": dag.dag_id, "logical_date": None}
    failed |= {"end_date": ended, "retry_delay_override": None}
    tries = [SimpleNamespace(**failed, try_number=n + 1) for n in range(task.retries)]
    return [(TaskInstance.next_retry_datetime(each) - ended).total_seconds() for each in tries]


def waiting(each: Any) -> str:
    """What a task that asks a person raises to give its place free: a trigger is TaskDeferred."""
    module = importlib.import_module("airflow.providers.standard.operators.hitl")
    module.upsert_hitl_detail = lambda **_: None  # there is no server to tell
    try:
        each.execute({"task_instance": SimpleNamespace(id="asked")})
    except BaseException as error:  # noqa: BLE001 - Airflow waits by one that is no Exception
        return type(error).__name__
    return "nothing"


def under(config: str, folder: Path) -> dict[str, Any]:
    os.environ.pop("CHURN_ML_CONFIG", None)
    if config:
        os.environ["CHURN_ML_CONFIG"] = config
    return {path.name: read(path) for path in sorted(folder.glob("churn_*.py"))}


def main(folder: str, *configs: str) -> None:
    sys.path.insert(0, folder)
    warm_up()
    print(json.dumps([under(config, Path(folder)) for config in configs]))


if __name__ == "__main__":
    main(*sys.argv[1:])
