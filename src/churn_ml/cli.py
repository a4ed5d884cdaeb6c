"""The door for people and scripts: the same steps as the DAGs, from a shell.

Enters: a churn.toml and an as_of. Leaves: a receipt on the screen or as JSON. Heavy libraries are
imported by the steps that need them, so `--help` answers at once.

Worked example: `churn-ml score --config churn.toml --as-of 2017-10-01 --json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_ml import cli_stack
from churn_ml.errors import ChurnError, Transient

if TYPE_CHECKING:
    from churn_ml.house import House
    from churn_ml.receipts import Receipt

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The shop's churn.toml.")]
AsOf = Annotated[
    str, typer.Option("--as-of", help="End of the known world, exclusive: YYYY-MM-DD, 00:00 UTC.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Repin = Annotated[
    bool,
    typer.Option("--repin", help="On a re-run take new lots, versions, model and configuration."),
]
Approver = Annotated[str | None, typer.Option(help="Who answers a verdict to promote.")]
COUNTED, DONE = ("sent", "removed", "unchanged"), ("sent", "removed", "left")
DEFAULT_CONFIG = Path("churn.toml")

app = typer.Typer(
    name="churn-ml",
    help="Who is leaving a shop, why, what each is worth, what to do, and whether it paid.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bench = typer.Typer(help="Measure quality on public data.", no_args_is_help=True)
app.add_typer(bench, name="bench")
config_app = typer.Typer(help="Check a churn.toml.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(cli_stack.app, name="stack")


def main() -> None:
    """Run the command line; an error of ours ends in one message and exit code 1 (75: try again).

    Raises SystemExit always.
    """
    try:
        app()
    except ChurnError as error:
        print(f"churn-ml: {error}", file=sys.stderr)
        # 75 is EX_TEMPFAIL of sysexits.h: a caller may try again
        raise SystemExit(75 if isinstance(error, Transient) else 1) from error


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A folder of CSV, CSV.gz or Parquet files.")],
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
    print(f"wrote {target}: read its comments, then run: churn-ml config check --config {target}")


@config_app.command("check")
def config_check(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Check churn.toml whole and print every setting that holds, defaults too.

    Reads: churn.toml. Writes: nothing.
    """
    from churn_ml.checks import check, effective
    from churn_ml.config import load

    settings = load(config)
    check(settings)
    print(effective(settings))
    tables = len(settings.sources)
    print(f"\n# {config} is good: contract {settings.contract.stamp}, {tables} tables")


@app.command()
def ingest(
    as_of: AsOf, config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False, repin: Repin = False
) -> None:
    """Land, validate and publish every lot dropped up to as_of.

    Reads: the files of [sources]. Writes: canonical tables and quarantine, key = as_of.
    """
    _step("ingest", config, as_of, as_json=as_json, repin=repin)


@app.command()
def train(
    as_of: AsOf, config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False, repin: Repin = False
) -> None:
    """Build the panel, train every candidate, name the challenger and show all that in MLflow.

    Reads: canonical tables. Writes: panel, model folders; runs, versions and aliases in MLflow.
    Where MLflow is away that is said, and the training stands: run log when it is back.
    """
    from churn_ml import flow

    def train_and_log(house: House, day: Any) -> Receipt:
        done = flow.train(house, day, repin=repin)
        flow.log_if_reachable(house, day)
        return done

    _run(train_and_log, config, as_of, as_json=as_json)


@app.command()
def log(as_of: AsOf, config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Log in MLflow what it misses of a training, and let its aliases follow the ledger.

    Reads: the ledger, model folders. Writes: runs, versions and aliases in MLflow; twice is once.
    """
    from churn_ml import flow

    _run(flow.log, config, as_of, as_json=as_json)


@app.command()
def promote(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    approver: Approver = None,
    reject: Annotated[bool, typer.Option("--reject", help="Answer a promotion with no.")] = False,
) -> None:
    """Judge the challenger against the champion on the newest matured rows and record it.

    Reads: panel, champion, challenger. Writes: one decision in the ledger, aliases in MLflow.
    """
    from churn_ml import flow

    def judge_and_record(house: House, day: Any) -> Receipt:
        return flow.promote(house, day, approver=approver, reject=reject)

    _run(judge_and_record, config, as_of, as_json=as_json)


@app.command()
def score(
    as_of: AsOf, config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False, repin: Repin = False
) -> None:
    """Score the cohort with the champion; reasons, segments, holdout and actions.

    Reads: canonical tables, champion. Writes: cohort, features, scores, segments, actions.
    """
    _step("score", config, as_of, as_json=as_json, repin=repin)


@app.command()
def export(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, send nothing.")
    ] = False,
) -> None:
    """Send what changed since the last acknowledged state to every destination.

    Reads: scores, segments, actions. Writes: the destinations of [destinations], plan and acks.
    """
    from churn_ml import flow

    def send(house: House, day: Any) -> Receipt:
        return flow.export(house, day, dry_run=dry_run)

    _run(send, config, as_of, as_json=as_json)


@app.command()
def learn(
    as_of: AsOf, config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False, repin: Repin = False
) -> None:
    """Join scores whose labels have matured with what really happened.

    Reads: scores, segments, actions, canonical tables. Writes: outcomes.
    """
    _step("learn", config, as_of, as_json=as_json, repin=repin)


@app.command()
def run(
    as_of: AsOf,
    config: ConfigPath = DEFAULT_CONFIG,
    as_json: Json = False,
    approver: Approver = None,
    repin: Repin = False,
) -> None:
    """Walk the whole house for one as_of: ingest, train and promote when due, score, export, learn.

    A verdict to promote waits for a name: pass --approver here, or run promote with it later.
    Reads: the files of [sources]. Writes: everything the single steps write.
    """
    from churn_ml import flow, views
    from churn_ml.timeline import parse_as_of

    day = parse_as_of(as_of)
    house = _house(config, quiet=as_json)
    flow.run(house, day, approver=approver, repin=repin)
    told = views.report(house.history())
    print(json.dumps(told, indent=1)) if as_json else _show(told)


@app.command()
def report(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show the newest state of the house on one screen; --json holds every step ever filed.

    Reads: the ledger. Writes: no row; the ledger is made, or brought to its newest schema, where
    needed.
    """
    from churn_ml import views

    told = views.report(_house(config, quiet=True).history())
    print(json.dumps(told, indent=1)) if as_json else _show(told)


@app.command()
def suppress(
    customers: Annotated[list[str], typer.Argument(help="Customer ids that nobody may contact.")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Never contact these customers again: the next export takes them out of every destination.

    Reads: churn.toml. Writes: keyed hashes of the ids, not the ids, into the ledger.
    """
    house = _house(config, quiet=True)
    for customer_id in customers:
        house.ledger.suppress(house.suppression_key(customer_id), house.clock())
    print(f"{len(customers)} suppressed; run the next export to take them out of the destinations")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where everything is written.")] = Path("var/demo"),
    households: Annotated[
        int | None, typer.Option(help="Take only the first N households (default: all 2,469).")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Go on from an earlier demo.")] = False,
    direct: Annotated[
        bool, typer.Option("--direct", help="Without Airflow: the steps alone, in this process.")
    ] = False,
    leave: Annotated[
        bool,
        typer.Option("--exit", help="Stop after the story; tell it directly too, to compare."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Walk a real shop's 2017 from files to outcome and verdict, and show the result.

    It starts PostgreSQL, MLflow and Airflow on this machine, and drives the story through them. In
    a terminal they stay up until Ctrl-C; with --exit, with --json or without a terminal they are
    stopped and the story is told directly too: both must end in the same content.
    Reads: the Complete Journey package. Writes: everything below the folder.
    """
    say = _progress(quiet=as_json)
    if direct:
        from churn_ml.demo import tell

        told = tell(folder, households=households, keep=keep, say=say)
        _show_demo(told, as_json=as_json)
        return
    from churn_ml.demo.stage import perform

    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    perform(
        folder,
        households=households,
        keep=keep,
        stays=terminal and not (leave or as_json),
        say=say,
        show=lambda told: _show_demo(told, as_json=as_json),
    )


@bench.command()
def quality(
    task: Annotated[str, typer.Argument(help="The task: c2-gone30.")] = "c2-gone30",
    as_json: Json = False,
) -> None:
    """Train and test on Complete Journey at three later cut-offs, rule and models side by side.

    Reads: the Complete Journey package. Writes: nothing.
    """
    from churn_ml import quality as benchmark

    result = benchmark.measure(task, say=_progress(quiet=as_json))
    print(json.dumps(result, indent=1) if as_json else benchmark.table(result))


def _step(name: str, config: Path, as_of: str, *, as_json: bool, repin: bool) -> None:
    """Run the hall's step called `name` and print its receipt."""
    from churn_ml import flow

    step: Callable[..., Receipt] = getattr(flow, name)

    def call(house: House, day: Any) -> Receipt:
        return step(house, day, repin=repin)

    _run(call, config, as_of, as_json=as_json)


def _run(call: Callable[[House, Any], Receipt], config: Path, as_of: str, *, as_json: bool) -> None:
    from churn_ml.timeline import parse_as_of

    day = parse_as_of(as_of)
    receipt = call(_house(config, quiet=as_json), day)
    print(receipt.to_json() if as_json else "\n".join(_in_words(receipt)))


def _in_words(receipt: Receipt) -> list[str]:
    """The receipt's line; below it why a verdict fell, and what was, or would be, sent where."""
    told = receipt.details
    reasons = [f"  {reason}" for reason in told.get("reasons") or ()]
    words = ("would send", "remove", "leave") if receipt.status == "dry_run" else DONE
    sent = [
        f"  {name}: "
        + ", ".join(f"{word} {counts[key]:,}" for word, key in zip(words, COUNTED, strict=True))
        for name, counts in told.get("destinations", {}).items()
    ]
    return [receipt.in_words(), *reasons, *sent]


def _house(config: Path, *, quiet: bool) -> House:
    from churn_ml.config import load
    from churn_ml.house import open_house

    return open_house(load(config), say=_progress(quiet=quiet))


def _progress(*, quiet: bool) -> Callable[[str], None]:
    """Progress goes to stderr, so that stdout stays a receipt or JSON."""

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr, flush=True)

    return say


def _show(told: dict[str, Any]) -> None:
    from churn_ml import screen

    screen.show(told)


def _show_demo(told: dict[str, Any], *, as_json: bool) -> None:
    """The report, and what the demo says beside it."""
    if as_json:
        print(json.dumps(told, indent=1))
        return
    from churn_ml.demo import words

    _show(told)
    print(words.figures(told))


if __name__ == "__main__":
    main()
