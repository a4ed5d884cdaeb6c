"""How much memory a part of the demo took at its peak.

Proportional set size (PSS) splits shared pages among their users, so a sum over processes is what
the machine really gives. Enters: a way to measure. Leaves: the highest sum seen, in megabytes.
Worked example: through Airflow the sum is over PostgreSQL, MLflow, Airflow, every running task and
the demo itself, taken each second.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_ml.stack.pss import kilobytes


class Peak:
    """The highest sum of proportional set sizes seen so far, in megabytes."""

    megabytes = 0.0


@contextmanager
def peak_pss(measure: Callable[[], float], every_seconds: float = 1.0) -> Iterator[Peak]:
    """Keep the highest value of `measure` (megabytes) while the block runs, taken by a thread.

    Raises what `measure` raised, at the end of the block: a peak seen in part is no peak.

    >>> with peak_pss(lambda: 7.0) as peak:
    ...     pass
    >>> peak.megabytes
    7.0
    """
    peak, done = Peak(), threading.Event()
    failed: list[Exception] = []

    def look() -> None:
        peak.megabytes = max(peak.megabytes, measure())

    def watch() -> None:
        while not done.wait(every_seconds):
            try:
                look()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is raised below
                failed.append(error)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
        look()
    finally:
        done.set()
        watcher.join()
    if failed:
        raise failed[0]


def own_pss_megabytes() -> float:
    """The PSS of this process group, in megabytes; 0 where the kernel does not tell.

    >>> own_pss_megabytes() >= 0
    True
    """
    group = os.getpgrp()
    mine = (p for p in Path("/proc").glob("[0-9]*") if _in_group(p, group))
    return sum(kilobytes(int(process.name)) for process in mine) / 1024


def stack_pss_megabytes(folder: Path) -> float:
    """The PSS of everything that belongs to the stack below `folder`, and of this process group."""
    from churn_ml.stack.processes import members, pss_megabytes

    return pss_megabytes(members(folder)) + own_pss_megabytes()


def _in_group(process: Path, group: int) -> bool:
    try:
        return os.getpgid(int(process.name)) == group
    except OSError:  # it ended meanwhile
        return False
