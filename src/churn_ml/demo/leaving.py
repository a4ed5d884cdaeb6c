"""Leaving the demo: whatever ends it, nothing of its stack goes on, and nothing cuts that short.

Enters: signals. Leaves: no process below the folder. The first Ctrl-C, SIGTERM or SIGHUP unwinds
the demo from wherever it is; while it stops the stack further ones are not heard. Worked example:
Ctrl-C in the middle of the training, and again a second later: the training's task, Airflow, MLflow
and PostgreSQL are gone before the prompt is back, and the exit code is 130.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_ml.errors import BrokenPromise
from churn_ml.house import Progress
from churn_ml.stack import stop
from churn_ml.stack.processes import members
from churn_ml.stack.record import read

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
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
            stop(folder, say=say)
            left = members(folder.resolve())
            if left:
                raise BrokenPromise(
                    "processes of the demo are left",
                    where=str(folder),
                    got=", ".join(f"pid {process.pid}" for process in left),
                    next_step=f"churn-ml stack stop --folder {folder}",
                )


@contextmanager
def heard_once() -> Iterator[None]:
    """Let the first signal to leave unwind the block, and no other; only in the main thread.

    Ctrl-C raises KeyboardInterrupt, the others SystemExit with 128 and the signal's number.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def leave(number: int, _: object) -> None:
        if heard:
            return
        heard.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    former = {number: signal.getsignal(number) for number in SIGNALS}
    chosen = [number for number, handler in former.items() if handler != signal.SIG_IGN]
    for number in chosen:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in chosen:
            signal.signal(number, former[number])


def stay(folder: Path, say: Progress) -> None:
    """Return on Ctrl-C, or when the stack was stopped from another terminal."""
    try:
        while (stack := read(folder.resolve())) is not None and stack.groups():
            time.sleep(LOOK_SECONDS)
        say("the platform was stopped")
    except KeyboardInterrupt:
        say("")  # the terminal's ^C stands on this line
