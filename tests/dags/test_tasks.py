"""The tasks of the DAGs: what each hands on, skips and announces.

They run here as plain functions under a context of their own: no scheduler, no Airflow database.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import load
from churn_ml.errors import NotReady, StaleAttempt, TooEarly, Transient
from churn_ml.house import open_house, open_ledger

from ..conftest import FIRST
from .running import PAGE, running


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
