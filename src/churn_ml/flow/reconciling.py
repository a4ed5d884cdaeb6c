"""Reconciling: does every destination hold what it acknowledged?

Enters: the destinations of the contract, and the ledger's account of what they took. Leaves: by
destination, of whom they disagree and in which fields; with `repair` the ledger doubts what
differs, so that the next export puts it right. Worked example: as of 2017-11-01 somebody moved `h2`
in the CRM to another segment: `different` names him, and `apart` the two segments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from churn_ml import crm
from churn_ml.errors import ChurnError
from churn_ml.flow.export import destinations
from churn_ml.flow.means import means

if TYPE_CHECKING:
    from pathlib import Path

    from churn_ml.house import House


def reconcile(
    house: House,
    *,
    repair: bool = False,
    unread: Callable[[str, ChurnError], None] | None = None,
    aside: Callable[[str, Path], None] | None = None,
) -> dict[str, crm.Reconciled]:
    """Where each destination of the contract holds something else than it acknowledged, by name.

    Reads the targets and the ledger. `repair`: the ledger doubts what differs, and the next export
    sends it again, or takes it out; not of the rows of an open plan, which the next export resumes.
    Of a folder, damaged files are set aside first: they count no more, and `aside` is told of each.
    `unread` is told of a target that cannot be read, and the others go on; without it, raises what
    that target raised.
    """
    found = {}
    for name in destinations(house.config):
        target = crm.open_destination(name, house.config, means=means(house))
        house.say(f"  reading {name}")
        state, left = house.ledger.state(name), house.ledger.open_plan(name)
        try:
            if repair and isinstance(target, crm.FileDestination):
                for path in target.set_aside():
                    if aside:
                        aside(name, path)
            one = crm.reconciled(
                target.holds(),
                state,
                delivers=target.delivers,
                under_way=frozenset(row[0] for row in left[2]) if left else frozenset(),
                last=house.ledger.told(name, crm.doubted(state)),
            )
        except ChurnError as error:
            if unread is None:
                raise
            unread(name, error)
            continue
        asked = (ask.plan_id for ask in house.ledger.waiting() if ask.destination == name)
        found[name] = replace(one, waits=next(asked, ""))
        if repair:
            house.ledger.doubt(name, found[name].doubtful, house.clock())
    return found


def apart(house: House, name: str, found: crm.Reconciled) -> dict[str, dict[str, Any]]:
    """In which fields a destination holds something else: customer_id -> field -> (told, there)."""
    return crm.apart(found, house.ledger.told(name, list(found.there)))
