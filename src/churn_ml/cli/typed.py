"""The commands that an error names, as a person has to type them here.

Enters: what an error or an answer says, and how this program was called. Leaves: the same words
with the program as it can be called from here, and with the churn.toml that was worked on. Worked
example: `churn-ml run --config shop/churn.toml ...` fails with the next step `churn-ml train
--as-of 2017-10-01`; what is shown is `churn-ml train --config shop/churn.toml --as-of 2017-10-01`.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence

from churn_ml.program import NAME, called

_STEPS = "|".join(
    (
        *(f"export {word}" for word in ("approve", "refuse", "reconcile", "stop", "allow", "undo")),
        *(f"export {word}" for word in ("log", "waiting")),
        *("check", "ingest", "horizon", "preflight", "train", "log", "promote", "score"),
        *("export", "learn", "rates", "run", "report", "config check", "validation log"),
        *("explain", "rollback", "doctor", "decisions log", "decisions verify"),
    )
)
_COMMAND = re.compile(rf"\b{NAME} ({_STEPS})\b(?! --config)")


def typed(told: str, arguments: Sequence[str]) -> str:
    """`told` with its commands ready to be typed by who called the program with `arguments`.

    >>> typed("next step: churn-ml check", ["churn-ml", "run", "-c", "my shop.toml"])
    "next step: ...check --config 'my shop.toml'"
    >>> typed("churn-ml export approve crm", ["churn-ml", "export", "--config=s.toml"])
    '...churn-ml export approve --config s.toml crm'
    >>> typed("next step: churn-ml init FOLDER", ["churn-ml", "run"])
    'next step: churn-ml init FOLDER'
    """
    config = _config(arguments)
    option = f" --config {shlex.quote(config)}" if config else ""
    return _COMMAND.sub(lambda found: f"{called()} {found[1]}{option}", told)


def here(told: str) -> str:
    """`told` with its commands ready to be typed by who called this very program.

    >>> here("nothing to type")
    'nothing to type'
    """
    return typed(told, sys.argv)


def _config(arguments: Sequence[str]) -> str | None:
    """The churn.toml that was named; None where it is the one of the working folder."""
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option in {"--config", "-c"}:
            return value or None
        if option.startswith("--config="):
            return option.removeprefix("--config=")
    return None
