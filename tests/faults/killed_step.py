"""A step that is killed by SIGKILL when it reaches a named function: run as a process of its own.

Usage: python killed_step.py CHURN_TOML STEP AS_OF MODULE:NAME before|after [FURTHER...]
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from functools import reduce
from pathlib import Path
from typing import Any

from churn_ml import flow
from churn_ml.config import load
from churn_ml.house import open_house
from churn_ml.timeline import parse_as_of


def kill_at(where: str, when: str) -> None:
    """Replace MODULE:NAME by one that kills this very process before or after it has run."""
    module_name, _, path = where.partition(":")
    *owners, name = path.split(".")
    owner: Any = reduce(getattr, owners, importlib.import_module(module_name))
    real = getattr(owner, name)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, deadly)


if __name__ == "__main__":
    toml, step, as_of, where, when, *further = sys.argv[1:]
    house = open_house(load(Path(toml)))
    kill_at(where, when)
    getattr(flow, step)(house, parse_as_of(as_of), *further)
