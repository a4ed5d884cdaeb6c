"""What a fresh MLflow and Airflow must hold before churn_ml works with them.

Enters: a `Stack` that answers. Leaves: MLflow's user `churn_ml`, who is not its administrator, and
Airflow's pool `churn_ml` of two slots for the heavy tasks. What is there already stays as it is: a
team may have changed the slots. Twice = once, so a slow answer is simply asked for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx

from churn_ml.errors import BadConfig, Unreachable
from churn_ml.stack.health import POLL_SECONDS, client
from churn_ml.stack.record import RECORD, Stack

POOL = {"name": "churn_ml", "slots": 2, "description": "the heavy tasks of churn_ml"}
PATIENCE_SECONDS = 90.0
REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


def prepare(stack: Stack) -> None:
    """Make the user and the pool.

    Raises BadConfig where a recorded login is refused, Unreachable where a server does not do it.
    """
    _patiently(lambda: _make_user(stack), f"MLflow on {stack.mlflow_url}")
    _patiently(lambda: _make_pool(stack), f"Airflow on {stack.airflow_url}")


def _make_user(stack: Stack) -> None:
    told = {"username": "churn_ml", "password": stack.secrets["mlflow"]}
    login = ("admin", stack.secrets["mlflow_admin"])
    name = {"username": "churn_ml"}
    with client(stack.mlflow_url, auth=("churn_ml", told["password"])) as http:
        if http.get("/api/2.0/mlflow/users/get", params=name).is_success:
            return  # what the administrator's password is by now is no matter
    with client(stack.mlflow_url, auth=login) as http:
        known = http.get("/api/2.0/mlflow/users/get", params=name)
        if known.status_code == httpx.codes.NOT_FOUND:
            known = http.post("/api/2.0/mlflow/users/create", json=told)
        known.raise_for_status()


def _make_pool(stack: Stack) -> None:
    login = {"username": "admin", "password": stack.users["admin"]}
    with client(stack.airflow_url) as http:
        token = http.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        known = http.get(f"/api/v2/pools/{POOL['name']}", headers=bearer)
        if known.status_code == httpx.codes.NOT_FOUND:
            known = http.post("/api/v2/pools", json=POOL, headers=bearer)
        known.raise_for_status()


def _patiently(ask: Callable[[], None], where: str) -> None:
    """Ask until it works: a server that has just come up on a busy machine may take its time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except httpx.HTTPError as error:
            if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in REFUSED:
                raise _refused(where, error.response.status_code) from error
            if time.monotonic() > deadline:
                raise Unreachable(
                    "a server of the platform came up but does not do what it is asked",
                    where=where,
                    got=str(error),
                    next_step="read its log below the folder; then start again",
                ) from error
        time.sleep(POLL_SECONDS)


def _refused(where: str, status: int) -> BadConfig:
    """The error for a login that the server knows no more: asking again does not help."""
    return BadConfig(
        "a server of the platform refuses the login that the stack has recorded",
        where=where,
        got=str(int(status)),
        expected=f"the passwords in {RECORD}",
        next_step="set the former password again, or write the new one there",
    )
