"""Two exports into one folder at the same moment: nothing acknowledged is lost, every part whole.

O2, O4 and C9 with the real outbox and a real ledger: one export sleeps in the middle of writing,
another resumes its plan and goes on; then the first wakes up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from churn_ml.crm import (
    Batch,
    FileDestination,
    Guard,
    Outbox,
    Reconciled,
    Row,
    file_lock,
    file_writing,
    reconciled,
)
from churn_ml.crm.payload import NAMES, hashed
from churn_ml.crm.protocol import Ack, Rejection
from churn_ml.errors import StaleAttempt, Transient
from churn_ml.ledger import Ledger

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def row(customer_id: str, segment: str = "SILENT", as_of: date = OCTOBER) -> Row:
    cells = dict.fromkeys(NAMES) | {"customer_id": customer_id, "as_of": as_of.isoformat()}
    cells |= {"segment": segment, "offer": "NONE"}
    return Row(customer_id, "upsert", as_of, cells, hashed(cells, delivers=False))


@dataclass
class World:
    """A folder and a ledger, and any number of exports of both."""

    folder: Path
    suppressed: set[str] = field(default_factory=set)
    ledgers: list[Ledger] = field(default_factory=list)

    def outbox(self) -> Outbox:
        """An export with a connection of its own."""
        self.ledgers.append(Ledger.open(f"sqlite:///{self.folder}/ledger.db"))
        guard = Guard(lambda ids: self.suppressed & set(ids), lambda _: {}, True, frozenset())
        run = f"export/2017-10-01/{len(self.ledgers)}"
        return Outbox(self.target, self.ledgers[-1], guard, clock=lambda: AT, run=run)

    @property
    def target(self) -> FileDestination:
        return FileDestination("out", self.folder / "out", "me", patience_seconds=5)

    def held(self) -> dict[str, Any]:
        """What a reader of the folder has, which raises where a part is not the named one."""
        return {str(cells["customer_id"]): cells["segment"] for cells in self.target.holds()}

    def compared(self) -> Reconciled:
        return reconciled(self.target.holds(), self.ledgers[0].state("out"), delivers=False)


@contextmanager
def exporting(folder: Path) -> Iterator[tuple[World, Callable[..., Future[Any]]]]:
    """A world, and how something is begun in it that goes on beside the test."""
    made = World(folder)
    with ThreadPoolExecutor(4) as pool:
        yield made, pool.submit
    for ledger in made.ledgers:
        ledger.close()


@contextmanager
def asleep(name: str, monkeypatch: pytest.MonkeyPatch, *, before: bool = False) -> Iterator[Event]:
    """Who passes crm/file.py's function `name` first sleeps there; yields the event of that.

    It wakes when the block is left.
    """
    sleeps, awake = Event(), Event()
    owner: Any = FileDestination if name == "send" else file_writing
    real = getattr(owner, name)

    def sleep() -> None:
        if not sleeps.is_set():
            sleeps.set()
            assert awake.wait(30)

    def wrapped(*args: Any, **told: Any) -> Any:
        if before:
            sleep()
        found = real(*args, **told)
        if not before:
            sleep()
        return found

    monkeypatch.setattr(owner, name, wrapped)
    try:
        yield sleeps
    finally:
        awake.set()


def lock_waited_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[Future[Any]], bool]:
    """A way to wait until an export is over, or has found the folder's lock taken."""
    waits, real = Event(), file_lock._taken

    def taken(*args: Any) -> bool:
        free: bool = real(*args)
        if not free:
            waits.set()
        return free

    def over_or_waits(export: Future[Any]) -> bool:
        until = time.monotonic() + 30
        while not export.done() and not waits.wait(0.02) and time.monotonic() < until:
            pass
        return export.done() or waits.is_set()

    monkeypatch.setattr(file_lock, "_taken", taken)
    return over_or_waits


def ended(*exports: Future[Any]) -> None:
    """Wait until these are over; one that was overtaken says so."""
    for one in exports:
        with suppress(StaleAttempt):
            one.result(30)


def test_o2_a_part_that_another_named_meanwhile_stays_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exporting(tmp_path) as (world, beside):
        over_or_waits = lock_waited_for(monkeypatch)
        first, second = world.outbox(), world.outbox()
        more = [row("h1"), row("h2"), row("h3")]

        def overtake() -> None:
            second.export([row("h1")], OCTOBER)
            second.export(more, OCTOBER)

        with asleep("listed", monkeypatch) as sleeps:
            sleeper = beside(first.export, [row("h1")], OCTOBER)
            assert sleeps.wait(30)
            other = beside(overtake)
            assert over_or_waits(other)
        ended(sleeper, other)
        second.export(more, OCTOBER)
        assert set(world.held()) == {"h1", "h2", "h3"}
        assert world.compared().whole


def test_o2_two_runs_of_one_plan_with_a_suppression_between_leave_every_part_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exporting(tmp_path) as (world, beside):
        over_or_waits = lock_waited_for(monkeypatch)
        first, second, both = world.outbox(), world.outbox(), [row("h1"), row("h2")]
        with asleep("put", monkeypatch) as sleeps:
            sleeper = beside(first.export, both, OCTOBER)
            assert sleeps.wait(30)
            world.suppressed.add("h1")
            other = beside(second.export, both, OCTOBER)
            assert over_or_waits(other)
        ended(sleeper, other)
        assert set(world.held()) == {"h2"}, "who is suppressed is out, and every part is whole"
        second.export(both, OCTOBER)
        assert set(world.held()) == {"h2"}
        assert world.compared().whole


def test_o2_who_was_taken_out_meanwhile_does_not_come_back_with_a_late_run_of_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with exporting(tmp_path) as (world, beside):
        first, second, both = world.outbox(), world.outbox(), [row("h1"), row("h2")]
        with asleep("send", monkeypatch, before=True) as sleeps:
            sleeper = beside(first.export, both, OCTOBER)
            assert sleeps.wait(30)
            world.suppressed.add("h1")
            second.export(both, OCTOBER)
            assert set(world.held()) == {"h2"}
        ended(sleeper)
        assert set(world.held()) == {"h2"}, "the sleeper asked the guard before the suppression"
        assert world.compared().whole


def test_who_may_be_told_again_when_a_killed_run_is_resumed_is_told_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The killed run took h1 out and acknowledged nothing; h1 has a consent by then."""
    with exporting(tmp_path) as (world, _):
        killed, next_one, both = world.outbox(), world.outbox(), [row("h1"), row("h2")]

        def killed_before_the_ack(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        def suppressed_after_the_plan(_: Any) -> set[str]:
            asked.append(1)
            return {"h1"} if len(asked) > 1 else set()

        asked: list[int] = []
        late = replace(killed.guard, suppressed=suppressed_after_the_plan)
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "acknowledge", killed_before_the_ack)
            with pytest.raises(KeyboardInterrupt):
                replace(killed, guard=late).export(both, OCTOBER)
        assert set(world.held()) == {"h2"}
        done = next_one.export(both, OCTOBER)
        assert (done.resumed, done.sent, done.rejected) == (2, 1, 1), "h1 waits for the next run"
        assert set(world.held()) == {"h2"}
        assert next_one.export(both, OCTOBER).sent == 1
        assert set(world.held()) == {"h1", "h2"}
        assert world.compared().whole


def test_o4_a_batch_behind_a_later_as_of_is_not_taken_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    with exporting(tmp_path) as (world, _):
        world.target.preflight()
        world.target.send(Batch("b2", "p2", NOVEMBER, (row("h1", as_of=NOVEMBER),)))
        before = sorted(world.folder.rglob("*"))
        (answer,) = world.target.send(Batch("b1", "p1", OCTOBER, (row("h9"),)))
        assert isinstance(answer, Rejection)
        assert (answer.customer_id, answer.code) == ("h9", "newer_in_target")
        assert sorted(world.folder.rglob("*")) == before
        assert set(world.held()) == {"h1"}


HOLDER = """
import os, signal, sys
from pathlib import Path
from churn_ml.crm.file_lock import alone
with alone(Path(sys.argv[1]), 5, "out"):
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_c17_who_is_stopped_with_the_lock_holds_others_up_for_a_while_and_killed_for_none(
    tmp_path: Path,
) -> None:
    with exporting(tmp_path) as (world, _):
        world.target.preflight()
        batch = Batch("b1", "p1", OCTOBER, (row("h1"),))
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(world.target.folder)])
        try:
            assert os.WIFSTOPPED(os.waitpid(holder.pid, os.WUNTRACED)[1])
            impatient = replace(world.target, patience_seconds=0.3)
            with pytest.raises(Transient, match="another process has been writing to") as caught:
                impatient.send(batch)
            assert "let it go on, or end it" in str(caught.value)
            assert world.held() == {}
            with pytest.raises(Transient, match="another process has been writing to"):
                impatient.set_aside()
        finally:
            holder.send_signal(signal.SIGKILL)
            holder.wait(30)
        assert impatient.send(batch) == [Ack("h1")]
