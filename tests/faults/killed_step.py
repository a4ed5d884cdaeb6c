"""A step that is killed by SIGKILL when it reaches a named function: run as a process of its own.

Usage: python -m tests.faults.killed_step CHURN_TOML STEP AS_OF MODULE:NAME before|after [FURTHER..]
"""

from __future__ import annotations

import sys
from pathlib import Path

from churn_ml import flow
from churn_ml.config import load
from churn_ml.house import open_house
from churn_ml.timeline import parse_as_of

from .failpoints import ACTIONS, wrap

if __name__ == "__main__":
    toml, step, as_of, where, when, *further = sys.argv[1:]
    house = open_house(load(Path(toml)))
    wrap(where, **{when: ACTIONS["kill"]})
    getattr(flow, step)(house, parse_as_of(as_of), *further)
