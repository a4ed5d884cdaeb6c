"""The nemesis of a shop whose steps are real: each comes to grief, and is run until it is done.

What counts is the end: the same contents, decisions, aliases and file as in a shop that nobody
disturbed. Days are ingested in their order and scored in any.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import date
from itertools import groupby

from .places import AT_WORK, HARMED, drawn
from .processes import Processes
from .shop import Shop, way

__all__ = ["PATIENCE_SECONDS", "Shop", "Works"]
PATIENCE_SECONDS = 300
TRIES = 5


class Works(Processes):
    """One seed's operations on a shop."""

    def begin(self) -> bool:
        """Lay out the shop, and the undisturbed one where no other seed has."""
        there = self.world.undisturbed.exists() or self.run("compare_with")
        return there and self.run("build")

    def rage(self) -> None:
        """Every step comes to grief one to three times, and is then done."""
        for op, as_of in self._steps():
            for _ in range(self.draw.randrange(1, 4) if op in AT_WORK else 1):
                self.draw.choice((self._harm, self._harm, self._twice, self._outrun))(op, as_of)
            self._do(op, as_of)

    def sweep(self) -> None:
        """Every step is killed at every place of its way, the last time it is done."""
        swept = set[str]()
        for op, as_of in way():
            if op in AT_WORK and op not in swept and (op, as_of) != next(way()):
                swept.add(op)
                for place in AT_WORK[op]:
                    self.run(op, as_of, failpoint=f"{place}:1:kill")
            self._do(op, as_of)

    def calm(self) -> None:
        """Let who was stopped go on; then what is published is asked for again."""
        self.wake()
        for op, as_of in way():
            if op in ("score", "export"):
                self._do(op, as_of)

    def _steps(self) -> Iterator[tuple[str, date]]:
        for op, group in groupby(way(), key=lambda step: step[0]):
            steps = list(group)
            if op == "score":
                self.draw.shuffle(steps)
            yield from steps

    def _do(self, op: str, as_of: date) -> None:
        """Run it until it is done: one that was overtaken is tried again."""
        if not any(self.run(op, as_of) for _ in range(TRIES)):
            self.history.note("info", 0, "given up", what=op, as_of=as_of)

    def _harm(self, op: str, as_of: date) -> None:
        self.run(op, as_of, failpoint=self._grief(op))

    def _twice(self, op: str, as_of: date) -> None:
        """Two at once, one of which may die at any moment."""
        first = self.start(op, as_of, failpoint=self._grief(op))
        second = self.start(op, as_of)
        if self.draw.random() < 0.5:
            time.sleep(self.draw.random())
            os.kill(second[0], signal.SIGKILL)
        self.wait(*second)
        self.wait(*first)

    def _outrun(self, op: str, as_of: date) -> None:
        """One sleeps after it took its token until another has done the step."""
        self.run(op, as_of, failpoint="token.taken:1:stop")
        self.run(op, as_of)
        self.wake()

    def _grief(self, op: str) -> str | None:
        return drawn(self.draw, op, HARMED) if op in HARMED else None
