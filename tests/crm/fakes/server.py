"""The HTTP server that every fake CRM is: one state, one write log, one fault script.

A fake answers a request by `answer`, under one lock, and applies a write by `apply`, which the
server calls for every line of the log when it starts: its state outlives it. A write is in the log,
synced, before it is answered, so that a checker may read the log while the fake is killed.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .faults import Fault, FaultScript
from .served import Served

_REDIRECTS = range(300, 400)


@dataclass(frozen=True)
class Asked:
    """One request; `query`: several values of one name are joined by a comma."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass(frozen=True)
class Reply:
    """One answer; `body` is sent as JSON unless it is bytes."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Fake(Served):
    """A server with state; `with` starts it on a free port of 127.0.0.1 and stops it."""

    def __init__(self, folder: Path | None = None, port: int = 0) -> None:
        self.folder = folder
        self.script = FaultScript(file=folder / "faults.jsonl" if folder else None)
        self.writes: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        """Method and path of every request."""
        self._lock = threading.Lock()
        self._restore()
        super().__init__(_handler(self), port)
        self._server.daemon_threads = True

    def answer(self, asked: Asked, fault: Fault) -> Reply:
        """What the vendor's server would answer; `fault`: of the kinds that are about rows."""
        raise NotImplementedError

    def apply(self, write: dict[str, Any]) -> None:
        """Change the state as the write says."""
        raise NotImplementedError

    def limited(self, fault: Fault) -> Any:
        """The body of an answer with the fault's status: vendors differ."""
        return {"status": "error", "message": f"fake {fault.status}"}

    @property
    def connection(self) -> str:
        """The URL of a connection that leads here."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self, pattern: str) -> int:
        """How many requests had the text in their path."""
        return sum(pattern in path for _, path in self.asked)

    def accept(self, write: dict[str, Any]) -> None:
        """Log the write, then apply it."""
        self.writes.append(write)
        if self.folder:
            with (self.folder / "writes.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(write) + "\n")
                log.flush()
                os.fsync(log.fileno())
        self.apply(write)

    def _restore(self) -> None:
        log = self.folder / "writes.jsonl" if self.folder else None
        if log and log.exists():
            for line in log.read_text(encoding="utf-8").splitlines():
                write = json.loads(line)
                self.writes.append(write)
                self.apply(write)

    def handle(self, asked: Asked) -> tuple[Reply | None, Fault]:
        """The answer, None where the connection is to be closed, and the fault."""
        with self._lock:
            self.asked.append((asked.method, asked.path))
            fault = self.script.next(asked.method, asked.path)
            if fault.kind == "drop_before":
                return None, fault
            if fault.kind == "http":
                wait = fault.retry_after
                headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
                if fault.status in _REDIRECTS:
                    headers["Location"] = f"{self.url}/elsewhere"
                return Reply(fault.status, self.limited(fault), headers), fault
            reply = self.answer(asked, fault)
        return (None if fault.kind == "drop_after" else reply), fault


def asked_by(handler: BaseHTTPRequestHandler) -> Asked:
    """The request that a handler has read the head of."""
    parts = urlsplit(handler.path)
    length = int(handler.headers.get("Content-Length") or 0)
    return Asked(
        handler.command,
        parts.path,
        {name: ",".join(told) for name, told in parse_qs(parts.query).items()},
        {name.lower(): value for name, value in handler.headers.items()},
        handler.rfile.read(length),
    )


def tell(handler: BaseHTTPRequestHandler, reply: Reply, *, pause_seconds: float = 0.0) -> None:
    """Answer with `reply`; after half of it, wait; before it, where it has no body."""
    if pause_seconds and not reply.content:
        time.sleep(pause_seconds)
    handler.send_response(reply.status)
    for name, value in {"Content-Type": "application/json", **reply.headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(reply.content)))
    handler.end_headers()
    half = len(reply.content) // 2 if pause_seconds else len(reply.content)
    handler.wfile.write(reply.content[:half])
    if half < len(reply.content):
        handler.wfile.flush()
        time.sleep(pause_seconds)
        handler.wfile.write(reply.content[half:])


def _handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # an answer is not held back for 40 ms

        def _do(self) -> None:
            reply, fault = fake.handle(asked_by(self))
            if reply is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            slow = fault.kind == "slow"
            with suppress(ConnectionError):  # whoever asked may be gone by now
                tell(self, reply, pause_seconds=fault.seconds if slow else 0.0)
            self.close_connection |= slow

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _do  # noqa: N815 - http.server's

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def main(kind: type[Fake]) -> None:
    """Run a fake as a process of its own: PORT (0: a free one, printed) and FOLDER."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with kind(folder, port) as fake:
        print(fake.port, flush=True)
        fake._thread.join()
