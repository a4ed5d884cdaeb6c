"""Commands that stop exports, allow them again, tell of it, and undo the newest export.

Enters: a churn.toml, perhaps a destination. Leaves: what is stopped, in words or as JSON. Worked
example: `churn-ml export stop --why "odd segments"` stops every export, those that run before their
next batch; `churn-ml export allow` lets them go on where they were; `churn-ml export stops` says
who stopped them, who let them go on, and when.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from churn_ml.cli import answers, foreseen
from churn_ml.cli.options import DEFAULT_CONFIG, ConfigPath, DestinationName, Json, Limit, RowsFile
from churn_ml.cli.typed import here

if TYPE_CHECKING:
    from churn_ml.ledger import Stop

AnyName = Annotated[
    str | None, typer.Argument(help="One destination, by its name; every one where left out.")
]
Who = Annotated[
    str | None, typer.Option(help="Who decides; stands in the ledger. Your login where left out.")
]


def stop(
    why: Annotated[
        str, typer.Option(help="The reason; stands in the ledger, so name no customer.")
    ],
    destination: AnyName = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    who: Who = None,
) -> None:
    """Stop exports, to one destination or to all; one that runs stops before its next batch.

    Reads: nothing. Writes: the stop to the ledger.
    """
    from churn_ml import flow

    house, by = answers.opened(config, quiet=True), who or getpass.getuser()
    stops = flow.stop(house, destination, who=by, why=why)
    if (destination, by, why) not in {
        (one.named.strip() or None, one.who, one.why) for one in stops
    }:
        answers.warn(f"{destination or 'every export'} was stopped already: the first stop stays")
    _show(stops, as_json=as_json)


def allow(
    destination: AnyName = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    who: Who = None,
) -> None:
    """Lift the stop of one destination, or the one that is for all; says what is still stopped.

    Reads: nothing. Writes: the ledger's stops.
    """
    from churn_ml import flow

    house, by = answers.opened(config, quiet=True), who or getpass.getuser()
    stops = flow.allow(house, destination, who=by)
    if stops and not as_json:
        print(f"the stop of {destination or 'all exports'} is lifted; what is stopped still:")
    _show(stops, as_json=as_json)


def stops(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show what is stopped, and every stop that was lifted: by whom, when and why; newest first.

    Reads: the ledger. Writes: nothing.
    """
    ledger = answers.opened(config, quiet=True).ledger
    holding, lifted = ledger.stops(), ledger.lifted()
    if as_json:
        ended = [
            asdict(one.stop) | {"lifted_at": one.lifted_at, "lifted_by": one.lifted_by}
            for one in lifted
        ]
        told = {"stops": [asdict(one) for one in holding], "lifted": ended}
        print(json.dumps(told, indent=1, default=str))
        return
    lines = [f"{one.in_words()}; until: churn-ml export allow{one.named}" for one in holding]
    lines += ["no export is stopped"] if not holding else []
    lines += ["stopped before:", *(f"  {one.in_words()}" for one in lifted)] if lifted else []
    print(here("\n".join(lines)))


def undo(
    destination: DestinationName,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    who: Who = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show it row by row, touch nothing.")
    ] = False,
    limit: Limit = None,
    rows: RowsFile = None,
) -> None:
    """Give a destination back what it held before its newest export, and leave it stopped.

    Who was first told by that export is removed. A contact that was made stays made, and noted.
    It says which export that is: when it was sent, by which run, with how many rows, and whether it
    only repaired what was in doubt: the export before such a one is not reached. Withdrawals that
    went alone, while a large plan waited, are no export of their own here.

    Reads: the ledger. Writes: the destination, plan and acks, a stop of the destination.
    """
    from churn_ml import flow

    house, by = answers.opened(config, quiet=as_json), who or getpass.getuser()
    with foreseen.Screen(limit, rows, as_json=as_json, dry_run=dry_run) as screen:
        show = screen.rows_of if dry_run else None
        undone = flow.undo(house, destination, who=by, dry_run=dry_run, show=show)
        done, day = undone.done, undone.export.as_of.isoformat()
        export = {**asdict(undone.export), "repair": undone.repair}
        told = {**asdict(done), "exported_as_of": day, "export": export}
        would = "would be " if dry_run else ""
        counts = f"{done.sent:,} {would}told anew, {done.removed:,} {would}removed"
        if done.withheld:
            counts += f" ({done.withheld:,} may not be told about any more)"
        about = f"{destination}: {undone.in_words()}, {would or 'is '}undone"
        screen.show(f"{about}: {counts}", told)
    if not dry_run and not as_json:
        print(here(f"  exports to it stay stopped until: churn-ml export allow {destination}"))


def _show(stops: Iterable[Stop], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(one) for one in stops], indent=1, default=str))
    else:
        print("\n".join(one.in_words() for one in stops) or "no export is stopped")
