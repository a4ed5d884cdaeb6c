"""What the tests of dags/ stand on: its shared modules, imported as Airflow does it.

`question.py` is pure and needs no Airflow. `door.py` does, with the AIRFLOW_HOME of all tests.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

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
