"""Who sends: this process, by a name that no other one has, and whether a sender still lives.

A pid alone may be another process's tomorrow, and the same pid is there on every machine. So a
process is named by its place, its pid and when it was born, all by the kernel's account: no clock
that may be set is asked. The *place* is the machine since its last start together with the
namespace that pids count in: two containers on one machine are two places, and so is a machine
before and after a restart. Of another place nobody can see from here who lives there.

Worked example: an export that died in a container on 2017-10-02 at 06:00 left a mark. An export in
the same container sees at once that it is gone; one in another container believes it from 07:00 on.

>>> Sender.this("export/2017-10-01/1").is_dead(timedelta(days=9))
False
>>> Sender("another place", 1, "0", "export/2017-10-01/1").is_dead(timedelta(minutes=59))
False
>>> Sender("another place", 1, "0", "export/2017-10-01/1").is_dead(ELSEWHERE)
True
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

ELSEWHERE = timedelta(hours=1)
"""How old the mark of a sender at another place is that counts as a dead one's: longer than a
scheduler leaves a task without a heartbeat, and than the pauses between two tries of a batch. Where
that sender lives all the same, its mark is all that is lost: it goes on, and is fenced as before.
"""
_PROC = Path("/proc")


@dataclass(frozen=True)
class Sender:
    """A process that sends, or sent, and the `run` it did so for; `born`: "" where nobody tells."""

    place: str
    pid: int
    born: str
    run: str

    @classmethod
    def this(cls, run: str) -> Self:
        """The process that asks."""
        return cls(_place(), os.getpid(), _born(os.getpid()) or "", run)

    @classmethod
    def named(cls, name: str) -> Self:
        """The sender of that `name`.

        >>> Sender.named(str(Sender.this("export/2017-10-01/1"))) == Sender.this(
        ...     "export/2017-10-01/1")
        True
        """
        process, _, run = name.partition("/")
        place, pid, born = process.split(":")
        return cls(place, int(pid), born, run)

    def __str__(self) -> str:
        """Its name, at most 128 characters: `PLACE:PID:BORN/RUN`."""
        return f"{self.place}:{self.pid}:{self.born}/{self.run}"

    def is_dead(self, age: timedelta) -> bool:
        """Whether it surely sends no more; `age`: of its mark, asked of a sender at another place.

        >>> import subprocess
        >>> with subprocess.Popen(["sleep", "60"]) as child:
        ...     other = Sender(_place(), child.pid, _born(child.pid) or "", "")
        ...     lives = other.is_dead(ELSEWHERE)
        ...     child.kill()
        >>> lives, other.is_dead(timedelta())
        (False, True)
        """
        if self.place != _place():
            return age >= ELSEWHERE
        return _born(self.pid) not in {self.born, ""}


class Senders(Protocol):
    """What a journal remembers of who sends."""

    def begin_sending(self, destination: str, sender: str, plan_id: str, at: datetime) -> None:
        """Mark that `sender` sends the plan since `at`, in place of what it sent before.

        All marks of one plan begin with the earliest of them.
        """

    def end_sending(self, destination: str, sender: str) -> None:
        """Clear the mark of `sender`; where there is none, nothing happens."""

    def senders(self, destination: str) -> Sequence[tuple[str, str, datetime]]:
        """Sender, plan_id and since (UTC) of every mark, by sender."""

    def settled_of(
        self,
        destination: str,
        plan_id: str,
        *,
        since: datetime | None = None,
        besides: str = "",
        customer_ids: Sequence[str] | None = None,
    ) -> list[str]:
        """Whose row of the plan was settled, in whatever way: customer_ids, ascending.

        `since`: then or later; `besides`: not by this run, nobody's where empty; `customer_ids`: of
        these alone.
        """


def _place() -> str:
    """One token of this machine since its start and of the namespace of its processes."""
    told = [socket.gethostname()]
    with suppress(OSError):  # other systems than Linux have no /proc
        told.append((_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        told.append(str((_PROC / "self/ns/pid").readlink()))
    return hashlib.sha256("|".join(told).encode()).hexdigest()[:16]


def _born(pid: int) -> str | None:
    """When a process began, in the kernel's ticks; "" where nobody tells; None where it is gone.

    >>> _born(2 ** 30) is None
    True
    """
    try:
        told = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        # the name of the program stands in brackets and may hold anything
        state, *rest = told.rpartition(")")[2].split()
    except (OSError, ValueError):
        return "" if _is_there(pid) else None
    return None if state in "ZX" else rest[18]


def _is_there(pid: int) -> bool:
    """Whether there is a process of that pid; systems that hide others' from us say so much."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
