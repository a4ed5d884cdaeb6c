"""Stopping: the kill switch of exports, and the way back to what a destination held before.

Enters: a destination's name, who acts and why. Leaves: stops in the ledger, and from `undo` the
destination as it was before its newest export. Worked example: as of 2017-11-01 odd segments reach
the CRM: ada stops exports to it, sees in a dry run that 700 customers would be told anew, and
undoes the export. The CRM stays stopped until she allows exports again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from churn_ml import crm
from churn_ml.crm.undo import foreseen, undoing
from churn_ml.crm.undo import undo as carry_out
from churn_ml.crm.why import DOUBTED
from churn_ml.errors import BadInput
from churn_ml.flow.foreseeing import Shown, shown
from churn_ml.flow.guarding import guarded
from churn_ml.flow.means import means
from churn_ml.house import House
from churn_ml.ledger import EVERY, Sent, Stop


@dataclass(frozen=True)
class Undone:
    """What an undo did, or would do, and the export that it undoes."""

    done: crm.Exported
    export: Sent

    @property
    def repair(self) -> bool:
        """Whether that export did nothing but put right what was in doubt."""
        return 0 < self.export.rows == self.export.why.get(DOUBTED, 0)

    def in_words(self) -> str:
        """The export in one line: when it was sent, by which run, and how many rows it had.

        >>> done, day = crm.Exported(3, 0, 0, 0, 0, 0, 0), date(2017, 11, 1)
        >>> for rows in (3, 7):
        ...     sent = Sent("5f1c", day, rows, 0, None, "", {DOUBTED: 3})
        ...     print(Undone(done, sent).in_words().partition("not answered, ")[2])
        3 rows, which only repaired what was in doubt
        7 rows, 3 of them to repair what was in doubt
        """
        doubted = self.export.why.get(DOUBTED, 0)
        some = f", {doubted:,} of them to repair what was in doubt" if doubted else ""
        repaired = ", which only repaired what was in doubt" if self.repair else some
        return f"{self.export.in_words()}{repaired}"


def stop(house: House, destination: str | None, *, who: str, why: str) -> list[Stop]:
    """Stop exports to `destination`, or to every one (None); the stops that hold now.

    Exports that run stop before their next batch; of two stops the first one stays. Raises
    BadInput for an unknown destination, or without a name or a reason: who finds the exports
    stopped has to know whom to ask.
    """
    if not who.strip() or not why.strip():
        raise BadInput(
            "a stop needs a name and a reason",
            got=f"--who {who!r} --why {why!r}",
            next_step='pass --why "what is wrong", and --who NAME where it is not your login',
        )
    house.ledger.stop(_known(house, destination), who=who, why=why, at=house.clock())
    return house.ledger.stops()


def allow(house: House, destination: str | None, *, who: str) -> list[Stop]:
    """Lift the stop of `destination`, or the one of all (None); the stops that still hold.

    Raises BadInput for an unknown destination, where it was not stopped, or without a name: who
    finds exports going again has to know whom to ask.
    """
    if not who.strip():
        raise BadInput(
            "who lifts a stop needs a name",
            got=f"--who {who!r}",
            next_step="pass --who NAME where it is not your login",
        )
    if not house.ledger.allow(_known(house, destination), who=who, at=house.clock()):
        raise BadInput(
            f"exports to {destination} are not stopped" if destination else "no stop is for all",
            where="the stops in the ledger",
            got=", ".join(one.destination for one in house.ledger.stops()) or "no stop",
            next_step="churn-ml export stops says what is stopped, and what was",
        )
    return house.ledger.stops()


def undo(
    house: House,
    destination: str,
    *,
    who: str,
    dry_run: bool = False,
    show: Callable[[Shown], None] | None = None,
) -> Undone:
    """Give `destination` back what it held before its newest export, and leave it stopped.

    Who was first told by that export is removed; contacts stay noted. Killed in the middle, it is
    finished by the next undo. `dry_run` counts and touches nothing; `show` sees its rows.
    Raises: BadInput for an unknown destination, NotReady where there is nothing to undo, Transient
    where the destination does not answer.
    """
    house = house.under(crm.settings_of(destination, house.config).contract or "")
    target = crm.open_destination(destination, house.config, means=means(house))
    run = f"undo by {who}"[:64]
    outbox = crm.Outbox(target, house.ledger, guarded(house), clock=house.clock, run=run)
    what = undoing(outbox, house.ledger)
    sent = house.ledger.sent(destination, what.undone, what.exported)
    if dry_run:
        found = foreseen(outbox, what)
        if show:
            show(shown(house, destination, found))
        return Undone(found.counted, sent)
    why = f"the export as of {what.exported} was undone"
    house.ledger.stop(destination, who=who, why=why, at=house.clock())
    done = carry_out(outbox, house.ledger, what)
    house.ledger.withdraw(destination, date.max)  # what waits was planned on what is undone
    return Undone(done, sent)


def _known(house: House, destination: str | None) -> str:
    """What a stop is for; raises BadInput for a destination that churn.toml has not."""
    if destination is None:
        return EVERY
    crm.settings_of(destination, house.config)
    return destination
