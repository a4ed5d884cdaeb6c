"""The processes of one seed: begun, waited for, stopped, woken, and none left behind.

An operation of the seed's world is a fork of this process; see child.py.
"""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass, field
from typing import Any

from .child import Broken, child
from .history import History

SECONDS = 60
"""How long any one operation may take before it counts as hanging."""


@dataclass
class Processes:
    """One seed's operations on `world`; `broken` patches a child to be a worse build.

    `stopped`: pid and number of those who sleep, oldest first; `unheard`: whose end is not known.
    """

    world: Any
    history: History
    broken: Broken | None = None
    patience_seconds: int = SECONDS
    number: int = 0
    stopped: list[tuple[int, int]] = field(default_factory=list)
    unheard: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Everything that follows is drawn from the seed."""
        self.draw = random.Random(f"nemesis/{self.world.seed}")

    def run(self, op: str, *about: Any, failpoint: str | None = None) -> bool:
        """One operation to its end; True where it said that it was done."""
        pid, number = self.start(op, *about, failpoint=failpoint)
        self.wait(pid, number)
        return bool([e for e in self.history.events(op, "ok") if e["number"] == number])

    def start(self, op: str, *about: Any, failpoint: str | None = None) -> tuple[int, int]:
        """Begin an operation in a process of its own: its pid and its number."""
        self.number += 1
        number = self.number
        told = [str(one) if not isinstance(one, (list, dict)) else one for one in about]
        self.history.note("invoke", number, op, about=told, failpoint=failpoint)
        pid = os.fork()
        if pid == 0:
            child(self.world, self.history, number, op, about, failpoint, self.broken)
        self.unheard.add(pid)
        return pid, number

    def wait(self, pid: int, number: int) -> None:
        """Until the process has ended or is stopped; one that hangs is killed, and that is said."""
        until = time.monotonic() + self.patience_seconds
        while True:
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if found and os.WIFSTOPPED(status):
                self.stopped.append((pid, number))
                return
            if found:
                self.unheard.discard(pid)
                if os.WIFSIGNALED(status):
                    self.history.note("info", number, "killed", pid=pid)
                return
            if time.monotonic() > until:
                self.history.note("info", 0, "hang", pid=pid)
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    def wake(self) -> None:
        """Those who were stopped go on, long after others took over."""
        while self.stopped:
            pid, number = self.stopped.pop(0)
            self.history.note("info", number, "wake", pid=pid)
            os.kill(pid, signal.SIGCONT)
            self.wait(pid, number)

    def end(self) -> None:
        """Kill what is left, whatever happened."""
        for pid in self.unheard:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.unheard.clear()
