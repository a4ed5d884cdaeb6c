"""Logins are said in a terminal and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("psutil")

from churn_ml.demo import words
from churn_ml.program import called
from churn_ml.stack.record import Stack


def test_in_a_terminal_every_login_stands_beside_its_address(stack: Stack) -> None:
    airflow, page, mlflow = words.addresses(stack, logins=True).splitlines()
    assert "http://127.0.0.1:8080" in airflow
    assert "admin / pass-of-admin, demo-approver / pass-of-approver" in airflow
    assert page.endswith("http://127.0.0.1:8080/plugin/churn")
    assert mlflow.endswith(f"churn_ml / {stack.secrets['mlflow']}")


def test_without_a_terminal_no_password_is_said(stack: Stack) -> None:
    told = words.addresses(stack, logins=False)
    assert "http://127.0.0.1:5000" in told
    assert f"{called()} stack status --logins --folder /shop/var/demo" in told
    assert not any(p in told for p in (*stack.users.values(), *stack.secrets.values()))


def test_make_is_told_to_go_on_by_make_and_others_by_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAKELEVEL", "1")
    assert words.again(Path("var/demo")) == "KEEP=1 make demo"
    assert words.again(Path("var/demo"), direct=True) == "KEEP=1 DIRECT=1 make demo"
    assert words.again(Path("x")) == f"{called()} demo --keep --folder x"
    monkeypatch.delenv("MAKELEVEL")
    assert words.again(Path("var/demo")) == f"{called()} demo --keep --folder var/demo"


def test_the_report_holds_addresses_and_no_login(stack: Stack) -> None:
    assert words.urls(stack) == {
        "Airflow": "http://127.0.0.1:8080",
        "the page": "http://127.0.0.1:8080/plugin/churn",
        "MLflow": "http://127.0.0.1:5000",
    }
