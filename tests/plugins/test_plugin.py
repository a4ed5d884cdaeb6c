"""What Airflow takes from the plugins folder."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from typing import Any

import pytest

from .conftest import PLUGINS

# Airflow reads .airflowignore by a class that its own library calls old
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern:DeprecationWarning")

MODULES = sorted(file.stem for file in (PLUGINS / "churn_page").glob("*.py"))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The plugins as Airflow's own loader finds them in the folder."""
    from airflow._shared.plugins_manager import _load_plugins_from_plugin_directory

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://127.0.0.1:8080/flow")
    return _load_plugins_from_plugin_directory(str(PLUGINS))


def test_the_folder_holds_one_plugin_and_loads_without_errors(loaded: Any) -> None:
    plugins, errors = loaded
    assert ([plugin.name for plugin in plugins], errors) == (["churn_page"], {})


def test_the_page_stands_in_the_navigation_below_airflows_own_path(loaded: Any) -> None:
    view = loaded[0][0].external_views[0]
    assert (view["name"], view["url_route"], view["destination"]) == ("Churn", "churn", "nav")
    assert view["href"] == "/flow/churn/"
    assert view["icon"] == "/flow/churn/static/icon.svg"


def test_the_app_is_mounted_below_its_prefix_and_knows_where_it_is(loaded: Any) -> None:
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from churn_page.access import reader

    given = loaded[0][0].fastapi_apps[0]
    given["app"].dependency_overrides[reader] = lambda: None
    outer = FastAPI(root_path="/flow")
    outer.mount(given["url_prefix"], given["app"])
    answer = TestClient(outer).get("/churn/nowhere")
    assert answer.status_code == 404
    assert 'href="/flow/churn/static/page.css"' in answer.text


def test_the_links_have_their_names(loaded: Any) -> None:
    links = loaded[0][0].global_operator_extra_links
    assert [link.name for link in links] == ["Receipt", "MLflow run", "CRM"]


def test_the_page_speaks_of_the_dags_that_there_are() -> None:
    from churn_page.places import DAGS

    files = Path(PLUGINS.parent / "dags").glob("churn_*.py")
    assert sorted(DAGS) == sorted(file.stem for file in files)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name: str) -> None:
    module = importlib.import_module("churn_page" if name == "__init__" else f"churn_page.{name}")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=flags).failed == 0
