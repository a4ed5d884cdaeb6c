"""Commands that judge a shop's data: what an ingest would do, and what past ones found.

Enters: a churn.toml. Leaves: a table in words, or JSON; rules, counts, shares and files, never a
value of the shop. Worked example: `churn-ml check` tries 20,000 rows of each table and ends with
exit code 1 where an ingest would refuse one of them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, ConfigPath, Json

validation_app = typer.Typer(help="What every validation found.", no_args_is_help=True)


def check(
    config: ConfigPath = DEFAULT_CONFIG,
    sample: Annotated[
        int, typer.Option(min=1, help="About how many rows of each table to try.")
    ] = 20_000,
    as_json: Json = False,
) -> None:
    """Try a sample of the shop's files: what an ingest would accept, quarantine and leave out.

    Says which rule turns down how many rows of which file, which tables and indicators the shop
    lacks, and about how long the whole takes. Exits with 1 where an ingest would refuse a table.
    Reads: the files of [sources]. Writes: nothing.
    """
    from datetime import UTC, datetime

    from churn_ml import checks, flow
    from churn_ml.cli import judged
    from churn_ml.config import load

    settings = load(config)
    checks.check(settings)
    now = datetime.now(UTC).replace(tzinfo=None)
    told = flow.check(settings, sample=sample, now=now, say=answers.progress(quiet=as_json))
    print(json.dumps(told, indent=1)) if as_json else judged.draw(judged.checked(told))
    if not told["passes"]:
        raise typer.Exit(1)


@validation_app.command("log")
def validation_log(
    config: ConfigPath = DEFAULT_CONFIG,
    table: Annotated[str | None, typer.Option(help="Only this table.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule: orders.status.known.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from this as_of on: YYYY-MM-DD.")] = None,
    as_json: Json = False,
) -> None:
    """Show what every validation found, refused ones too: rule, rows, share and tolerance.

    Reads: the ledger. Writes: nothing.
    """
    from churn_ml.cli import judged
    from churn_ml.timeline import parse_as_of

    ledger = answers.opened(config, quiet=True).ledger
    day = parse_as_of(since) if since else None
    found = [
        {"as_of": one.as_of.isoformat(), "attempt": one.attempt} | asdict(one.outcome)
        for one in ledger.validations(table=table, rule=rule, since=day)
    ]
    print(json.dumps(found, indent=1)) if as_json else judged.draw(judged.judged(found))
