"""Foreseeing: a dry run of an export, row by row, with what would keep it from being sent.

Enters: a scored date. Leaves: the receipt of the dry run, and for every destination what would be
created, updated and removed, of whom with which values, whether a stop holds it or a person has to
be asked. Nothing is sent or asked. Worked example: as of 2017-11-01 `crm` would get 20 new
customers, 442 changed and 26 removed ones, 98.4 % of those it holds: a person would be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from churn_ml import crm
from churn_ml.crm.radius import KINDS, kind_of, kinds_of
from churn_ml.errors import BadConfig
from churn_ml.flow.export import export
from churn_ml.flow.means import means
from churn_ml.ledger import EVERY

if TYPE_CHECKING:
    from churn_ml.crm.radius import Held, Kind
    from churn_ml.house import House
    from churn_ml.ledger import Approval, Ledger, Stop
    from churn_ml.receipts import Receipt

_CHUNK = 5000
"""Rows of which the ledger is asked at once what the destination holds."""


@dataclass(frozen=True)
class Shown:
    """What an export would do to one destination, and what stands in its way.

    `kinds`: rows to create, update and remove, those that wait for a yes among them; `unchanged`
    and `older` customers go untold. `of_rows` customers are held now, `share` of them would change
    (None: it holds nobody), and above `ask_above` a person is asked: `asks`. `at_once` of the
    removals wait for nobody, `resumed` rows are left of an export that did not end. `stop` holds
    everything back; `waiting` is the plan that waits for an answer now, `answer` what was said of
    this one. `lacks` says what keeps the destination from being opened, None where nothing does.
    `changes(limit)` gives the rows: the first `limit` of each kind, or all (None).
    """

    destination: str
    kinds: Mapping[Kind, int]
    unchanged: int
    older: int
    of_rows: int
    ask_above: float
    asks: crm.Asked | None
    at_once: int
    resumed: int
    stop: Stop | None
    waiting: Approval | None
    answer: Approval | None
    lacks: str | None
    changes: Callable[[int | None], Iterator[crm.Change]]

    @property
    def share(self) -> float | None:
        """The rows as a part of the customers that the destination holds."""
        return round(sum(self.kinds.values()) / self.of_rows, 4) if self.of_rows else None


def foresee(house: House, as_of: date, show: Callable[[Shown], None]) -> Receipt:
    """Let `show` see what an export of `as_of` would do to each destination; sends nothing.

    Raises as `export` does, but for Stopped: a stop is shown.
    """

    def seen(name: str, foreseen: crm.Foreseen) -> None:
        show(shown(house, name, foreseen))

    return export(house, as_of, dry_run=True, seen=seen)


def changes(
    ledger: Ledger,
    destination: str,
    rows: Iterable[crm.Row],
    held: Held,
    why: Mapping[str, str],
    limit: int | None,
) -> Iterator[crm.Change]:
    """What each row would change of what the destination holds; the first `limit` of each kind."""
    wanted = _first(rows, held, limit)
    while chunk := list(islice(wanted, _CHUNK)):
        told = ledger.told(destination, [row.customer_id for row in chunk])
        yield from crm.changes(chunk, held, told, why)


def stop_of(house: House, destination: str) -> Stop | None:
    """The stop that holds exports to the destination back, the one for all first."""
    found = (one for one in house.ledger.stops() if one.destination in (EVERY, destination))
    return next(found, None)


def shown(house: House, name: str, foreseen: crm.Foreseen) -> Shown:
    """What is foreseen for a destination, with what the ledger knows of stops and answers."""
    ledger, planned, rows = house.ledger, foreseen.planned, foreseen.rows
    waiting = (one for one in ledger.waiting() if one.destination == name)
    return Shown(
        destination=name,
        kinds=kinds_of(rows, foreseen.held),
        unchanged=foreseen.counted.unchanged,
        older=planned.older,
        of_rows=foreseen.holds,
        ask_above=house.config.destinations[name].ask_above,
        asks=foreseen.asks,
        at_once=len(foreseen.away.rows) if foreseen.away else 0,
        resumed=len(foreseen.left.rows) if foreseen.left else 0,
        stop=stop_of(house, name),
        waiting=next(waiting, None),
        answer=ledger.approval(name, planned.id),
        lacks=_lacks(house, name),
        changes=partial(changes, ledger, name, rows, foreseen.held, foreseen.why),
    )


def _lacks(house: House, name: str) -> str | None:
    """What keeps the destination from being opened, as a connection that nobody knows."""
    try:
        crm.open_destination(name, house.config, means=means(house))
    except BadConfig as error:
        return str(error)
    return None


def _first(rows: Iterable[crm.Row], held: Held, limit: int | None) -> Iterator[crm.Row]:
    """The first rows of each kind, kind by kind; all in their order without a limit."""
    if limit is None:
        yield from rows
        return
    kept: dict[Kind, list[crm.Row]] = {kind: [] for kind in KINDS}
    for row in rows:
        kind = kind_of(row, held)
        if len(kept[kind]) < limit:
            kept[kind].append(row)
    for kind in KINDS:
        yield from kept[kind]
