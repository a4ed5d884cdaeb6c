"""Airflow's connection types that churn_ml brings: told by the package, served by the hooks."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..crm.fakes import faults
from ..crm.fakes.hubspot import HubSpot
from .conftest import PLUGINS


@pytest.fixture
def providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Airflow's own discovery finds where churn-ml is installed as pyproject.toml says."""
    from airflow._shared import module_loading
    from airflow._shared.providers_discovery import discover_all_providers_from_packages
    from airflow.providers_manager import _create_provider_info_schema_validator

    told = tomllib.loads((PLUGINS.parent / "pyproject.toml").read_text(encoding="utf-8"))
    ((name, place),) = told["project"]["entry-points"]["apache_airflow_provider"].items()
    installed = tmp_path / "churn_ml-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: churn-ml\nVersion: 0.1.0\n")
    (installed / "entry_points.txt").write_text(f"[apache_airflow_provider]\n{name} = {place}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module_loading._get_grouped_entry_points.cache_clear()
    found: dict[str, Any] = {}
    discover_all_providers_from_packages(found, _create_provider_info_schema_validator())
    module_loading._get_grouped_entry_points.cache_clear()
    return found


def test_airflow_finds_the_connection_types_and_their_hooks(providers: dict[str, Any]) -> None:
    from airflow._shared.module_loading import import_string

    for told in providers["churn-ml"].data["connection-types"]:
        hook = import_string(told["hook-class-name"])
        assert (hook.conn_type, hook.hook_name) == (told["connection-type"], told["hook-name"])
        assert hook.conn_name_attr in hook.__init__.__annotations__
        # Airflow 3.2 and later want the form's look in the provider's description instead
        assert "get_ui_field_behaviour" not in vars(hook)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpot]:
    with HubSpot() as fake:
        monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_CRM", fake.connection)
        yield fake


def hook() -> Any:
    from churn_hooks.hubspot import HubSpotHook

    return HubSpotHook("hubspot_crm", test_host=True)


def test_a_good_connection_is_told_as_such_and_gives_the_client(account: HubSpot) -> None:
    assert hook().test_connection() == (True, "HubSpot answers: contacts have 2 properties")
    assert hook().get_conn().crm.contacts.basic_api.get_page(limit=10).results == []


def test_a_bad_connection_says_what_to_do_without_its_token_s8(account: HubSpot) -> None:
    account.script.add(faults.expired())
    well, told = hook().test_connection()
    assert not well
    assert "put a valid token into the connection" in told
    assert "fake-token" not in told


def test_an_oauth_app_gives_a_client_with_a_token(
    account: HubSpot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"conn_type": "hubspot", "host": "127.0.0.1", "port": account.port, "login": "id"}
    told |= {"password": "secret", "extra": {"refresh_token": "fresh"}}
    monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_CRM", json.dumps(told))
    assert hook().get_conn().crm.contacts.basic_api.get_page(limit=10).results == []


def test_a_connection_to_elsewhere_is_refused_s12(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_CRM", "hubspot://:token@169.254.169.254")
    well, told = hook().test_connection()
    assert (well, "may not be sent to this host" in told) == (False, True)
