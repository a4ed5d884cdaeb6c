"""The door to the platform: `churn-ml stack start`, `stop` and `status`.

Enters: a churn.toml and a folder. Leaves: addresses and states on the screen or as JSON; passwords
only when asked for. The servers are imported by the commands, so `--help` answers at once; where
they are not installed each command says so.

Worked example: `churn-ml stack start --config churn.toml`, then `churn-ml stack status --logins`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from churn_ml.program import called
from churn_ml.stack.installed import check_installed

Folder = Annotated[
    Path, typer.Option("--folder", help="Where everything the servers write lies, logs too.")
]
FOLDER = Path("var/stack")

app = typer.Typer(
    help="The platform on this machine: PostgreSQL, the MLflow server and Airflow.",
    no_args_is_help=True,
)


@app.command("start")
def start(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The churn.toml that the DAGs work on.")
    ] = Path("churn.toml"),
    folder: Folder = FOLDER,
) -> None:
    """Start PostgreSQL, MLflow and Airflow on 127.0.0.1, or what of them is dead.

    They stay up until `churn-ml stack stop`. Ports, users, passwords and data of an earlier start
    stay; a live server whose settings have changed is restarted.
    The DAGs are live at once: a schedule that is due runs. The holdout key must be in the
    environment, in the variable that [holdout] key_env names. About half a minute, 1 GB of memory.
    Reads: churn.toml. Writes: everything below the folder.
    """
    check_installed()
    from churn_ml import stack

    started = stack.start(config, folder, say=_say)
    typer.echo(f"Airflow  {started.airflow_url}  users: {', '.join(started.users)}")
    typer.echo(f"MLflow   {started.mlflow_url}  users: {', '.join(started.mlflow_users)}")
    typer.echo(f"passwords: {called()} stack status --logins --folder {folder}")
    typer.echo(f"stop:      {called()} stack stop --folder {folder}")


@app.command("stop")
def stop(folder: Folder = FOLDER) -> None:
    """Stop every process of the platform, running tasks too, and wait until none is left.

    Works from any terminal, also when whoever started it is gone; a start still at work is ended.
    What a task has not published is done again by its next run. Nothing is deleted.
    """
    check_installed()
    from churn_ml import stack

    stack.stop(folder, say=_say)


@app.command("status")
def status(
    folder: Folder = FOLDER,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    logins: Annotated[
        bool, typer.Option("--logins", help="Show the users and their passwords too.")
    ] = False,
) -> None:
    """Show which services live, where they answer, where their logs are, and their memory.

    Exits with 3 where not all of them live. Reads: the folder. Writes: nothing.
    """
    check_installed()
    from churn_ml import stack

    told = stack.status(folder)
    known = stack.read(folder.resolve())
    if logins and known is not None:
        told["logins"] = {"airflow": dict(known.users), "mlflow": known.mlflow_users}
    typer.echo(json.dumps(told, indent=1) if as_json else "\n".join(_in_words(told, folder)))
    if not told["running"]:
        raise typer.Exit(code=3)


def _in_words(told: dict[str, Any], folder: Path) -> list[str]:
    """The status as lines for a screen; where nothing runs, how to start it."""
    lines = _services(told) if told.get("processes") else _nothing(told, folder)
    for server, users in told.get("logins", {}).items():
        lines += [f"{server}: {name} / {password}" for name, password in users.items()]
    return lines


def _nothing(told: dict[str, Any], folder: Path) -> list[str]:
    from churn_ml.demo import words
    from churn_ml.demo.place import MARK

    start = f"{called()} stack start --config {told.get('config', 'churn.toml')} --folder {folder}"
    if (folder / MARK).exists():
        start = words.again(folder)
    return [f"nothing is running in {folder}; start it with: {start}"]


def _services(told: dict[str, Any]) -> list[str]:
    lines = [
        f"{name:<14} {'pid ' + str(state['pid']) if state['alive'] else 'dead':<12} {state['log']}"
        for name, state in told["services"].items()
    ]
    lines += [f"Airflow {told['airflow']}   MLflow {told['mlflow']}"]
    return [*lines, f"{told['processes']} processes, {told['pss_mb']:,.0f} MB"]


def _say(text: str) -> None:
    """Progress goes to stderr, so that stdout stays the answer."""
    typer.echo(text, err=True)
