"""Commands around what destinations are told: the export, and its log of one customer.

Enters: a churn.toml, an as_of or a customer. Leaves: a receipt, what would change, or a customer's
story, in words or as JSON. Worked example: `churn-ml export log h1` shows that h1 was planned for
the CRM as of 2017-10-01, acknowledged at 06:12 UTC by the run export/2017-10-01/1.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import (
    DEFAULT_CONFIG,
    ConfigPath,
    ContractName,
    Json,
    Limit,
    RowsFile,
)
from churn_ml.cli.typed import here

if TYPE_CHECKING:
    from churn_ml.ledger import Settled

app = typer.Typer()


@app.callback(invoke_without_command=True)
def export(
    context: typer.Context,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The scored date to send: YYYY-MM-DD.")
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan row by row, send nothing.")
    ] = False,
    limit: Limit = None,
    rows: RowsFile = None,
) -> None:
    """Send what changed since the last acknowledged state to every destination.

    Reads: scores, segments, actions. Writes: the destinations of [destinations], plan and acks.
    With --dry-run nothing is sent or asked: it shows whom an export would create, update and
    remove, with former and new values, and what would hold it back.
    """
    if context.invoked_subcommand is not None:
        return
    if as_of is None:
        raise typer.BadParameter("is needed to export: --as-of YYYY-MM-DD", param_hint="--as-of")
    from churn_ml import flow
    from churn_ml.cli import foreseen
    from churn_ml.timeline import parse_as_of

    with foreseen.Screen(limit, rows, as_json=as_json, dry_run=dry_run) as screen:
        if not dry_run:
            answers.answer(flow.export, config, as_of, as_json=as_json, contract=contract)
            return
        day, house = parse_as_of(as_of), answers.opened(config, quiet=True).under(contract)
        done = flow.foresee(house, day, screen.take)
        head = f"export as of {day}: a dry run, nothing was sent, {done.seconds:.1f} s"
        screen.show(head, json.loads(done.to_json()))


@app.command("log")
def log(
    customer: Annotated[str, typer.Argument(help="The customer_id, as the source writes it.")],
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show what was planned, sent, acknowledged or rejected for one customer, oldest first.

    Each row says when and by which run, and why it is not simply what was decided where it is not:
    why it is a removal, or goes without its offer.

    Reads: the ledger. Writes: nothing.
    """
    from churn_ml.cli.judged import draw
    from churn_ml.grid import grid

    found = answers.opened(config, quiet=True).ledger.story(customer)
    if as_json:
        told = [asdict(one) | {"payload": json.loads(one.payload)} for one in found]
        print(json.dumps(told, indent=1, ensure_ascii=False, default=str))
        return
    heads = ("as_of", "destination", "segment", "offer", "outcome", "at, UTC", "by run", "why")
    rows = [_row(one) for one in found]
    filled = [at for at in range(len(heads)) if any(row[at] for row in rows)]
    cells = ([row[at] or None for at in filled] for row in rows)
    draw([grid("Deliveries", [heads[at] for at in filled], cells) or _nothing(customer)])


def _row(one: Settled) -> list[str]:
    told = json.loads(one.payload)
    removed = "(removal)" if not told else ""
    told_why = ": ".join(part for part in (one.code, one.message) if part)
    why = "; ".join(part for part in (told_why, _answer(one)) if part)
    at = one.settled_at.isoformat(" ", "seconds") if one.settled_at else ""
    says = [str(told.get("segment") or removed), str(told.get("offer") or "")]
    return [one.as_of.isoformat(), one.destination, *says, one.outcome, at, one.run, why]


def _answer(one: Settled) -> str:
    """What came of the question whether the row may go; empty where nobody was asked.

    >>> from datetime import date
    >>> from churn_ml.ledger import Settled
    >>> _answer(Settled("crm", "5f1c", date(2017, 11, 1), "{}", "kept_back", who="ada"))
    'a no, by ada'
    >>> _answer(Settled("crm", "5f1c", date(2017, 11, 1), "{}", who="ada"))
    'approved by ada; not sent yet, or not answered; the next export sends it first'
    """
    approved = f"approved by {one.who}"
    told = {
        "planned": f"{approved}; " * bool(one.who)
        + "not sent yet, or not answered; the next export sends it first",
        "waits": f"plan {one.plan_id} changes so much that a person has to say yes",
        "kept_back": f"a no, by {one.who}",
        "approved": f"{approved}; the next export of its date sends it",
        "replaced": "another plan took its place",
    }
    return told.get(one.outcome, approved if one.who else "")


def _nothing(customer: str) -> str:
    explained = here(f"churn-ml explain {customer} --as-of DATE")
    return f"nothing was ever planned for {customer}: {explained}"
