"""Commands that make something up, and say so: a synthetic shop to try the platform on.

Enters: how many customers and days. Leaves: a folder with drops and a churn.toml. Worked example:
`churn-ml simulate shop var/try --customers 2000`, then `churn-ml check --config
var/try/churn.toml`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churn_ml.cli import answers
from churn_ml.program import called

app = typer.Typer(help="Make up a synthetic shop, to try without data.", no_args_is_help=True)


@app.command()
def shop(
    folder: Annotated[Path, typer.Argument(help="An empty folder, or one that is not there yet.")],
    customers: Annotated[int, typer.Option(help="Customers; about 235 rows each.")] = 1000,
    days: Annotated[int, typer.Option(help="Days of history, 400 to 3,650.")] = 540,
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 1,
    until: Annotated[
        str, typer.Option(help="The day it ends, YYYY-MM-DD: the --as-of of its ingest.")
    ] = "2018-01-01",
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            help="What to plant in one customer in twenty each: logistics, category_shift, "
            "delivery, payment; give it several times. Default: all four; none: nothing."
        ),
    ] = None,
) -> None:
    """Write a synthetic shop with every canonical table: made up, no figure of quality in it.

    In the last 120 days the planted customers are served worse (docs/synthetic-shop.md); who they
    are stands in FOLDER/planted.csv, which no step reads.
    Reads: nothing. Writes: FOLDER/drops, FOLDER/churn.toml, FOLDER/planted.csv.
    """
    from churn_ml.simulate.files import write
    from churn_ml.simulate.scenarios import chosen
    from churn_ml.simulate.shop import Plan
    from churn_ml.timeline import parse_as_of

    plan = Plan(customers, days, seed, parse_as_of(until), chosen(scenario or []))
    rows = write(plan, folder, say=answers.progress(quiet=False))
    config = folder / "churn.toml"
    print(
        f"wrote a synthetic shop: {sum(rows.values()):,} rows in {len(rows)} tables, none of them"
        f" real\nnext: {called()} check --config {config}"
        f"\nthen: {called()} ingest --config {config} --as-of {plan.ends.isoformat()}"
    )
