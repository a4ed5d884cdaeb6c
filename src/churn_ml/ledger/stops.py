"""Stops: the kill switch of exports, to one destination or to all of them at once.

A stop holds until somebody lifts it; who did, and when, is kept beside who made it. An export looks
before its first batch and before every further one, so a stop that comes in the middle of a plan
ends it there; what is left of the plan is sent when exports are allowed again.

Worked example: on 2017-10-02 ada sees odd segments in the CRM and stops exports to it. The export
of 2017-10-03 ends in `Stopped`, which says so and what lifts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from churn_ml.errors import Stopped
from churn_ml.ledger.database import Database, stored, told
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import LIFTED_STOPS, STOPS

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

EVERY = "*"
"""The destination of a stop that is for all of them."""


@dataclass(frozen=True)
class Stop:
    """Who stopped exports to `destination` (EVERY: all of them), when (UTC) and why."""

    destination: str
    stopped_at: datetime
    who: str
    why: str

    @property
    def named(self) -> str:
        """The destination as a command takes it: with a space before it, nothing for EVERY."""
        return "" if self.destination == EVERY else f" {self.destination}"

    @property
    def error(self) -> Stopped:
        """What an export ends in that it is for."""
        what = f"exports to{self.named} are" if self.named else "all exports are"
        return Stopped(
            f"{what} stopped",
            got=f"{self.who}, {self.stopped_at:%Y-%m-%d %H:%M} UTC: {self.why}",
            next_step=f"when the reason is gone: churn-ml export allow{self.named}, then export"
            " again",
        )

    def in_words(self) -> str:
        """The stop in one line.

        >>> Stop(EVERY, datetime(2017, 10, 2, 9), "ada", "odd segments").in_words()
        'all exports are stopped: ada, 2017-10-02 09:00 UTC: odd segments'
        """
        return f"{self.error.what}: {self.error.got}"


@dataclass(frozen=True)
class Lifted:
    """A stop that holds no more: who lifted it, and when (UTC)."""

    stop: Stop
    lifted_at: datetime
    lifted_by: str

    def in_words(self) -> str:
        """The stop and its end in one line.

        >>> stop = Stop("crm", datetime(2017, 10, 2, 9), "ada", "odd segments")
        >>> print(Lifted(stop, datetime(2017, 10, 3, 8, 30), "bob").in_words())
        crm: stopped by ada, 2017-10-02 09:00 UTC: odd segments; lifted by bob, 2017-10-03 08:30 UTC
        """
        stop, lifted = self.stop, f"{self.lifted_at:%Y-%m-%d %H:%M} UTC"
        return (
            f"{stop.named.strip() or 'all exports'}: stopped by {stop.error.got}; lifted by"
            f" {self.lifted_by}, {lifted}"
        )


class Stops(Database):
    """The part of the ledger that knows what must not be sent now."""

    def stop(self, destination: str, *, who: str, why: str, at: datetime) -> None:
        """Stop exports to `destination`, or to EVERY one; a stop that holds already stays."""
        row = {"destination": destination, "stopped_at": stored(at), "who": who, "why": why}
        with self.writing() as connection:
            upsert(connection, STOPS, [row], update=())

    def allow(self, destination: str, *, who: str, at: datetime) -> bool:
        """Lift the stop of `destination`, or the one of EVERY; False where there was none.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, at = Ledger.open("sqlite://"), datetime(2017, 10, 2, 9, tzinfo=UTC)
        >>> ledger.stop("crm", who="ada", why="odd segments", at=at)
        >>> ledger.allow("crm", who="bob", at=at), ledger.allow("crm", who="bob", at=at)
        (True, False)
        >>> [(one.stop.who, one.lifted_by) for one in ledger.lifted()]
        [('ada', 'bob')]
        """
        mine = STOPS.c.destination == destination
        with self.writing() as connection:
            found = connection.execute(select(STOPS).where(mine).with_for_update()).mappings().all()
            if found:
                lifted = {"lifted_at": stored(at), "lifted_by": who}
                connection.execute(insert(LIFTED_STOPS), [{**row, **lifted} for row in found])
                connection.execute(delete(STOPS).where(mine))
        return bool(found)

    def stops(self) -> list[Stop]:
        """Every stop that holds, the one of EVERY first."""
        with self.reading() as connection:
            found = connection.execute(select(STOPS)).mappings().all()
        return sorted(map(_stop, found), key=lambda one: one.destination)

    def lifted(self) -> list[Lifted]:
        """Every stop that holds no more, the one that was lifted last first."""
        newest = select(LIFTED_STOPS).order_by(LIFTED_STOPS.c.id.desc())
        with self.reading() as connection:
            found = connection.execute(newest).mappings().all()
        return [Lifted(_stop(row), told(row["lifted_at"]), row["lifted_by"]) for row in found]

    def heed_stops(self, destination: str) -> None:
        """Raise Stopped where exports to `destination`, or all of them, are stopped.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger, at = Ledger.open("sqlite://"), datetime(2017, 10, 2, 9, tzinfo=UTC)
        >>> ledger.stop("crm", who="ada", why="odd segments", at=at)
        >>> ledger.heed_stops("bi")
        >>> ledger.heed_stops("crm")
        Traceback (most recent call last):
        ...
        churn_ml.errors.Stopped: exports to crm are stopped | got: ada, 2017-10-02 09:00 UTC: ...
        """
        for one in self.stops():
            if one.destination in (EVERY, destination):
                raise one.error


def _stop(row: RowMapping) -> Stop:
    """The stop that a row of either table tells of."""
    return Stop(row["destination"], told(row["stopped_at"]), row["who"], row["why"])
