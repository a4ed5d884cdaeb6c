"""What is checked and recorded before a server starts, and what each server gets to see."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn_ml import cli
from churn_ml.demo import words
from churn_ml.demo.place import BESIDE, MARK
from churn_ml.errors import BadConfig, BadInput
from churn_ml.program import called
from churn_ml.sources import complete_journey
from churn_ml.stack import checks, environment, health, record, services, starting, stopping
from churn_ml.stack.processes import SERVICE, STACK, Born
from churn_ml.stack.record import Stack

KEY = "CHURN_ML_HOLDOUT_KEY"


def silent(_: str) -> None:
    pass


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "churn.toml"
    path.write_text(f"{complete_journey.churn_toml()}\n{BESIDE}", encoding="utf-8")
    return path


@pytest.fixture
def stack(config: Path, tmp_path: Path) -> Stack:
    """A stack that is planned and recorded; nothing runs."""
    folder = checks.usable(tmp_path / "stack")
    users = ("admin", "demo-approver")
    return checks.plan(config, folder, {}, users, tmp_path, tmp_path)


def again(stack: Stack, config: Path | None = None, folder: Path | None = None) -> Stack:
    places = (config or stack.config, folder or stack.folder)
    return checks.plan(*places, {}, (), stack.dags, stack.plugins)


def test_what_is_recorded_is_read_back(stack: Stack) -> None:
    known = record.read(stack.with_service("mlflow", Born(1, 2.5)).folder)
    assert known == replace(stack, services={"mlflow": Born(1, 2.5)})


def test_records_are_for_their_owner_alone(stack: Stack) -> None:
    services.prepare(stack)
    private = [stack.folder / name for name in ("stack.json", "env.sh", "airflow/passwords.json")]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    assert {(stack.folder / f).stat().st_mode & 0o777 for f in ("logs", "mlartifacts")} == {0o700}


def test_no_repr_shows_a_secret(stack: Stack) -> None:
    hidden = [*stack.secrets.values(), *stack.users.values()]
    assert not [secret for secret in hidden if secret in repr(stack)]


def test_a_shell_takes_ledger_mlflow_and_key_from_env_sh(stack: Stack) -> None:
    shown = "import os, json; print(json.dumps(dict(os.environ)))"
    told = subprocess.run(
        ["sh", "-c", f". {stack.folder}/env.sh; python3 -c '{shown}'"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )
    shell = json.loads(told.stdout)
    assert shell["CHURN_ML_LEDGER"] == stack.ledger_url
    assert shell["CHURN_ML_MLFLOW"] == stack.mlflow_login_url
    assert shell[KEY] == os.environ[KEY]
    assert "CHURN_ML_STACK" not in shell


def test_ports_and_secrets_stay_once_the_stack_was_healthy(stack: Stack) -> None:
    replace(stack, was_healthy=True).write()
    known = again(stack)
    assert known.users == stack.users
    assert (known.secrets, known.airflow_url) == (stack.secrets, stack.airflow_url)


def test_a_stack_that_never_answered_is_planned_anew(stack: Stack) -> None:
    assert again(stack).secrets["mlflow"] != stack.secrets["mlflow"]


def test_a_port_taken_meanwhile_is_named(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PORT_SECONDS", 0.5)
    replace(stack, was_healthy=True).write()
    with socket.create_server(("127.0.0.1", stack.mlflow_port)):
        with pytest.raises(
            BadInput, match=rf"port of mlflow .* got: 127.0.0.1:{stack.mlflow_port}"
        ):
            again(stack)


def test_a_killed_server_may_take_a_moment_to_let_go_of_its_port(stack: Stack) -> None:
    replace(stack, was_healthy=True).write()
    held = socket.create_server(("127.0.0.1", stack.mlflow_port))
    threading.Timer(0.5, held.close).start()
    assert again(stack).mlflow_port == stack.mlflow_port


def test_what_is_left_of_the_service_itself_is_not_another_program(stack: Stack) -> None:
    replace(stack, was_healthy=True).write()
    listen = (
        "import socket, sys, time; "
        f"held = socket.create_server(('127.0.0.1', {stack.mlflow_port})); "
        "print('listens', flush=True); time.sleep(60)"
    )
    left = subprocess.Popen(
        [sys.executable, "-c", listen],
        env={**os.environ, STACK: str(stack.folder), SERVICE: "mlflow"},
        stdout=subprocess.PIPE,
    )
    try:
        assert left.stdout
        assert left.stdout.readline() == b"listens\n"
        assert again(stack).mlflow_port == stack.mlflow_port
    finally:
        left.kill()
        left.communicate()


def test_a_server_s_port_is_none_that_an_outgoing_connection_gets() -> None:
    lowest, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert max(checks.PORTS) < lowest
    assert set(checks.free_ports(20)) <= set(checks.PORTS)


def test_another_shop_may_not_take_over_the_folder(stack: Stack, tmp_path: Path) -> None:
    replace(stack, was_healthy=True).write()
    other = tmp_path / "other.toml"
    other.write_text(stack.config.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"of another shop .* got: .*churn.toml"):
        again(stack, config=other)


def test_a_folder_may_be_moved_with_its_shop(stack: Stack, tmp_path: Path) -> None:
    replace(stack, was_healthy=True).write()
    moved = stack.folder.rename(tmp_path / "moved")
    config = stack.config.rename(tmp_path / "moved.toml")
    known = again(stack, config=config, folder=moved)
    assert known.ledger_url.endswith("moved%2Fpostgres")
    assert known.secrets == stack.secrets


def test_a_missing_holdout_key_is_told_before_anything_starts(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY)
    with pytest.raises(BadConfig, match=rf"holdout key is not set.*export {KEY}"):
        starting.start(config, tmp_path / "stack", say=silent, dags=tmp_path)
    assert not (tmp_path / "stack" / "postgres").exists()


def test_the_recorded_key_serves_a_shell_without_it_and_another_is_refused(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(stack, was_healthy=True).write()
    monkeypatch.delenv(KEY)
    assert again(stack).secrets["holdout"] == stack.secrets["holdout"]
    monkeypatch.setenv(KEY, "another key of many characters")
    with pytest.raises(BadConfig, match="holds another key"):
        again(stack)


def test_missing_dags_are_told(config: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder of DAGs"):
        starting.start(config, tmp_path / "stack", say=silent, dags=tmp_path / "none")


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "FREE_GIGABYTES", 1e9)
    with pytest.raises(BadInput, match=r"too little disk.*expected: 1000000000 GB"):
        checks.usable(tmp_path / "stack")


def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"too long .* expected: at most 84 bytes"):
        checks.usable(tmp_path / ("long" * 30))


def test_a_second_start_is_refused_while_one_is_at_work(stack: Stack) -> None:
    with record.locked(stack.folder, record.START) as mine:
        assert mine
        found = record.holder(stack.folder)
        assert found is not None
        assert (found.purpose, found.process.pid) == ("start", os.getpid())
        with pytest.raises(BadInput, match="another start or stop works"):
            starting.start(stack.config, stack.folder, say=silent, dags=stack.dags)


def test_another_airflow_of_the_callers_shell_does_not_steer_ours(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    monkeypatch.setenv("CHURN_ML_LEDGER", "sqlite:///elsewhere.db")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("AIRFLOW_CONN_CRM", "http://crm")
    seen = environment.airflow(stack)
    assert seen["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert seen["AIRFLOW_CONN_CRM"] == "http://crm"
    assert seen["AIRFLOW_CONN_CHURN_LEDGER"] == stack.ledger_url
    dropped = {"MLFLOW_TRACKING_URI", "CHURN_ML_LEDGER", "CHURN_ML_MLFLOW"}
    assert not (dropped | {"PYTHONDONTWRITEBYTECODE"}) & set(seen)


def test_a_shop_that_ran_before_keeps_the_ledger_that_its_churn_toml_names(stack: Stack) -> None:
    stack.config.write_text(complete_journey.churn_toml(), encoding="utf-8")
    seen = environment.airflow(stack)
    assert "AIRFLOW_CONN_CHURN_LEDGER" not in seen
    assert seen["AIRFLOW_CONN_CHURN_MLFLOW"] == stack.mlflow_login_url


def test_a_setting_of_the_caller_wins(stack: Stack) -> None:
    paused = {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True"}
    seen = environment.airflow(replace(stack, settings=paused))
    assert seen["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] == "True"


def test_only_airflow_sees_the_holdout_key(stack: Stack) -> None:
    assert environment.airflow(stack)[KEY] == stack.secrets["holdout"]
    assert KEY not in environment.mlflow(stack)
    assert KEY not in environment.postgres(stack)


def test_a_failure_names_the_service_and_ends_with_its_log(stack: Stack) -> None:
    stack.log("mlflow").write_text("\n".join(f"line {n}" for n in range(40)))
    told = str(health.failure(stack, "mlflow", "ended"))
    assert told.startswith(f"mlflow ended | where: {stack.log('mlflow')}")
    assert told.endswith("line 38\nline 39")
    assert "line 9\n" not in told


def test_the_status_of_a_planned_stack_shows_it_dead_and_no_secret(stack: Stack) -> None:
    told = stopping.status(stack.folder)
    assert not told["running"]
    assert {s["alive"] for s in told["services"].values()} == {False}
    shown = json.dumps(told)
    assert not [s for s in [*stack.secrets.values(), *stack.users.values()] if s in shown]


def test_the_command_line_tells_where_nothing_is(tmp_path: Path) -> None:
    told = CliRunner().invoke(cli.app, ["stack", "status", "--folder", str(tmp_path)])
    assert told.exit_code == 3
    start = f"{called()} stack start --config churn.toml --folder {tmp_path}"
    assert told.stdout == f"nothing is running in {tmp_path}; start it with: {start}\n"


def test_a_stack_that_is_stopped_shows_how_to_start_it_and_no_dead_address(stack: Stack) -> None:
    told = CliRunner().invoke(cli.app, ["stack", "status", "--folder", str(stack.folder)])
    start = f"{called()} stack start --config {stack.config} --folder {stack.folder}"
    assert told.stdout == f"nothing is running in {stack.folder}; start it with: {start}\n"
    assert told.exit_code == 3


def test_a_demo_that_is_stopped_shows_how_it_goes_on(stack: Stack) -> None:
    (stack.folder / MARK).touch()
    told = CliRunner().invoke(cli.app, ["stack", "status", "--folder", str(stack.folder)])
    assert told.stdout.endswith(f"start it with: {words.again(stack.folder)}\n")


def test_the_command_line_shows_passwords_only_when_asked(stack: Stack) -> None:
    place = ["stack", "status", "--folder", str(stack.folder)]
    shown = CliRunner().invoke(cli.app, place).stdout
    asked = CliRunner().invoke(cli.app, [*place, "--logins"]).stdout
    assert stack.users["admin"] not in shown
    assert f"airflow: admin / {stack.users['admin']}" in asked
