"""The nemesis: what one seed does to a house, and the processes it does it with.

Each operation is a process of its own, forked from this one, which has imported the product and
started nothing: a fork costs milliseconds where a new interpreter costs a second. A fork that is
killed is killed like any other process.
"""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from churn_ml.crm import HubSpotDestination, SqlDestination
from churn_ml.errors import ChurnError

from ..crm.fakes import faults
from .failpoints import FAILPOINTS, arm
from .history import History
from .world import CUSTOMERS, INTERVALS, World

TRANSACTIONS = frozenset(
    {
        *("publish.token_checked", "publish.partitions", "publish.lots", "publish.receipt"),
        *("plan.on_top", "ack.noted", "ack.taken", "table.written"),
    }
)
"""Places inside a transaction: a process stopped there would only hold everybody up."""
REAL_SCORING = frozenset({"features.built", "scores.made", "actions.decided"})
"""Places that a seed does not pass: its publications are not computed."""
HELD = (
    *("plan.made", "plan.saved", "guard.asked", "file.send", "file.sent", "table.send"),
    *("table.sent", "hub.send", "hub.sent", "ack", "acked"),
)
"""Where an export holds something that the next one takes over."""
STEPS = 9
SMALL_BATCHES = 5
SECONDS = 60
"""How long any one operation may take before the seed is given up."""
WEIGHTS = {
    "publish": 3,
    "export": 6,
    "both": 3,
    "overtake": 3,
    "suppress": 1,
    "consent": 1,
    "refuse": 1,
    "wake": 1,
    "fill": 1,
    "restart": 1,
    "cut": 4,
}
"""How often each kind of step is drawn."""
ACTION_WEIGHTS = {"kill": 6, "stop": 2, "lose": 2, "fill": 1}
Broken = Callable[[], None]


@dataclass
class Nemesis:
    """One seed's operations on `world`; `broken` patches a child to be a worse build."""

    world: World
    history: History
    broken: Broken | None = None
    fill: Callable[[bool], None] | None = None
    restart: Callable[[], None] | None = None
    number: int = 0
    stopped: list[int] = field(default_factory=list)
    unheard: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Everything that follows is drawn from the seed."""
        self.draw = random.Random(f"nemesis/{self.world.seed}")

    def begin(self) -> bool:
        """Start the seed's HubSpot and build its house."""
        self.start("serve")
        until = time.monotonic() + SECONDS
        while not (self.world.hub / "connection").exists() and time.monotonic() < until:
            time.sleep(0.002)
        return self.run("build")

    def rage(self) -> None:
        """Publish and export under faults; two operations begin in peace so that there is data."""
        self.run("publish", INTERVALS[1])
        self.run("export", INTERVALS[1])
        kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
        for _ in range(STEPS):
            getattr(self, f"_{self.draw.choices(kinds, weights)[0]}")()

    def calm(self) -> None:
        """Lift every fault and let who was stopped go on to the end."""
        self._free()
        self.world.refuse([])
        self._wake()

    def run(self, op: str, *about: Any, failpoint: str | None = None) -> bool:
        """One operation to its end; True where it said that it was done."""
        pid, number = self.start(op, *about, failpoint=failpoint)
        self.wait(pid)
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

    def wait(self, pid: int) -> None:
        """Until the process has ended or is stopped; one that hangs is killed, and that is said."""
        until = time.monotonic() + SECONDS
        while True:
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if found and os.WIFSTOPPED(status):
                self.stopped.append(pid)
                return
            if found:
                self.unheard.discard(pid)
                return
            if time.monotonic() > until:
                self.history.note("info", 0, "hang", pid=pid)
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    def newest(self) -> date:
        """The newest interval that somebody began to publish."""
        return self._told()[-1]

    def end(self) -> None:
        """Kill what is left, whatever happened."""
        for pid in self.unheard:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.unheard.clear()

    def _publish(self) -> None:
        self.run("publish", self.draw.choice(INTERVALS), failpoint=self._failpoint("score"))

    def _export(self) -> None:
        self.run("export", self.draw.choice(self._told()), failpoint=self._failpoint("export"))

    def _both(self) -> None:
        """Two runs of the same interval at once, one of which may be disturbed."""
        op, step = self.draw.choice((("publish", "score"), ("export", "export")))
        as_of = self.draw.choice(self._told())
        first, _ = self.start(op, as_of, failpoint=self._failpoint(step))
        second, _ = self.start(op, as_of)
        if self.draw.random() < 0.5:
            time.sleep(self.draw.random() * 0.3)
            os.kill(second, signal.SIGKILL)
        self.wait(second)
        self.wait(first)

    def _overtake(self) -> None:
        """One is stopped, the next does the same interval or a newer one, the first wakes up."""
        op, step = self.draw.choice((("publish", "score"), ("export", "export")))
        as_of = self.draw.choice(self._told())
        place = self.draw.choice(HELD) if op == "export" else None
        self.run(op, as_of, failpoint=f"{place}:1:stop" if place else self._at(step, "stop"))
        later = self.draw.choice([day for day in INTERVALS if day >= as_of])
        self.run("publish", as_of if op == "publish" else later)
        if op == "export":
            self.run(op, later)
        self._wake()

    def _suppress(self) -> None:
        self.run("suppress", self.draw.sample(CUSTOMERS, 2))

    def _consent(self) -> None:
        asked = self.draw.sample(CUSTOMERS, 3)
        self.run("consent", {c: self.draw.random() < 0.3 for c in asked})

    def _refuse(self) -> None:
        """The target refuses a few rows, every row, or none any more."""
        whom = self.draw.choice((self.draw.sample(CUSTOMERS, 2), ["*"], []))
        self.history.note("info", 0, "refuse", customers=whom)
        self.world.refuse(whom)

    def _cut(self) -> None:
        """HubSpot's next requests go wrong, each in its way, and an export meets them."""
        whom = tuple(self.draw.sample(CUSTOMERS, 3))
        kinds = (
            *(faults.http(429, retry_after=0.05), faults.http(500), faults.http(503)),
            *(faults.drop_before(), faults.drop_after(), faults.drop_after(path="upsert")),
            *(faults.slow(0.05), faults.partial(whom, path="upsert")),
            faults.refuse_whole(path="upsert"),
        )
        drawn = self.draw.choices(kinds, k=self.draw.randrange(1, 5))
        self.history.note("info", 0, "cut", faults=[fault.kind for fault in drawn])
        with (self.world.hub / "faults.jsonl").open("a", encoding="utf-8") as script:
            script.writelines(fault.line() for fault in drawn)
        self.run("export", self.draw.choice(self._told()))

    def _wake(self) -> None:
        """Those who were stopped go on, long after others took over."""
        while self.stopped:
            pid = self.stopped.pop(0)
            self.history.note("info", 0, "wake", pid=pid)
            os.kill(pid, signal.SIGCONT)
            self.wait(pid)

    def _fill(self) -> None:
        """The disk is full for one operation."""
        if self.fill is None:
            return
        self.history.note("info", 0, "disk full")
        self.fill(True)
        op = self.draw.choice(("publish", "export"))
        self.run(op, self.draw.choice(self._told()))
        self._free()

    def _free(self) -> None:
        if self.fill is not None:
            self.fill(False)

    def _restart(self) -> None:
        """The ledger's server is restarted at once, in the middle of an export or a publication."""
        if self.restart is None:
            return
        op = self.draw.choice(("publish", "export"))
        pid, _ = self.start(op, self.draw.choice(self._told()))
        time.sleep(self.draw.random() * 0.4)
        self.history.note("info", 0, "restart")
        self.restart()
        self.wait(pid)

    def _told(self) -> Sequence[date]:
        """The intervals that somebody began to publish, in any order: backfills come late."""
        begun = {event["about"][0] for event in self.history.events("publish", "invoke")}
        return [day for day in INTERVALS if str(day) in begun]

    def _failpoint(self, step: str) -> str | None:
        if self.draw.random() > 0.9:
            return None
        action = self.draw.choices(list(ACTION_WEIGHTS), list(ACTION_WEIGHTS.values()))[0]
        return self._at(step, action)

    def _at(self, step: str, action: str) -> str:
        """A place that the step passes, with what happens there."""
        here = [point.name for point in FAILPOINTS if step in point.steps]
        places = [name for name in here if name not in REAL_SCORING]
        if action == "stop":
            places = [name for name in places if name not in TRANSACTIONS]
        if step == "export" and self.draw.random() < 0.5:
            places = list(HELD)
        # most places are passed several times: five tables, some batches
        return f"{self.draw.choice(places)}:{self.draw.choice((1, 1, 1, 1, 2))}:{action}"


def child(
    world: World,
    history: History,
    number: int,
    op: str,
    about: Sequence[Any],
    failpoint: str | None,
    broken: Broken | None,
) -> None:
    """The life of one process: do it, say how it ended, and never return."""
    status = 1
    try:
        _log_to(world.folder / "children.log")
        _hurried()
        if broken is not None:
            broken()
        if failpoint is not None:
            arm(failpoint)
        said = getattr(world, op)(number, *about)
        history.note("ok", number, op, about=[str(one) for one in about], said=said)
        status = 0
    except Exception as error:  # noqa: BLE001 - whatever it was, the history has to know
        kind = type(error).__name__
        traceback.print_exc()
        told = str(error)[:500]
        history.note("fail", number, op, error=kind, ours=isinstance(error, ChurnError), told=told)
    finally:
        os._exit(status)


def _log_to(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)


def _hurried() -> None:
    """A table takes a plan of two dozen rows in a few batches, as it does one of thousands.

    Between two tries at HubSpot hundredths of a second pass in place of seconds.
    """
    made, asked = SqlDestination.__init__, HubSpotDestination.__init__

    def smaller(self: SqlDestination, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **{"batch_size": SMALL_BATCHES, **kwargs})

    def sooner(self: HubSpotDestination, *args: Any, **kwargs: Any) -> None:
        asked(self, *args, **{"sleep": lambda seconds: time.sleep(seconds / 100), **kwargs})

    SqlDestination.__init__ = smaller  # type: ignore[method-assign]
    HubSpotDestination.__init__ = sooner  # type: ignore[method-assign]
