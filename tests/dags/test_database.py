"""A shop's database behind an Airflow connection: found, read, killed in the middle, resumed.

The task runs as a process of its own; its connection comes from Airflow's environment, and from a
secrets backend of Airflow's own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import psycopg2
import pytest

from churn_ml.config import load
from churn_ml.errors import BadConfig
from churn_ml.house import House, open_house

from .conftest import FOLDER

INGEST = Path(__file__).with_name("ingest.py")
PASSWORD = "not-to-be-seen"


@pytest.fixture
def schema(postgres: str) -> Iterator[tuple[str, str]]:
    """A schema of the server, and its URL as Airflow writes one."""
    url, name = postgres.replace("+psycopg2", ""), f"shop_{uuid4().hex[:12]}"
    _run(url, f"create schema {name}")
    yield url.replace("postgres:@", f"postgres:{PASSWORD}@"), name
    _run(url, f"drop schema {name} cascade")


def _run(url: str, statement: str) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _shop(folder: Path, schema: tuple[str, str], *, rows: int, chunk_rows: int) -> Path:
    """A shop whose orders of nine months stand in the database; made by the server."""
    url, name = schema
    _run(
        url,
        f"create table {name}.orders as select i as no, 'h' || i % 20000 as client,"
        f" timestamptz '2017-01-01 UTC' + (i / 7) * interval '{160_000_000 / rows} second' as at,"
        f" (i % 9999) / 100.0 as paid from generate_series(1, {rows}) i",
    )
    toml = folder / "churn.toml"
    toml.write_text(
        '[shop]\nname = "s"\ncurrency = "EUR"\n[sources.orders]\nkind = "postgres"\n'
        f'connection = "shop_db"\ntable = "{name}.orders"\ncursor = "at"\n'
        f"chunk_rows = {chunk_rows}\n"
        '[sources.orders.columns]\norder_id = "no"\ncustomer_id = "client"\noccurred_at = "at"\n'
        'net_amount = "paid"\n'
    )
    return toml


def _task(toml: Path, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(INGEST), str(FOLDER), "2017-10-01"]
    known = {"CHURN_ML_CONFIG": str(toml), "AIRFLOW_HOME": str(toml.parent / "airflow")}
    return subprocess.Popen(
        command,
        env=os.environ | known | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(task: subprocess.Popen[str]) -> dict[str, object]:
    """What the task handed on; nothing that it said holds the password."""
    out, err = task.communicate()
    assert task.returncode == 0, err
    assert PASSWORD not in out + err
    found: dict[str, object] = json.loads(out.splitlines()[-1])
    return found


def _killed(task: subprocess.Popen[str], toml: Path, files: int) -> None:
    """Kill the task while it lands the file after the first `files`."""
    while task.poll() is None:
        landed = toml.parent.glob("lake/landed/orders/*/drop=*/[0-9]*.parquet")
        if len(list(landed)) >= files and list(toml.parent.glob("lake/landed/*/*/drop=*/.*.part")):
            os.kill(task.pid, signal.SIGKILL)
        time.sleep(0.002)
    task.communicate()
    assert task.returncode == -signal.SIGKILL


def _house(toml: Path) -> House:
    return open_house(load(toml))


def _orders(house: House) -> tuple[int, int]:
    """Rows and different orders that are published."""
    versions = house.ledger.versions(["orders"])["orders"]
    ids = house.warehouse.read("orders", versions).select("order_id").to_pyarrow()["order_id"]
    return len(ids), len(ids.unique())


def test_the_door_knows_the_connections_that_sources_name(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, schema: tuple[str, str]
) -> None:
    toml = _shop(tmp_path, schema, rows=10, chunk_rows=10)
    monkeypatch.setattr(door, "CONFIG", load(toml))
    monkeypatch.delenv("AIRFLOW_CONN_SHOP_DB", raising=False)
    assert door.addresses.named(door.CONFIG) == {}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", "postgresql://ada:p%40ss@db:5432/shop")
    assert door.addresses.named(door.CONFIG) == {"shop_db": "postgres://ada:p%40ss@db:5432/shop"}


@pytest.mark.slow
def test_a_task_killed_while_it_lands_goes_on_and_publishes_each_order_once(
    door: ModuleType, tmp_path: Path, schema: tuple[str, str]
) -> None:
    toml = _shop(tmp_path, schema, rows=30_000, chunk_rows=1_000)
    _killed(_task(toml, AIRFLOW_CONN_SHOP_DB=schema[0]), toml, 7)
    told = _ended(_task(toml, AIRFLOW_CONN_SHOP_DB=schema[0]))
    assert (told["rows_in"], told["rows_out"]) == (30_000, 30_000)
    assert _orders(_house(toml)) == (30_000, 30_000)


def test_a_secrets_backend_of_airflow_may_hold_the_connection(
    door: ModuleType, tmp_path: Path, schema: tuple[str, str]
) -> None:
    toml = _shop(tmp_path, schema, rows=100, chunk_rows=50)
    secrets = tmp_path / "connections.json"
    secrets.write_text(json.dumps({"shop_db": schema[0]}))
    told = _ended(
        _task(
            toml,
            AIRFLOW__WORKERS__SECRETS_BACKEND="airflow.secrets.local_filesystem.LocalFilesystemBackend",
            AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS=json.dumps(
                {"connections_file_path": str(secrets)}
            ),
        )
    )
    assert told["rows_out"] == 100


def test_without_the_connection_the_task_says_which_is_missing(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, schema: tuple[str, str]
) -> None:
    from churn_ml import flow
    from churn_ml.timeline import parse_as_of

    monkeypatch.delenv("AIRFLOW_CONN_SHOP_DB", raising=False)
    house = _house(_shop(tmp_path, schema, rows=10, chunk_rows=10))
    with pytest.raises(BadConfig, match="there is no connection 'shop_db'"):
        flow.ingest(house, parse_as_of("2017-10-01"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_million_orders_through_an_airflow_connection_killed_three_times(
    door: ModuleType, tmp_path: Path, schema: tuple[str, str]
) -> None:
    toml = _shop(tmp_path, schema, rows=1_000_000, chunk_rows=50_000)
    for files in (2, 8, 15):
        _killed(_task(toml, AIRFLOW_CONN_SHOP_DB=schema[0]), toml, files)
    told = _ended(_task(toml, AIRFLOW_CONN_SHOP_DB=schema[0]))
    assert (told["rows_in"], told["rows_out"]) == (1_000_000, 1_000_000)
    assert _orders(_house(toml)) == (1_000_000, 1_000_000)
