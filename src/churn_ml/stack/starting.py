"""Start a stack, or what is dead of it.

Enters: a churn.toml, a folder, the holdout key in the environment. Leaves: a live `Stack`, or
nothing at all: whatever ends a start (an error, Ctrl-C, SIGTERM) ends everything it began.
The order: PostgreSQL; then MLflow while Airflow's schema is brought up; then Airflow's components.
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from churn_ml.errors import BadInput
from churn_ml.house import Progress
from churn_ml.stack import accounts, checks, health, postgres, services
from churn_ml.stack.processes import Service, held_back, kill, members, run, spawn
from churn_ml.stack.record import SERVICES, Stack, locked, read
from churn_ml.stack.stopping import end_everything, end_service

USERS = ("admin", "demo-approver")
DATABASE_SECONDS, SERVERS_SECONDS = 60.0, 240.0
COMMANDS: Mapping[str, Callable[[Stack], Service]] = {
    "postgres": postgres.service,
    "mlflow": services.mlflow,
    "api-server": lambda stack: services.airflow(stack, "api-server"),
    "scheduler": services.scheduler,
    "dag-processor": lambda stack: services.airflow(stack, "dag-processor"),
}


def start(
    config: Path,
    folder: Path,
    *,
    say: Progress,
    settings: Mapping[str, str] | None = None,
    users: tuple[str, ...] = USERS,
    dags: Path | None = None,
    plugins: Path | None = None,
) -> Stack:
    """Start the platform of the shop `config` below `folder`, or what of it is dead.

    Parameters: `settings`, variables for Airflow beside or over ours (`AIRFLOW__...`); `users`,
    Airflow's, of whom `admin` may everything and the others run and approve; `dags` and `plugins`,
    where they lie (None: churn_ml's own). Ports, passwords and secrets of an earlier start stay.
    Raises BadInput where another start or another shop holds the folder, or the machine lacks disk,
    port or package; BadConfig where the holdout key is missing; Unreachable where a server does
    not come up. Then nothing is left running.
    """
    folder = checks.usable(folder.absolute())
    with locked(folder) as mine:
        if not mine:
            raise BadInput(
                "another start or stop works on this folder",
                where=str(folder),
                next_step="wait for it, or: churn-ml stack stop",
            )
        stack = checks.plan(config, folder, settings or {}, users, dags, plugins)
        with _whole_or_nothing(folder, say):
            return _bring_up(stack, say)


def restart(folder: Path, service: str, *, say: Progress) -> Stack:
    """End one service, if it lives, and start it again; raises BadInput where there is no stack."""
    stack = read(folder.resolve())
    if stack is None:
        raise BadInput(f"no stack is recorded in {folder}", next_step="churn-ml stack start")
    end_service(stack.folder, service)
    return start(
        stack.config,
        stack.folder,
        say=say,
        settings=stack.settings,
        users=tuple(stack.users),
        dags=stack.dags,
        plugins=stack.plugins,
    )


def _bring_up(stack: Stack, say: Progress) -> Stack:
    """Start what is dead, in order, and wait until all of it answers."""
    if not stack.was_healthy:
        say("== the platform: PostgreSQL, MLflow and Airflow on this machine")
        end_everything(stack.folder, say)
        shutil.rmtree(stack.folder / "postgres", ignore_errors=True)
    postgres.prepare(stack, say)
    services.prepare(stack)
    stack = _ensure(stack, "postgres", say)
    health.wait(stack, ("postgres",), seconds=DATABASE_SECONDS, say=say)
    postgres.create_databases(stack)
    stack = _ensure(stack, "mlflow", say)
    stack = _migrate(stack, say)
    for name in SERVICES[2:]:
        stack = _ensure(stack, name, say)
    health.wait(stack, SERVICES, seconds=SERVERS_SECONDS, say=say)
    accounts.prepare(stack)
    say(f"   Airflow answers on {stack.airflow_url}, MLflow on {stack.mlflow_url}")
    return replace(stack, was_healthy=True).write()


def _ensure(stack: Stack, name: str, say: Progress) -> Stack:
    """Start a service unless it lives; what a killed one left behind goes first."""
    if name in stack.services and stack.services[name].alive():
        return stack
    kill(lambda: members(stack.folder, name))
    if name == "postgres":
        postgres.clear(stack)
    say(f"   starting {name}")
    return stack.with_service(name, spawn(COMMANDS[name](stack), stack.folder))


def _migrate(stack: Stack, say: Progress) -> Stack:
    version = checks.airflow_version()
    if stack.version == version:
        return stack
    say("   bringing Airflow's database to its schema")
    kill(lambda: members(stack.folder, "migrate"))
    if run(services.migration(stack), stack.folder) != 0:
        raise health.failure(stack, "migrate", "of Airflow's database failed")
    return replace(stack, version=version).write()


@contextmanager
def _whole_or_nothing(folder: Path, say: Progress) -> Iterator[None]:
    """End everything below `folder` when the block does not end well; SIGTERM is like Ctrl-C."""
    with _terminable():
        try:
            yield
        except BaseException:
            with held_back():  # a second Ctrl-C waits: it would leave processes behind
                end_everything(folder, say)
            raise


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the block; only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    former = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)}
    chosen = [n for n, handler in former.items() if handler != signal.SIG_IGN]
    for number in chosen:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in chosen:
            signal.signal(number, former[number])
