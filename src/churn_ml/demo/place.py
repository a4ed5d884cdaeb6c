"""Where the demo lies: a folder of its own, the shop's files in it, and the key it draws with.

Enters: a folder. Leaves: the shop's drops and its churn.toml in it, or BadInput where the folder is
somebody else's, holds a running stack, or was told the other way. Worked example: `var/demo` holds
`drops/`, `churn.toml` and the mark `.churn_ml_demo`, and only because of the mark it is emptied.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_ml.demo.story import SECOND
from churn_ml.errors import BadInput
from churn_ml.house import Progress
from churn_ml.program import called
from churn_ml.sources import complete_journey

MARK = ".churn_ml_demo"
# The demo's customers are public data: a published key keeps its holdout the same everywhere.
DEMO_KEY = "complete-journey-demo-key"
KEY_VARIABLE = "CHURN_ML_HOLDOUT_KEY"
RECORD = "stack.json"
"""What a stack writes into its folder first; named here, for the demo runs without a stack too."""
BESIDE = '[paths]\nledger = "${CHURN_ML_LEDGER}"\nmlflow = "${CHURN_ML_MLFLOW}"\n'
"""Of a churn.toml beside a stack: `env.sh` says to a shell where the servers are."""


@contextmanager
def held(folder: Path, *, keep: bool) -> Iterator[None]:
    """Hold the demo's folder, emptied unless `keep`, while the block runs.

    The mark is what is locked; the kernel lets go of it when this process ends. Raises BadInput
    where the folder holds something else, another demo works in it, or a stack runs in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MARK).exists() and any(folder.iterdir()):
        raise BadInput(
            f"{folder} is not a demo folder: it is not emptied",
            expected=f"an empty folder, or one with {MARK}",
            next_step="pass --folder to another place",
        )
    with (folder / MARK).open("ab") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(
                "another demo works in this folder",
                where=str(folder),
                next_step="wait for it, end it with Ctrl-C, or pass --folder to another place",
            ) from None
        _check_nothing_runs(folder)
        if not keep:
            _empty(folder)
        yield


def _empty(folder: Path) -> None:
    """Remove everything but the mark, which is locked."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARK:
            path.unlink()


def _check_nothing_runs(folder: Path) -> None:
    """Refuse to work in a folder whose databases are in use."""
    if not (folder / RECORD).exists():
        return
    from churn_ml.stack.processes import members

    running = members(folder.resolve())
    if running:
        raise BadInput(
            "a demo runs in this folder already",
            where=str(folder),
            got=f"{len(running)} processes",
            next_step=f"make stop, or: {called()} stack stop --folder {folder}",
        )


def set_up(folder: Path, *, households: int | None, stack: bool, say: Progress) -> Path:
    """Lay out the shop's files and its churn.toml unless they are there; returns the churn.toml.

    `households`: how many (None: all); `stack`: whether ledger and MLflow are a stack's servers.
    Raises BadInput where the folder was kept from a demo told the other way.
    """
    config = folder / "churn.toml"
    wanted = "\n".join([complete_journey.churn_toml(), *([BESIDE] if stack else [])])
    if not config.exists():
        say("== laying out a shop's files: Complete Journey, 2017")
        complete_journey.lay_out(folder, households=households, until=SECOND)
        config.write_text(wanted, encoding="utf-8")
    elif (BESIDE in config.read_text(encoding="utf-8")) != stack:
        other = "directly" if stack else "through Airflow"
        raise BadInput(
            f"the demo in this folder was told {other}: its ledger is another",
            where=str(config),
            next_step="leave out --keep (KEEP), or go on the way it began: see --direct (DIRECT)",
        )
    return config


@contextmanager
def published_key() -> Iterator[None]:
    """Draw the holdout with the demo's published key while the block runs, whatever is set.

    >>> before = os.environ.get(KEY_VARIABLE)
    >>> with published_key():
    ...     os.environ[KEY_VARIABLE]
    'complete-journey-demo-key'
    >>> os.environ.get(KEY_VARIABLE) == before
    True
    """
    before = os.environ.get(KEY_VARIABLE)
    os.environ[KEY_VARIABLE] = DEMO_KEY
    try:
        yield
    finally:
        if before is None:
            del os.environ[KEY_VARIABLE]
        else:
            os.environ[KEY_VARIABLE] = before
