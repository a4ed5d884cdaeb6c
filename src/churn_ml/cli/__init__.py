"""The door for people and scripts: the same steps as the DAGs, from a shell.

Enters: a churn.toml and an as_of. Leaves: a receipt on the screen or as JSON. Heavy libraries are
imported by the steps that need them, so `--help` answers at once::

    options.py   the options that several commands share
    typed.py     the commands that an error names, as they are typed here
    answers.py   the house opened for a command, and what it answers on stdout and stderr
    shop.py      a shop's churn.toml, report and suppression list
    judging.py   what an ingest would do with the shop's data, and what past ones found
    source.py    the kinds of sources, and the skeleton of a new one
    asking.py    what the data say before a model: preflight, horizon, rates
    deciding.py  who is champion: decisions, rollback, doctor
    exporting.py what destinations are told, and were told of one customer
    foreseen.py  what they would be told, row by row
    reconciling.py whether they hold what they were told
    stopping.py  exports stopped, allowed again, undone; who did, and when
    approving.py what keeps exports back; yes or no to one that would change much
    explaining.py one customer: score, reasons, causes, offers, what was sent
    sizing.py    what the holdout and the experiments can show, and what they cost
    steps.py     each step of the house, and the whole of it
    showing.py   the demo
    benching.py  quality on public data, and speed
    making.py    a synthetic shop, to try without data
    stack.py     the platform on this machine

Worked example: `churn-ml score --config churn.toml --as-of 2017-10-01 --json`.
"""

from __future__ import annotations

import sys

import typer

from churn_ml.cli import (
    approving,
    asking,
    benching,
    deciding,
    explaining,
    exporting,
    judging,
    making,
    reconciling,
    shop,
    showing,
    sizing,
    source,
    stack,
    steps,
    stopping,
)
from churn_ml.cli.typed import here
from churn_ml.errors import ChurnError, Transient

__all__ = ["app", "main"]

app = typer.Typer(
    name="churn-ml",
    help="Who is leaving a shop, why, what each is worth, what to do, and whether it paid.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for command in (
    shop.init,
    judging.check,
    steps.ingest,
    asking.horizon,
    asking.preflight,
    steps.train,
    steps.log,
    steps.promote,
    steps.score,
    steps.learn,
    asking.rates,
    sizing.holdout,
    asking.staleness,
    steps.run,
    deciding.rollback,
    deciding.doctor,
    explaining.explain,
    shop.report,
    shop.suppress,
    showing.demo,
):
    app.command()(command)
exporting.app.command()(reconciling.reconcile)
exporting.app.command()(approving.waiting)
exporting.app.command("approve")(approving.approve)
exporting.app.command("refuse")(approving.refuse)
exporting.app.command()(stopping.stop)
exporting.app.command()(stopping.allow)
exporting.app.command()(stopping.stops)
exporting.app.command()(stopping.undo)
app.add_typer(exporting.app, name="export")
app.add_typer(benching.app, name="bench")
app.add_typer(shop.config_app, name="config")
app.add_typer(judging.validation_app, name="validation")
app.add_typer(deciding.decisions_app, name="decisions")
app.add_typer(source.app, name="source")
app.add_typer(making.app, name="simulate")
app.add_typer(stack.app, name="stack")


def main() -> None:
    """Run the command line; an error of ours ends in one message and exit code 1 (75: try again).

    Raises SystemExit always.
    """
    try:
        app()
    except ChurnError as error:
        print(f"churn-ml: {here(str(error))}", file=sys.stderr)
        # 75 is EX_TEMPFAIL of sysexits.h: a caller may try again
        raise SystemExit(75 if isinstance(error, Transient) else 1) from error
