"""The services of a live stack: private, on loopback, with logins, and telling how they are."""

from __future__ import annotations

from typing import Any

import httpx
import psutil
import pytest

from churn_ml import stack as platform
from churn_ml.ledger import Ledger
from churn_ml.stack import Stack
from churn_ml.stack.processes import members, pss_megabytes
from churn_ml.stack.record import SERVICES

from .conftest import Running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


@pytest.fixture
def stack(running: Running) -> Stack:
    return running.stack


def airflow(stack: Stack, user: str) -> httpx.Client:
    options: dict[str, Any] = {"base_url": stack.airflow_url, "trust_env": False, "timeout": 60}
    login = {"username": user, "password": stack.users[user]}
    with httpx.Client(**options) as client:
        token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
    return httpx.Client(**options, headers={"Authorization": f"Bearer {token}"})


def mlflow(stack: Stack, login: tuple[str, str] | None) -> httpx.Client:
    return httpx.Client(base_url=stack.mlflow_url, auth=login, trust_env=False, timeout=60)


def test_every_service_lives_and_status_says_so(stack: Stack) -> None:
    told = platform.status(stack.folder)
    assert told["running"]
    assert list(told["services"]) == list(SERVICES) == list(stack.groups())
    assert 300 < told["pss_mb"] < 3000
    assert pss_megabytes(members(stack.folder, "scheduler")) < told["pss_mb"]


def test_every_listening_socket_is_on_loopback(stack: Stack) -> None:
    listening = {
        connection.laddr.ip
        for process in members(stack.folder)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_the_ledger_can_be_opened_beside_airflow(stack: Stack) -> None:
    assert len(Ledger.open(stack.ledger_url).id) == 32


def test_the_pool_of_the_heavy_tasks_has_two_slots(stack: Stack) -> None:
    with airflow(stack, "admin") as api:
        assert api.get("/api/v2/pools/churn_ml").json()["slots"] == 2


def test_the_approver_reads_questions_and_administers_nothing(stack: Stack) -> None:
    pool = {"name": "mine", "slots": 1}
    with airflow(stack, "demo-approver") as api:
        asked = api.get("/api/v2/dags/~/dagRuns/~/hitlDetails")
        assert asked.status_code == httpx.codes.OK
        assert api.post("/api/v2/pools", json=pool).status_code == httpx.codes.FORBIDDEN
        assert api.get("/api/v2/connections").status_code == httpx.codes.FORBIDDEN


def test_airflow_lets_nobody_in_without_a_login(stack: Stack) -> None:
    with httpx.Client(base_url=stack.airflow_url, trust_env=False, timeout=60) as api:
        assert api.get("/api/v2/dags").status_code == httpx.codes.UNAUTHORIZED


def test_mlflow_knows_churn_ml_and_nobody_else(stack: Stack) -> None:
    search = "/api/2.0/mlflow/experiments/search?max_results=1"
    guest = {"username": "guest", "password": "0123456789abc"}
    with mlflow(stack, None) as http:
        assert http.get(search).status_code == httpx.codes.UNAUTHORIZED
    with mlflow(stack, ("churn_ml", stack.mlflow_users["churn_ml"])) as http:
        assert http.get(search).status_code == httpx.codes.OK
        refused = http.post("/api/2.0/mlflow/users/create", json=guest)
        assert refused.status_code == httpx.codes.FORBIDDEN


def test_no_command_line_and_no_log_holds_a_secret(stack: Stack) -> None:
    secrets = [*stack.secrets.values(), *stack.users.values()]
    seen = " ".join(part for process in members(stack.folder) for part in process.cmdline())
    logs = [path for path in (stack.folder / "logs").rglob("*") if path.is_file()]
    assert len(logs) >= len(SERVICES)
    text = seen + " ".join(path.read_text(errors="replace") for path in logs)
    assert not [secret for secret in secrets if secret in text]
