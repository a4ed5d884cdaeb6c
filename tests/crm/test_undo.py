"""Undo of the newest export: on a file and a table, whole, stopped half-way, killed half-way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from churn_ml import crm
from churn_ml.bench import export
from churn_ml.crm import Asked, Batch, Exported, FileDestination, Guard, Outbox, Row, SqlDestination
from churn_ml.crm.undo import foreseen, undo, undoing
from churn_ml.errors import NotReady, Stopped, Unreachable
from churn_ml.ledger import Ledger

OCTOBER, NOVEMBER, DECEMBER = date(2017, 10, 1), date(2017, 11, 1), date(2017, 12, 1)
CUSTOMERS = export.customers(12)


def desired(as_of: date, first: int, last: int, segment: str, offer: str = "COUPON") -> list[Row]:
    """The customers of that range, the even ones in `segment` and with `offer`."""
    tables = {name: frame.iloc[first:last].copy() for name, frame in CUSTOMERS.items()}
    tables["segments"].loc[tables["segments"].index[::2], "segment"] = segment
    tables["actions"].loc[tables["actions"].index[::2], "offer"] = offer
    frames = (tables[name] for name in ("scores", "segments", "actions"))
    return crm.rows(*frames, as_of=as_of, tau=0.0, score_step=0.05, delivers=True)


def asks(plan_id: str) -> Asked:
    """What a radius says that asks about everything."""
    return Asked(plan_id, 1, 0, 1, 1.0)


@dataclass
class World:
    """A target with its ledger: October told 8 customers, November moves, drops and adds some."""

    target: FileDestination | SqlDestination
    ledger: Ledger = field(default_factory=lambda: Ledger.open("sqlite://"))
    suppressed: set[str] = field(default_factory=set)
    now: datetime = datetime(2017, 11, 1, tzinfo=UTC)

    def clock(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def outbox(self, target: Any = None) -> Outbox:
        guard = Guard(lambda _: self.suppressed, lambda _: {}, True, frozenset({"NONE"}))
        return Outbox(target or self.target, self.ledger, guard, clock=self.clock, run="undo")

    def october(self) -> dict[str, dict[str, Any]]:
        self.outbox().export(desired(OCTOBER, 0, 8, "SILENT"), OCTOBER)
        return self.held()

    def november(self, target: Any = None) -> Exported:
        rows = desired(NOVEMBER, 2, 11, "LOST", "NONE")
        return self.outbox(target).export(rows, NOVEMBER)

    def undo(self, target: Any = None, *, dry_run: bool = False) -> Exported:
        outbox = self.outbox(target)
        what = undoing(outbox, self.ledger)
        return foreseen(outbox, what).counted if dry_run else undo(outbox, self.ledger, what)

    def held(self) -> dict[str, dict[str, Any]]:
        """What the target holds, but the date of the plan that told it."""
        return {str(c["customer_id"]): {**c, "as_of": ""} for c in self.target.holds()}

    def agrees(self) -> bool:
        state = self.ledger.state("out")
        return crm.reconciled(self.target.holds(), state, delivers=True).whole


@pytest.fixture(params=["file", "sql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "file":
        return World(FileDestination("out", tmp_path / "out", "me", delivers=True))
    url = f"sqlite:///{tmp_path}/out.db"
    return World(SqlDestination("out", url, "segments", "me", delivers=True, batch_size=3))


def test_after_an_undo_the_target_holds_what_it_held_before(world: World) -> None:
    before = world.october()
    contacts = world.ledger.contacts(OCTOBER, date(2018, 1, 1))
    assert world.november().removed == 2
    assert world.held() != before
    told = len(world.ledger.former("out", world.ledger.last_plan("out")[0]))  # type: ignore[index] # there is one
    dry = world.undo(dry_run=True)
    assert world.held() != before
    done = world.undo()
    assert done == dry
    assert (done.sent + done.removed, done.removed) == (told, 3)  # 3 came in November
    assert world.held() == before
    assert world.agrees()
    assert world.ledger.contacts(OCTOBER, date(2018, 1, 1)) == contacts


def test_a_dry_run_counts_who_may_not_be_told_any_more_as_the_undo_does(world: World) -> None:
    world.october()
    world.november()
    world.suppressed = {"c00000002"}  # moved to another segment in November
    dry = world.undo(dry_run=True)
    assert (dry, dry.withheld) == (world.undo(), 1)


def test_an_undone_export_is_not_undone_twice_and_can_be_sent_again(world: World) -> None:
    world.october()
    world.november()
    after = world.held()
    world.undo()
    with pytest.raises(NotReady, match="undone already"):
        world.undo()
    world.november()
    assert world.held() == after
    assert world.agrees()
    world.undo()
    assert "c00000000" in world.held()


def test_of_a_first_export_nothing_is_left(world: World) -> None:
    with pytest.raises(NotReady, match="no export to undo"):
        world.undo()
    world.october()
    assert world.undo().removed == 8
    assert (world.held(), world.agrees()) == ({}, True)


class Dies:
    """The target, until the batch numbered `last`: that one arrives and nobody hears of it."""

    def __init__(self, target: Any, last: int) -> None:
        self.target, self.left = target, last

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)

    def send(self, batch: Batch) -> Any:
        self.left -= 1
        answers = self.target.send(batch)
        if self.left <= 0:
            raise Unreachable("killed")
        return answers


@pytest.mark.parametrize("last", [1, 2, 3])
def test_an_undo_that_dies_half_way_is_finished_by_the_next(world: World, last: int) -> None:
    before = world.october()
    world.november()
    batches = 1 if world.target.batch_size is None else last
    with pytest.raises(Unreachable):
        world.undo(Dies(world.target, batches))
    done = world.undo()
    assert done.sent + done.removed > 0
    assert (world.held(), world.agrees()) == (before, True)
    with pytest.raises(NotReady):
        world.undo()


@pytest.mark.parametrize("killed", [False, True], ids=["", "killed before the plan was saved"])
def test_an_export_that_stopped_half_way_is_undone_whole(world: World, killed: bool) -> None:
    before = world.october()
    with pytest.raises(Unreachable):
        world.november(Dies(world.target, 2 if world.target.batch_size else 1))
    world.ledger.stop("out", who="ada", why="odd", at=world.clock())
    with pytest.raises(Stopped):
        world.november()
    if killed:
        newest = world.ledger.last_plan("out")
        assert newest is not None
        world.ledger.give_up(newest[0], at=world.clock(), run="undo")
    world.undo()
    assert (world.held(), world.agrees()) == (before, True)
    assert {one.outcome for one in world.ledger.story("c00000002")} >= {"acknowledged"}
    assert "given_up" in {one.outcome for one in world.ledger.story("c00000010")}


def test_p3_who_is_suppressed_meanwhile_is_not_brought_back(world: World) -> None:
    world.october()
    world.november()
    world.suppressed = {"c00000000"}  # November removed this one
    world.undo()
    assert "c00000000" not in world.held()
    assert "c00000001" in world.held()


def test_withdrawals_that_went_alone_do_not_hide_the_export_before_them(world: World) -> None:
    before = world.october()
    world.november()
    asking = replace(world.outbox(), radius=lambda planned, _: asks(planned.id))
    world.suppressed = {"c00000004"}
    held = asking.export(desired(DECEMBER, 2, 11, "BACK"), DECEMBER)
    assert (held.asks is not None, held.removed) == (True, 1)
    newest = world.ledger.last_plan("out")
    assert newest is not None
    assert newest[0].startswith("away-")
    what = undoing(world.outbox(), world.ledger)
    assert (what.exported, what.planned.as_of) == (NOVEMBER, DECEMBER)
    dry = world.undo(dry_run=True)
    assert world.undo() == dry
    assert world.held() == {c: cells for c, cells in before.items() if c != "c00000004"}
    assert world.agrees()
    with pytest.raises(NotReady, match="undone already"):
        world.undo()


def test_who_may_be_told_about_again_comes_back_with_the_undo(world: World) -> None:
    before = world.october()
    world.november()
    asking = replace(world.outbox(), radius=lambda planned, _: asks(planned.id))
    world.suppressed = {"c00000004"}
    asking.export(desired(DECEMBER, 2, 11, "BACK"), DECEMBER)
    world.suppressed = set()
    world.undo()
    assert (world.held(), world.agrees()) == (before, True)


def test_an_export_that_changed_nothing_is_not_the_one_that_is_undone(world: World) -> None:
    before = world.october()
    world.november()
    empty = world.outbox().export(desired(NOVEMBER, 2, 11, "LOST", "NONE"), NOVEMBER)
    later = world.outbox().export(desired(DECEMBER, 2, 11, "LOST", "NONE"), DECEMBER)
    assert empty.sent == later.removed == 0
    assert world.undo().sent > 0
    assert (world.held(), world.agrees()) == (before, True)
