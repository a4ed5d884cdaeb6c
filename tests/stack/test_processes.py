"""The processes of a stack, found by their mark: with small children instead of servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from churn_ml.stack import stopping
from churn_ml.stack.processes import Born, Service, held_back, kill, members, run, send, spawn

NAP = "import time; time.sleep(60)"
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={ENV})
print(child.pid, flush=True)
time.sleep(60)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); "


def silent(_: str) -> None:
    pass


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    kill(lambda: members(tmp_path))


@pytest.fixture
def service(folder: Path) -> Callable[..., Service]:
    def made(code: str, name: str = "mlflow", **environment: str) -> Service:
        return Service(
            name=name,
            command=(sys.executable, "-c", code),
            environment={**os.environ, **environment},
            folder=folder,
            log=folder / f"{name}.log",
        )

    return made


def pids(folder: Path, name: str | None = None) -> set[int]:
    return {p.pid for p in members(folder, name)}


def printed(service: Service) -> str:
    """What the service printed first."""
    deadline = time.monotonic() + 20
    while not (text := service.log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return text.split()[0]


def test_a_service_and_what_it_started_are_members_others_are_not(
    folder: Path, service: Callable[..., Service], tmp_path: Path
) -> None:
    parent = service(PARENT.replace("{ENV}", "dict(os.environ)"))
    born = spawn(parent, folder)
    child = int(printed(parent))
    assert pids(folder) == {born.pid, child}
    assert pids(folder, "mlflow") == pids(folder)
    assert pids(folder, "scheduler") == set()
    assert pids(tmp_path / "another") == set()


def test_a_child_with_an_environment_of_its_own_is_found_by_its_parent(
    folder: Path, service: Callable[..., Service]
) -> None:
    parent = service(PARENT.replace("{ENV}", "{}"))
    born = spawn(parent, folder)
    child = int(printed(parent))
    assert pids(folder) == {born.pid, child}


def test_an_orphan_is_found_when_its_parent_was_killed(
    folder: Path, service: Callable[..., Service]
) -> None:
    parent = service(PARENT.replace("{ENV}", "dict(os.environ)"))
    born = spawn(parent, folder)
    orphan = int(printed(parent))
    os.kill(born.pid, signal.SIGKILL)
    while born.alive():
        time.sleep(0.05)
    assert pids(folder) == {orphan}


def test_a_service_leads_a_session_of_its_own(
    folder: Path, service: Callable[..., Service]
) -> None:
    born = spawn(service(NAP), folder)
    assert os.getsid(born.pid) == os.getpgid(born.pid) == born.pid != os.getsid(0)


def test_an_ended_child_is_no_zombie(folder: Path, service: Callable[..., Service]) -> None:
    born = spawn(service("pass"), folder)
    deadline = time.monotonic() + 20
    while born.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(born.pid)


def test_run_waits_and_gives_the_exit_code(folder: Path, service: Callable[..., Service]) -> None:
    assert run(service("raise SystemExit(7)"), folder) == 7


def test_a_pid_with_another_time_of_birth_is_another_process(
    folder: Path, service: Callable[..., Service]
) -> None:
    born = spawn(service(NAP), folder)
    assert born.alive()
    assert not Born(born.pid, born.created - 60).alive()


def test_a_service_shows_no_secret(service: Callable[..., Service]) -> None:
    assert "s3cret" not in repr(service(NAP, PASSWORD="s3cret"))


def test_a_shell_in_the_folder_is_not_touched(
    folder: Path, service: Callable[..., Service]
) -> None:
    spawn(service(NAP), folder)
    (folder / "postgres").mkdir()
    with subprocess.Popen([sys.executable, "-c", NAP], cwd=folder / "postgres") as bystander:
        assert stopping.end_everything(folder, silent) == 1
        assert bystander.poll() is None
        bystander.kill()


def test_what_withstands_term_is_killed(
    folder: Path, service: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "TASK_SECONDS", 0.2)
    deaf = service(DEAF + NAP, name="scheduler")
    born = spawn(deaf, folder)
    assert printed(deaf) == "1"
    assert stopping.end_everything(folder, silent) == 1
    assert not born.alive()


def test_stop_finds_the_processes_of_a_folder_that_was_removed(
    folder: Path, service: Callable[..., Service]
) -> None:
    ghost = folder / "stack"
    born = spawn(service(NAP), ghost)
    said: list[str] = []
    stopping.stop(ghost, say=said.append)
    assert not born.alive()
    assert said[-1] == "stopped 1 processes; none is left"


def test_stop_twice_is_stop_once(tmp_path: Path) -> None:
    said: list[str] = []
    stopping.stop(tmp_path, say=said.append)
    stopping.stop(tmp_path / "never", say=said.append)
    assert said == ["nothing was running"] * 2


def test_a_signal_waits_until_the_block_has_ended() -> None:
    done = []

    def work() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            done.append("whole")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["whole"]


def test_a_signal_to_a_process_that_ended_is_no_error(
    folder: Path, service: Callable[..., Service]
) -> None:
    born = spawn(service(NAP), folder)
    found = members(folder)
    os.kill(born.pid, signal.SIGKILL)
    while born.alive():
        time.sleep(0.05)
    send(signal.SIGTERM, found)
