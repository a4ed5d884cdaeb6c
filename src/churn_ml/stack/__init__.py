"""One machine's platform: PostgreSQL, the MLflow server and Airflow, all below one folder.

Enters: a churn.toml, a folder and the holdout key of the environment. Leaves: five services on
127.0.0.1, each a session of its own, and in the folder all they need::

    installed.py   whether the packages of the platform are there
    record.py      the Stack: what stack.json and env.sh of the folder record, and who holds it
    checks.py      what must hold before a start, and the plan that comes of it
    environment.py the variables each service sees; the only place where a secret is handed on
    processes.py   which processes belong to a folder; spawn, signal
    pss.py         the memory of a process
    services.py    MLflow and Airflow as commands
    warm.py        the scheduler, with what its tasks import read beforehand
    postgres.py    the database server of the wheel: made, reached, its databases
    health.py      wait until each service answers, or say which did not and why
    accounts.py    MLflow's user and Airflow's pool of churn_ml
    starting.py    start, restart
    stopping.py    stop, status
    api.py, told.py, following.py, wire.py   Airflow's API, spoken to from outside

Worked example::

    stack = start(Path("churn.toml"), Path("var/stack"), say=print)
    print(stack.airflow_url, stack.users["admin"])
    stop(Path("var/stack"), say=print)

The names are looked up when they are asked for: without the platform installed, `installed` and
`pss` can be imported all the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from churn_ml.stack.record import Stack, read
    from churn_ml.stack.starting import restart, start
    from churn_ml.stack.stopping import status, stop

__all__ = ["Stack", "read", "restart", "start", "status", "stop"]

_ROOMS = {
    "Stack": "record",
    "read": "record",
    "restart": "starting",
    "start": "starting",
    "status": "stopping",
    "stop": "stopping",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
