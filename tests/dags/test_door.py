"""The door of the DAGs: which day a run is for, which house is opened, what is handed on.

Tasks run here as plain functions under a context of their own: no scheduler, no Airflow database.
Connections are real ones, from the environment.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from churn_ml import errors, flow
from churn_ml.attempt import attempt
from churn_ml.config import from_text, load
from churn_ml.connections import Endpoint
from churn_ml.errors import BadConfig, BadInput, NotReady, StaleAttempt, TooEarly, Transient
from churn_ml.house import open_house, open_ledger

from ..conftest import AIRFLOW_HOME, FIRST
from .running import NOW, PAGE, running


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
    assert door.addresses.url("churn_test") == url


@pytest.mark.parametrize(
    "known", ["http://", '{"conn_type": "http"}', '{"conn_type": "http", "host": "https://"}']
)
def test_a_connection_without_a_host_is_named(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CHURN_MLFLOW", known)
    with pytest.raises(BadConfig, match="connection churn_mlflow has no host"):
        door.addresses.url("churn_mlflow")


def test_where_no_connection_is_known_churn_toml_speaks(door: ModuleType, at_shop: Path) -> None:
    assert door.addresses.url("churn_ledger") is None
    with running("2017-10-01"):
        assert door.house().ledger.url == f"sqlite:///{at_shop}/ledger.db"


def test_the_connections_speak_before_churn_toml(
    door: ModuleType, at_shop: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CHURN_LEDGER", postgres.replace("+psycopg2", ""))
    with running("2017-10-01"):
        opened = door.house()
    assert opened.ledger.url.startswith("postgresql")
    assert opened.caller == PAGE
    opened.ledger.close()


@pytest.mark.parametrize(("run_type", "name"), [("manual", "ada"), ("asset_triggered", None)])
def test_a_house_knows_who_started_the_run_by_hand(
    door: ModuleType, at_shop: Path, run_type: str, name: str | None
) -> None:
    with running("2017-10-01", run_type=run_type):
        assert door.house().requester == name


def _leaves(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(leaf for each in kind.__subclasses__() for leaf in _leaves(each))]


@pytest.mark.parametrize("kind", _leaves(errors.Permanent), ids=lambda kind: kind.__name__)
def test_what_somebody_has_to_mend_fails_at_the_first_try(
    door: ModuleType, kind: type[Exception]
) -> None:
    from airflow.sdk import RetryAction

    policy = door.RULES["default_args"]["retry_policy"]
    assert policy.evaluate(kind("x"), 1, 3).action == RetryAction.FAIL


@pytest.mark.parametrize("kind", _leaves(errors.Transient), ids=lambda kind: kind.__name__)
def test_what_may_pass_by_itself_is_tried_again_after_the_wait_of_churn_toml(
    door: ModuleType, kind: type[Exception]
) -> None:
    from airflow.sdk import RetryAction

    found = door.RULES["default_args"]["retry_policy"].evaluate(kind("x"), 1, 3)
    assert (found.action, found.retry_delay) == (RetryAction.RETRY, timedelta(seconds=30))


def test_a_foreign_error_is_tried_as_often_as_churn_toml_says(door: ModuleType) -> None:
    from airflow.sdk import RetryAction

    policy = door.RULES["default_args"]["retry_policy"]
    assert policy.evaluate(ValueError("x"), 1, 3).action == RetryAction.DEFAULT


def test_a_backfill_of_several_days_at_once_is_refused_before_anything_is_read(
    at_shop: Path, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    with running("2017-10-01", run_type="backfill", repin=False) as context:
        context["ti"].running = 2
        with pytest.raises(BadInput, match="start the backfill again with max active runs 1"):
            work("churn_ingest", "ingest")()


@pytest.mark.parametrize(("run_type", "others"), [("backfill", 1), ("manual", 2), ("scheduled", 2)])
def test_one_day_after_the_other_is_not_refused(
    door: ModuleType, run_type: str, others: int
) -> None:
    with running("2017-10-01", run_type=run_type) as context:
        context["ti"].running = others
        door.in_order()


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

    expected = TooEarly if run_type == "manual" else AirflowSkipException
    with running("2017-02-01", run_type=run_type, repin=False) as context:
        with pytest.raises(expected, match="history is too short"):
            work("churn_train", "prepare")()
    told = {"receipt": "train/2017-02-01/1", "status": "too_early", "rows_in": 0, "rows_out": 0}
    assert context["ti"].pushed == ({} if run_type == "manual" else {"return_value": told})
    assert not context["outlet_events"]


def test_a_history_too_short_skips_an_event_where_the_ledger_was_away_too(
    at_shop: Path,
    work: Callable[[str, str], Callable[..., Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    def away(*_: Any) -> None:
        raise Transient("the ledger did not answer")

    monkeypatch.setattr("churn_ml.ledger.Ledger.record_failure", away)
    with running("2017-02-01", repin=False) as context:
        with pytest.raises(AirflowSkipException, match="history is too short"):
            work("churn_train", "prepare")()
    assert context["ti"].pushed == {"return_value": {"status": "too_early"}}


def test_what_a_training_lacks_otherwise_fails_an_event_too(
    at: Callable[[Path], Path], laid_out: Path, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    at(laid_out)  # nothing is ingested
    with running("2017-10-01", repin=False), pytest.raises(NotReady) as raised:
        work("churn_train", "prepare")()
    assert not isinstance(raised.value, TooEarly)


def test_a_training_that_broke_off_after_its_publication_is_taken_up(
    door: ModuleType, at_scored: Path, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    """Published, and its task died before Airflow knew: the event is owed."""
    from airflow.sdk.exceptions import AirflowSkipException

    with running("2017-10-01", repin=False) as context:
        assert not flow.due(door.house(), FIRST)
        for name in (names := work("churn_train", "prepare")()):
            work("churn_train", "fit")(name)
        told = work("churn_train", "conclude")()
    assert names == ["rule"]
    assert told["receipt"] == "train/2017-10-01/2"
    assert context["outlet_events"][door.CHALLENGER].extra == {"receipt": told["receipt"]}
    with running("2017-10-01"):
        work("churn_train", "log")()
    with running("2017-10-01", repin=False) as context, pytest.raises(AirflowSkipException):
        work("churn_train", "prepare")()
    assert context["ti"].pushed == {"return_value": {"status": "not_due"}}, "there is no receipt"


def test_only_counting_an_export_sends_nothing(
    at_scored: Path, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    with running("2017-10-01", dry_run=True):
        told = work("churn_export", "export")()
    assert told["status"] == "dry_run"
    assert not (at_scored / "exports").exists()
    assert not (at_scored / "crm.db").exists()
    with running("2017-10-01", dry_run=False):
        work("churn_export", "export")()
    assert list((at_scored / "exports").iterdir())
    assert (at_scored / "crm.db").exists()


def test_an_answer_counts_for_the_verdict_that_its_question_showed(
    at_scored: Path, work: Callable[[str, str], Callable[..., Any]]
) -> None:
    with running("2017-10-01"):
        judged = work("churn_promote", "judge")()
        decided = work("churn_promote", "record")(None, judged)
    assert decided["kind"] == "first"
    house = open_house(load(at_scored / "churn.toml"))
    verdict = house.ledger.publication("judge", FIRST).pins["verdict"]
    other = verdict | {"challenger": "xgboost-0123456789ab", "evidence_hash": "another"}
    with attempt(house, "judge", FIRST, (), repin=True) as trial:
        trial.pins["verdict"], trial.details = other, dict(other)
        trial.status = other["decision"]
    with running("2017-10-01"), pytest.raises(StaleAttempt):
        work("churn_promote", "record")(None, judged)


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
        decided = work("churn_promote", "announce")(told | {"kind": "first"})
    assert decided == told | {"kind": "first"}
    assert context["outlet_events"][door.CHAMPION].extra == told
    with running("2017-11-01"), pytest.raises(AirflowSkipException):
        work("churn_promote", "announce")(told | {"kind": "promote"})


def test_airflow_keeps_its_files_in_the_folder_of_the_tests(door: ModuleType) -> None:
    from airflow.sdk.configuration import conf

    assert conf.get("core", "dags_folder") == str(AIRFLOW_HOME / "dags")


def test_the_door_knows_the_connections_that_destinations_name(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = '[shop]\nname = "s"\ncurrency = "EUR"\n'
    crm = '[destinations.crm]\nkind = "hubspot"\nconnection = "hubspot_crm"\n'
    told = {"conn_type": "hubspot", "login": "id", "password": "s/1"}
    told |= {"extra": {"refresh_token": "r=1&x"}}
    monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_CRM", json.dumps(told))
    found = door.addresses.named(from_text(shop + crm))
    endpoint = Endpoint.of(found["hubspot_crm"], "here")
    assert (endpoint.kind, endpoint.login, endpoint.password) == ("hubspot", "id", "s/1")
    assert endpoint.extra == {"refresh_token": "r=1&x"}
