"""Links on task instances: what a task left in XCom becomes an address, or nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from churn_page import links
from churn_page.links import MlflowLink, ReceiptLink


@pytest.fixture(autouse=True)
def _address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://127.0.0.1:8080/flow/")


def link(kind: Any, left: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(links, "left", lambda ti_key, key: left)
    return str(kind.get_link(None, ti_key=SimpleNamespace(dag_id="churn_score")))


def test_a_receipt_opens_inside_airflows_own_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    found = link(ReceiptLink(), {"receipt": "score/2017-10-01/3"}, monkeypatch)
    assert found == (
        "http://127.0.0.1:8080/flow/plugin/churn/flow/churn/receipts/score/2017-10-01/3"
    )


@pytest.mark.parametrize(
    "left", [None, "text", 3, {}, {"receipt": "../../admin"}, {"receipt": "javascript:alert(1)//"}]
)
def test_what_is_no_reference_gives_no_link(left: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(ReceiptLink(), left, monkeypatch) == ""


def test_a_run_of_mlflow_is_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://127.0.0.1:5000/#/experiments/1/runs/ab"
    assert link(MlflowLink(), url, monkeypatch) == url


@pytest.mark.parametrize(
    "left", [None, "", {"url": 1}, "javascript:alert(1)", "data:text/html,x", "//host", " http://x"]
)
def test_only_http_becomes_a_link(left: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert link(MlflowLink(), left, monkeypatch) == ""


def test_tasks_of_other_dags_are_left_alone() -> None:
    """No query: there is no database here that could answer one."""
    assert links.left(SimpleNamespace(dag_id="payroll"), "return_value") is None


def test_xcom_is_read_as_the_api_server_stores_it() -> None:
    told = {"receipt": "score/2017-10-01/3"}
    assert links._plain(json.dumps(told)) == told
    assert links._plain(told) == told
    assert links._plain("http://host/x") == "http://host/x"
