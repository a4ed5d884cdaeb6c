"""What a send outlasts: a service of Airflow's that is killed alone, and a database that is away.

Every outage strikes an export of twenty rows in doubt while the table waits in the middle of a
batch; the twin sends the same twenty.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from churn_ml.crm.protocol import REMOVED
from churn_ml.stack.api import Run
from churn_ml.stack.stopping import end_service

from .conftest import DRIVER, HEARTBEAT, HEARTBEAT_SECONDS, Running
from .crm import ROWS, Held, connected, held
from .records import tries_of
from .watching import (
    follow_further,
    kill,
    newest,
    task_of,
    tokens,
    wait_for_the_send,
    wait_until,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

LATER = "90"
AWAY = "alter database churn_ml allow_connections false"
BACK = "alter database churn_ml allow_connections true"
CUT = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'churn_ml'"


def test_o8_a_ledger_away_for_several_waits_is_asked_again_and_again(told: Running) -> None:
    """It alone: Airflow's own database answers, and counts the tries."""
    key = newest(told)
    with sending(told, key) as (crm, past), ledger_away(told):
        crm.let_go()
        wait_until(lambda: task_of(told, "churn_export", key, "export").try_number == 4)
    follow_further(told, key, past)
    tries = tries_of(told, task_of(told, "churn_export", key, "export"))
    assert [each.state for each in tries[:3]] == ["failed"] * 3
    assert tries[-1].state == "success"
    for doubled, (failed, again) in enumerate(pairwise(tries[:4])):
        assert again.began - failed.ended >= timedelta(seconds=2**doubled)
    told.check_same_as_the_twin()


def test_o8_a_postgresql_away_for_longer_than_a_heartbeat_loses_nothing(told: Running) -> None:
    """It has the ledger, the CRM's table and Airflow's own database: nobody can count a try.

    What is dead then starts with a longer heartbeat, which the next tests need.
    """
    key = newest(told)
    with sending(told, key) as (_, past):
        end_service(told.folder, "postgres")
        time.sleep(HEARTBEAT_SECONDS + 5)
        told.start(**{HEARTBEAT: LATER})
    follow_further(told, key, past)
    told.check_same_as_the_twin()


@pytest.mark.parametrize("service", ["dag-processor", "api-server"])
def test_c10_a_send_outlives_a_service_of_airflow_in_its_first_try(
    told: Running, service: str
) -> None:
    """All its work is done, and its end not yet told, while the service is dead.

    An API server that other tests run beside takes longer to start than a heartbeat of the year.
    """
    assert told.stack.settings[HEARTBEAT] == LATER
    key = newest(told)
    with sending(told, key) as (crm, past):
        kill(told, service)
        before = tokens(told, "export", key)
        crm.let_go()
        wait_until(lambda: published(told, key) == before, every_seconds=0.1)
        assert service not in told.stack.groups()
        told.start()
    follow_further(told, key, past)
    (only,) = tries_of(told, task_of(told, "churn_export", key, "export"))
    assert (only.name, only.state) == ("1", "success")
    assert tokens(told, "export", key) == before
    told.check_same_as_the_twin()


@contextmanager
def sending(told: Running, key: date) -> Iterator[tuple[Held, list[Run]]]:
    """An export of twenty rows in the middle of its batch, and the runs of the key before it."""
    state = told.house.ledger.state(ROWS)
    twenty = sorted(name for name, (content, _) in state.items() if content != REMOVED)[:20]
    past = told.airflow.runs(key.isoformat())
    told.twin_does(key, "doubt", told={ROWS: twenty})
    told.twin_does(key, "export")
    told.house.ledger.doubt(ROWS, twenty, told.house.clock())
    with held(told.crm) as crm:
        told.airflow.trigger("churn_export", key.isoformat())
        wait_for_the_send(told, crm, key)
        yield crm, past


@contextmanager
def ledger_away(told: Running) -> Iterator[None]:
    """The server lets nobody into the ledger's database while the block runs."""
    with connected(told.stack.database("postgres", DRIVER)) as server:
        server.execute(sa.text(AWAY))
        try:
            server.execute(sa.text(CUT))
            yield
        finally:
            server.execute(sa.text(BACK))


def published(told: Running, key: date) -> int:
    """Which attempt's export of the key stands."""
    found = told.house.ledger.publication("export", key)
    assert found is not None
    return found.token
