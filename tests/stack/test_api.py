"""A lost answer does not end a story: against a scripted wire, wish by wish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from churn_ml.errors import BadInput, Unreachable
from churn_ml.stack import following
from churn_ml.stack.api import Airflow, Task
from churn_ml.stack.following import patiently

RUN = {
    "dag_id": "churn_ingest",
    "dag_run_id": "manual__1",
    "partition_key": "2017-10-01",
    "state": "running",
    "duration": None,
}
ASK = Task("churn_promote", "r1", "ask", "awaiting_input", 1)
Reply = Callable[[httpx.Request], httpx.Response]


def airflow(reply: Reply) -> Airflow:
    """A client whose requests `reply` answers; nobody listens."""
    client = Airflow("http://airflow", "demo-approver", "x")
    client._http = httpx.Client(
        base_url="http://airflow", transport=httpx.MockTransport(reply), trust_env=False
    )
    return client


def scripted(*told: tuple[str, int, Any]) -> Reply:
    """Answers in order; each names the method that it expects."""
    left = list(told)

    def reply(request: httpx.Request) -> httpx.Response:
        method, status, body = left.pop(0)
        assert request.method == method
        return httpx.Response(status, json=body)

    return reply


def answered(who: str, option: str) -> dict[str, Any]:
    return {"responded_by_user": {"id": who, "name": who}, "chosen_options": [option]}


def test_an_answer_whose_receipt_was_lost_may_be_given_again() -> None:
    conflict = ("PATCH", 409, {"detail": "already"})
    with airflow(scripted(conflict, ("GET", 200, answered("demo-approver", "Promote")))) as person:
        person.answer(ASK, "Promote")


@pytest.mark.parametrize(("who", "option"), [("ada", "Promote"), ("demo-approver", "Reject")])
def test_another_answer_or_somebody_elses_is_not_taken_for_ones_own(who: str, option: str) -> None:
    conflict = ("PATCH", 409, {"detail": "already"})
    with (
        airflow(scripted(conflict, ("GET", 200, answered(who, option)))) as person,
        pytest.raises(BadInput, match="409: already"),
    ):
        person.answer(ASK, "Promote")


def test_a_trigger_whose_receipt_was_lost_finds_the_run_that_it_made() -> None:
    lost = scripted(("POST", 502, {}), ("POST", 409, {"detail": "there"}), ("GET", 200, RUN))
    with airflow(lost) as api:
        made = patiently(lambda: api.trigger("churn_ingest", "2017-10-01", run_id="manual__1"))
    assert made.id == "manual__1"


def test_a_trigger_without_a_run_id_takes_no_other_run_for_its_own() -> None:
    with (
        airflow(scripted(("POST", 409, {"detail": "there"}))) as api,
        pytest.raises(BadInput, match="409: there"),
    ):
        api.trigger("churn_ingest", "2017-10-01")


def test_an_airflow_that_does_not_tell_what_was_announced_is_not_taken_for_a_silent_one() -> None:
    with (
        airflow(scripted(("GET", 404, {}))) as api,
        pytest.raises(BadInput, match=r"expected: Airflow 3\.3"),
    ):
        api.announced("2017-10-01")


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "AWAY_SECONDS", 0.0)
    with airflow(scripted(("GET", 503, {}))) as api, pytest.raises(Unreachable):
        patiently(api.import_errors)
