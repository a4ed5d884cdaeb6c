"""An Airflow connection of type salesforce, as the DAGs hand it on to the destination."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from churn_ml.config import from_text
from churn_ml.connections import Endpoint
from churn_ml.crm import Means, open_destination
from churn_ml.crm.salesforce.org import login

from ..crm.fakes.salesforce import Salesforce

SHOP = """
shop = {name = "Corner shop", currency = "EUR"}
destinations.crm = {kind = "salesforce", connection = "salesforce_crm", test_host = true}
"""
WAYS: dict[str, dict[str, Any]] = {
    "password": {"login": "ada@shop", "password": "p@ss/1", "extra": {"security_token": "t?&"}},
    "sandbox": {
        "login": "ada",
        "password": "x",
        "extra": {"security_token": "t", "domain": "test", "version": "60.0", "client_id": ""},
    },
    "ip": {"login": "ada", "password": "x", "extra": {"organization_id": "00D1"}},
    "consumer": {
        "login": "ada",
        "password": "x",
        "extra": {"consumer_key": "k", "consumer_secret": "s", "extra__salesforce__domain": "my"},
    },
    "jwt": {"login": "ada", "extra": {"consumer_key": "k", "private_key": "-----BEGIN\n+/=\n"}},
    "session": {"extra": {"instance_url": "https://shop.my.salesforce.com", "proxies": {}}},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_signs_in_with_what_the_hook_of_airflow_would_sign_in_with(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    from airflow.providers.salesforce.hooks import salesforce as provider

    told = json.dumps({"conn_type": "salesforce", **WAYS[way]})
    monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_CRM", told)
    hooked: dict[str, Any] = {}
    monkeypatch.setattr(provider, "Salesforce", lambda **given: hooked.update(given))
    provider.SalesforceHook("salesforce_crm").get_conn()
    known = door.addresses.named(from_text(SHOP))
    given = login(Endpoint.of(known["salesforce_crm"], "here"))
    default = {"version": provider.api.DEFAULT_API_VERSION}
    assert default | given == {name: one for name, one in hooked.items() if one}


def test_a_session_of_the_connection_opens_the_destination(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = from_text(SHOP)
    with Salesforce() as org:
        extra = {"instance_url": org.url, "session_id": org.token}
        told = json.dumps({"conn_type": "salesforce", "extra": extra})
        monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_CRM", told)
        means = Means("Corner shop with ledger 5f1c", door.addresses.named(config))
        target = open_destination("crm", config, means=means)
        assert org.asked == []
        target.preflight()
        assert org.count("describe") == 1
