"""Where the house is, as Airflow's connections say: real ones, from the environment."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from churn_ml.config import from_text
from churn_ml.connections import Endpoint
from churn_ml.errors import BadConfig

from .running import PAGE, running


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
