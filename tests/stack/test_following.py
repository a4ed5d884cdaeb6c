"""A key is followed until nothing more can come of it: against a scripted Airflow, look by look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from churn_ml.errors import NotReady, Permanent, Transient, Unreachable
from churn_ml.stack import following
from churn_ml.stack.api import Run, Task
from churn_ml.stack.following import follow, look

KEY = "2017-10-01"
INGEST, SCORE, PROMOTE = (
    Run(f"churn_{d}", d, KEY, "running") for d in ("ingest", "score", "promote")
)


def ended(run: Run, state: str = "success") -> Run:
    return Run(run.dag, run.id, run.key, state, 1.0)


def task(run: Run, name: str, state: str | None, try_number: int = 1) -> Task:
    return Task(run.dag, run.id, name, state, try_number)


@dataclass
class Scripted:
    """An Airflow that says, request by request, what a test wrote down; the last word stands."""

    runs_said: list[list[Run]]
    tasks_said: list[list[Task]] = field(default_factory=lambda: [[]])
    announced_said: list[list[str]] = field(default_factory=lambda: [[]])
    away: int = 0
    url: str = "http://airflow"

    def runs(self, key: str) -> list[Run]:
        if self.away:
            self.away -= 1
            raise Unreachable("away")
        return next_of(self.runs_said)

    def tasks(self, _: Any) -> list[Task]:
        return next_of(self.tasks_said)

    def announced(self, key: str) -> list[str]:
        return next_of(self.announced_said)

    def log_tail(self, failed: Task) -> str:
        return f"the end of the log of {failed.name}"


def next_of(said: list[Any]) -> Any:
    return said.pop(0) if len(said) > 1 else said[0]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.0)


def test_a_key_is_at_rest_when_its_runs_have_ended_and_no_event_waits_for_a_run() -> None:
    assert look(Scripted([[ended(INGEST)]]), KEY).ended
    assert not look(Scripted([[INGEST]]), KEY).at_rest
    assert not look(Scripted([[ended(INGEST)]], announced_said=[["churn_score"]]), KEY).at_rest


def test_a_run_that_appears_between_two_requests_keeps_the_key_open() -> None:
    said = [[ended(INGEST)], [ended(INGEST), SCORE]]
    assert not look(Scripted(said), KEY).at_rest


def test_runs_of_an_earlier_story_are_left_out() -> None:
    airflow = Scripted([[ended(INGEST, "failed"), ended(SCORE)]])
    assert look(airflow, KEY, past=[INGEST]).runs == (ended(SCORE),)


def test_the_story_goes_on_until_every_run_that_assets_started_has_ended() -> None:
    said = [[INGEST], [ended(INGEST)], [ended(INGEST)], [ended(INGEST), SCORE]]
    last = [ended(INGEST), ended(SCORE)]
    airflow = Scripted([*said, last], announced_said=[["churn_score"], []])
    assert follow(airflow, KEY, limit_seconds=5).runs == tuple(last)


def test_every_state_of_a_task_is_told_once_and_a_new_try_again() -> None:
    states = [("running", 1), ("running", 1), ("up_for_retry", 1), ("running", 2), ("success", 2)]
    said = [[task(INGEST, "ingest", *state)] for state in states]
    runs = [[INGEST]] * 4 + [[ended(INGEST)]]
    told: list[tuple[str | None, int]] = []
    follow(
        Scripted(runs, said),
        KEY,
        limit_seconds=5,
        tell=lambda t: told.append((t.state, t.try_number)),
    )
    assert told == [("running", 1), ("up_for_retry", 1), ("running", 2), ("success", 2)]


def test_a_question_is_answered_once_and_only_when_nothing_else_moves() -> None:
    ask, behind = task(PROMOTE, "ask", "awaiting_input"), task(PROMOTE, "record", None)
    export = task(SCORE, "score", "running")
    moving = [PROMOTE, SCORE], [ask, behind, export]
    resting = [PROMOTE, ended(SCORE)], [ask, behind, task(SCORE, "score", "success")]
    done = [ended(PROMOTE), ended(SCORE)], [task(PROMOTE, "ask", "success")]
    # a look reads the runs twice once nothing moves
    runs = [moving[0], *[resting[0]] * 4, done[0]]
    airflow = Scripted(runs, [moving[1], resting[1], resting[1], done[1]])
    asked: list[Task] = []
    seen_before = []

    def answer(question: Task) -> bool:
        asked.append(question)
        seen_before.append(len(airflow.tasks_said))
        return True

    follow(airflow, KEY, limit_seconds=5, answer=answer)
    assert asked == [ask]
    assert seen_before == [2]  # not at the first look, while the day was still being scored


def test_a_failed_run_ends_the_story_with_dag_task_key_and_the_end_of_its_log() -> None:
    airflow = Scripted([[ended(SCORE, "failed")]], [[task(SCORE, "score", "failed")]])
    with pytest.raises(Permanent, match="churn_score failed for 2017-10-01 in its task score") as e:
        follow(airflow, KEY, limit_seconds=5)
    assert "the end of the log of score" in str(e.value)
    assert "http://airflow/dags/churn_score/runs/score" in str(e.value)


def test_a_key_that_does_not_end_in_time_names_what_is_open() -> None:
    airflow = Scripted([[SCORE]], [[task(SCORE, "score", "queued")]])
    with pytest.raises(Transient, match=r"did not end within 0 s.*churn_score\.score queued"):
        follow(airflow, KEY, limit_seconds=0)


def test_airflow_may_be_restarted_meanwhile() -> None:
    assert follow(Scripted([[ended(INGEST)]], away=5), KEY, limit_seconds=5).ended


def test_an_airflow_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "AWAY_SECONDS", 0.0)
    with pytest.raises(Unreachable):
        follow(Scripted([[INGEST]], away=50), KEY, limit_seconds=60)


def test_a_service_that_stays_dead_is_named_though_the_api_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check() -> None:
        raise Unreachable("scheduler ended")

    monkeypatch.setattr(following, "AWAY_SECONDS", 0.0)
    with pytest.raises(Unreachable, match="scheduler ended"):
        follow(Scripted([[INGEST]]), KEY, limit_seconds=60, check=check)


def test_a_platform_that_was_stopped_is_not_waited_for() -> None:
    def check() -> None:
        raise NotReady("the platform was stopped")

    with pytest.raises(NotReady, match="was stopped"):
        follow(Scripted([[INGEST]], away=50), KEY, limit_seconds=60, check=check)
