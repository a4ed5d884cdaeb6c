"""What is checked before a stack starts, and the plan that comes of it.

Enters: what the caller asks and what the folder records. Leaves: the `Stack` to bring up, or an
error before anything runs: a package, disk, a port or the holdout key is missing, or the folder is
another shop's.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from churn_ml.config import load
from churn_ml.errors import BadConfig, BadInput
from churn_ml.house import KEY_CHARACTERS
from churn_ml.stack.installed import check_installed
from churn_ml.stack.processes import members
from churn_ml.stack.record import HOST, RECORD, Stack, new_password, new_secrets, read

ADMIN = "admin"
FREE_GIGABYTES = 2.0
SOCKET_BYTES = 107 if sys.platform == "linux" else 103
"""The longest path of a Unix socket that the system takes."""
PORTS = range(20_000, 32_768)
"""Where a service's port is sought: below those that Linux gives to outgoing connections, one of
which could hold a port while its server is down."""
PORT_SECONDS = 10.0
"""How long a killed server may take to let go of its port."""


def usable(folder: Path) -> Path:
    """The folder, made where needed, with its links resolved: it names the stack's processes.

    Raises BadInput where the platform is not installed or the disk is nearly full.
    """
    check_installed()
    folder = folder.resolve()
    _check_path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("logs", "airflow", "mlflow", "mlartifacts"):
        (folder / part).mkdir(mode=0o700, exist_ok=True)
    free = shutil.disk_usage(folder).free / 1e9
    if free < FREE_GIGABYTES:
        raise BadInput(
            "too little disk is free for the platform",
            where=str(folder),
            got=f"{free:.1f} GB",
            expected=f"{FREE_GIGABYTES:.0f} GB or more",
            next_step="free some, or pass --folder to another disk",
        )
    return folder


def plan(
    config: Path,
    folder: Path,
    settings: Mapping[str, str] | None,
    users: tuple[str, ...],
    dags: Path | None,
    plugins: Path | None,
) -> Stack:
    """The stack to bring up, recorded: the folder's own, or a new one.

    Of an earlier start ports, passwords, secrets and users stay, and its settings where `settings`
    is None. Raises BadInput where the folder holds another shop's stack, or a database that no
    record tells of; BadConfig where the holdout key is missing.
    """
    config = config.resolve()
    stack = _known(config, folder, load(config).holdout.key_env)
    dags, plugins = dags or beside("dags"), plugins or beside("plugins")
    if not dags.is_dir():
        raise BadInput("there is no folder of DAGs", where=str(dags), next_step="pass another")
    named = dict.fromkeys((ADMIN, *stack.users, *users))
    return replace(
        stack,
        users={name: stack.users.get(name) or new_password() for name in named},
        settings=dict(stack.settings if settings is None else settings),
        secrets={**stack.secrets, "holdout": _holdout_key(stack)},
        dags=dags.resolve(),
        plugins=plugins.resolve(),
    ).write()


def _known(config: Path, folder: Path, key_env: str) -> Stack:
    """The recorded stack of this folder, if a DAG may have run in it, or a new one."""
    known = read(folder)
    if known is None and (folder / "postgres").exists():
        raise BadInput(
            "the folder holds a database, but nothing tells that it is a stack's",
            where=str(folder / "postgres"),
            expected=f"{RECORD} beside it",
            next_step=f"restore {RECORD}, move the database away, or pass another --folder",
        )
    if known is None or not known.was_healthy:
        return _new(config, folder, key_env)
    if known.config != config and known.config.exists():
        raise BadInput(
            "the folder holds the stack, and the ledger, of another shop",
            where=str(folder),
            got=str(known.config),
            expected=str(config),
            next_step="pass another --folder",
        )
    stack = replace(known, config=config, key_env=key_env)
    _check_ports(stack)
    return stack


def beside(name: str) -> Path:
    """The folder `dags` or `plugins`: in a wheel inside the package, in a checkout at its root."""
    installed = Path(str(files("churn_ml"))) / name
    return installed if installed.is_dir() else Path(__file__).parents[3] / name


def airflow_version() -> str:
    """The version of Airflow that is installed."""
    return version("apache-airflow-core")


def mlflow_version() -> str:
    """The version of MLflow that is installed."""
    return version("mlflow")


def _check_path(folder: Path) -> None:
    """Raise BadInput where PostgreSQL's socket below `folder` has a longer path than may be."""
    spare = SOCKET_BYTES - len(os.fsencode(folder / "postgres" / ".s.PGSQL.5432"))
    if spare < 0:
        raise BadInput(
            "the path of the folder is too long for PostgreSQL's Unix socket in it",
            where=str(folder),
            got=f"{len(os.fsencode(folder))} bytes",
            expected=f"at most {len(os.fsencode(folder)) + spare} bytes",
            next_step="pass a shorter --folder",
        )


def _new(config: Path, folder: Path, key_env: str) -> Stack:
    airflow_port, mlflow_port = free_ports(2)
    return Stack(
        folder=folder,
        config=config,
        dags=Path(),
        plugins=Path(),
        airflow_port=airflow_port,
        mlflow_port=mlflow_port,
        key_env=key_env,
        users={},
        secrets=new_secrets(),
    )


def free_ports(count: int) -> list[int]:
    """So many different ports of the loopback address that nobody holds.

    >>> len(set(free_ports(3)))
    3
    """
    ports: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if len(ports) == count:
            break
        if _is_free(port):
            ports.append(port)
    return ports


def _check_ports(stack: Stack) -> None:
    """Raise BadInput where a port that a dead service had is now another's.

    What is left of the service itself is not in the way: it is ended before a new one starts.
    """
    alive = stack.groups()
    ports = {"api-server": stack.airflow_port, "mlflow": stack.mlflow_port}
    until = time.monotonic() + PORT_SECONDS
    for service, port in ports.items():
        while service not in alive and not _is_free(port) and not members(stack.folder, service):
            if time.monotonic() > until:
                raise BadInput(
                    f"the port of {service} is taken by another program",
                    where=str(stack.folder),
                    got=f"{HOST}:{port}",
                    next_step=f"end that program (ss -ltnp | grep {port}), "
                    "or pass another --folder",
                )
            time.sleep(0.1)


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True


def _holdout_key(stack: Stack) -> str:
    """The secret of the environment, or the one recorded; raises BadConfig where they differ."""
    recorded = stack.secrets.get("holdout", "")
    key = os.environ.get(stack.key_env) or recorded
    if len(key) < KEY_CHARACTERS:
        raise BadConfig(
            f"the holdout key is not set or too short: environment variable {stack.key_env}",
            where="[holdout] key_env",
            expected=f"a secret of {KEY_CHARACTERS} characters or more, the same on every run",
            next_step=f"export {stack.key_env}=... with a random text, and keep it safe",
        )
    if recorded and key != recorded:
        raise BadConfig(
            f"{stack.key_env} holds another key than the one this stack was started with",
            where=str(stack.folder),
            expected="the same secret on every start",
            next_step="restore the former key, or pass another --folder",
        )
    return key
