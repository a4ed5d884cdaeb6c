"""Commands on a shop: its churn.toml, its report, and whom nobody may contact.

Enters: a folder of files or a churn.toml. Leaves: a churn.toml, the checked settings or the report
on the screen, rows of the suppression list. Worked example: `churn-ml init files/` writes
`files/churn.toml`, and `churn-ml config check --config files/churn.toml` says what holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, ConfigPath, Json
from churn_ml.program import called

config_app = typer.Typer(help="Check a churn.toml.", no_args_is_help=True)


def init(
    folder: Annotated[Path, typer.Argument(help="A folder of CSV, JSON lines or Parquet files.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write; default FOLDER/churn.toml.")
    ] = None,
) -> None:
    """Write a first churn.toml from the headers of a folder of files.

    Reads: the header and first rows of every file. Writes: churn.toml, never over an old one.
    """
    from churn_ml.errors import BadInput
    from churn_ml.sources.propose import propose

    target = out or folder / "churn.toml"
    if target.exists():
        raise BadInput(f"{target} is there already", next_step="remove it or pass --out FILE")
    target.write_text(propose(folder), encoding="utf-8")
    check = f"{called()} config check --config {target}"
    print(f"wrote {target}: read its comments, then run: {check}")


@config_app.command("check")
def config_check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Check churn.toml whole and print every setting that holds, defaults too.

    Reads: churn.toml. Writes: nothing.
    """
    from churn_ml import checks
    from churn_ml.cli.judged import NO_ORDERS
    from churn_ml.config import load

    settings = load(config)
    checks.check(settings)
    print(checks.effective(settings))
    tables = len(settings.sources)
    print(f"\n# {config} is good: contract {settings.contract.stamp}, {tables} tables")
    if "orders" not in settings.sources:
        print(f"# {NO_ORDERS}")


def report(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show the newest state of the house on one screen; --json holds every step ever filed.

    Reads: the ledger. Writes: no row; the ledger is made, or brought to its newest schema, where
    needed.
    """
    from churn_ml import views

    answers.show(views.report(answers.opened(config, quiet=True).history()), as_json=as_json)


def suppress(
    customers: Annotated[list[str], typer.Argument(help="Customer ids that nobody may contact.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Never contact these customers again: the next export takes them out of every destination.

    Reads: churn.toml. Writes: keyed hashes of the ids, not the ids, into the ledger.
    """
    house = answers.opened(config, quiet=True)
    for customer_id in customers:
        house.ledger.suppress(house.suppression_key(customer_id), house.clock())
    print(f"{len(customers)} suppressed; run the next export to take them out of the destinations")
    unheard = [one for one in customers if not house.ledger.story(one)]
    if unheard and house.config.destinations:
        answers.warn(
            f"no destination was ever told of {', '.join(unheard)}: suppressed all the same, but"
            " see that the id is as the source writes it"
        )
    for customer_id in customers:
        left = sorted(set(house.ledger.counted(customer_id)) - set(house.config.destinations))
        if left:
            print(
                f"{customer_id} still stands in {', '.join(left)}, which churn.toml has no more and"
                " no export reaches: see churn-ml doctor"
            )
