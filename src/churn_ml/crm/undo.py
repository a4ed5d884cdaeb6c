"""Undo: give a destination back what it held before its newest export.

Enters: an outbox, and the ledger's memory of every row that was settled. Leaves: a plan like any
other, of the rows that the newest plan told the destination, each with its former cells; who was
first told by that plan is removed. It is of the newest plan's as_of, so that no older export comes
in between (fault O4). A plan that was stopped or killed half-way is undone whole: of a row without
an answer nobody knows whether it is there. What cannot be undone is a contact: it stays noted.

Worked example: as of 2017-11-01 `h1` was moved to another segment, `h2` told first and `h3`
removed. The undo tells `h1` and `h3` as of 2017-10-01 again, and removes `h2`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Protocol

from churn_ml.crm.exported import Exported, Settled, counted
from churn_ml.crm.outbox import Outbox, allowed
from churn_ml.crm.payload import hashed, removal
from churn_ml.crm.plan import Plan
from churn_ml.crm.protocol import Row
from churn_ml.errors import NotReady

_UNDO = "undo-"
"""How the id of an undoing plan begins; what follows is the plan that it undoes."""


class History(Protocol):
    """What the ledger remembers of plans: `former` and `give_up` of its settled rows."""

    def former(self, destination: str, plan_id: str) -> Mapping[str, str]:
        """customer_id -> payload as JSON that the destination held before the plan."""

    def give_up(self, plan_id: str, *, at: datetime, run: str) -> None:
        """Close what is open of the plan."""


def undoing(outbox: Outbox, history: History) -> Plan:
    """The plan that undoes the newest one; what is left of it where an undo was not finished.

    Raises: NotReady where nothing was exported yet, or the newest export is undone already.
    """
    name = outbox.destination.name
    newest, left = outbox.journal.last_plan(name), outbox.left_open()
    if newest is None:
        raise NotReady("there is no export to undo", where=f"destination {name}")
    plan_id, as_of = newest
    if not plan_id.startswith(_UNDO):
        rows = history.former(name, plan_id).items()
        delivers = outbox.destination.delivers
        undone = [_row(customer, told, as_of, delivers=delivers) for customer, told in rows]
        undone.sort(key=lambda row: row.customer_id)
        return Plan(f"{_UNDO}{plan_id}", as_of, tuple(undone), base=plan_id)
    if left is None:
        raise NotReady(
            "the newest export is undone already",
            where=f"destination {name}, as of {as_of}",
            next_step=f"when it may be sent again: churn-ml export allow {name}",
        )
    return replace(left, base=plan_id)


def undo(outbox: Outbox, history: History, planned: Plan, *, dry_run: bool = False) -> Exported:
    """Carry out what `undoing` planned, although exports may be stopped: a person has ordered it.

    `dry_run` counts what would be done, by consent and suppression as they are now.
    Raises: as `Outbox.export` does; killed in the middle, the next undo sends the rest.
    """
    if dry_run:
        return counted(planned, None, Settled(), _foreseen(outbox, planned))
    outbox.destination.preflight()
    if planned.base != planned.id:
        history.give_up(str(planned.base), at=outbox.clock(), run=outbox.run)
        outbox.save(planned)
    return counted(planned, None, Settled(), outbox.deliver(planned, although_stopped=True))


def _foreseen(outbox: Outbox, planned: Plan) -> Settled:
    """What becomes of the rows if the destination takes every one that may be sent now."""
    barred = outbox.guard.withheld(planned.rows)
    settled = Settled()
    settled.note([allowed(row, barred) for row in planned.rows], (), barred)
    return settled


def _row(customer_id: str, payload: str, as_of: date, *, delivers: bool) -> Row:
    """The former row: no new contact, and as of the newest plan, behind which nothing goes."""
    cells = json.loads(payload)
    if not cells:
        return removal(customer_id, as_of)
    cells["as_of"] = as_of.isoformat()
    return Row(customer_id, "upsert", as_of, cells, hashed(cells, delivers=delivers))
