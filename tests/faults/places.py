"""Which failpoints a seed's operations pass, and what is drawn to happen there.

A place is drawn by the step that passes it. Nobody is stopped within a transaction, where a sleeper
would only hold everybody up; who is to be overtaken is stopped where it holds something.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from .failpoints import FAILPOINTS

TRANSACTIONS = frozenset(
    {
        *("publish.token_checked", "publish.partitions", "publish.lots", "publish.receipt"),
        *("plan.on_top", "ack.noted", "ack.taken", "table.written"),
    }
)
"""Places inside a transaction."""
REAL_SCORING = frozenset({"features.built", "scores.made", "actions.decided"})
"""Places that a seed does not pass: its publications are not computed."""
Way = Mapping[str, tuple[str, ...]]
"""Operation -> the places that it passes where it has something to do."""


def _of(step: str) -> tuple[str, ...]:
    """The places of one of the product's steps."""
    return tuple(point.name for point in FAILPOINTS if step in point.steps)


ON_THE_WAY: Way = {
    "publish": tuple(name for name in _of("score") if name not in REAL_SCORING),
    "export": _of("export"),
}
"""Of a seed whose publications are drawn."""
AT_WORK: Way = {
    step: tuple(name for name in _of(step) if name not in ON_THE_WAY["publish"])
    for step in ("ingest", "train", "record", "score")
}
"""Of a seed whose steps are computed: the places that only this step passes."""
HARMED: Way = {
    **AT_WORK,
    "ingest": AT_WORK["ingest"] + ON_THE_WAY["publish"],
    "score": AT_WORK["score"] + ON_THE_WAY["publish"],
}
"""And where it is harmed; the long training only where no other step comes by."""
ONCE = frozenset(
    {
        *("token.taken", "publish", "publish.token_checked", "publish.partitions", "publish.lots"),
        *("publish.receipt", "published", "file.send", "file.listed", "file.sent"),
    }
)
"""Places that an operation passes once; the others it may pass for five tables, some batches."""
HELD = {
    "publish": tuple(
        name for name in ON_THE_WAY["publish"] if name not in {*TRANSACTIONS, "published"}
    ),
    "export": (
        *("plan.made", "plan.saved", "guard.asked", "file.send", "file.part", "file.listed"),
        *("file.sent", "table.send", "table.sent", "hub.send", "hub.read", "hub.sent"),
        *("ack", "acked"),
    ),
}
"""Operation -> where it holds something that the next one takes over."""
LATE = (
    *(("file.send", "file.sent"), ("table.send", "table.sent")),
    *(("hub.send", "hub.sent"), ("hub.read", "hub.sent")),
)
"""Where an export is stopped in mid-send, and where it is killed once it has sent after all."""
HALF_WAY = ("plan.saved:1", "plan.saved:2", "plan.saved:3", "table.sent:1", "hub.sent:1")
"""Where an export has a plan of which it has not sent all, with its count."""
ACTION_WEIGHTS = {"kill": 12, "stop": 1, "lose": 2, "fill": 1}
PEACE_SHARE = 0.1


def drawn(draw: Random, op: str, way: Way = ON_THE_WAY) -> str | None:
    """A place that `op` passes with what happens there; None in peace."""
    if draw.random() < PEACE_SHARE:
        return None
    action = draw.choices(list(ACTION_WEIGHTS), list(ACTION_WEIGHTS.values()))[0]
    places = [one for one in way[op] if action != "stop" or one not in TRANSACTIONS]
    place = draw.choice(places)
    return f"{place}:{1 if place in ONCE else draw.choice((1, 1, 1, 2, 3))}:{action}"


def late(draw: Random) -> str:
    """A place to be stopped at in mid-send, and one to be killed at when that was sent."""
    asleep, dead = draw.choice(LATE)
    return f"{asleep}:1:stop+{dead}:1:kill"


def half_way(draw: Random) -> str:
    """A place to be killed at with rows that are still to be sent."""
    return f"{draw.choice(HALF_WAY)}:kill"


def held(draw: Random, op: str) -> str:
    """A place where `op` holds something, to be stopped at."""
    return f"{draw.choice(HELD[op])}:1:stop"
