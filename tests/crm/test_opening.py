"""Opening a destination: two names of one place are found once it is known what they stand for."""

from __future__ import annotations

import pytest

from churn_ml.config import from_text
from churn_ml.crm import Means, open_destination
from churn_ml.errors import BadConfig

SHOP = 'shop = {name = "Corner shop", currency = "EUR"}\n'
HUBSPOT = {"one": "hubspot://:S3CRETPW@", "two": "hubspot://:S3CRETPW@", "three": "hubspot://:pat@"}
TRYTON = dict.fromkeys(("one", "two"), "tryton://u:S3CRETPW@127.0.0.1/db?scheme=http")
SQL = 'kind = "sql"\ntarget = "${{{}}}"'


def told(one: str, other: str) -> str:
    return f"{SHOP}[destinations.a]\n{one}\n[destinations.b]\n{other}"


def crm(kind: str, connection: str, more: str = "") -> str:
    return f'kind = "{kind}"\nconnection = "{connection}"\n{more}'


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BI", "postgresql://ada:S3CRETPW@db/bi")
    monkeypatch.setenv("REPORTS", "postgresql+psycopg2://bob:S3CRETPW@DB:5432/bi")
    monkeypatch.setenv("GOLD", "postgresql://ada:S3CRETPW@db/gold")
    monkeypatch.setenv("AIRFLOW_CONN_AGAIN", "hubspot://:S3CRETPW@")


@pytest.mark.parametrize(
    ("one", "other", "connections"),
    [
        pytest.param(SQL.format("BI"), SQL.format("REPORTS"), {}, id="two_variables"),
        pytest.param(
            SQL.format("BI"),
            'kind = "sql"\ntarget = "postgresql://db/bi"',
            {},
            id="a_variable_and_a_url",
        ),
        pytest.param(crm("hubspot", "one"), crm("hubspot", "two"), HUBSPOT, id="two_connections"),
        pytest.param(
            crm("hubspot", "one"), crm("hubspot", "again"), HUBSPOT, id="one_of_the_environment"
        ),
        pytest.param(
            crm("tryton", "one"),
            crm("tryton", "two", 'object = "churn_ml"'),
            TRYTON,
            id="the_object_of_the_kind",
        ),
    ],
)
def test_two_names_of_one_place_are_refused_and_both_sections_named_s8(
    one: str, other: str, connections: dict[str, str]
) -> None:
    config = from_text(told(one, other))
    for name in "ab":
        with pytest.raises(BadConfig, match=r"\[destinations.\w\] .*fill the same place") as caught:
            open_destination(name, config, means=Means("me", connections))
        assert all(f"[destinations.{each}]" in str(caught.value) for each in "ab")
        assert "S3CRETPW" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "connections"),
    [
        pytest.param(SQL.format("BI"), SQL.format("GOLD"), {}, id="two_databases"),
        pytest.param(
            SQL.format("BI"), f'{SQL.format("REPORTS")}\ntable = "gold"', {}, id="two_tables"
        ),
        pytest.param(SQL.format("BI"), SQL.format("NOT_SET"), {}, id="a_variable_nobody_set"),
        pytest.param(crm("hubspot", "one"), crm("hubspot", "three"), HUBSPOT, id="two_accounts"),
        pytest.param(
            crm("hubspot", "one"), crm("hubspot", "four"), HUBSPOT, id="unknown_connection"
        ),
        pytest.param(
            crm("tryton", "one", "test_host = true"),
            crm("tryton", "two", 'object = "gold"'),
            TRYTON,
            id="two_objects",
        ),
    ],
)
def test_two_places_are_opened_and_a_section_that_nobody_can_open_holds_up_no_other(
    one: str, other: str, connections: dict[str, str]
) -> None:
    config = from_text(told(one, other))
    assert open_destination("a", config, means=Means("me", connections)).name == "a"
