"""Foreseeing: what an export would change, row by row, before anything is saved or sent.

Enters: the plans that an export would work off, what the destination is known to hold, and why rows
may not go. Leaves: one `Change` a row, with the former and the new value of every field that is
another one, and the counts of an export that takes every row.

Worked example: as of 2017-11-01 `h1` would be moved to another segment, and `h2` taken out.

>>> from datetime import date
>>> day = date(2017, 11, 1)
>>> told = {"h1": '{"segment":"NEW","offer":"NONE"}', "h2": '{"segment":"SILENT"}'}
>>> rows = [Row("h1", "upsert", day, {"segment": "LOST", "offer": "NONE"}, "9f"),
...         Row("h2", "remove", day, {}, "")]
>>> for one in changes(rows, {c: "b1" for c in told}, told, {"h2": "suppressed"}):
...     print(one.customer_id, one.kind, dict(one.fields), one.why)
h1 update {'segment': ('NEW', 'LOST')}
h2 remove {'segment': ('SILENT', None)} suppressed
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from churn_ml.crm.exported import Exported, Settled, counted
from churn_ml.crm.payload import NAMES
from churn_ml.crm.plan import Plan
from churn_ml.crm.protocol import Cell, Row
from churn_ml.crm.radius import Asked, Held, Kind, kind_of, number

_NO_NEWS = ("customer_id", "as_of")
"""The fields of which a change is told only where nothing else has changed."""


@dataclass(frozen=True)
class Change:
    """What one row would do: `fields` are name -> (before, after), None where there is nothing.

    `why`: why it is a removal, or goes without its offer; empty where it is as it was decided.
    """

    customer_id: str
    kind: Kind
    fields: Mapping[str, tuple[Cell, Cell]]
    why: str = ""


@dataclass(frozen=True)
class Foreseen:
    """What an export would do to one destination; nothing of it is done.

    First it would send what is `left` of an unfinished plan, then `away`, the removals that do not
    wait for the yes that `planned` `asks` for. `held` is what the destination holds, `why` says by
    customer_id why a row is not simply what was decided.
    """

    planned: Plan
    held: Held
    why: Mapping[str, str]
    asks: Asked | None = None
    left: Plan | None = None
    away: Plan | None = None

    @property
    def holds(self) -> int:
        """How many customers the destination holds now."""
        return number(self.held)

    @property
    def rows(self) -> list[Row]:
        """Every row, in the order in which it would be sent; those that wait for a yes last."""
        plans = (self.left, self.away, self.planned)
        return [row for plan in plans if plan for row in plan.rows]

    @property
    def counted(self) -> Exported:
        """The counts of the export, if the destination takes every row that asks nobody."""
        before, fresh = Settled(), Settled()
        for plan in (self.left, self.away):
            before.note(plan.rows if plan else (), (), ())
        fresh.note(() if self.asks else self.planned.rows, (), ())
        return counted(self.planned, self.left, before, fresh, self.asks)


def changes(
    rows: Iterable[Row], held: Held, told: Mapping[str, str], why: Mapping[str, str]
) -> Iterator[Change]:
    """What each of the rows would do.

    Parameters: `held`, what the destination holds; `told`, customer_id -> payload as JSON of the
    same, which may know less; `why`, customer_id -> why a row is not as it was decided.
    """
    for row in rows:
        before = json.loads(told.get(row.customer_id, "{}"))
        fields, reason = differing(before, row.payload), why.get(row.customer_id, "")
        yield Change(row.customer_id, kind_of(row, held), fields, reason)


def differing(
    before: Mapping[str, Cell], after: Mapping[str, Cell]
) -> dict[str, tuple[Cell, Cell]]:
    """The fields of another value; nothing and an empty text are one.

    >>> differing({"as_of": "2017-10-01", "cause": ""}, {"as_of": "2017-11-01", "cause": None})
    {'as_of': ('2017-10-01', '2017-11-01')}
    """
    pairs = {name: (_known(before.get(name)), _known(after.get(name))) for name in NAMES}
    found = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    news = {name: pair for name, pair in found.items() if name not in _NO_NEWS}
    return news or {name: pair for name, pair in found.items() if name == "as_of"}


def _known(cell: Cell) -> Cell:
    return None if cell == "" else cell
