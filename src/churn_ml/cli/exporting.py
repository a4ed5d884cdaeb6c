"""Commands around what destinations were told: export, its log, and whether targets agree.

Enters: a churn.toml, an as_of or a customer. Leaves: a receipt, a customer's story, or differences,
in words or as JSON. Worked example: `churn-ml export log h1` shows that h1 was planned for the CRM
as of 2017-10-01, acknowledged at 06:12 UTC by the run export/2017-10-01/1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, ConfigPath, ContractName, Json

if TYPE_CHECKING:
    from churn_ml.crm import Reconciled
    from churn_ml.ledger import Settled

app = typer.Typer()
SHOWN = 20


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
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Dry run: rows of each kind to show; 0 is all. 5, in JSON all."),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(help="Dry run: a new CSV file for every row, a line for each changed field."),
    ] = None,
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

    if dry_run:
        day, house = parse_as_of(as_of), answers.opened(config, quiet=True).under(contract)
        foreseen.show(house, day, limit=limit, rows=rows, as_json=as_json)
        return
    if limit is not None or rows is not None:
        raise typer.BadParameter("go with --dry-run only", param_hint="--limit and --rows")
    answers.answer(flow.export, config, as_of, as_json=as_json, contract=contract)


@app.command("log")
def log(
    customer: Annotated[str, typer.Argument(help="The customer_id, as the source writes it.")],
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Show what was planned, sent, acknowledged or rejected for one customer, oldest first.

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
    draw([grid("Deliveries", heads, map(_row, found)) or _nothing(customer)])


@app.command("reconcile")
def reconcile(
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
    repair: Annotated[
        bool, typer.Option("--repair", help="Let the next export send what differs again.")
    ] = False,
) -> None:
    """Compare every target with what it acknowledged; exits with 1 where they differ.

    Reads: the destinations and the ledger. Writes: nothing; with --repair the ledger's account of
    the customers that differ, so that the next export puts them right and takes strangers out.
    """
    from churn_ml import flow

    house = answers.opened(config, quiet=as_json).under(contract)
    found = flow.reconcile(house, repair=repair)
    if as_json:
        print(json.dumps({name: asdict(one) for name, one in found.items()}, indent=1))
    else:
        lines = _lines(found.items(), repaired=repair)
        print("\n".join(lines) or "no destination is named in churn.toml")
    if not all(one.whole for one in found.values()):
        raise typer.Exit(1)


def _row(one: Settled) -> list[str]:
    told = json.loads(one.payload)
    removed = "(removal)" if not told else ""
    why = ": ".join(part for part in (one.code, one.message) if part) or _answer(one)
    at = one.settled_at.isoformat(" ", "seconds") if one.settled_at else ""
    says = [str(told.get("segment") or removed), str(told.get("offer") or "")]
    return [one.as_of.isoformat(), one.destination, *says, one.outcome, at, one.run, why]


def _answer(one: Settled) -> str:
    """What came of the question whether the row may go; empty where nobody was asked.

    >>> from datetime import date
    >>> from churn_ml.ledger import Settled
    >>> _answer(Settled("crm", "5f1c", date(2017, 11, 1), "{}", "kept_back", who="ada"))
    'a no, by ada'
    """
    told = {
        "waits": f"plan {one.plan_id} changes so much that a person has to say yes",
        "kept_back": f"a no, by {one.who}",
        "approved": f"approved by {one.who}; the next export of its date sends it",
        "replaced": "another plan came before anybody answered",
    }
    return told.get(one.outcome, f"approved by {one.who}" if one.who else "")


def _nothing(customer: str) -> str:
    return f"nothing was ever planned for {customer}: churn-ml explain {customer} --as-of DATE"


def _lines(found: Iterable[tuple[str, Reconciled]], *, repaired: bool = False) -> Iterator[str]:
    """Each destination in a line, and whom it differs about, the first of them by name.

    >>> from churn_ml.crm import Reconciled
    >>> print("\\n".join(_lines([("crm", Reconciled(7, ("h1",), (), ()))])))
    crm: 7 agree, 1 missing, 0 extra, 0 different
      missing: h1
      next step: churn-ml export reconcile --repair, then export the newest day again
    >>> *_, last = _lines([("crm", Reconciled(7, ("h1",), (), ()))], repaired=True)
    >>> print(last.strip())
    next step: export the newest day again
    """
    for name, one in found:
        sides = {"missing": one.missing, "extra": one.extra, "different": one.different}
        counts = ", ".join(f"{len(ids):,} {word}" for word, ids in sides.items())
        yield f"{name}: {one.agreeing:,} agree, {counts}"
        for word, ids in sides.items():
            if ids:
                more = f" and {len(ids) - SHOWN:,} more (--json)" if len(ids) > SHOWN else ""
                yield f"  {word}: {', '.join(ids[:SHOWN])}{more}"
        if not one.whole:
            first = "" if repaired else "churn-ml export reconcile --repair, then "
            yield f"  next step: {first}export the newest day again"
