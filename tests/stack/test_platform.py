"""The whole platform: mended after kill -9, gone after stop, Ctrl-C and a starter that died."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from churn_ml import stack as platform
from churn_ml.demo import DEMO_KEY
from churn_ml.ledger import Ledger
from churn_ml.sources import complete_journey
from churn_ml.stack import Stack
from churn_ml.stack.processes import members
from churn_ml.stack.record import SERVICES, read

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def silent(_: str) -> None:
    pass


def shop(folder: Path) -> Path:
    (folder / "dags").mkdir()
    config = folder / "churn.toml"
    config.write_text(complete_journey.churn_toml(), encoding="utf-8")
    return config


def started(folder: Path) -> Stack:
    return platform.start(folder / "churn.toml", folder / "stack", say=silent, dags=folder / "dags")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("platform")
    shop(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_ML_HOLDOUT_KEY", DEMO_KEY)
        started(folder)
    yield folder
    platform.stop(folder / "stack", say=silent)


@pytest.fixture
def stack(home: Path) -> Stack:
    known = read(home / "stack")
    assert known is not None
    return known


@pytest.mark.slow
def test_start_again_changes_nothing(home: Path, stack: Stack) -> None:
    assert started(home).groups() == stack.groups()


@pytest.mark.slow
def test_kill_9_of_mlflow_and_of_the_scheduler_is_mended_by_start(home: Path, stack: Stack) -> None:
    before = stack.groups()
    for name in ("mlflow", "scheduler"):
        os.killpg(before[name], signal.SIGKILL)
    while len(stack.groups()) > len(SERVICES) - 2:
        time.sleep(0.1)
    again = started(home)
    after = again.groups()
    assert {n for n in SERVICES if before[n] != after[n]} == {"mlflow", "scheduler"}
    assert again.mlflow_url == stack.mlflow_url
    login = ("churn_ml", stack.mlflow_users["churn_ml"])
    with httpx.Client(base_url=again.mlflow_url, auth=login, trust_env=False, timeout=60) as http:
        found = http.get("/api/2.0/mlflow/experiments/search?max_results=1")
        assert found.status_code == httpx.codes.OK


@pytest.mark.slow
def test_kill_9_of_postgres_is_mended_by_start(home: Path, stack: Stack) -> None:
    os.kill(stack.groups()["postgres"], signal.SIGKILL)
    while "postgres" in stack.groups():
        time.sleep(0.1)
    again = started(home)
    assert len(again.groups()) == len(SERVICES)
    assert Ledger.open(again.ledger_url).receipts(limit=1) == []


@pytest.mark.slow
def test_stop_leaves_no_process_and_no_port_and_start_brings_all_back(
    home: Path, stack: Stack
) -> None:
    pids = [process.pid for process in members(stack.folder)]
    said: list[str] = []
    platform.stop(stack.folder, say=said.append)
    assert said[-1] == f"stopped {len(pids)} processes; none is left"
    assert members(stack.folder) == []
    for port in (stack.airflow_port, stack.mlflow_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
    assert not platform.status(stack.folder)["running"]
    again = started(home)
    assert (again.airflow_url, again.users) == (stack.airflow_url, stack.users)


STARTER = """
import sys
from pathlib import Path
from churn_ml import stack
home = Path(sys.argv[1])
stack.start(home / "churn.toml", home / "stack", say=print, dags=home / "dags")
"""


@pytest.fixture
def starter(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """A start in a process of its own, given back when the service named has been born."""
    shop(tmp_path)

    def run_until(service: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)])
        deadline = time.monotonic() + 120
        while not members(tmp_path / "stack", service) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        return process

    yield run_until
    platform.stop(tmp_path / "stack", say=silent)


@pytest.mark.parametrize("service", ["postgres", pytest.param("migrate", marks=pytest.mark.slow)])
def test_ctrl_c_in_the_middle_of_a_start_leaves_nothing(
    starter: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path, service: str
) -> None:
    process = starter(service)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) in (1, -signal.SIGINT)
    assert members(tmp_path / "stack") == []


@pytest.mark.slow
def test_stop_from_another_terminal_ends_a_start_at_work(
    starter: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = starter("mlflow")
    platform.stop(tmp_path / "stack", say=silent)
    assert process.wait(120) == 128 + signal.SIGTERM
    assert members(tmp_path / "stack") == []


@pytest.mark.slow
def test_stop_finds_what_a_starter_that_was_killed_left(
    starter: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = starter("mlflow")
    process.kill()
    process.wait(60)
    assert members(tmp_path / "stack") != []
    platform.stop(tmp_path / "stack", say=silent)
    assert members(tmp_path / "stack") == []
