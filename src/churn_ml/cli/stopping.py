"""Commands that stop exports, allow them again, and undo the newest one.

Enters: a churn.toml, perhaps a destination. Leaves: what is stopped, in words or as JSON. Worked
example: `churn-ml export stop --why "odd segments"` stops every export, those that run before their
next batch; `churn-ml export allow` lets them go on where they were.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, ConfigPath, Json

if TYPE_CHECKING:
    from churn_ml.ledger import Stop

Name = Annotated[str, typer.Argument(help="The destination, by its name in [destinations].")]
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

    house = answers.opened(config, quiet=True)
    _show(flow.stop(house, destination, who=who or getpass.getuser(), why=why), as_json=as_json)


def allow(
    destination: AnyName = None, config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    """Lift the stop of one destination, or the one that is for all; says what is still stopped.

    Reads: nothing. Writes: the ledger's stops.
    """
    from churn_ml import flow

    _show(flow.allow(answers.opened(config, quiet=True), destination), as_json=as_json)


def undo(
    destination: Name,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    who: Who = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, touch nothing.")] = False,
) -> None:
    """Give a destination back what it held before its newest export, and leave it stopped.

    Who was first told by that export is removed. A contact that was made stays made, and noted.

    Reads: the ledger. Writes: the destination, plan and acks, a stop of the destination.
    """
    from churn_ml import flow

    house = answers.opened(config, quiet=as_json)
    done = flow.undo(house, destination, who=who or getpass.getuser(), dry_run=dry_run)
    if as_json:
        print(json.dumps(asdict(done), indent=1))
        return
    would = "would be " if dry_run else ""
    print(f"{destination}: {done.sent:,} {would}told anew, {done.removed:,} {would}removed")
    if not dry_run:
        print(f"  exports to it stay stopped until: churn-ml export allow {destination}")


def _show(stops: Iterable[Stop], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(one) for one in stops], indent=1, default=str))
    else:
        print("\n".join(one.in_words() for one in stops) or "no export is stopped")
