"""A stored booster meets XGBoost's parser in a child process first (faults M11 and S2).

The sha256 says that bytes are those on record, not that they are harmless: a folder restored from
elsewhere brings a record of its own. XGBoost's parser is native code; broken UBJ can crash it, and
with it the process. So a child without this process's environment, in which secrets stand, parses
it and predicts with it under limits of memory, time and writing, see parser.py. If it comes
through, this process parses the same bytes. Python's own JSON parser, which reads all other files,
needs no such care.

Enters: the files of a model whose sha256 has been checked. Leaves: nothing, or Tampered. Worked
example: of `model/booster.ubj` and `model/features.json` the first goes to a child, for a tenth of
a second.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from churn_ml.errors import BrokenPromise, Tampered
from churn_ml.models.parser import REFUSED

PARSER = Path(__file__).with_name("parser.py")
TIMEOUT_SECONDS = 120
PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Of the environment only where libraries lie is passed on."""


def parsed(files: Mapping[str, bytes], where: Path) -> None:
    """Let a child parse every booster among `files`; raises Tampered where it does not survive it.

    Raises BrokenPromise where the child could not begin: that says nothing of the booster.

    >>> parsed({"model/rule.json": b"{}"}, Path("models/rule-3f2a9c1d0b7e"))
    """
    for path, data in files.items():
        if path.endswith(".ubj") and (refusal := _refusal(data)) is not None:
            raise Tampered(
                "XGBoost cannot parse a stored model, or not predict with it",
                where=str(where / path),
                got=refusal,
                expected="a booster that a child process reads and predicts with",
                next_step="remove the folder and restore it from MLflow's artifacts or a backup",
            )


def _refusal(data: bytes) -> str | None:
    """Why a child did not get through `data`; None where it did."""
    from xgboost.libpath import find_lib_path

    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            [sys.executable, "-I", str(PARSER), find_lib_path()[0]],
            input=data,
            capture_output=True,
            env=environment | {"OMP_NUM_THREADS": "1"},
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {TIMEOUT_SECONDS} seconds"
    if done.returncode < 0:
        return f"the child process died of {signal.Signals(-done.returncode).name}"
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode not in (0, REFUSED):
        raise BrokenPromise(
            "the process that parses boosters does not work",
            where=str(PARSER),
            got=said.rpartition("\n")[2],
        )
    return said.partition("\n")[0] if done.returncode == REFUSED else None
