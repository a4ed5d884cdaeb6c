"""Connections of the world outside: the environment's forms, and secrets that are never shown."""

from __future__ import annotations

import json

import pytest

from churn_ml.connections import Endpoint, from_environment
from churn_ml.crm import Means
from churn_ml.errors import BadConfig

WHERE = "[destinations.crm]"


@pytest.mark.parametrize(
    "told",
    [
        "postgres://ada:p%40ss@db:5433/shop",
        '{"conn_type": "postgres", "host": "db",'
        ' "login": "ada", "password": "p@ss", "port": 5433, "schema": "shop"}',
    ],
)
def test_the_environment_may_hold_a_connection(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", told)
    assert from_environment("shop_db", "[sources.orders]") == "postgres://ada:p%40ss@db:5433/shop"


@pytest.mark.parametrize("told", ["", "{", '{"conn_type": 7, "port": "x"}', "{}"])
def test_a_connection_that_nobody_knows_is_named(
    monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", told)
    with pytest.raises(BadConfig, match=r"shop_db|AIRFLOW_CONN_SHOP_DB"):
        from_environment("shop_db", "[sources.orders]")


def test_a_token_without_a_login_and_an_extra_survive_airflows_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {
        "conn_type": "hubspot",
        "password": "pat/1",
        "extra": {"region": "eu", "more": {"a": 1}, "empty": None},
    }
    monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_CRM", json.dumps(told))
    found = Means("me").endpoint("hubspot_crm", WHERE, "hubspot://:TOKEN@")
    assert (found.kind, found.host, found.password) == ("hubspot", "", "pat/1")
    assert (found.extra["region"], found.extra["empty"]) == ("eu", "")


def test_the_door_knows_a_connection_better_than_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CRM", "hubspot://:old@")
    assert Means("me", {"crm": "hubspot://:new@"}).endpoint("crm", WHERE, "").password == "new"


@pytest.mark.parametrize(
    "url",
    [
        "hubspot://:canary@h:port",
        "canary",
        "hubspot://:canary@h?__extra__=%5B",
        "hubspot://[canary",
    ],
)
def test_s8_a_url_that_does_not_read_is_not_shown(url: str) -> None:
    with pytest.raises(BadConfig, match="does not read") as caught:
        Endpoint.of(url, WHERE)
    assert "canary" not in str(caught.value)


def test_s8_no_repr_holds_a_secret() -> None:
    url = "hubspot://login:canary@h/p?token=canary"
    means = Means("me", {"crm": url})
    assert "canary" not in repr(means) + repr(means.endpoint("crm", WHERE, ""))
