"""The command that shows what the house can do on public data: the demo.

Enters: the Complete Journey package. Leaves: the demo's folder and report.
Worked example: `churn-ml demo --direct --folder var/demo` tells the story of 2017 in this process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import Json
from churn_ml.stack.installed import check_installed

if TYPE_CHECKING:
    from churn_ml.house import Progress


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
    stopped and the story is told directly too: both must end in the same content (with --keep
    nothing is compared). With --direct it needs none of them. Left by Ctrl-C it says how to go on.
    Reads: the Complete Journey package. Writes: everything below the folder.
    """
    say = answers.progress(quiet=as_json)
    terminal = all(s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr))
    stays = terminal and not (direct or leave or as_json)

    def show(told: dict[str, Any]) -> None:
        _show(told, as_json=as_json)

    with _left_by_ctrl_c(folder, say, direct=direct, stays=stays):
        if direct:
            from churn_ml.demo import tell

            show(tell(folder, households=households, keep=keep, say=say))
            return
        check_installed()
        from churn_ml.demo.stage import perform

        perform(folder, households=households, keep=keep, stays=stays, say=say, show=show)


@contextmanager
def _left_by_ctrl_c(folder: Path, say: Progress, *, direct: bool, stays: bool) -> Iterator[None]:
    """Say how the demo goes on where a person left it: in the story, or when it stayed after it."""
    from churn_ml.demo import words

    how = f"{words.again(folder, direct=direct)} goes on from here"
    try:
        yield
    except KeyboardInterrupt:
        say(how)
        raise
    if stays:
        say(how)


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    """The report, and what the demo says beside it."""
    from churn_ml.demo import words

    answers.show(told, as_json=as_json)
    if not as_json:
        print(words.figures(told))
