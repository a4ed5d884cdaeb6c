"""What a start, a stop and a restart leave alone: another's data, another stop, live services."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from churn_ml.errors import BadInput, Unreachable
from churn_ml.sources import complete_journey
from churn_ml.stack import accounts, checks, environment, postgres, record, starting, stopping
from churn_ml.stack.processes import Born, Service, kill, members, spawn
from churn_ml.stack.record import LOCK, RECORD, START, STOP, Stack

NAP = "import time; time.sleep(60)"


def silent(_: str) -> None:
    pass


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that stood once; nothing of it runs."""
    config = tmp_path / "churn.toml"
    config.write_text(complete_journey.churn_toml(), encoding="utf-8")
    folder = checks.usable(tmp_path / "stack")
    users = ("admin", "demo-approver")
    planned = checks.plan(config, folder, None, users, tmp_path, tmp_path)
    yield replace(planned, was_healthy=True).write()
    kill(lambda: members(folder))


def napping(stack: Stack, name: str) -> Service:
    log = stack.folder / "nap.log"
    return Service(name, (sys.executable, "-c", NAP), dict(os.environ), stack.folder, log)


def plan(stack: Stack, **settings: str) -> Stack:
    return checks.plan(stack.config, stack.folder, settings or None, (), stack.dags, stack.plugins)


def test_a_database_that_no_record_tells_of_is_not_touched(stack: Stack) -> None:
    (stack.folder / "postgres").mkdir()
    (stack.folder / "postgres" / "PG_VERSION").touch()
    (stack.folder / RECORD).unlink()
    with pytest.raises(BadInput, match=r"holds a database.*restore stack\.json"):
        starting.start(stack.config, stack.folder, say=silent, dags=stack.dags)
    assert (stack.folder / "postgres" / "PG_VERSION").exists()
    assert not (stack.folder / RECORD).exists()


def test_databases_count_as_worth_keeping_before_the_scheduler_lives(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(stack, was_healthy=False).write()
    seen: dict[str, bool] = {}

    def ensure(planned: Stack, name: str, _: object) -> Stack:
        known = record.read(planned.folder)
        seen[name] = known is not None and known.was_healthy
        return planned

    for room, name in ((postgres, "prepare"), (postgres, "create_databases")):
        monkeypatch.setattr(room, name, lambda *_: None)
    monkeypatch.setattr(starting, "_ensure", ensure)
    for migration in ("_migrate", "_migrate_mlflow"):
        monkeypatch.setattr(starting, migration, lambda planned, _: planned)
    monkeypatch.setattr(starting.health, "wait", lambda *_, **__: None)
    monkeypatch.setattr(accounts, "prepare", lambda _: None)
    starting.start(stack.config, stack.folder, say=silent, dags=stack.dags)
    assert seen == {
        "postgres": False,
        "mlflow": False,
        "api-server": True,
        "scheduler": True,
        "dag-processor": True,
    }


def test_mlflows_database_of_another_version_is_upgraded_before_its_server_opens_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, ...]] = []
    exit_codes = iter([1, 0])

    def run(service: Service, _: Path) -> int:
        done.append(service.command[-3:])
        return next(exit_codes)

    monkeypatch.setattr(starting, "run", run)
    older = replace(stack, was_healthy=True, mlflow_version="3.1.0").write()
    with pytest.raises(Unreachable, match="mlflow-migrate of MLflow's database failed"):
        starting._migrate_mlflow(older, silent)
    assert record.read(stack.folder) == older
    newer = starting._migrate_mlflow(older, silent)
    assert record.read(stack.folder) == newer
    assert newer.mlflow_version == checks.mlflow_version()
    assert starting._migrate_mlflow(newer, silent) == newer
    url = stack.database("mlflow", "postgresql+psycopg2")
    assert done == [("db", "upgrade", url)] * 2
    first = replace(stack, was_healthy=False, mlflow_version="")
    assert starting._migrate_mlflow(first, silent).mlflow_version == checks.mlflow_version()
    assert len(done) == 2


@pytest.mark.parametrize("text", ["", '{"folder": "/sho', "[]", '{"services": {}}', "null"])
def test_a_damaged_record_is_told_and_does_not_hinder_a_stop(stack: Stack, text: str) -> None:
    (stack.folder / RECORD).write_text(text)
    with pytest.raises(BadInput, match="record of the stack cannot be read"):
        record.read(stack.folder)
    stopping.stop(stack.folder, say=silent)


def test_a_record_of_a_newer_version_is_told_without_its_secrets(stack: Stack) -> None:
    text = (stack.folder / RECORD).read_text()
    (stack.folder / RECORD).write_text(text.replace("{", '{"hue": "blue",', 1))
    with pytest.raises(BadInput, match="got: TypeError") as told:
        record.read(stack.folder)
    assert "blue" not in str(told.value)


def test_whoever_lets_go_of_a_folder_is_no_longer_its_holder(stack: Stack) -> None:
    with record.locked(stack.folder, STOP):
        assert record.holder(stack.folder) == record.Holder(
            STOP, Born(os.getpid(), psutil.Process().create_time())
        )
    assert record.holder(stack.folder) is None


@pytest.mark.parametrize(
    ("purpose", "older_seconds", "lives"),
    [(START, 0.0, False), (STOP, 0.0, True), (START, 60.0, True)],
    ids=["a start", "another stop", "a former pid"],
)
def test_a_stop_ends_a_start_and_nobody_else(
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    purpose: str,
    older_seconds: float,
    lives: bool,
) -> None:
    monkeypatch.setattr(stopping, "HOLD_SECONDS", 0.3)
    elsewhere = stack.folder / "elsewhere"  # not a member of the stack
    born = spawn(napping(stack, "mlflow"), elsewhere)
    try:
        with record.locked(stack.folder, purpose):
            text = f"{purpose} {born.pid} {born.created - older_seconds}"
            (stack.folder / LOCK).write_text(text)
            with pytest.raises(Unreachable, match="did not let go of the folder"):
                stopping.stop(stack.folder, say=silent)
        assert born.alive() == lives
    finally:
        kill(lambda: members(elsewhere))


def test_a_stop_waits_for_another_stop(stack: Stack) -> None:
    done: list[str] = []
    waits = threading.Thread(
        target=lambda: (stopping.stop(stack.folder, say=silent), done.append("stopped"))
    )
    with record.locked(stack.folder, STOP):
        waits.start()
        waits.join(1.0)
        assert done == []
    waits.join(20)
    assert done == ["stopped"]


def test_a_failed_start_leaves_what_lived_before(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stack.with_service("mlflow", spawn(napping(stack, "mlflow"), stack.folder))

    def fails(planned: Stack, say: object) -> Stack:
        planned = planned.with_service(
            "scheduler", spawn(napping(stack, "scheduler"), stack.folder)
        )
        assert set(planned.groups()) == {"mlflow", "scheduler"}
        raise Unreachable("the scheduler did not answer")

    monkeypatch.setattr(starting, "_bring_up", fails)
    with pytest.raises(Unreachable, match="did not answer"):
        starting.start(
            stack.config, stack.folder, say=silent, dags=stack.dags, plugins=stack.plugins
        )
    assert {p.pid for p in members(stack.folder)} == {stack.services["mlflow"].pid}


@pytest.mark.parametrize(
    ("alive", "kept"),
    [
        (["mlflow", "scheduler", "dag-processor"], ["mlflow"]),
        (["postgres", "mlflow", "scheduler"], ["postgres", "mlflow", "scheduler"]),
    ],
    ids=["database away", "database there"],
)
def test_o8_a_scheduler_that_outlived_its_database_is_not_taken_for_alive(
    stack: Stack, alive: list[str], kept: list[str]
) -> None:
    for name in alive:
        stack = stack.with_service(name, spawn(napping(stack, name), stack.folder))
    assert list(stack.groups()) == alive
    starting._end_what_lost_its_database(stack, silent)
    assert list(stack.groups()) == kept


def test_a_restart_of_an_unknown_service_is_refused_with_the_known_ones(stack: Stack) -> None:
    with pytest.raises(BadInput, match=r"no service triggerer.*expected: postgres, mlflow"):
        starting.restart(stack.folder, "triggerer", say=silent)


def test_a_restart_ends_nothing_while_another_holds_the_folder(stack: Stack) -> None:
    born = spawn(napping(stack, "mlflow"), stack.folder)
    with (
        record.locked(stack.folder, START),
        pytest.raises(BadInput, match="another start or stop"),
    ):
        starting.restart(stack.folder, "mlflow", say=silent)
    assert born.alive()


def test_a_process_that_withstands_kill_keeps_its_data_locked(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stack.folder / "postgres").mkdir()
    lock = stack.folder / "postgres" / "postmaster.pid"
    lock.touch()
    monkeypatch.setattr(starting, "kill", lambda find: None)
    monkeypatch.setattr(starting, "members", lambda folder, name: [psutil.Process()])
    with pytest.raises(Unreachable, match="earlier postgres withstand KILL"):
        starting._ensure(stack, "postgres", silent)
    assert lock.exists()


def test_users_and_settings_of_an_earlier_start_stay(stack: Stack) -> None:
    told = plan(stack, AIRFLOW__CORE__PARALLELISM="2")
    assert plan(told).settings == {"AIRFLOW__CORE__PARALLELISM": "2"}
    assert list(plan(told).users) == ["admin", "demo-approver"]


def test_only_live_services_whose_settings_changed_are_restarted(stack: Stack) -> None:
    for name in ("mlflow", "scheduler"):
        stack = stack.with_service(name, spawn(napping(stack, name), stack.folder))
    starting._end_changed(stack, plan(stack), silent)
    assert set(stack.groups()) == {"mlflow", "scheduler"}
    starting._end_changed(stack, plan(stack, AIRFLOW__CORE__PARALLELISM="2"), silent)
    assert set(stack.groups()) == {"mlflow"}


def test_no_server_but_airflow_sees_the_connections_of_the_callers_shell(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM", "http://user:password@crm")
    monkeypatch.setenv("AIRFLOW_VAR_TOKEN", "t0ken")
    names = {"AIRFLOW_CONN_CRM", "AIRFLOW_VAR_TOKEN"}
    assert names <= set(environment.airflow(stack))
    assert not names & {*environment.mlflow(stack), *environment.postgres(stack)}
