"""The page under test: a filled ledger, the app, and readers of every kind.

Without Airflow these tests are not collected.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from churn_ml.ledger import Ledger

PLUGINS = Path(__file__).parents[2] / "plugins"

if find_spec("airflow") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    sys.path.insert(0, str(PLUGINS))
    with warnings.catch_warnings():
        # Airflow imports Starlette's test client on the old httpx, and tells whoever is first
        warnings.simplefilter("ignore")
        import fastapi.testclient  # noqa: F401

CONFIG = """
[shop]
name = "Corner shop"
currency = "EUR"
[paths]
ledger = "sqlite:///ledger.db"
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A churn.toml that CHURN_ML_CONFIG names; nothing is opened yet, nor left open."""
    from churn_page import source

    file = tmp_path / "churn.toml"
    file.write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("CHURN_ML_CONFIG", str(file))
    monkeypatch.delenv("AIRFLOW_CONN_CHURN_LEDGER", raising=False)
    source._opened.cache_clear()
    yield file
    source._opened.cache_clear()


@pytest.fixture
def ledger(settings: Path) -> Ledger:
    """The ledger of `settings`, empty."""
    from churn_page.source import source

    return source().ledger


@pytest.fixture
def roles() -> Any:
    """Airflow's own auth manager, which knows what a role may do."""
    from airflow.api_fastapi.app import create_auth_manager

    return create_auth_manager()


@pytest.fixture
def app(settings: Path) -> Any:
    """The page as Airflow mounts it, with nothing replaced."""
    from churn_page.app import make_app

    return make_app()


@pytest.fixture
def visitor(app: Any, roles: Any) -> Any:
    """`visitor(role)`: a client who is logged in with that role; None is nobody."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi.testclient import TestClient

    def enter(role: str | None) -> TestClient:
        if role is not None:
            user = SimpleAuthManagerUser(username="ada", role=role)
            app.dependency_overrides[get_user] = lambda: user
        return TestClient(app, raise_server_exceptions=False)

    return enter
