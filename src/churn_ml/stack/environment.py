"""The variables that each service sees: the one place where a secret is handed on.

Enters: a `Stack` and the caller's environment. Leaves: one mapping a service. Of the caller's
variables those that would steer another Airflow or MLflow are left out; connections and variables
of Airflow that a team keeps in the environment (`AIRFLOW_CONN_*`, `AIRFLOW_VAR_*`) stay.

Worked example: with port 8080 Airflow's tasks reach their server at
`AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://127.0.0.1:8080/execution/`.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Mapping

from churn_ml.config import load
from churn_ml.stack.record import HOST, Stack

KEPT = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")
DROPPED = ("AIRFLOW", "MLFLOW", "_MLFLOW", "PG", "GUNICORN_", "UVICORN_", "FLASK_")
# the servers write bytecode, or each of their processes compiles Airflow anew; the ledger and
# MLflow are Airflow's connections, so that a task cannot take another way by mistake
OURS = ("PYTHONDONTWRITEBYTECODE", "CHURN_ML_LEDGER", "CHURN_ML_MLFLOW")
FIXED = {
    "API__HOST": HOST,
    "API__WORKERS": "1",
    "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "CORE__DAGBAG_IMPORT_TIMEOUT": "120",
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__PARALLELISM": "4",
    "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "180",
    # each of the six files costs a third of a second to read again
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "30",
    # no log server runs, for it would listen on every interface: the API server reads the
    # files; where it asks the server too (while a task runs), port 1 refuses at once
    "LOGGING__WORKER_LOG_SERVER_PORT": "1",
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
    # after a stop or a crash, tasks that were running are taken up again in a minute, not five
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
    # a task whose API server restarts asks on for as long as it may go unheard, every five seconds
    # at the latest: by default it gives up after some ten, done or not, and its try is lost
    "WORKERS__EXECUTION_API_RETRIES": "25",
    "WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
    # a busy machine is not a failed task: by default the API has 5 s to answer one
    "WORKERS__EXECUTION_API_TIMEOUT": "30",
}
"""Airflow's settings that are the same for every stack."""
OUR_LEDGER = "${CHURN_ML_LEDGER}"
QUIET = {
    "DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def inherited(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a service takes over of the caller's environment, with our programs first on PATH.

    >>> inherited({"HOME": "/h", "AIRFLOW_HOME": "/other", "AIRFLOW_CONN_CRM": "http://crm"})
    {'HOME': '/h', 'AIRFLOW_CONN_CRM': 'http://crm', 'PATH': '...', 'NO_PROXY': '127.0.0.1,...'}
    """
    taken = {
        name: value
        for name, value in environment.items()
        if name not in OURS and (name.startswith(KEPT) or not name.startswith(DROPPED))
    }
    beside = [environment[n] for n in ("NO_PROXY", "no_proxy") if environment.get(n)][:1]
    direct = ",".join([HOST, "localhost", *beside])
    path = os.pathsep.join([sysconfig.get_path("scripts"), environment.get("PATH", os.defpath)])
    lower = {"no_proxy": direct} if "no_proxy" in environment else {}
    return taken | {"PATH": path, "NO_PROXY": direct} | lower


def airflow(stack: Stack) -> dict[str, str]:
    """What every component of Airflow, and so every task, sees."""
    return inherited() | QUIET | _airflow_settings(stack) | _tasks(stack) | dict(stack.settings)


def mlflow(stack: Stack) -> dict[str, str]:
    """What the MLflow server sees: no ledger, no holdout key, no connection of Airflow."""
    hosts = f"{HOST}:{stack.mlflow_port},localhost:{stack.mlflow_port}"
    mine = {
        "MLFLOW_AUTH_CONFIG_PATH": str(stack.folder / "mlflow" / "basic_auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": stack.secrets["mlflow_admin"],
        "MLFLOW_BACKEND_STORE_URI": stack.database("mlflow", "postgresql+psycopg2"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": stack.secrets["mlflow_session"],
        "MLFLOW_SERVER_ALLOWED_HOSTS": hosts,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return _apart(stack) | QUIET | mine


def postgres(stack: Stack) -> dict[str, str]:
    """What PostgreSQL sees: nothing secret at all."""
    return _apart(stack) | {"TZ": "UTC"}


def _apart(stack: Stack) -> dict[str, str]:
    """What a server beside Airflow takes over: neither the holdout key nor what tasks log in by."""
    taken = inherited().items()
    return {k: v for k, v in taken if k != stack.key_env and not k.startswith(KEPT)}


def _airflow_settings(stack: Stack) -> dict[str, str]:
    home, logs = stack.folder / "airflow", stack.folder / "logs"
    roles = [f"{name}:{'admin' if name == 'admin' else 'user'}" for name in stack.users]
    named = FIXED | {
        "API__BASE_URL": stack.airflow_url,
        "API__PORT": str(stack.airflow_port),
        "API__SECRET_KEY": stack.secrets["airflow_api"],
        "API_AUTH__JWT_SECRET": stack.secrets["airflow_jwt"],
        "CORE__DAGS_FOLDER": str(stack.dags),
        "CORE__EXECUTION_API_SERVER_URL": f"{stack.airflow_url}/execution/",
        "CORE__FERNET_KEY": stack.secrets["airflow_fernet"],
        "CORE__PLUGINS_FOLDER": str(stack.plugins),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(roles),
        "DATABASE__SQL_ALCHEMY_CONN": stack.database("airflow", "postgresql+psycopg2"),
        "LOGGING__BASE_LOG_FOLDER": str(logs / "tasks"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(logs / "dags"),
    }
    return {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{k}": v for k, v in named.items()}


def _tasks(stack: Stack) -> dict[str, str]:
    """Where the tasks find the shop, its ledger and MLflow."""
    mine = {"AIRFLOW_CONN_CHURN_LEDGER": stack.ledger_url} if takes_our_ledger(stack) else {}
    return mine | {
        "AIRFLOW_CONN_CHURN_MLFLOW": stack.mlflow_login_url,
        "CHURN_ML_CONFIG": str(stack.config),
        stack.key_env: stack.secrets["holdout"],
    }


def takes_our_ledger(stack: Stack) -> bool:
    """Whether churn.toml asks for the platform's PostgreSQL, as `[paths] ledger` = OUR_LEDGER.

    A shop that ran before has its champion, its suppressions and what the CRM acknowledged in the
    ledger that its churn.toml names: beside an empty one, everybody would be contacted again.
    """
    return load(stack.config).paths.ledger == OUR_LEDGER
