"""What several tests of the hall stand on: a shop that was trained, with MLflow away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.config import load
from churn_ml.house import Addresses, open_house

from ..conftest import FIRST, Once

NOBODY_THERE = Addresses(mlflow="http://churn_ml:s3cret@127.0.0.1:9")
CALLER = "http://127.0.0.1:8080/dags/churn_train/runs/1/tasks/train"


@pytest.fixture(scope="session")
def trained(ingested: Path, once: Once) -> Path:
    """A shop that was trained as of 2017-10-01, with every candidate; never changed."""

    def make(folder: Path) -> None:
        shutil.copytree(ingested, folder)
        house = open_house(load(folder / "churn.toml"), addresses=NOBODY_THERE, caller=CALLER)
        flow.train(house, FIRST)

    return once("trained", make)
