"""The door of the DAGs: which day a run is for, which house is opened, what is handed on.

Tasks run here as plain functions under a context of their own: no scheduler, no Airflow database.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from churn_ml.config import load
from churn_ml.errors import BadInput, NotReady
from churn_ml.house import open_ledger

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
PAGE = "http://127.0.0.1:8080/dags/churn_score/runs/r1/tasks/score"


@dataclass
class Task:
    """A task instance as far as the door knows one."""

    log_url: str = PAGE
    pushed: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


class Events(dict[Any, SimpleNamespace]):
    """Outlet events by asset, made when asked for."""

    def __missing__(self, asset: Any) -> SimpleNamespace:
        self[asset] = SimpleNamespace(extra={})
        return self[asset]


@contextmanager
def running(
    key: str | None, *, run_type: str = "asset_triggered", **params: Any
) -> Iterator[dict[str, Any]]:
    """The context of a task in the run with that partition key."""
    from airflow.sdk.execution_time.context import set_current_context

    run = SimpleNamespace(
        dag_id="churn_score", run_id="r1", partition_key=key, run_after=NOW, run_type=run_type
    )
    context = {"dag_run": run, "ti": Task(), "outlet_events": Events(), "params": params}
    with set_current_context(context):  # type: ignore[arg-type]
        yield context


@pytest.fixture
def at_shop(
    door: ModuleType, ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A shop whose history to 2017-10-01 is ingested; the DAG files are read under its settings."""
    shop = Path(shutil.copytree(ingested, tmp_path / "shop"))
    monkeypatch.setattr(door, "CONFIG", load(shop / "churn.toml"))
    monkeypatch.setattr(door, "_url", dict.fromkeys(("churn_ledger", "churn_mlflow")).get)
    return shop


@pytest.fixture
def work(door: ModuleType) -> Callable[[str, str], Callable[..., Any]]:
    """The function behind a task, by DAG and task."""

    def found(dag_id: str, task_id: str) -> Callable[..., Any]:
        dag = getattr(importlib.import_module(dag_id), dag_id)()
        function: Callable[..., Any] = dag.get_task(task_id).python_callable
        return function

    return found


def test_the_partition_key_is_the_as_of(door: ModuleType) -> None:
    with running("2017-10-01"):
        assert door.as_of().isoformat() == "2017-10-01"


@pytest.mark.parametrize(
    "key", [None, "", "yesterday", "20171001", "2017-W40-7", "2017-10-01T00:00:00", "2026-11-23"]
)
def test_a_key_that_is_no_day_that_has_begun_is_refused_before_a_house_is_opened(
    door: ModuleType, key: str | None
) -> None:
    with running(key), pytest.raises(BadInput, match="fill in the partition key"):
        door.house()


def test_a_run_for_today_is_no_run_for_the_future(door: ModuleType) -> None:
    with running("2026-11-22"):
        assert door.as_of() == NOW.date()


@pytest.mark.parametrize(
    ("known", "url"),
    [
        ("postgresql://ada:p%40ss@db:5432/churn_ml", "postgres://ada:p%40ss@db:5432/churn_ml"),
        ("postgresql://ada:@/churn_ml?host=/run/pg", "postgres://ada:@/churn_ml?host=%2Frun%2Fpg"),
        ("http://churn_ml:s%2Fx@127.0.0.1:5000", "http://churn_ml:s%2Fx@127.0.0.1:5000"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://ada:p@mlflow.example.com", "https://ada:p@mlflow.example.com"),
        (
            '{"conn_type": "http", "host": "https://mlflow.example.com", "login": "ada",'
            ' "password": "p"}',
            "https://ada:p@mlflow.example.com",
        ),
        (
            '{"conn_type": "http", "host": "mlflow.example.com", "schema": "https", "port": 8443}',
            "https://mlflow.example.com:8443",
        ),
    ],
)
def test_a_connection_stands_for_its_url(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch, known: str, url: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CHURN_TEST", known)
    assert door._url("churn_test") == url


def test_where_no_connection_is_known_churn_toml_speaks(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowNotFoundException

    def absent(conn_id: str) -> Any:
        raise AirflowNotFoundException(conn_id)

    monkeypatch.setattr(door.Connection, "get", absent)
    assert door._url("churn_ledger") is None


def test_scoring_without_a_champion_is_skipped_and_its_receipt_stays_in_xcom(
    at_shop: Path, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    with running("2017-10-01", repin=False) as context, pytest.raises(AirflowSkipException):
        work("churn_score", "score")()
    told = {"receipt": "score/2017-10-01/1", "status": "no_champion", "rows_in": 0, "rows_out": 0}
    assert context["ti"].pushed == {"return_value": told}
    assert not context["outlet_events"], "no event: nothing may follow"


def test_a_receipt_names_the_page_of_the_task_that_asked(
    at_shop: Path, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    with running("2017-10-01", repin=False), pytest.raises(AirflowSkipException):
        work("churn_learn", "learn")()
    filed = open_ledger(load(at_shop / "churn.toml")).receipt("learn/2017-10-01/1")
    assert filed.caller == PAGE


def test_an_event_names_the_receipt_behind_it(
    door: ModuleType, at_shop: Path, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    with running("2017-10-01", run_type="manual", repin=False) as context:
        told = work("churn_ingest", "ingest")()
    assert set(told) == {"receipt", "status", "rows_in", "rows_out"}
    assert context["outlet_events"][door.CANONICAL].extra == {"receipt": told["receipt"]}


@pytest.mark.parametrize("run_type", ["manual", "asset_triggered"])
def test_a_history_too_short_fails_whoever_asked_and_skips_an_event(
    at_shop: Path, work: Callable[[str, str], Callable[..., Any]], run_type: str
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    expected = NotReady if run_type == "manual" else AirflowSkipException
    with running("2017-02-01", run_type=run_type, repin=False) as context:
        with pytest.raises(expected):
            work("churn_train", "train")()
    if run_type != "manual":
        assert context["ti"].pushed["return_value"]["status"] == "not_ready"


@pytest.mark.parametrize(("asks", "task"), [(True, "ask"), (False, "record")])
def test_a_person_is_asked_only_where_the_verdict_asks(
    work: Callable[[str, str], Callable[..., Any]], asks: bool, task: str
) -> None:
    assert work("churn_promote", "route")({"asks": asks}) == task


def test_only_the_first_champion_is_announced(
    door: ModuleType, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    told = {"receipt": "promote/2017-10-01/1"}
    with running("2017-10-01") as context:
        work("churn_promote", "announce")(told | {"kind": "first"})
    assert context["outlet_events"][door.CHAMPION].extra == told
    with running("2017-11-01"), pytest.raises(AirflowSkipException):
        work("churn_promote", "announce")(told | {"kind": "promote"})


def test_airflow_keeps_its_files_below_the_tests_folder(
    airflow_home: Path, door: ModuleType
) -> None:
    from airflow.sdk.configuration import conf

    assert conf.get("core", "dags_folder") == str(airflow_home / "dags")
