"""What the contract test needs of a kind of destination: how to open one, and how to hurt it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from churn_ml.crm import Destination, Row
from churn_ml.crm.payload import NAMES, hashed
from churn_ml.crm.protocol import Cell

from .server import Fake

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()


@dataclass
class Clock:
    """A clock that only sleeping moves."""

    now: float = NOON
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Rig:
    """One target. `open(owner)`: a destination of it, as a deployment of that name opens it.

    `unholdable`: cells of a row that the target cannot hold, None where it holds everything.
    `fake`: its server, None where there is none; `writes`: a pattern of the paths of its requests
    that write rows, which faults are aimed at. `clock`: the one that the destinations wait by.
    One with a server can be opened with a `timeout`, a `limit` and `buckets` too.
    """

    open: Callable[..., Destination]
    unholdable: Mapping[str, Cell] | None = None
    fake: Fake | None = None
    writes: str = ""
    clock: Clock = field(default_factory=Clock)


IMPATIENT = (3.0, 0.4)
"""A time-out that a slow answer of a test exceeds."""
Rigged = Callable[[Path], AbstractContextManager[Rig]]


def row(customer_id: str, as_of: date, **cells: Cell) -> Row:
    """An upsert with every cell of an export."""
    told: dict[str, Cell] = dict.fromkeys(NAMES, "") | {"score": 0.6, "value_at_risk": 100.0}
    told |= {"threshold": 0.0, "contract": "gone30-1", "segment": "LOST", "offer": "NONE"}
    told |= {"customer_id": customer_id, "as_of": as_of.isoformat(), **cells}
    return Row(customer_id, "upsert", as_of, told, hashed(told, delivers=False))
