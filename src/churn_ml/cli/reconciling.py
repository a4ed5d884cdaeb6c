"""The command that compares every target with what it acknowledged.

Enters: a churn.toml. Leaves: whom the targets lack, hold besides, or hold otherwise and in which
fields, in words or as JSON. Worked example: somebody moved `h2` in the CRM to another segment; it
is told as `h2: segment: SILENT -> MINE`, and the command exits with 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_ml.cli import answers
from churn_ml.cli.foreseen import pairs
from churn_ml.cli.options import DEFAULT_CONFIG, ConfigPath, ContractName, Json
from churn_ml.cli.typed import here
from churn_ml.errors import ChurnError, Transient

if TYPE_CHECKING:
    from pathlib import Path

    from churn_ml.crm import Reconciled

    Fields = Mapping[str, Mapping[str, Any]]

SHOWN = 20


def reconcile(
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
    repair: Annotated[
        bool, typer.Option("--repair", help="Let the next export send what differs again.")
    ] = False,
) -> None:
    """Compare every target with what it acknowledged; exits with 1 where they differ.

    A target that cannot be read is told, and the others are compared all the same.

    Reads: the destinations and the ledger. Writes: nothing; with --repair the ledger's account of
    the customers that differ, so that the next export puts them right and takes strangers out. Of a
    folder, --repair sets damaged files aside and names them.
    """
    from churn_ml import flow

    house = answers.opened(config, quiet=as_json).under(contract)
    errors: dict[str, ChurnError] = {}
    damaged: dict[str, list[str]] = {}

    def aside(name: str, path: Path) -> None:
        damaged.setdefault(name, []).append(str(path))

    found = flow.reconcile(house, repair=repair, unread=errors.__setitem__, aside=aside)
    fields = {name: flow.apart(house, name, one) for name, one in found.items()}
    if as_json:
        told = {name: _plain(one, fields[name]) for name, one in found.items()}
        told |= {name: {"unread": str(error)} for name, error in errors.items()}
        for name, account in told.items():
            account["set_aside"] = damaged.get(name, [])
        print(json.dumps(told, indent=1))
    else:
        parts = [
            f"{name}: set aside, as it is damaged: {path}"
            for name, paths in damaged.items()
            for path in paths
        ]
        for name, one in found.items():
            parts += lines(name, one, fields[name], repair)
        parts += [f"{name}: cannot be read: {error}" for name, error in errors.items()]
        print(here("\n".join(parts)) or "no destination is named in churn.toml")
    whole = all(one.whole for one in found.values())
    if not whole or errors:
        later = whole and all(isinstance(error, Transient) for error in errors.values())
        raise typer.Exit(75 if later else 1)


def lines(name: str, found: Reconciled, fields: Fields, repaired: bool = False) -> Iterator[str]:
    """A destination in a line, then whom it differs about, the first of them, and what to do.

    >>> from churn_ml.crm import Reconciled
    >>> moved = {"h2": {"segment": ("SILENT", "MINE")}}
    >>> print("\\n".join(lines("crm", Reconciled(7, ("h1",), (), ("h2",)), moved)))
    crm: 7 agree, 1 missing, 0 extra, 1 different
      missing: h1
      different, told -> there:
        h2: segment: SILENT -> MINE
      next step: churn-ml export reconcile --repair, then export the newest day again
    >>> *_, last = lines("crm", Reconciled(7, ("h1",), (), ()), {}, repaired=True)
    >>> print(last.strip())
    next step: export the newest day again
    """
    sides = {"missing": found.missing, "extra": found.extra, "different": found.different}
    counts = ", ".join(f"{len(ids):,} {word}" for word, ids in sides.items())
    seen_to = {"in doubt": found.in_doubt, "of the plan under way": found.under_way}
    counts += "".join(f", {len(ids):,} {word}" for word, ids in seen_to.items() if ids)
    yield f"{name}: {found.agreeing:,} agree, {counts}"
    for word, ids in sides.items():
        more = f" and {len(ids) - SHOWN:,} more (--json)" if len(ids) > SHOWN else ""
        if word != "different" and ids:
            yield f"  {word}: {', '.join(ids[:SHOWN])}{more}"
        elif ids:
            yield "  different, told -> there:"
            yield from (f"    {one}: {pairs(fields.get(one, {}))}" for one in ids[:SHOWN])
            yield from [f"   {more}"] if more else []
    if found.in_doubt:
        more = f" and {len(found.in_doubt) - SHOWN:,} more (--json)"
        more = more if len(found.in_doubt) > SHOWN else ""
        yield f"  in doubt: {', '.join(found.in_doubt[:SHOWN])}{more}: the next export sees to it"
    if not found.whole:
        yield f"  next step: {_next_step(name, found, repaired)}"


def _next_step(name: str, found: Reconciled, repaired: bool) -> str:
    """What brings both accounts together.

    >>> from churn_ml.crm import Reconciled
    >>> _next_step("crm", Reconciled(7, (), ("x9",), (), under_way=("h2",)), False)
    'export the newest day again, which finishes the plan under way; then reconcile again'
    >>> _next_step("crm", Reconciled(7, (), (), (), in_doubt=("h2",), waits="5f1c"), False)
    'a plan waits for a yes: churn-ml export approve crm --plan 5f1c'
    """
    again = "export the newest day again"
    if found.under_way:
        return f"{again}, which finishes the plan under way; then reconcile again"
    if found.doubtful:
        return again if repaired else f"churn-ml export reconcile --repair, then {again}"
    if found.waits:
        return f"a plan waits for a yes: churn-ml export approve {name} --plan {found.waits}"
    return again


def _plain(one: Reconciled, fields: Fields) -> dict[str, Any]:
    told = asdict(one) | {"fields": fields}
    return {name: value for name, value in told.items() if name != "there"}
