"""The processes of a stack: found by a mark in their environment, never by name.

Enters: a folder. Leaves: its live processes, also those whose parent was killed before it could
write them down. Every service is born with `CHURN_ML_STACK=FOLDER` and `CHURN_ML_SERVICE=NAME`;
what it forks inherits both. A task that gave its child another environment is found as a parent;
PostgreSQL's children, which overwrite theirs with a title, as children of their marked parent or,
once orphaned, by their program and their working folder.

Worked example: `members(Path("/shop/var/stack"), "scheduler")` holds the scheduler, its workers,
and the task that runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from churn_ml.stack.pss import kilobytes

STACK, SERVICE = "CHURN_ML_STACK", "CHURN_ML_SERVICE"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
KILL_SECONDS = 10.0
SAME_SECONDS = 2.0
"""Two readings of one process's creation time differ by less: the machine's clock may be set."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this very process started, kept so that it is reaped when it ends."""


@dataclass(frozen=True)
class Born:
    """A process as recorded: a pid alone may be another's tomorrow."""

    pid: int
    created: float

    def alive(self) -> bool:
        """Whether that very process still runs.

        >>> Born(os.getpid(), psutil.Process().create_time()).alive()
        True
        >>> Born(os.getpid(), 0.0).alive()
        False
        """
        _reap()
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < SAME_SECONDS
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        return False


@dataclass(frozen=True)
class Service:
    """A command with all it needs; `user` is whom to become, where it must not be root."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    user: str | None = None

    def __repr__(self) -> str:
        """Without the environment: it holds secrets."""
        return f"Service({self.name!r}, log={str(self.log)!r})"


def spawn(service: Service, stack: Path) -> Born:
    """Start a service in a session of its own, so that no Ctrl-C of a terminal reaches it.

    Raises OSError where the program cannot be started.
    """
    child = _begin(service, stack)
    return Born(child.pid, _created(child.pid))


def run(service: Service, stack: Path) -> int:
    """Start a command like a service, wait for its end, and return its exit code."""
    return _begin(service, stack).wait()


def _begin(service: Service, stack: Path) -> subprocess.Popen[bytes]:
    marks = {STACK: str(stack), SERVICE: service.name, "SPT_NOENV": "1"}  # keeps the mark readable
    with held_back(), service.log.open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            service.command,
            cwd=service.folder,
            env={**service.environment, **marks},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=service.user,
            group=service.user,
            extra_groups=[] if service.user else None,
        )
        _children[child.pid] = child
        return child


def members(stack: Path, service: str | None = None) -> list[psutil.Process]:
    """The live processes of a stack, or of one of its services: the marked and their offspring."""
    _reap()
    everyone = {p.pid: p for p in psutil.process_iter(["ppid", "status"])}
    found = {pid for pid, p in everyone.items() if _is_marked(p, stack, service)}
    while more := {p for p in everyone if p not in found and everyone[p].info["ppid"] in found}:
        found |= more
    found.discard(os.getpid())  # a task of the stack may ask about it
    return [
        everyone[pid]
        for pid in sorted(found)
        if everyone[pid].info["status"] != psutil.STATUS_ZOMBIE
    ]


def gone(find: Callable[[], list[psutil.Process]], seconds: float) -> bool:
    """Wait until `find` finds nobody; False where it still does after so many seconds."""
    deadline = time.monotonic() + seconds
    while find():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def kill(find: Callable[[], list[psutil.Process]]) -> None:
    """KILL whom `find` finds, until it finds nobody: what one of them forked meanwhile too."""

    def left() -> list[psutil.Process]:
        found = find()
        send(signal.SIGKILL, found)
        return found

    gone(left, KILL_SECONDS)


def send(number: signal.Signals, processes: list[psutil.Process]) -> None:
    """Signal each process that still is the one found."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def pss_megabytes(processes: list[psutil.Process]) -> float:
    """The sum of the proportional set sizes, in megabytes; 0 where the kernel does not tell.

    >>> pss_megabytes([psutil.Process()]) >= 0
    True
    """
    return sum(kilobytes(process.pid) for process in processes) / 1024


@contextmanager
def held_back() -> Iterator[None]:
    """Let Ctrl-C and its kin wait until the block has ended; only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    former = {n: signal.signal(n, lambda number, _: waiting.append(number)) for n in SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        for late in waiting:
            signal.raise_signal(late)


@contextmanager
def heard_once() -> Iterator[None]:
    """Let the first signal to leave unwind the block, and no other; only in the main thread.

    Ctrl-C raises KeyboardInterrupt, the others SystemExit with 128 and the signal's number.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def leave(number: int, _: object) -> None:
        if heard:
            return
        heard.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    former = {number: signal.getsignal(number) for number in SIGNALS}
    chosen = [number for number, handler in former.items() if handler != signal.SIG_IGN]
    for number in chosen:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in chosen:
            signal.signal(number, former[number])


def _reap() -> None:
    """Take leave of our own children that ended, so that none stays a zombie."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            _children.pop(pid, None)  # another thread may have been first


def _created(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:  # it ended at once; the wait for its health tells
        return 0.0


def _is_marked(process: psutil.Process, stack: Path, service: str | None) -> bool:
    try:
        environment = process.environ()
    except (psutil.Error, OSError):  # ended meanwhile, or another user's
        return False
    if environment.get(STACK) == str(stack):
        return service is None or environment.get(SERVICE) == service
    return service in (None, "postgres") and _is_database(process, stack)


def _is_database(process: psutil.Process, stack: Path) -> bool:
    """Whether an unmarked process is PostgreSQL at work in this stack's data folder."""
    try:
        return process.cwd() == str(stack / "postgres") and Path(process.exe()).name == "postgres"
    except (psutil.Error, OSError):
        return False
