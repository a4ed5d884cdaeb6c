"""Commands of the house: each step for one as_of, and the whole of it.

Enters: a churn.toml and an as_of. Leaves: what the step writes, and its receipt on the screen or
as JSON. Worked example: `churn-ml train --as-of 2017-11-01` trains, and then shows it in MLflow.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import (
    DEFAULT_CONFIG,
    Approver,
    AsOf,
    ConfigPath,
    ContractName,
    Json,
    Limit,
    Repin,
    RowsFile,
)

if TYPE_CHECKING:
    from churn_ml.house import House
    from churn_ml.receipts import Receipt


def ingest(
    as_of: AsOf, config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False, repin: Repin = False
) -> None:
    """Land, validate and publish every lot dropped up to as_of.

    Reads: the files of [sources]. Writes: canonical tables and quarantine, key = as_of.
    """
    from churn_ml import flow

    answers.answer(partial(flow.ingest, repin=repin), config, as_of, as_json=as_json)


def train(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    repin: Repin = False,
    contract: ContractName = "",
) -> None:
    """Build the panel, train every candidate, name the challenger and show all that in MLflow.

    Reads: canonical tables. Writes: panel, model folders; runs, versions and aliases in MLflow.
    Where MLflow is away or refuses, that is said on stderr, and the training stands: run log when
    it is back.
    """
    from churn_ml import flow

    def train_and_log(house: House, day: date) -> Receipt:
        done = flow.train(house, day, repin=repin)
        flow.log_if_reachable(house, day, warn=answers.warn)
        return done

    answers.answer(train_and_log, config, as_of, as_json=as_json, contract=contract)


def log(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
) -> None:
    """Log in MLflow what it misses of a training, and let its aliases follow the ledger.

    Reads: the ledger, model folders. Writes: runs, versions and aliases in MLflow; twice is once.
    """
    from churn_ml import flow

    answers.answer(flow.log, config, as_of, as_json=as_json, contract=contract)


def promote(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
    approver: Approver = None,
    reject: Annotated[bool, typer.Option("--reject", help="Answer a promotion with no.")] = False,
    override: Annotated[
        str | None,
        typer.Option(
            help="The reason to promote against the verdict, where the year's alpha is spent; with"
            " --approver. Both stand in the ledger, so name no customer."
        ),
    ] = None,
) -> None:
    """Judge the challenger against the champion on the newest matured rows and record it.

    Reads: panel, champion, challenger. Writes: one decision in the ledger, aliases in MLflow.
    """
    from churn_ml import flow

    step = partial(flow.promote, approver=approver, reject=reject, why=override)
    answers.answer(step, config, as_of, as_json=as_json, contract=contract)


def score(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    repin: Repin = False,
    contract: ContractName = "",
) -> None:
    """Score the cohort with the champion; reasons, causes, segments, holdout and actions.

    Reads: canonical tables, champion. Writes: cohort, features, scores, causes, segments, actions.
    """
    from churn_ml import flow

    answers.answer(
        partial(flow.score, repin=repin), config, as_of, as_json=as_json, contract=contract
    )


def learn(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    repin: Repin = False,
    contract: ContractName = "",
) -> None:
    """Join scores whose labels have matured with what really happened.

    Reads: scores, segments, actions, canonical tables. Writes: outcomes, and the month's rates.
    """
    from churn_ml import flow

    answers.answer(
        partial(flow.learn, repin=repin), config, as_of, as_json=as_json, contract=contract
    )


def run(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    contract: ContractName = "",
    approver: Approver = None,
    repin: Repin = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do every step, but show the export and send nothing.")
    ] = False,
    limit: Limit = None,
    rows: RowsFile = None,
) -> None:
    """Walk the whole house for one as_of: ingest, train and promote when due, score, export, learn.

    A verdict to promote waits for a name: pass --approver here, or run promote with it later.
    Reads: the files of [sources]. Writes: everything the single steps write. What could not be
    trained or logged in MLflow is said on stderr.
    """
    from churn_ml import flow, views
    from churn_ml.cli import foreseen
    from churn_ml.timeline import parse_as_of

    with foreseen.Screen(limit, rows, as_json=as_json, dry_run=dry_run) as screen:
        day = parse_as_of(as_of)
        house = answers.opened(config, quiet=as_json).under(contract)
        show = screen.take if dry_run else None
        flow.run(house, day, approver=approver, repin=repin, warn=answers.warn, show=show)
        told = views.report(house.history())
        if not (dry_run and as_json):
            answers.show(told, as_json=as_json)
        if dry_run:
            screen.show(f"export as of {day}: a dry run, nothing was sent", told)
