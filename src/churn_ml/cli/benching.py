"""Commands that measure: quality on public data, and what the steps take of time and memory.

Enters: the name of a task, or how large the synthetic input is. Leaves: figures, as table or JSON.
Worked example: `churn-ml bench score --rows 100000 --json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import Json
from churn_ml.errors import BadInput

app = typer.Typer(help="Measure quality on public data, and speed.", no_args_is_help=True)


@app.command()
def quality(
    task: Annotated[
        str, typer.Argument(help="c1-13, c1-39, c2-gone30, c2-drop45 or c3.")
    ] = "c2-gone30",
    data: Annotated[
        Path | None, typer.Option(help="A file of the task's format, in place of the usual one.")
    ] = None,
    cutoffs: Annotated[
        str, typer.Option(help="Test cut-offs as days of the task's calendar, such as 406,466.")
    ] = "",
    candidates: Annotated[
        str, typer.Option(help="The champion is chosen among these, such as logistic,xgboost.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Train and test on public data at later cut-offs: champion, candidates and peers side by side.

    c1 is CDNOW (CDNOW_master.txt of the package lifetimes, or its sample), c2 the Complete Journey
    (the installed package; --data takes the folder of its Parquet files), c3 Online Retail II.
    Without --data, c1 and c3 look into the folder named by CHURN_ML_TEST_DATA. Writes: nothing.
    """
    from churn_ml import quality as benchmark

    say = answers.progress(quiet=as_json)
    names = [name.strip() for name in candidates.split(",") if name.strip()]
    result = benchmark.measure(task, data, _days(cutoffs), names, say=say)
    print(json.dumps(result, indent=1) if as_json else benchmark.table(result))


def _days(text: str) -> tuple[int, ...]:
    """The days in `text`, parted by commas."""
    try:
        return tuple(int(day) for day in text.split(",") if day.strip())
    except ValueError as error:
        raise BadInput(
            "--cutoffs are not days", got=text, expected="whole numbers, such as 406,466"
        ) from error


@app.command()
def training(
    data: Annotated[
        Path | None, typer.Option(help="The folder of the Complete Journey's Parquet files.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train every family once on the whole Complete Journey, and say what that takes.

    Without --data the files are those of the installed package. Writes: nothing.
    """
    from churn_ml.quality import full_training

    result = full_training.measure(data, say=answers.progress(quiet=as_json))
    print(json.dumps(result, indent=1) if as_json else full_training.table(result))


@app.command()
def features(
    events: Annotated[int, typer.Option(help="Synthetic events, twenty a customer.")] = 10_000_000,
    cutoffs: Annotated[int, typer.Option(help="Cut-offs, 30 days apart.")] = 1,
    memory_limit: Annotated[
        str | None, typer.Option(help="Of DuckDB: 500MB; 1GB with --customers.")
    ] = None,
    customers: Annotated[
        int | None,
        typer.Option(help="Every table of a synthetic shop of so many instead, at one cut-off."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute the indicators of synthetic orders, lines and products, beside a bare scan of them.

    Those of other tables, such as visits, messages and tickets, are measured with --customers: a
    whole synthetic shop in a lake, and all indicators of it (100,000 customers: 24 million rows).
    Reads and writes: a folder of its own that is gone afterwards. No figure of quality comes from
    such events.
    """
    from churn_ml.bench import features as bench_features

    say = answers.progress(quiet=as_json)
    if customers is not None:
        from churn_ml.bench import full_shop

        whole = full_shop.measure(customers, memory_limit=memory_limit or "1GB", say=say)
        print(json.dumps(whole, indent=1) if as_json else full_shop.table(whole))
        return
    result = bench_features.measure(events, cutoffs, memory_limit=memory_limit or "500MB", say=say)
    print(json.dumps(result, indent=1) if as_json else bench_features.table(result))


@app.command()
def gate(
    rows: Annotated[int, typer.Option(help="Synthetic customers, one row each.")] = 100_000,
    as_json: Json = False,
) -> None:
    """Reach a verdict of the promotion gate on synthetic customers, and say what it takes.

    Reads and writes: nothing. No figure of quality comes from such customers.
    """
    from churn_ml.bench import gate as bench_gate

    result = bench_gate.measure(rows, say=answers.progress(quiet=as_json))
    print(json.dumps(result, indent=1) if as_json else bench_gate.table(result))


@app.command()
def score(
    rows: Annotated[int, typer.Option(help="Synthetic customers.")] = 1_000_000,
    as_json: Json = False,
) -> None:
    """Score synthetic customers with boosted trees, reasons included, beside XGBoost's own reasons.

    Reads and writes: nothing that stays. No figure of quality comes from such customers.
    """
    from churn_ml.bench import score as bench_score

    result = bench_score.measure(rows, say=answers.progress(quiet=as_json))
    print(json.dumps(result, indent=1) if as_json else bench_score.table(result))


@app.command()
def choice(
    rows: Annotated[int, typer.Option(help="Synthetic customers.")] = 1_000_000,
    offers: Annotated[int, typer.Option(help="Offers that may be made to each.")] = 20,
    simulated: Annotated[
        int | None,
        typer.Option(help="What it earns in a synthetic shop of so many, where effects are known."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose offers for synthetic customers under budget and capacity, and say how near the best.

    The gap is the share of the linear relaxation's bound that the choice falls short of. With
    --simulated a whole synthetic shop is scored, and the net value of its actions is compared with
    a coupon for the fifth at the highest risk and with chance, for the same money (20,000 customers
    take a minute or more). Reads and writes: nothing. What such customers bring is simulated.
    """
    if simulated is not None:
        from churn_ml.bench import choice_simulated

        told = choice_simulated.measure(simulated, say=answers.progress(quiet=as_json))
        print(json.dumps(told, indent=1) if as_json else choice_simulated.table(told))
        return
    from churn_ml.bench import choice as bench_choice

    result = bench_choice.measure(rows, offers, say=answers.progress(quiet=as_json))
    print(json.dumps(result, indent=1) if as_json else bench_choice.table(result))


@app.command()
def export(
    rows: Annotated[int, typer.Option(help="Synthetic customers.")] = 1_000_000,
    as_json: Json = False,
) -> None:
    """Export synthetic customers to a file: a first load, and a day on which 1 % changed.

    Payload, plan, ledger, file and acknowledgement are the real ones. Reads and writes: a folder of
    its own that is gone afterwards.
    """
    from churn_ml.bench import export as bench_export

    result = bench_export.measure(rows, say=answers.progress(quiet=as_json))
    print(json.dumps(result, indent=1) if as_json else bench_export.table(result))
