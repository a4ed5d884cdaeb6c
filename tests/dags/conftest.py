"""What the tests of dags/ stand on: its shared modules, imported as Airflow does it.

`question.py` is pure and needs no Airflow. `door.py` does, with the AIRFLOW_HOME of all tests.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from churn_ml.config import load

FOLDER = Path(__file__).parents[2] / "dags"


@pytest.fixture(scope="session")
def dags_folder() -> Iterator[Path]:
    """The folder of the DAG files, importable as Airflow makes it."""
    sys.path.insert(0, str(FOLDER))
    yield FOLDER
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="session")
def door(dags_folder: Path) -> Iterator[ModuleType]:
    """dags/door.py under the demo's churn.toml; skips where Airflow is not installed."""
    pytest.importorskip("airflow", reason="Airflow is not installed")
    os.environ["CHURN_ML_CONFIG"] = str(FOLDER.parent / "churn.toml")
    yield importlib.import_module("door")
    del os.environ["CHURN_ML_CONFIG"]


@pytest.fixture(scope="session")
def question(dags_folder: Path) -> ModuleType:
    """dags/question.py, which knows nothing of Airflow."""
    return importlib.import_module("question")


@pytest.fixture
def at(door: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Copy a shop; the DAG files are read under its settings, and Airflow knows no connection."""

    def copied(folder: Path) -> Path:
        shop = Path(shutil.copytree(folder, tmp_path / "shop"))
        monkeypatch.setattr(door, "CONFIG", load(shop / "churn.toml"))
        for name in ("CHURN_LEDGER", "CHURN_MLFLOW"):
            monkeypatch.delenv(f"AIRFLOW_CONN_{name}", raising=False)
        return shop

    return copied


@pytest.fixture
def at_shop(at: Callable[[Path], Path], ingested: Path) -> Path:
    """A shop whose history to 2017-10-01 is ingested."""
    return at(ingested)


@pytest.fixture
def at_scored(at: Callable[[Path], Path], scored: Path) -> Path:
    """A copy of `scored`."""
    return at(scored)


@pytest.fixture
def work(door: ModuleType) -> Callable[[str, str], Callable[..., Any]]:
    """The function behind a task, by DAG and task."""

    def found(dag_id: str, task_id: str) -> Callable[..., Any]:
        make = getattr(importlib.import_module(dag_id), dag_id)
        dag = make() if dag_id == "churn_ingest" else make("")
        function: Callable[..., Any] = dag.get_task(task_id).python_callable
        return function

    return found


@pytest.fixture
def at_cautious(at_scored: Path, door: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scored shop whose two destinations ask before they are filled."""
    file = at_scored / "churn.toml"
    asks = 'first_load = "ask"'
    file.write_text(file.read_text(encoding="utf-8").replace('first_load = "send"', asks))
    monkeypatch.setattr(door, "CONFIG", load(file))
    return at_scored
