"""Airflow's scheduler, with the libraries that the steps stand on read beforehand.

Enters: a program of Python and its arguments. Leaves: that program, run in this very process. The
LocalExecutor forks every task off the scheduler, so what is read here once is read again by no
task: two to eight seconds of processor time each. Libraries alone: churn_ml's own code and the
DAGs are read by each task, so that a change of theirs needs no restart.

Worked example: `python -m churn_ml.stack.warm /shop/.venv/bin/airflow scheduler`.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from collections.abc import Sequence

LIBRARIES = (
    "alembic.command",
    "deltalake",
    "duckdb",
    "great_expectations",
    "ibis",
    "ibis.backends.duckdb",
    "mlflow",
    "pandas",
    "pyarrow.dataset",
    "scipy.stats",
    "sklearn.linear_model",
    "sqlglot",
    "xgboost",
)
"""What the steps import: read, not used, so that no thread and no connection crosses a fork."""


def run(command: Sequence[str], libraries: Sequence[str] = LIBRARIES) -> None:
    """Import `libraries`, then run the program `command[0]` as Python would, with the rest told it.

    Ends as the program ends: SystemExit where it says so. Raises ImportError where a library is
    missing.
    """
    for name in libraries:
        importlib.import_module(name)
    sys.argv = list(command)
    runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    run(sys.argv[1:])
