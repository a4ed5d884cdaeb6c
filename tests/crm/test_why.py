"""The story of a customer in the ledger tells why each row is not simply what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from churn_ml import wording
from churn_ml.crm import Asked, Batch, Guard, Outbox, Recorder, Row
from churn_ml.crm.payload import NAMES, hashed
from churn_ml.crm.undo import undo, undoing
from churn_ml.crm.why import AS_BEFORE, DOUBTED, FIRST_TOLD, NOT_SCORED, WITHHELD
from churn_ml.errors import Unreachable
from churn_ml.ledger import Ledger, Settled

DAY, NEXT = date(2017, 10, 1), date(2017, 11, 1)
BEGAN = datetime(2026, 11, 23, 4, tzinfo=UTC)


def row(customer: str, as_of: date, segment: str, offer: str = "NONE") -> Row:
    cells = dict.fromkeys(NAMES) | {"customer_id": customer, "as_of": as_of.isoformat()}
    cells |= {"segment": segment, "offer": offer}
    return Row(customer, "upsert", as_of, cells, hashed(cells, delivers=True), offer != "NONE")


@dataclass
class World:
    """A target with its ledger, and what the guard says of whom."""

    ledger: Ledger = field(default_factory=lambda: Ledger.open("sqlite://"))
    suppressed: set[str] = field(default_factory=set)
    objecting: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    recent: set[str] = field(default_factory=set)
    target: Any = field(default_factory=lambda: Recorder(delivers=True))
    now: datetime = BEGAN

    def clock(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def outbox(self, run: str) -> Outbox:
        guard = Guard(
            suppressed=lambda _: self.suppressed,
            consents=lambda _: dict.fromkeys(self.refusing, False),
            consent_default=True,
            free_offers=frozenset({"NONE"}),
            recent=lambda _, __: self.recent,
            purposes=lambda _: {one: {"profiling": False} for one in self.objecting},
        )
        return Outbox(
            self.target,
            self.ledger,
            guard,
            clock=self.clock,
            run=run,
            placed=lambda ids: {one: "LOST" for one in ids if one == "gone"},
        )

    def told(self, customer: str) -> Settled:
        """The newest row of the customer's story."""
        return self.ledger.story(customer)[-1]


HELD = ("gone", "nowhere", "suppressed", "objecting", "refusing", "recent", "stays")


@pytest.fixture
def world() -> World:
    """As of October all of HELD are in the target."""
    world = World()
    rows = [row(one, DAY, "NEW") for one in HELD]
    assert world.outbox("export/2017-10-01/1").export(rows, DAY).sent == len(HELD)
    return world


def november() -> list[Row]:
    kept = [one for one in HELD if one not in ("gone", "nowhere")]
    return [row(one, NEXT, "SILENT", "COUPON") for one in kept]


def test_what_was_decided_needs_no_reason(world: World) -> None:
    assert {world.told(one).message for one in HELD} == {None}


def test_every_removal_and_a_row_without_its_offer_say_why(world: World) -> None:
    for name in ("suppressed", "objecting", "refusing", "recent"):
        getattr(world, name).add(name)
    world.outbox("export/2017-11-01/1").export(november(), NEXT)
    told = {one: (world.told(one).payload == "{}", world.told(one).message) for one in HELD}
    assert told == {
        "gone": (True, "not scored any more: LOST"),
        "nowhere": (True, "not scored any more"),
        "suppressed": (True, "suppressed"),
        "objecting": (True, "objects to profiling"),
        "refusing": (True, "no consent"),
        "recent": (False, "contacted under another contract about now"),
        "stays": (False, None),
    }
    assert {world.told(one).outcome for one in HELD} == {"acknowledged"}
    assert {world.told(one).code for one in HELD} == {None}


def test_a_removal_that_goes_in_place_of_a_planned_row_says_why(world: World) -> None:
    class Down(Recorder):
        def send(self, batch: Batch) -> Any:
            raise Unreachable(f"no answer to {batch.id}")

    well, world.target = world.target, Down(delivers=True)
    with pytest.raises(Unreachable):
        world.outbox("export/2017-11-01/1").export(november(), NEXT)
    world.target, world.refusing = well, {"stays"}
    assert world.told("stays").outcome == "planned"
    world.outbox("export/2017-11-01/2").export(november(), NEXT)
    one = world.told("stays")
    assert (one.outcome, one.message, one.run) == (
        "withdrawn",
        "no consent",
        "export/2017-11-01/2",
    )
    assert world.told("gone").message == "not scored any more: LOST", "as it was planned"


def test_a_row_that_is_not_sent_yet_says_when_and_by_which_run_it_was_planned(
    world: World,
) -> None:
    outbox = world.outbox("export/2017-11-01/7")
    found = outbox.foresee(november(), NEXT)
    outbox.save(found.planned, found.why)
    told = {one: world.told(one) for one in ("stays", "gone")}
    assert {one.outcome for one in told.values()} == {"planned"}
    assert {one.run for one in told.values()} == {"export/2017-11-01/7"}
    assert {one.settled_at for one in told.values()} == {world.now.replace(tzinfo=None)}
    assert {name: one.message for name, one in told.items()} == {
        "stays": None,
        "gone": "not scored any more: LOST",
    }


def test_a_doubt_leaves_the_reason_and_is_told_beside_it_once(world: World) -> None:
    outbox = world.outbox("export/2017-11-01/1")
    found = outbox.foresee(november(), NEXT)
    outbox.save(found.planned, found.why)
    for _ in range(2):
        world.ledger.doubt("recorder", ["gone", "stays"], world.clock())
    told = world.told("gone")
    assert told.code == "in_doubt"
    doubt = world.told("stays").message
    assert doubt is not None
    assert told.message == f"not scored any more: LOST; {doubt}"
    outbox.export(november(), NEXT)
    settled = next(one for one in world.ledger.story("gone") if one.code == "in_doubt")
    assert (settled.outcome, settled.message) == ("acknowledged", told.message)


def test_what_a_repair_sends_again_or_takes_out_says_so(world: World) -> None:
    world.ledger.doubt("recorder", ["stays", "stranger"], world.clock())
    outbox = world.outbox("export/2017-10-01/2")
    outbox.export([row(one, DAY, "NEW") for one in HELD], DAY)
    assert [world.told(one).message for one in ("stays", "stranger", "recent")] == [
        "what it holds was in doubt",
        "what it holds was in doubt",
        None,
    ]
    assert world.told("stranger").payload == "{}"


def test_every_row_of_an_undo_says_that_it_is_one(world: World) -> None:
    world.outbox("export/2017-11-01/1").export([*november(), row("new", NEXT, "NEW")], NEXT)
    world.refusing = {"refusing"}
    undone = world.outbox("undo by ada")
    undo(undone, world.ledger, undoing(undone, world.ledger))
    one = world.told("new")
    assert (one.message, one.run) == ("first told by the undone export: 2017-11-01", "undo by ada")
    assert world.told("gone").message == "as before the undone export: 2017-11-01"


def test_a_row_of_a_plan_that_waits_for_a_yes_says_why(world: World) -> None:
    asking = replace(
        world.outbox("export/2017-11-01/1"), radius=lambda plan, _: Asked(plan.id, 1, 0, 1, 1.0)
    )
    done = asking.export(november(), NEXT)
    assert done.asks is not None
    world.ledger.ask("recorder", done.asks.plan_id, NEXT, 7, 7, world.clock())
    told = {one: (world.told(one).outcome, world.told(one).message) for one in ("gone", "stays")}
    assert told == {
        "gone": ("waits", "not scored any more: LOST"),
        "stays": ("waits", None),
    }


def test_every_reason_is_told_in_chinese_too() -> None:
    for why in (*WITHHELD.values(), NOT_SCORED, DOUBTED, FIRST_TOLD, AS_BEFORE):
        assert wording.word(why, "zh") != why
