"""The claim, checked on what is left when a seed is quiet.

For every customer the targets hold what the newest published interval says; nobody stands there
twice; what was acknowledged stays, under its as_of; nobody is written who was suppressed, or with
an offer after consent was withdrawn, when the guard was asked. Folder, table and HubSpot's log are
read as they are (targets.py), and what should be there is computed from the seed and the history
alone. The product is asked for three things: which generation its newest publication is, what its
ledger says is acknowledged, and whether its own reconciling finds anything, which must be nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from churn_ml.crm import open_destination, protocol, reconciled
from churn_ml.crm.reconcile import DOUBTED
from churn_ml.errors import BrokenPromise
from churn_ml.flow.means import means

from . import targets
from .acks import lost, reopened
from .command import misled
from .history import History
from .targets import Damaged, Row, Written
from .told import said
from .withheld import sent, suppressed
from .world import FILE, HUB, INTERVALS, TABLE, World

UNSURE = DOUBTED | {protocol.UNSURE}
"""What the ledger says of whom it does not know: nobody, once nothing is left to send."""


def violations(world: World) -> list[str]:
    """What of the claim does not hold, in words; run in a process of its own."""
    house, history = world.house(), world.history
    published = {day: house.publication("score", day) for day in INTERVALS}
    found = [*_fences(published, history), *late(history), *_defects(history), *misled(history)]
    newest = max((day for day, one in published.items() if one), default=None)
    if newest is None:
        return [*found, "nothing is published"]
    number = int(published[newest].pins["number"])  # type: ignore[union-attr]
    found += _differences(world, _expected(world, number, newest))
    states = {name: house.ledger.state(name) for name in (TABLE, FILE, HUB)}
    found += [one for name, state in states.items() for one in _reconciling(house, name, state)]
    found += [*sent(history, _written(world)), *lost(history, states), *reopened(history)]
    return [*found, *_hangs(history)]


def _expected(world: World, number: int, as_of: date) -> dict[str, dict[str, Any]]:
    """What generation `number` says of everybody who may be told about at the end."""
    gone = suppressed(world.history)
    refusing: dict[str, bool] = {}
    for event in world.history.events("consent", "ok"):
        refusing |= {c: not given for c, given in event["said"]["given"].items()}
    return {
        c: row
        for c, row in said(world.seed, number, as_of).items()
        if c not in gone and not (refusing.get(c) and row["offer"] != "NONE")
    }


def _differences(world: World, wanted: Mapping[str, Any]) -> Iterator[str]:
    """What the targets hold in place of what they should, each read by itself."""
    for name, read in _readers(world).items():
        try:
            held = read()
        except Damaged as error:
            yield f"{name}: {error}"
        else:
            yield from different(name, wanted, held)


def _readers(world: World) -> Mapping[str, Callable[[], list[Row]]]:
    return {
        TABLE: lambda: targets.in_table(world.folder / "out.db"),
        FILE: lambda: targets.in_folder(world.folder / "out"),
        HUB: lambda: targets.in_hubspot(world.hub / "writes.jsonl"),
    }


def different(name: str, wanted: Mapping[str, Any], held: list[Row]) -> Iterator[str]:
    """Who stands twice among the rows that the target holds, and who not as wanted."""
    has = {row["customer_id"]: {k: row[k] for k in targets.SAID} for row in held}
    for customer in sorted(has):
        if (times := sum(row["customer_id"] == customer for row in held)) > 1:
            yield f"{name}: {customer} stands there {times} times"
    for customer in sorted(wanted.keys() | has.keys()):
        if has.get(customer) != wanted.get(customer):
            yield f"{name}: {customer} is {has.get(customer)}, should be {wanted.get(customer)}"


def _reconciling(house: Any, name: str, state: Mapping[str, Any]) -> Iterator[str]:
    """What the product's own comparison of its ledger with a target finds, or is not sure of."""
    target = open_destination(name, house.config, means=means(house))
    compared = reconciled(list(target.holds()), state, delivers=target.delivers)
    for kind in ("missing", "extra", "different", "in_doubt"):
        if left := getattr(compared, kind):
            yield f"{name}: the ledger and the target differ: {kind} {left}"
    if unsure := sorted(c for c, (told, _) in state.items() if told in UNSURE):
        yield f"{name}: the ledger is not sure what it holds of {unsure}"


def _written(world: World) -> Iterator[Written]:
    """Every upsert that a target took: where, who, with which offer, when."""
    yield from targets.written_in_table(TABLE, world.folder / "out.db")
    yield from targets.written_in_folder(FILE, world.folder / "out")
    yield from targets.written_in_hubspot(HUB, world.hub / "writes.jsonl")


def _fences(published: dict[date, Any], history: History) -> Iterator[str]:
    """A generation with an older token than one that was published must not be what stands."""
    for day, one in published.items():
        done = [e for e in history.events("publish", "ok") if e["about"][0] == str(day)]
        newest = max((event["said"]["token"] for event in done), default=0)
        if newest and (one is None or one.token < newest):
            yield f"publish {day}: token {newest} was published, {one and one.token} stands"


def late(history: History) -> Iterator[str]:
    """Who began to publish after a newer token of its step was taken, and was let.

    Nobody has a lease that runs out: a token is worth nothing from the moment of the next one.
    """
    done = {event["number"] for event in history.events(kind="ok")}
    taken = history.events("token")
    for event in history.events("publishing"):
        newer = (
            one["token"]
            for one in taken
            if (one["step"], one["as_of"]) == (event["step"], event["as_of"])
            and one["token"] > event["token"]
            and one["at"] < event["at"]
        )
        if event["number"] in done and (by := max(newer, default=None)):
            told = f"{event['step']} {event['as_of']}: token {event['token']}"
            yield f"{told} was published after token {by} was taken"


def _defects(history: History) -> Iterator[str]:
    """No fault around the product may end an operation in an error that asks for a report."""
    for event in history.events(kind="fail"):
        if event["error"] == BrokenPromise.__name__:
            yield f"operation {event['number']} ended in a defect: {event['told']}"


def _hangs(history: History) -> Iterator[str]:
    for event in history.events("hang"):
        yield f"process {event['pid']} hung"
