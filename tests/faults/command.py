"""The command line as a door of the harness: `churn-ml` with its words, in a process of its own.

Enters: the words. Leaves: what it printed, as a history of the seed has it, and its exit code; an
error of the product is raised as it would have been within the house. Worked example: an export
that HubSpot does not answer ends with 75, so a scheduler tries it again.
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from churn_ml import cli

from .history import History

SHARE = 0.4
"""Of the operations that have a command, those that go through it."""
AGAIN = frozenset({"Transient", "Unreachable"})
"""The errors that are worth another try, which a caller is told by 75."""
EX_TEMPFAIL = 75


def by_command(seed: int, number: int) -> bool:
    """Whether the operation goes through the command line."""
    return random.Random(f"{seed}/{number}/door").random() < SHARE


def receipt(history: History, number: int, step: str, config: Path, as_of: object) -> Any:
    """The receipt that `churn-ml STEP --as-of AS_OF --json` prints; raises as the step does."""
    words = (step, "--as-of", str(as_of), "--config", str(config), "--json")
    return json.loads(said(history, number, *words))


def said(history: History, number: int, *words: str) -> str:
    """What `churn-ml WORDS` prints; raises what it ended with."""
    out, error = io.StringIO(), None
    sys.argv = ["churn-ml", *words]
    with redirect_stdout(out):
        try:
            cli.main()
        except SystemExit as ended:
            code, error = ended.code or 0, ended.__cause__
    kind = type(error).__name__ if error else None
    history.note("info", number, "exit", code=code, error=kind, command=words[0])
    if error:
        raise error
    if code:
        raise RuntimeError(f"churn-ml {' '.join(words)} ended with {code} and no error of ours")
    return out.getvalue()


def misled(history: History) -> Iterator[str]:
    """Commands whose exit code says something else than what became of their operation."""
    done = {event["number"]: None for event in history.events(kind="ok")}
    over = done | {event["number"]: event["error"] for event in history.events(kind="fail")}
    for event in history.events("exit"):
        if event["number"] not in over:  # killed before it was over
            continue
        error = over[event["number"]]
        meant = 0 if error is None else EX_TEMPFAIL if error in AGAIN else 1
        if event["code"] != meant:
            ended = error or "no error"
            yield f"churn-ml {event['command']} ended with {ended} and exit code {event['code']}"
