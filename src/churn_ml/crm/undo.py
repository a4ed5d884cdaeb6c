"""Undo: give a destination back what it held before its newest export.

Enters: an outbox, and the ledger's memory of every row that was settled. Leaves: a plan like any
other, of the rows that the newest plan told the destination, each with its former cells; who was
first told by that plan is removed. The newest export is the newest that told the destination
something and was more than the withdrawals that go while a large plan waits; these are undone with
it, unless consent or suppression forbid it by now. The undo is of the newest plan's as_of, so that
no older export comes in between (fault O4). A plan that was stopped or killed half-way is undone
whole: of a row without an answer nobody knows whether it is there. What cannot be undone is a
contact: it stays noted.

Worked example: as of 2017-11-01 `h1` was moved to another segment, `h2` told first and `h3`
removed. The undo tells `h1` and `h3` as of 2017-10-01 again, and removes `h2`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from churn_ml.crm import why
from churn_ml.crm.delivery import allowed
from churn_ml.crm.exported import Exported, Settled, counted
from churn_ml.crm.foreseen import Foreseen
from churn_ml.crm.outbox import Outbox
from churn_ml.crm.payload import hashed, removal
from churn_ml.crm.plan import Plan
from churn_ml.crm.protocol import Destination, Row
from churn_ml.crm.radius import AWAY
from churn_ml.errors import NotReady

_UNDO = "undo-"
"""How the id of an undoing plan begins; what follows is the plan that it undoes."""


class History(Protocol):
    """What the ledger remembers of plans: of their settled rows."""

    def plans(self, destination: str) -> Sequence[tuple[str, date]]:
        """Id and as_of of every plan that the destination was told a row of, the newest first."""

    def former(self, destination: str, *plan_ids: str) -> Mapping[str, str]:
        """customer_id -> payload as JSON that the destination held before these plans."""

    def give_up(self, plan_id: str, *, at: datetime, run: str) -> None:
        """Close what is open of the plan."""


@dataclass(frozen=True)
class Undoing:
    """The plan that undoes an export, and the as_of of the export that it undoes."""

    planned: Plan
    exported: date

    @property
    def undone(self) -> str:
        """The id of the plan that is undone."""
        return self.planned.id.removeprefix(_UNDO)


def undoing(outbox: Outbox, history: History) -> Undoing:
    """The plan that undoes the newest export; what is left of it where an undo was not finished.

    Raises: NotReady where nothing was exported yet, or the newest export is undone already.
    """
    name = outbox.destination.name
    newest, left = outbox.journal.last_plan(name), outbox.left_open()
    if newest and left and left.id.startswith(_UNDO):
        undone = left.id.removeprefix(_UNDO)
        of = next((day for one, day in history.plans(name) if one == undone), left.as_of)
        return Undoing(replace(left, base=left.id), of)
    told = dict([newest] if newest and left else []) | dict(history.plans(name))
    plans: list[str] = []
    for plan_id, exported in told.items():
        if plan_id.startswith(_UNDO):
            raise NotReady(
                "the newest export is undone already",
                where=f"destination {name}, as of {exported}",
                next_step=f"when it may be sent again: churn-ml export allow {name}",
            )
        plans.append(plan_id)
        if newest and not plan_id.startswith(AWAY):
            former = history.former(name, *plans)
            return Undoing(_against(former, plan_id, newest, outbox.destination), exported)
    raise NotReady(
        "there is no export to undo",
        where=f"destination {name}",
        expected="an export that told it something",
        next_step="none: it was told nothing yet that could be taken back",
    )


def _against(
    former: Mapping[str, str], plan_id: str, newest: tuple[str, date], target: Destination
) -> Plan:
    """The plan that goes on top of the `newest` and takes the target back to `former`."""
    base, as_of = newest
    rows = [_row(one, told, as_of, delivers=target.delivers) for one, told in former.items()]
    rows.sort(key=lambda row: row.customer_id)
    return Plan(f"{_UNDO}{plan_id}", as_of, tuple(rows), base=base)


def foreseen(outbox: Outbox, what: Undoing) -> Foreseen:
    """What the undo would do, by consent and suppression as they are now; touches nothing."""
    barred = outbox.guard.withheld(what.planned.rows)
    rows = tuple(allowed(row, barred) for row in what.planned.rows)
    planned = replace(what.planned, rows=rows, withheld=frozenset(barred))
    told = {customer_id: why.WITHHELD[one] for customer_id, one in barred.items()}
    reasons = why.undoing(rows, what.exported) | told
    return Foreseen(planned, outbox.journal.held(outbox.destination.name), reasons)


def undo(outbox: Outbox, history: History, what: Undoing) -> Exported:
    """Carry out what `undoing` planned, although exports may be stopped: a person has ordered it.

    Raises: as `Outbox.export` does; killed in the middle, the next undo sends the rest.
    """
    planned = what.planned
    outbox.destination.preflight()
    if planned.base != planned.id:
        history.give_up(str(planned.base), at=outbox.clock(), run=outbox.run)
        outbox.save(planned, why.undoing(planned.rows, what.exported))
    return counted(planned, None, Settled(), outbox.deliver(planned, although_stopped=True))


def _row(customer_id: str, payload: str, as_of: date, *, delivers: bool) -> Row:
    """The former row: no new contact, and as of the newest plan, behind which nothing goes."""
    cells = json.loads(payload)
    if not cells:
        return removal(customer_id, as_of)
    cells["as_of"] = as_of.isoformat()
    return Row(customer_id, "upsert", as_of, cells, hashed(cells, delivers=delivers))
