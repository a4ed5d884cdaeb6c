"""What goes wrong at a fake CRM, request by request.

A script is a list of faults. Each request takes the first one that is meant for it, by method and
by a pattern of the path, and none is taken twice; a request without a fault goes well. A fault
without method and path is meant for whichever request comes next.

>>> script = FaultScript([http(429, retry_after=2, path="upsert"), drop_after()])
>>> [script.next("GET", "/properties").kind, script.next("POST", "/batch/upsert").status]
['drop_after', 429]
>>> script.next("POST", "/batch/upsert").kind
'ok'
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, what it needs, and which requests it is meant for."""

    kind: str
    method: str | None = None
    path: str | None = None
    status: int = 200
    retry_after: float | None = None
    daily: bool = False
    seconds: float = 0.0
    ids: tuple[str, ...] = ()
    name: str = ""

    def meant_for(self, method: str, path: str) -> bool:
        return (self.method in (None, method)) and (
            self.path is None or re.search(self.path, path) is not None
        )

    def line(self) -> str:
        """The fault as a line of a script's file."""
        return json.dumps(asdict(self)) + "\n"


def ok(**on: Any) -> Fault:
    return Fault("ok", **on)


def http(status: int, retry_after: float | None = None, *, daily: bool = False, **on: Any) -> Fault:
    """Answer with the status, having done nothing; `daily`: a 429 of the day's limit."""
    return Fault("http", status=status, retry_after=retry_after, daily=daily, **on)


def drop_before(**on: Any) -> Fault:
    """Close the connection, having done nothing."""
    return Fault("drop_before", **on)


def drop_after(**on: Any) -> Fault:
    """Do what was asked, then close the connection: a lost acknowledgement."""
    return Fault("drop_after", **on)


def slow(seconds: float, **on: Any) -> Fault:
    """Do what was asked, send half of the answer, and the rest after `seconds`."""
    return Fault("slow", seconds=seconds, **on)


def partial(ids: Iterable[str], **on: Any) -> Fault:
    """Refuse the rows with these customer ids, and take the others."""
    return Fault("partial", ids=tuple(ids), **on)


def refuse_whole(ids: Iterable[str] = (), **on: Any) -> Fault:
    """Refuse the whole request; with `ids`, and for good, every request that holds one of them."""
    return Fault("refuse_whole", ids=tuple(ids), **on)


def expired(**on: Any) -> Fault:
    """The token is not taken any more: 401."""
    return Fault("expired", **on)


def missing_property(name: str, **on: Any) -> Fault:
    """The server knows no such property."""
    return Fault("missing_property", name=name, **on)


@dataclass
class FaultScript:
    """The faults still to come; from code, and from the lines of a file as it grows."""

    faults: list[Fault] = field(default_factory=list)
    file: Path | None = None
    _read: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self.faults.extend(faults)

    def next(self, method: str, path: str) -> Fault:
        """The fault of this request."""
        with self._lock:
            self._read_on()
            for number, fault in enumerate(self.faults):
                if fault.meant_for(method, path):
                    return self.faults.pop(number)
        return ok()

    def _read_on(self) -> None:
        """Take up the whole lines that were written to the file since."""
        if self.file is None or not self.file.exists():
            return
        with self.file.open("rb") as file:
            file.seek(self._read)
            told = file.read()
        whole = told[: told.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            fault = json.loads(line)
            self.faults.append(Fault(**fault | {"ids": tuple(fault.get("ids", ()))}))
