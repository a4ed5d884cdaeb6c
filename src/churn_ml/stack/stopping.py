"""Stop a stack, and tell how it is.

Enters: a folder. Leaves: no process of its stack, whoever started it and however that ended.
Everything but PostgreSQL gets TERM at once, what is left after a while KILL; PostgreSQL goes last,
by its fast shutdown, so that its files are whole.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from churn_ml.errors import Unreachable
from churn_ml.house import Progress
from churn_ml.stack.processes import gone, kill, members, pss_megabytes, send
from churn_ml.stack.record import LOCK, SERVICES, START, STOP, holder, locked, read

TERM_SECONDS, DATABASE_SECONDS = 10.0, 30.0
POLL_SECONDS = 0.5
HOLD_SECONDS = 90.0
"""How long another start or stop may take to let go of the folder: longer than a stop takes."""
TASK_SECONDS = 3.0
"""The steps may be killed at any point, and on TERM Airflow lets a task run on."""


def stop(folder: Path, *, say: Progress) -> None:
    """End every process of the stack below `folder` and wait until none is left.

    A start that is still at work there is ended first, another stop is waited for. Twice = once;
    nothing to stop is no error. Raises Unreachable where processes withstand even KILL, or another
    start or stop does not let go of the folder.
    """
    folder = folder.resolve()
    with _held(folder, say):
        count = end_everything(folder, say)
    say(f"stopped {count} processes; none is left" if count else "nothing was running")


def end_everything(folder: Path, say: Progress) -> int:
    """End all members of the stack; returns how many were found."""
    count = len(members(folder))
    if count:
        say(f"   stopping {count} processes")
    _end_servers(folder)
    _end_database(folder)
    left = members(folder)
    if left:
        raise Unreachable(
            "processes of the stack did not end",
            where=str(folder),
            got=", ".join(f"pid {p.pid}" for p in left),
            next_step="churn-ml stack stop once more; then look at them with ps",
        )
    return count


def end_service(folder: Path, service: str) -> None:
    """End one service: by TERM, or PostgreSQL's fast shutdown; by KILL what withstands it."""
    if service == "postgres":
        _end_database(folder)
        return
    _end(lambda: members(folder, service))


def status(folder: Path) -> dict[str, Any]:
    """How the stack below `folder` is: services, addresses, logs, memory; no secret."""
    folder = folder.resolve()
    stack = read(folder) if folder.is_dir() else None
    if stack is None:
        return {"folder": str(folder), "running": False, "services": {}}
    alive, everyone = stack.groups(), members(folder)
    told = {
        name: {
            "alive": name in alive,
            "pid": alive.get(name),
            "log": str(stack.log(name)),
        }
        for name in SERVICES
    }
    return {
        "folder": str(folder),
        "config": str(stack.config),
        "running": len(alive) == len(SERVICES),
        "services": told,
        "airflow": stack.airflow_url,
        "mlflow": stack.mlflow_url,
        "processes": len(everyone),
        "pss_mb": round(pss_megabytes(everyone), 1),
    }


def _end_servers(folder: Path) -> None:
    """End everything but PostgreSQL; first those who tell the API server how their tasks ended."""

    def speakers() -> list[psutil.Process]:
        return [*members(folder, "scheduler"), *members(folder, "dag-processor")]

    def servers() -> list[psutil.Process]:
        database = {p.pid for p in members(folder, "postgres")}
        return [p for p in members(folder) if p.pid not in database]

    _end(speakers, TASK_SECONDS)
    _end(servers)


def _end(find: Callable[[], list[psutil.Process]], seconds: float = TERM_SECONDS) -> None:
    """TERM, and after so many seconds KILL, whom `find` finds."""
    send(signal.SIGTERM, find())
    if not gone(find, seconds):
        kill(find)


def _end_database(folder: Path) -> None:
    """Ask PostgreSQL's first process for a fast shutdown; KILL what withstands it."""
    everyone = members(folder, "postgres")
    pids = {p.pid for p in everyone}
    send(signal.SIGINT, [p for p in everyone if _parent(p) not in pids])
    if not gone(lambda: members(folder, "postgres"), DATABASE_SECONDS):
        kill(lambda: members(folder, "postgres"))


def _parent(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        return int(process.ppid())
    return 0


@contextmanager
def _held(folder: Path, say: Progress) -> Iterator[None]:
    """Hold the folder, if it is a stack's, while the block runs; a start at work there ends."""
    if not (folder / LOCK).exists():  # removed, or never a stack: only the marks can tell
        yield
        return
    deadline, asked = time.monotonic() + HOLD_SECONDS, 0
    while True:
        with locked(folder, STOP) as mine:
            if mine:
                yield
                return
        if time.monotonic() > deadline:
            raise _not_let_go(folder)
        asked = _end_start(folder, asked, say)
        time.sleep(POLL_SECONDS)


def _end_start(folder: Path, asked: int, say: Progress) -> int:
    """Ask the start that holds the folder to unwind, once; returns the pid that was asked last."""
    found = holder(folder)
    if found is None or found.purpose != START or found.process.pid in (asked, os.getpid()):
        return asked
    say(f"   ending the start at work in {folder / LOCK}: pid {found.process.pid}")
    with suppress(psutil.Error):  # it ended meanwhile, or is another user's: it is waited for
        psutil.Process(found.process.pid).terminate()
    return found.process.pid


def _not_let_go(folder: Path) -> Unreachable:
    found = holder(folder)
    return Unreachable(
        f"another start or stop did not let go of the folder within {HOLD_SECONDS:g} s",
        where=str(folder / LOCK),
        got=f"{found.purpose}, pid {found.process.pid}" if found else "a process without a name",
        next_step="look at it with ps, end it, then: churn-ml stack stop",
    )
