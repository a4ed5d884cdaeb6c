"""A year through a real Airflow: by assets and by backfill, beside a twin that no scheduler runs.

The tests of the files test_year*.py follow each other: each takes the next days of the shop. In the
end, Airflow's house and its CRMs hold the same content as the twin's.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from .conftest import DAY, FIRST, SECOND, Running
from .records import check_backfilled_oldest_first
from .watching import follow_further, task_of, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

RANGE = (date(2017, 11, 2), date(2017, 11, 3))


def test_the_story_through_airflow_ends_in_the_content_of_the_direct_one(told: Running) -> None:
    told.check_same_as_the_twin()
    assert told.house.champion(FIRST) == told.twin.champion(FIRST)
    assert told.house.champion(FIRST)


def test_no_run_is_keyed_today_or_has_no_key(told: Running) -> None:
    keys = {run.key for run in told.airflow.runs()}
    assert keys == {FIRST.isoformat(), SECOND.isoformat()}
    assert datetime.now(UTC).date().isoformat() not in keys


def test_receipts_name_the_task_that_asked_for_them(told: Running) -> None:
    (scored,) = told.house.ledger.receipts("score", SECOND)
    assert scored.caller is not None
    assert scored.caller.startswith(f"{told.airflow_url}/dags/churn_score/runs/")
    handed_on = told.airflow.xcom(task_of(told, "churn_score", SECOND, "score"))
    assert handed_on["receipt"] == scored.receipt.reference
    assert set(handed_on) == {"receipt", "status", "rows_in", "rows_out"}


def test_mlflow_holds_every_model_and_the_run_leads_back_to_airflow(told: Running) -> None:
    house = told.house
    logged = house.ledger.receipt(f"log/{SECOND.isoformat()}/1").receipt.details
    assert logged["run_url"].startswith(told.stack.mlflow_url)
    models = [m for m in house.ledger.models() if m.trained_as_of == SECOND]
    assert {m.id for m in models} == set(logged["mlflow"])
    assert all(m.mlflow_run and m.mlflow_version for m in house.ledger.models())
    assert house.registry.aliases()["champion"] == house.champion(SECOND)
    assert told.stack.secrets["mlflow"] not in logged["run_url"]


def test_two_days_backfilled_are_the_two_days_one_by_one(told: Running) -> None:
    asked = told.airflow.backfill("churn_ingest", RANGE[0], RANGE[-1])
    for day in RANGE:
        told.twin_does(day, *DAY)
    wait_until(lambda: told.airflow.backfilled(asked))
    for day in RANGE:
        follow_further(told, day, [])
    check_backfilled_oldest_first(told, *RANGE)
    told.check_same_as_the_twin()
    days = {run.key for run in told.airflow.runs(dag="churn_ingest")}
    assert days == {day.isoformat() for day in (FIRST, SECOND, *RANGE)}
