"""Commands around who is champion: what was decided, going back, and whether all of it holds.

Enters: a churn.toml. Leaves: decisions, findings or a receipt in words or as JSON, no customer.
Worked example: `churn-ml decisions verify` recomputes the chain and ends with exit code 1 where a
byte of it was changed; `churn-ml rollback --as-of 2017-11-05 --who ada --why "odd scores"` makes
the former champion the champion again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, AsOf, ConfigPath, ContractName, Json

if TYPE_CHECKING:
    from churn_ml.ledger import Decision

decisions_app = typer.Typer(help="Who became champion, when and why.", no_args_is_help=True)


@decisions_app.command("log")
def log(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show every decision, refusals too, oldest first.

    Reads: the ledger. Writes: nothing.
    """
    from churn_ml.cli.judged import draw
    from churn_ml.grid import grid

    found = answers.opened(config, quiet=True).ledger.decisions()
    if as_json:
        print(json.dumps([_plain(one) for one in found], indent=1))
        return
    heads = ("no.", "as_of", "decision", "champion before", "judged", "by", "at, UTC", "why")
    draw([grid("Decisions", heads, map(_row, found)) or "nothing was decided yet: churn-ml train"])


@decisions_app.command("verify")
def verify(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Recompute the chain of decisions; exits with 1 and says where it is broken.

    Reads: the ledger. Writes: nothing.
    """
    count = answers.opened(config, quiet=True).ledger.verify()
    print(f"{count} decisions in one chain, none changed, removed or added by another hand")


def rollback(
    as_of: AsOf,
    who: Annotated[str, typer.Option(help="Who decides; stands in the ledger.")],
    why: Annotated[
        str, typer.Option(help="The reason; stands in the ledger, so name no customer.")
    ],
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
    to: Annotated[
        str | None, typer.Option(help="Another former champion, by its model id.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say it, decide nothing.")] = False,
) -> None:
    """Make the former champion the champion again, from as_of on; says how to see what it changes.

    A threshold that was changed since is changed back first: the champion then stays.

    Reads: the ledger, the former champion's folder. Writes: one decision, aliases in MLflow.
    """
    from churn_ml import flow
    from churn_ml.timeline import parse_as_of

    day, house = parse_as_of(as_of), answers.opened(config, quiet=as_json).under(contract)
    receipt = flow.rollback(house, day, who=who, why=why, to=to, dry_run=dry_run)
    print(receipt.to_json() if as_json else "\n".join(_gone_back(receipt.details, dry_run)))


def doctor(
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Let MLflow's aliases follow the ledger; sweep leftovers."),
    ] = False,
) -> None:
    """Check that ledger, model folders, MLflow and destinations are one; exits with 1 if not.

    Reads: all of them. Writes: aliases in MLflow with --repair, which also removes what killed
    writers left more than a day ago; claims of destinations.
    """
    from churn_ml import flow

    found = flow.doctor(answers.opened(config, quiet=True), repair=repair)
    print(json.dumps(found, indent=1) if as_json else "\n".join(map(_finding, found)))
    if not all(one["well"] for one in found):
        raise typer.Exit(1)


def _plain(one: Decision) -> dict[str, Any]:
    """A decision as JSON takes it."""
    return asdict(one) | {"as_of": one.as_of.isoformat(), "at": one.at.isoformat()}


def _row(one: Decision) -> tuple[Any, ...]:
    why = one.verdict.get("why") or next(iter(one.verdict.get("reasons") or ()), None)
    at = f"{one.at:%Y-%m-%d %H:%M}"
    judged = (one.champion_from or "nobody", one.champion_to)
    return (one.number, one.as_of.isoformat(), one.kind, *judged, one.who, at, why)


def _gone_back(told: Mapping[str, Any], dry_run: bool) -> list[str]:
    """What a rollback did or would do, and what to type next."""
    does = "would be" if dry_run else "is"
    lines = [f"{told['champion']} {does} champion again, in place of {told['champion_from']}"]
    if told["kind"] == "threshold":
        contacts = "would contact" if dry_run else "contacts"
        lines = [
            f"{told['champion']} {contacts} from a gain of {told['tau_to']:,.2f} on, as before"
        ]
    if "aliases" in told:
        lines.append(f"MLflow's aliases: {told['aliases']}")
    if told["next"]:
        lines += ["what was scored by the other stays until it is scored anew; to do that, see the"]
        lines += ["difference and send it:", *(f"  {command}" for command in told["next"])]
    return lines


def _finding(one: dict[str, Any]) -> str:
    mark = "ok " if one["well"] else "BAD"
    step = f"\n     next step: {one['next_step']}" if one["next_step"] else ""
    return f"{mark}  {one['check']}: {one['told']}{step}"
