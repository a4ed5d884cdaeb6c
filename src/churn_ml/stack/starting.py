"""Start a stack, or what is dead of it.

Enters: a churn.toml, a folder, the holdout key in the environment. Leaves: a live `Stack`, or
what lived before: whatever ends a start (an error, Ctrl-C, SIGTERM) ends everything it began.
The order: PostgreSQL; then MLflow while Airflow's schema is brought up; then Airflow's components.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from churn_ml.errors import BadInput, Unreachable
from churn_ml.house import Progress
from churn_ml.stack import accounts, checks, environment, health, postgres, services
from churn_ml.stack.processes import (
    Service,
    heard_once,
    held_back,
    kill,
    members,
    run,
    spawn,
)
from churn_ml.stack.record import SERVICES, START, Stack, locked, read
from churn_ml.stack.stopping import end_everything, end_service

USERS = ("admin", "demo-approver")
DATABASE_SECONDS, SERVERS_SECONDS = 60.0, 240.0
LOST_WITHOUT_DATABASE = ("scheduler", "dag-processor")
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

    Parameters: `settings`, variables for Airflow beside or over ours (`AIRFLOW__...`; None: those
    of an earlier start); `users`, Airflow's, of whom `admin` may everything and the others run and
    approve; `dags` and `plugins`, where they lie (None: churn_ml's own). Ports, users, passwords
    and secrets of an earlier start stay; a live service whose settings have changed is restarted.
    Raises BadInput where another start or another shop holds the folder, or the machine lacks disk,
    port or package; BadConfig where the holdout key is missing or a login is refused; Unreachable
    where a server does not come up. Then only what lived before is left running.
    """
    folder = checks.usable(folder.absolute())
    with _held(folder):
        known = read(folder)
        stack = checks.plan(config, folder, settings, users, dags, plugins)
        with _all_or_as_before(folder, _kept(stack), say):
            _end_changed(known, stack, say)
            return _bring_up(stack, say)


def restart(folder: Path, service: str, *, say: Progress) -> Stack:
    """End one service, if it lives, and start it again, and what else is dead.

    Raises BadInput where there is no such service or no stack, and what `start` raises.
    """
    folder = folder.resolve()
    if service not in SERVICES:
        raise BadInput(
            f"a stack has no service {service}",
            got=service,
            expected=", ".join(SERVICES),
            next_step="name one of these",
        )
    if read(folder) is None:
        raise BadInput(f"no stack is recorded in {folder}", next_step="churn-ml stack start")
    with _held(folder):
        stack = _recorded_again(folder)
        before = {name: pid for name, pid in _kept(stack).items() if name != service}
        with _all_or_as_before(folder, before, say):
            end_service(folder, service)
            return _bring_up(stack, say)


def _recorded_again(folder: Path) -> Stack:
    """The stack as it is recorded, checked once more."""
    stack = read(folder)
    if stack is None:
        raise BadInput(f"the stack of {folder} was removed", next_step="churn-ml stack start")
    return checks.plan(stack.config, folder, None, (), stack.dags, stack.plugins)


def _kept(stack: Stack) -> dict[str, int]:
    """The live services that a failed start leaves alone: none of a stack that never stood."""
    return stack.groups() if stack.was_healthy else {}


def _end_changed(known: Stack | None, stack: Stack, say: Progress) -> None:
    """End the live services that are told something else than before: they start anew."""
    if known is None or not stack.was_healthy:
        return
    for name in SERVICES[1:]:
        if name in stack.groups() and COMMANDS[name](known) != COMMANDS[name](stack):
            say(f"   {name} is restarted: its settings have changed")
            end_service(stack.folder, name)


def _bring_up(stack: Stack, say: Progress) -> Stack:
    """Start what is dead, in order, and wait until all of it answers."""
    if not stack.was_healthy:
        say("== the platform: PostgreSQL, MLflow and Airflow on this machine")
        end_everything(stack.folder, say)
        shutil.rmtree(stack.folder / "postgres", ignore_errors=True)
    postgres.prepare(stack, say)
    services.prepare(stack)
    _end_what_lost_its_database(stack, say)
    stack = _ensure(stack, "postgres", say)
    health.wait(stack, ("postgres",), seconds=DATABASE_SECONDS, say=say)
    postgres.create_databases(stack)
    stack = _ensure(_migrate_mlflow(stack, say), "mlflow", say)
    stack = replace(_migrate(stack, say), was_healthy=True).write()  # from here on DAGs may run
    for name in SERVICES[2:]:
        stack = _ensure(stack, name, say)
    health.wait(stack, SERVICES, seconds=SERVERS_SECONDS, say=say)
    accounts.prepare(stack)
    if not environment.takes_our_ledger(stack):
        say(f"   the ledger is the one that {stack.config} names in [paths], not the platform's")
    say(f"   Airflow answers on {stack.airflow_url}, MLflow on {stack.mlflow_url}")
    return stack


def _end_what_lost_its_database(stack: Stack, say: Progress) -> None:
    """Where PostgreSQL is dead, end the parts of Airflow that live on without it.

    They end by themselves, the scheduler minutes later, when its last task has given up: a start
    that took it for alive would leave a platform that nobody schedules.
    """
    alive = stack.groups()
    if "postgres" in alive:
        return
    for name in LOST_WITHOUT_DATABASE:
        if name in alive:
            say(f"   {name} is restarted: its database was away")
            end_service(stack.folder, name)


def _ensure(stack: Stack, name: str, say: Progress) -> Stack:
    """Start a service unless it lives; what a killed one left behind goes first."""
    if name in stack.services and stack.services[name].alive():
        return stack
    kill(lambda: members(stack.folder, name))
    if left := members(stack.folder, name):
        raise Unreachable(
            f"processes of an earlier {name} withstand KILL: what they work on is not touched",
            where=str(stack.folder),
            got=", ".join(f"pid {p.pid}" for p in left),
            next_step="look at them with ps; they may wait for a disk",
        )
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


def _migrate_mlflow(stack: Stack, say: Progress) -> Stack:
    """Before MLflow opens a database of another version: its server would refuse it."""
    version = checks.mlflow_version()
    if stack.mlflow_version == version:
        return stack
    if stack.was_healthy:  # else the database is new, and the server makes its tables
        say("   bringing MLflow's database to its schema")
        end_service(stack.folder, "mlflow")
        kill(lambda: members(stack.folder, "mlflow-migrate"))
        if run(services.mlflow_migration(stack), stack.folder) != 0:
            raise health.failure(stack, "mlflow-migrate", "of MLflow's database failed")
    return replace(stack, mlflow_version=version).write()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the folder while the block runs; raises BadInput where another start or stop does."""
    with locked(folder, START) as mine:
        if not mine:
            raise BadInput(
                "another start or stop works on this folder",
                where=str(folder),
                next_step="wait for it, or: churn-ml stack stop",
            )
        yield


@contextmanager
def _all_or_as_before(folder: Path, before: Mapping[str, int], say: Progress) -> Iterator[None]:
    """When the block does not end well, end what it began; SIGTERM is like Ctrl-C.

    `before`: the services that lived; where none did, everything below `folder` ends.
    """
    with heard_once():
        try:
            yield
        except BaseException:
            with held_back():  # a second Ctrl-C waits: it would leave processes behind
                _end_begun(folder, before, say)
            raise


def _end_begun(folder: Path, before: Mapping[str, int], say: Progress) -> None:
    if not before:
        end_everything(folder, say)
        return
    stack = read(folder)
    now = stack.groups() if stack else {}
    begun = [n for n in SERVICES if n not in before or now.get(n) != before[n]]
    for name in ("migrate", "mlflow-migrate", *reversed(begun)):
        end_service(folder, name)
    say(f"   the services that ran before go on: {', '.join(n for n in now if n not in begun)}")
