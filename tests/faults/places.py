"""Which failpoints a seed's operations pass, and what is drawn to happen there.

A place is drawn by the step that passes it. Nobody is stopped within a transaction, where a sleeper
would only hold everybody up; who is to be overtaken is stopped where it holds something.
"""

from __future__ import annotations

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
STEP_OF = {"publish": "score", "export": "export"}
"""The product's step that an operation is."""
ON_THE_WAY = {
    op: tuple(p.name for p in FAILPOINTS if step in p.steps and p.name not in REAL_SCORING)
    for op, step in STEP_OF.items()
}
"""Operation -> the places that it passes where it has something to do."""
ONCE = frozenset(
    {
        *("token.taken", "publish", "publish.token_checked", "publish.partitions", "publish.lots"),
        *("publish.receipt", "published", "file.send", "file.sent"),
    }
)
"""Places that an operation passes once; the others it may pass for five tables, some batches."""
HELD = {
    "publish": tuple(
        name for name in ON_THE_WAY["publish"] if name not in {*TRANSACTIONS, "published"}
    ),
    "export": (
        *("plan.made", "plan.saved", "guard.asked", "file.send", "file.sent", "table.send"),
        *("table.sent", "hub.send", "hub.read", "hub.sent", "ack", "acked"),
    ),
}
"""Operation -> where it holds something that the next one takes over."""
ACTION_WEIGHTS = {"kill": 12, "stop": 1, "lose": 2, "fill": 1}
PEACE_SHARE = 0.1


def drawn(draw: Random, op: str) -> str | None:
    """A place that `op` passes with what happens there; None in peace."""
    if draw.random() < PEACE_SHARE:
        return None
    action = draw.choices(list(ACTION_WEIGHTS), list(ACTION_WEIGHTS.values()))[0]
    places = [one for one in ON_THE_WAY[op] if action != "stop" or one not in TRANSACTIONS]
    place = draw.choice(places)
    return f"{place}:{1 if place in ONCE else draw.choice((1, 1, 1, 2, 3))}:{action}"


def held(draw: Random, op: str) -> str:
    """A place where `op` holds something, to be stopped at."""
    return f"{draw.choice(HELD[op])}:1:stop"
