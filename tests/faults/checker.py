"""The claim, checked on what is left when a seed is quiet.

For every customer the targets hold what the newest published interval says; nobody stands there
twice; what was acknowledged stays; nobody is sent who was suppressed before the guard was asked.
What should be there is computed from the seed and the history alone, not by the product.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import date
from typing import Any

from churn_ml.crm import open_destination, protocol, reconciled
from churn_ml.crm.reconcile import DOUBTED
from churn_ml.errors import BrokenPromise
from churn_ml.flow.means import means

from .history import History
from .world import FILE, HUB, INTERVALS, TABLE, World, said

UNSURE = DOUBTED | {protocol.UNSURE}
"""What the ledger says of whom it does not know: nobody, once nothing is left to send."""
SLACK_SECONDS = 0.002
"""SQLite tells the time in milliseconds."""


def violations(world: World) -> list[str]:
    """What of the claim does not hold, in words; run in a process of its own."""
    house, history = world.house(), world.history
    published = {day: house.publication("score", day) for day in INTERVALS}
    found = [*_fences(published, history), *late(history), *_defects(history)]
    newest = max((day for day, one in published.items() if one), default=None)
    if newest is None:
        return [*found, "nothing is published"]
    number = int(published[newest].pins["number"])  # type: ignore[union-attr]
    wanted = _expected(world, number, newest)
    for name in (TABLE, FILE, HUB):
        target = open_destination(name, house.config, means=means(house))
        held = list(target.holds())
        state = house.ledger.state(name)
        found += _different(name, wanted, held)
        compared = reconciled(held, state, delivers=target.delivers)
        for kind in ("missing", "extra", "different", "in_doubt"):
            if left := getattr(compared, kind):
                found.append(f"{name}: the ledger and the target differ: {kind} {left}")
        if unsure := sorted(c for c, (told, _) in state.items() if told in UNSURE):
            found.append(f"{name}: the ledger is not sure what it holds of {unsure}")
    return [*found, *_sent_suppressed(world), *_lost_acks(world, house.ledger), *_hangs(history)]


def _expected(world: World, number: int, as_of: date) -> dict[str, dict[str, Any]]:
    """What generation `number` says of everybody who may be told about at the end."""
    gone = _suppressed(world.history)
    refusing: dict[str, bool] = {}
    for event in world.history.events("consent", "ok"):
        refusing |= {c: not given for c, given in event["said"]["given"].items()}
    return {
        c: row
        for c, row in said(world.seed, number, as_of).items()
        if c not in gone and not (refusing.get(c) and row["offer"] != "NONE")
    }


def _different(name: str, wanted: dict[str, Any], held: list[Any]) -> Iterator[str]:
    ids = [row["customer_id"] for row in held]
    if len(set(ids)) != len(ids):
        yield f"{name}: a customer stands there twice"
    has = {row["customer_id"]: {k: row[k] for k in ("score", "stage", "offer")} for row in held}
    for customer in sorted(wanted.keys() | has.keys()):
        if has.get(customer) != wanted.get(customer):
            yield (f"{name}: {customer} is {has.get(customer)}, should be {wanted.get(customer)}")


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


def _suppressed(history: History) -> dict[str, float]:
    """When each suppressed customer was suppressed for certain; the first time counts."""
    at: dict[str, float] = {}
    for event in history.events("suppress", "ok"):
        for customer in event["said"]["customers"]:
            at.setdefault(customer, event["at"])
    return at


def _sent_suppressed(world: World) -> Iterator[str]:
    """By the target's own log: no write of a batch whose guard was asked after the suppression."""
    at = _suppressed(world.history)
    for name, customer, when in _written(world):
        since = at.get(customer, when)
        if when <= since + SLACK_SECONDS:
            continue
        runs = _runs(world.history, when)
        if not any(_was_asked_before(world.history, run, since, when) for run in runs):
            yield f"{name}: {customer} was written {when - since:.3f} s after suppression"


def _written(world: World) -> Iterator[tuple[str, str, float]]:
    """Every upsert that a target took: where, who, when."""
    with sqlite3.connect(world.folder / "out.db") as target:
        for customer, when in target.execute("select customer_id, at from written"):
            yield TABLE, customer, when
    for line in (world.hub / "writes.jsonl").read_text(encoding="utf-8").splitlines():
        write = json.loads(line)
        if write.get("values", {}).get("churn_ml_segment"):
            yield HUB, write["upsert"], write["at"]


def _runs(history: History, when: float) -> list[int]:
    """The exports that were alive at that time."""
    ended = {e["number"]: e["at"] for k in ("ok", "fail") for e in history.events("export", k)}
    begun = {e["number"]: e["at"] for e in history.events("export", "invoke")}
    return [n for n, at in begun.items() if at <= when <= ended.get(n, when) + SLACK_SECONDS]


def _was_asked_before(history: History, run: int, suppressed: float, when: float) -> bool:
    """Whether the run's last look of its guard before the write was before the suppression."""
    mine = [e["at"] for e in history.events("guard") if e["number"] == run]
    looks = [at for at in mine if at <= when + SLACK_SECONDS]
    return bool(looks) and max(looks) <= suppressed


def _lost_acks(world: World, ledger: Any) -> Iterator[str]:
    """Every customer acknowledged in the history is still known to the ledger, no older."""
    state = {c for name in (TABLE, FILE, HUB) for c in ledger.state(name)}
    for event in world.history.events("ack"):
        if missing := set(event["customers"]) - state:
            yield f"acknowledged and forgotten: {sorted(missing)} of plan {event['plan']}"


def _hangs(history: History) -> Iterator[str]:
    for event in history.events("hang"):
        yield f"process {event['pid']} hung"
