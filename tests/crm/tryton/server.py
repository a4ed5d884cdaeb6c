"""A Tryton server of our own: trytond on a free port of this machine, its database on a socket.

trytond is GPL: it runs as a process of its own and is never imported.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from churn_ml.connections import Endpoint
from churn_ml.crm.means import MemoryBuckets
from churn_ml.crm.remote import Caller
from churn_ml.crm.tryton import TrytonDestination
from churn_ml.crm.tryton.rpc import Tryton
from churn_ml.limits import Limit
from churn_ml.stack.checks import free_ports

from .database import as_postgres, initialised, postgres_in, settings_of
from .export import DATABASE, PASSWORD, USER

UP_WITHIN_S = 120
IMPATIENT = (3.0, 2.0)
SLOW_S, RETRY_AFTER_S = 20, 7


@dataclass
class Server:
    """A running server; `losing` and `restart_database` are there for tests of faults."""

    folder: Path
    port: int
    postgres: Any
    pids: list[int] = field(default_factory=list)
    session: str = ""

    @property
    def url(self) -> str:
        """What a connection of churn.toml says of it."""
        return f"tryton://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASE}?scheme=http"

    def client(
        self,
        *,
        kind: type[Tryton] = Tryton,
        user: str = USER,
        password: str = PASSWORD,
        port: int | None = None,
        **patience: Any,
    ) -> Tryton:
        """A client of the server, in its open session; `patience`: settings of its Caller."""
        endpoint = Endpoint("tryton", "127.0.0.1", port or self.port, DATABASE, user, password)
        pace = partial(Caller, "crm", Limit(100_000), MemoryBuckets(), **patience)
        client = kind(endpoint, pace, secure=False)
        if (user, password) == (USER, PASSWORD):
            # a login takes Tryton a quarter of a second
            client.session = self.session
        return client

    def destination(self, root: str, owner: str = "me", **more: Any) -> TrytonDestination:
        return TrytonDestination("crm", self.client(), owner, root=root, **more)

    @contextmanager
    def losing(self, method: str, how: str, times: int = 1) -> Iterator[Losing]:
        """The server behind a proxy that loses the first calls of a method; see `Losing`."""
        proxy = Losing(self, method, how, times)
        thread = Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
            proxy.server_close()

    def restart_database(self) -> None:
        """Stop PostgreSQL as a crash would and start it: every connection breaks."""
        place = ("-w", "-D", str(self.postgres.pgdata))
        as_postgres(self.postgres, "pg_ctl", *place, "-m", "immediate", "stop")
        options = f'-h "" -k {self.postgres.pgdata}'
        log = str(self.postgres.log)
        as_postgres(self.postgres, "pg_ctl", *place, "-o", options, "-l", log, "start")

    def seconds(self) -> float:
        """Processor seconds of trytond and of PostgreSQL, whatever of it has ended included."""
        ours = [*self.pids, *_children(self.postgres.get_pid())]
        return sum(_seconds(pid) for pid in {*ours, self.postgres.get_pid()})


class Losing(ThreadingHTTPServer):
    """Hands calls on to a server, but for the first `times` of one method.

    `how`: the call is lost "before" it is done or "after", or done and answered too late ("slow");
    a number is the status that it is answered with, not done. `slept`: what a client waited for.
    """

    def __init__(self, server: Server, method: str, how: str, times: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handing)
        self.server, self.method, self.how, self.times, self.lost = server, method, how, times, 0
        self.slept: list[float] = []

    def destination(self, root: str) -> TrytonDestination:
        patience = {"timeout": IMPATIENT, "failures_in_a_row": 3, "sleep": self.slept.append}
        client = self.server.client(port=self.server_address[1], **patience)
        return TrytonDestination("crm", client, "me", root=root)


class _Handing(BaseHTTPRequestHandler):
    server: Losing

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        it = json.loads(body)["method"] == f"model.{self.server.method}"
        losing = it and self.server.lost < self.server.times
        self.server.lost += losing
        self.close_connection = True
        how = self.server.how if losing else ""
        if how.isdecimal():
            self.send_response(int(how))
            if how == "429":
                self.send_header("Retry-After", f"{RETRY_AFTER_S}")
            self.end_headers()
        if how == "before" or how.isdecimal():
            return
        connection = HTTPConnection("127.0.0.1", self.server.server.port, timeout=30)
        connection.request("POST", self.path, body, dict(self.headers))
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        if how == "slow":
            # until whoever asked has gone; one who does not go is answered in the end
            self.connection.settimeout(SLOW_S)
            with suppress(TimeoutError):
                self.connection.recv(1)
                return
        if how != "after":
            self.send_response(response.status)
            for name in ("Content-Type", "Content-Encoding"):
                if value := response.getheader(name):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[Server]:
    """A server with an empty database of the modules, stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="churn-ml-tryton-"))
    try:
        shutil.copytree(initialised(), folder / "data")
        with postgres_in(folder / "data") as postgres:
            (port,) = free_ports(1)
            command = [sys.executable, "-W", "ignore", "-m", "trytond.cli"]
            command += ["-c", str(settings_of(folder, postgres, port)), "-d", DATABASE]
            with (folder / "trytond.log").open("w") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                _wait_for(port, process, folder / "trytond.log")
                server = Server(folder, port, postgres, [process.pid])
                first = server.client()
                first.call("res.user.search", [], 0, 1, None)
                server.session = first.session
                yield server
            finally:
                process.terminate()
                process.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"trytond did not come up in {UP_WITHIN_S} s: {log.read_text()[-2000:]}")


def _children(pid: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _seconds(pid: int) -> float:
    """User and system time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
