"""The door of the DAGs: which day a run is for, who asked, and what is tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from churn_ml import errors
from churn_ml.errors import BadInput

from ..conftest import AIRFLOW_HOME
from .running import NOW, running


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
def test_what_may_pass_by_itself_is_tried_again_after_waits_that_grow(
    door: ModuleType, kind: type[Exception]
) -> None:
    from airflow.sdk import RetryAction

    found = door.RULES["default_args"]["retry_policy"].evaluate(kind("x"), 1, 3)
    assert (found.action, found.retry_delay) == (RetryAction.RETRY, None)
    assert door.RULES["default_args"]["retry_delay"] == timedelta(seconds=30)


def test_a_foreign_error_is_tried_as_often_after_waits_that_do_not_grow(door: ModuleType) -> None:
    from airflow.sdk import RetryAction

    found = door.RULES["default_args"]["retry_policy"].evaluate(ValueError("x"), 1, 3)
    assert (found.action, found.retry_delay) == (RetryAction.RETRY, timedelta(seconds=30))


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


def test_airflow_keeps_its_files_in_the_folder_of_the_tests(door: ModuleType) -> None:
    from airflow.sdk.configuration import conf

    assert conf.get("core", "dags_folder") == str(AIRFLOW_HOME / "dags")
