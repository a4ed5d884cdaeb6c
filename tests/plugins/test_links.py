"""Links on task instances: what a task left in XCom becomes an address, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from churn_page import links
from churn_page.links import MlflowLink, ReceiptLink, TargetLink


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


@pytest.mark.parametrize(
    ("dag", "page", "found"),
    [
        (
            "churn_export",
            "https://app.hubspot.com/contacts/1",
            "https://app.hubspot.com/contacts/1",
        ),
        ("churn_export.club", "https://app.hubspot.com/contacts/1", ""),
        ("churn_export", "javascript:alert(1)", ""),
        ("churn_export", "", ""),
        ("churn_score", "https://app.hubspot.com/contacts/1", ""),
    ],
)
def test_an_export_is_linked_to_the_page_of_its_destination(
    settings: Path, dag: str, page: str, found: str
) -> None:
    with settings.open("a", encoding="utf-8") as file:
        file.write(f'[destinations.bi]\nkind = "file"\ntarget = "bi"\npage = "{page}"\n')
    assert TargetLink().get_link(None, ti_key=SimpleNamespace(dag_id=dag)) == found  # type: ignore[arg-type]


def test_an_export_without_settings_has_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHURN_ML_CONFIG", raising=False)
    key: Any = SimpleNamespace(dag_id="churn_export")
    assert TargetLink().get_link(None, ti_key=key) == ""


def test_tasks_of_other_dags_are_left_alone() -> None:
    """No query: there is no database here that could answer one."""
    assert links.left(SimpleNamespace(dag_id="payroll"), "return_value") is None


def test_xcom_is_read_as_the_api_server_stores_it() -> None:
    told = {"receipt": "score/2017-10-01/3"}
    assert links._plain(json.dumps(told)) == told
    assert links._plain(told) == told
    assert links._plain("http://host/x") == "http://host/x"
