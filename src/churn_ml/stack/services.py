"""MLflow and Airflow as commands, and the files they read before they start.

Enters: a `Stack`. Leaves: one `Service` each. No command line holds a secret: everyone on a machine
can read those. A triggerer does not run: a task that waits for an approval waits in the scheduler
(Airflow 3.3), and no DAG here defers.
"""

from __future__ import annotations

import json
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

from churn_ml.stack import environment
from churn_ml.stack.processes import Service
from churn_ml.stack.record import HOST, Stack, write_private

# a login costs PBKDF2 on every request: the one worker may remember one that held for a minute
_MLFLOW_LOGINS = """[mlflow]
default_permission = READ
database_uri = {database}
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
"""


def prepare(stack: Stack) -> None:
    """Write the passwords that Airflow knows its users by, and MLflow's settings of logins."""
    write_private(stack.folder / "airflow" / "passwords.json", json.dumps(dict(stack.users)))
    database = stack.database("mlflow_auth", "postgresql+psycopg2").replace("%", "%%")
    logins = _MLFLOW_LOGINS.format(database=database)
    write_private(stack.folder / "mlflow" / "basic_auth.ini", logins)


def mlflow(stack: Stack) -> Service:
    """The MLflow server with logins and one worker; it serves the artifacts itself."""
    told = ["--app-name", "basic-auth", "--host", HOST, "--port", str(stack.mlflow_port)]
    artifacts = ["--artifacts-destination", str(stack.folder / "mlartifacts")]
    return Service(
        name="mlflow",
        command=(*_script("mlflow"), "server", "--workers", "1", *told, *artifacts),
        environment=environment.mlflow(stack),
        folder=stack.folder / "mlflow",
        log=stack.log("mlflow"),
    )


def airflow(stack: Stack, component: str, *told: str) -> Service:
    """One component of Airflow, or a command of its own such as `db migrate`."""
    return Service(
        name=component,
        command=(*_script("airflow"), *(told or (component,))),
        environment=environment.airflow(stack),
        folder=stack.folder / "airflow",
        log=stack.log(component),
    )


def scheduler(stack: Stack) -> Service:
    """The scheduler, warm, without its log server, which would listen on every interface."""
    cold = airflow(stack, "scheduler", "scheduler", "--skip-serve-logs")
    python, *program = cold.command
    return replace(cold, command=(python, "-m", "churn_ml.stack.warm", *program))


def migration(stack: Stack) -> Service:
    """What brings Airflow's database to its schema; ends by itself."""
    return airflow(stack, "migrate", "db", "migrate")


def mlflow_migration(stack: Stack) -> Service:
    """What brings MLflow's database to its schema; ends by itself. A socket's URL is no secret."""
    url = stack.database("mlflow", "postgresql+psycopg2")
    return Service(
        name="mlflow-migrate",
        command=(*_script("mlflow"), "db", "upgrade", url),
        environment=environment.mlflow(stack),
        folder=stack.folder / "mlflow",
        log=stack.log("mlflow-migrate"),
    )


def _script(name: str) -> tuple[str, str]:
    """A program of this very environment, whatever PATH says."""
    return sys.executable, str(Path(sysconfig.get_path("scripts")) / name)
