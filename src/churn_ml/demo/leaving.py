"""Leaving the demo: whatever ends it, nothing of its stack goes on, and nothing cuts that short.

Enters: signals. Leaves: no process below the folder. The first Ctrl-C, SIGTERM or SIGHUP unwinds
the demo from wherever it is; while it stops the stack they wait. Worked example:
Ctrl-C in the middle of the training, and again a second later: the training's task, Airflow, MLflow
and PostgreSQL are gone before the prompt is back, and the exit code is 130.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_ml.errors import BrokenPromise
from churn_ml.house import Progress
from churn_ml.program import called
from churn_ml.stack import stop
from churn_ml.stack.processes import heard_once, held_back, members
from churn_ml.stack.record import read

LOOK_SECONDS = 2.0


@contextmanager
def stopped_in_the_end(folder: Path, say: Progress) -> Iterator[None]:
    """Stop the stack below `folder` when the block ends, however it ends, and wait until it is.

    Raises BrokenPromise where processes are left all the same.
    """
    with heard_once():
        try:
            yield
        finally:
            with held_back():  # the first signal of all may come only now
                stop(folder, say=say)
                left = members(folder.resolve())
            if left:
                raise BrokenPromise(
                    "processes of the demo are left",
                    where=str(folder),
                    got=", ".join(f"pid {process.pid}" for process in left),
                    next_step=f"{called()} stack stop --folder {folder}",
                )


def stay(folder: Path, say: Progress) -> None:
    """Return on Ctrl-C, or when the stack was stopped from another terminal."""
    try:
        while (stack := read(folder.resolve())) is not None and stack.groups():
            time.sleep(LOOK_SECONDS)
        say("the platform was stopped")
    except KeyboardInterrupt:
        say("")  # the terminal's ^C stands on this line
