"""The nemesis: what one seed does to a house.

Everything is drawn from the seed. Nothing here knows what the product promises: that is the
checker's. Nobody has a lease that a clock ends: who is overtaken sleeps until another run of its
step is over, as under a scheduler that missed its heartbeat and started a second one.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..crm.fakes import faults
from ..crm.fakes.faults import Fault
from .places import ON_THE_WAY, drawn, half_way, held, late
from .processes import Processes
from .told import CUSTOMERS
from .troubles import troubles
from .world import INTERVALS

STEPS = 8
WEIGHTS = {
    "publish": 3,
    "export": 6,
    "both": 3,
    "overtake": 3,
    "die_late": 3,
    "waver": 2,
    "backfill": 2,
    "cut": 4,
    "regret": 3,
    "suppress": 1,
    "consent": 1,
    "refuse": 1,
    "rouse": 1,
}
"""How often each kind of step is drawn."""
ON_A_SMALL_DISK, ON_A_SERVER = {"fill": 1}, {"restart": 3, "down": 1}
"""And where there is a disk to fill, or a server to take down."""


@dataclass
class Nemesis(Processes):
    """One seed's operations on a `World`; a disk to `fill` and a `server` to crash where told."""

    fill: Callable[[bool], None] | None = None
    server: Any = None

    def begin(self) -> bool:
        """Start the seed's HubSpot and build its house."""
        self.start("serve")
        until = time.monotonic() + self.patience_seconds
        while not (self.world.hub / "connection").exists() and time.monotonic() < until:
            time.sleep(0.002)
        return self.run("build")

    def rage(self) -> None:
        """Publish and export under faults; two operations begin in peace so that there is data."""
        self.run("publish", INTERVALS[1])
        self.run("export", INTERVALS[1])
        weights = WEIGHTS | (ON_A_SMALL_DISK if self.fill else {})
        weights |= ON_A_SERVER if self.server else {}
        for _ in range(STEPS):
            getattr(self, f"_{self.draw.choices(list(weights), list(weights.values()))[0]}")()

    def sweep(self) -> None:
        """Die at every place of an operation's way, each time with something new to tell."""
        for op, places in ON_THE_WAY.items():
            for place in places:
                if op == "export":
                    self.run("publish", INTERVALS[-1])
                self.run(op, INTERVALS[-1], failpoint=f"{place}:1:kill")

    def calm(self) -> None:
        """Lift every fault, let who was stopped go on to the end, and have something published."""
        self._free()
        self.world.lift()
        self.wake()
        if not self.history.events("publish", "ok"):
            self.run("publish", self._told()[-1])

    def _publish(self) -> None:
        for _ in range(self.draw.choice((1, 2))):
            self._harmed("publish", self.draw.choice(INTERVALS))

    def _export(self) -> None:
        """Something new to tell, and exports that come to grief over it, one after another."""
        as_of = self._due()
        self.run("publish", as_of)
        for _ in range(self.draw.choice((1, 2, 2, 3))):
            self._harmed("export", as_of)

    def _both(self) -> None:
        """Two runs of the same interval at once, one of which may be harmed."""
        op, as_of = self.draw.choice(("publish", "export")), self._due()
        if op == "export":
            self._afresh(as_of)
        first = self.start(op, as_of, failpoint=drawn(self.draw, op))
        second = self.start(op, as_of)
        if self.draw.random() < 0.5:
            time.sleep(self.draw.random() * 0.3)
            os.kill(second[0], signal.SIGKILL)
        self.wait(*second)
        self.wait(*first)

    def _overtake(self) -> None:
        """One is stopped, another does its step meanwhile, and the first wakes up, if not later."""
        op, as_of = self.draw.choice(("publish", "export")), self._due()
        if op == "export":
            self.run("publish", as_of)
        self.run(op, as_of, failpoint=held(self.draw, op))
        if op == "publish":
            self.run("publish", as_of)
        else:
            later = self.draw.choice([day for day in self._told() if day >= as_of])
            self._afresh(later)
            self.run("export", later)
        if self.draw.random() < 0.7:
            self.wake()

    def _die_late(self) -> None:
        """One is stopped in mid-send, others finish its plan and send a newer one; the first wakes
        up, if not later, sends what it has in its hands, and is killed before it can look.
        """
        as_of = self._due()
        self.run("publish", as_of)
        self.run("export", as_of, failpoint=late(self.draw))
        later = self.draw.choice([day for day in self._told() if day >= as_of])
        self.run("publish", later)
        self.run("export", later)
        if self.draw.random() < 0.7:
            self.wake()

    def _waver(self) -> None:
        """A change is taken and the answer lost, it is refused when it is tried again, and then all
        is to be as it was.
        """
        as_of, target = self._told()[-1], self.draw.choice(("table", "hub"))
        self.run("publish", as_of)
        before = self.number
        self.run("export", as_of)
        self.run("publish", as_of)
        self.run("export", as_of, failpoint=f"{target}.sent:1:lose")
        if target == "table":
            self.world.refuse(["*"])
        else:
            self._script([faults.partial(CUSTOMERS, path="upsert")] * 3)
        self.history.note("info", 0, "waver", target=target)
        self.run("export", as_of)
        self.world.refuse([])
        self.run("publish", as_of, before)

    def _backfill(self) -> None:
        """Several intervals anew, in any order, and their exports all at once."""
        days = self.draw.sample(INTERVALS, 3)
        for day in days:
            self.run("publish", day)
        at_once = [self.start("export", day) for day in days[1:]]
        at_once.append(self.start("export", days[0], failpoint=drawn(self.draw, "export")))
        for one in at_once:
            self.wait(*one)

    def _regret(self) -> None:
        """An export is killed before it has sent all that it planned; two of whom it has not are
        suppressed, or take their consent back; the next one goes on with its plan.
        """
        as_of = self._told()[-1]
        self.run("publish", as_of)
        self.run("export", as_of, failpoint=half_way(self.draw))
        self.run("waits")
        left = self.history.events("waits", "ok")[-1:]
        said = left[0]["said"] if left else {"offered": [], "others": []}
        withdraw = self.draw.random() < 0.5
        open_now = said["offered"] + ([] if withdraw else said["others"])
        whom = self.draw.sample(open_now, min(2, len(open_now)))
        if whom and withdraw:
            self.run("consent", dict.fromkeys(whom, False))
        elif whom:
            self.run("suppress", whom)
        self.run("export", as_of)

    def _rouse(self) -> None:
        self.wake()

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
        as_of, kinds = self._due(), troubles(self.draw)
        self._afresh(as_of)
        names = self.draw.choices(list(kinds), k=self.draw.randrange(1, 5))
        self.history.note("info", 0, "cut", faults=names)
        self._script([kinds[name] for name in names])
        self.run("export", as_of)

    def _script(self, script: Sequence[Fault]) -> None:
        """What goes wrong with HubSpot's next requests."""
        with (self.world.hub / "faults.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(fault.line() for fault in script)

    def _fill(self) -> None:
        """The disk is full for one operation."""
        assert self.fill is not None
        self.history.note("info", 0, "disk full")
        self.fill(True)
        self.run(self.draw.choice(("publish", "export")), self._due())
        self._free()

    def _free(self) -> None:
        if self.fill is not None:
            self.fill(False)

    def _restart(self) -> None:
        """The ledger's server is restarted at once, in the middle of an export or a publication."""
        one = self.start(self.draw.choice(("publish", "export")), self._due())
        time.sleep(self.draw.random() * 0.4)
        self.history.note("info", 0, "restart")
        self.server.restart()
        self.wait(*one)

    def _down(self) -> None:
        """The ledger's server is away for a whole operation, which cannot but fail."""
        self.history.note("info", 0, "down")
        self.server.stop()
        self.run(self.draw.choice(("publish", "export")), self._due())
        self.server.start()

    def _harmed(self, op: str, as_of: date) -> None:
        self.run(op, as_of, failpoint=drawn(self.draw, op))

    def _afresh(self, as_of: date) -> None:
        """Two times in three, publish `as_of` anew, so that an export has something to tell."""
        if self.draw.random() < 0.67:
            self.run("publish", as_of)

    def _due(self) -> date:
        """An interval that somebody began to publish; the newest more often than the others."""
        told = self._told()
        return self.draw.choice([*told, *[told[-1]] * len(told)])

    def _told(self) -> Sequence[date]:
        """The intervals that somebody began to publish, in any order: backfills come late."""
        begun = {event["about"][0] for event in self.history.events("publish", "invoke")}
        return [day for day in INTERVALS if str(day) in begun]
