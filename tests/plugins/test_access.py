"""Every route of the page stands behind a login and the right to see the runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from churn_page.app import HEADERS, STATIC

FILLED = {"step": "score", "as_of": "2017-10-01", "attempt": "1", "rest": "docs"}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "MADEUP")
NOT_OURS = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/static/app.py")


def paths(app: Any) -> list[str]:
    """Every path of the app that somebody can ask for; static files one by one."""
    found = []
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} is mounted: it would stand outside the login"
        if route.path == "/static/{name}":
            found += [f"/static/{name}" for name in STATIC]
        else:
            found.append(route.path.replace(":path", "").format(**FILLED))
    return found


def test_nobody_gets_anything_but_401_on_any_route_s6(app: Any, visitor: Any) -> None:
    client = visitor(None)
    assert len(paths(app)) >= 5 + len(STATIC)
    for path in [*paths(app), *NOT_OURS]:
        for method in METHODS:
            answer = client.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert "churn.toml" not in answer.text
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_reader_can_only_get(app: Any, visitor: Any) -> None:
    client = visitor("admin")
    for path in paths(app):
        for method in METHODS[1:]:
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET"), (method, path)


def test_a_wrong_token_is_no_login(visitor: Any, roles: Any) -> None:
    client = visitor(None)
    assert client.get("/", headers={"Authorization": "Bearer made-up"}).status_code in {401, 403}
    client.cookies.set("_token", "made-up")
    assert client.get("/").status_code in {401, 403}


@pytest.mark.parametrize("role", ["viewer", "user", "op", "admin"])
def test_whoever_may_see_the_runs_reads_the_page(visitor: Any, role: str) -> None:
    assert visitor(role).get("/").status_code == 200


def test_a_login_without_a_role_reads_nothing(app: Any, visitor: Any) -> None:
    client = visitor("")
    for path in paths(app):
        assert client.get(path).status_code == 403, path


def test_the_right_that_is_asked_for_is_that_of_the_six_dags(
    visitor: Any, roles: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an auth manager that knows single DAGs, all six are needed."""
    allowed = {"churn_ingest", "churn_score", "churn_export", "churn_learn", "churn_train"}
    asked = []

    def is_authorized_dag(*, method: str, user: Any, access_entity: Any, details: Any) -> bool:
        asked.append((method, access_entity.value, details.id))
        return details.id in allowed

    monkeypatch.setattr(roles, "is_authorized_dag", is_authorized_dag)
    assert visitor("viewer").get("/").status_code == 403
    assert asked[-1] == ("GET", "RUN", "churn_promote")
    allowed.add("churn_promote")
    assert visitor("viewer").get("/").status_code == 200


def test_fastapis_own_pages_are_off(visitor: Any) -> None:
    for path in NOT_OURS:
        assert visitor("admin").get(path).status_code == 404, path


def test_static_serves_its_own_files_and_nothing_else(visitor: Any) -> None:
    client = visitor("viewer")
    for name, kind in STATIC.items():
        answer = client.get(f"/static/{name}")
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
    for name in ("app.py", "..%2fapp.py", "%2e%2e/app.py", "page.css/../../app.py"):
        assert client.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize("role", [None, "viewer"])
@pytest.mark.parametrize(
    "path", ["/", "/report.json", "/static/page.css", "/none", "/receipts/a/b/c"]
)
def test_every_answer_carries_the_strict_headers(visitor: Any, role: str | None, path: str) -> None:
    answer = visitor(role).get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy


def test_nobody_learns_that_the_ledger_is_away(visitor: Any, settings: Path) -> None:
    settings.unlink()
    assert visitor(None).get("/").status_code == 401


def test_no_template_holds_script_style_or_address_of_its_own() -> None:
    """The policy forbids inline code; a template that tried would be silently broken."""
    import re

    import churn_page

    for file in Path(churn_page.__file__).parent.glob("templates/*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)|https?://|\|safe", text), (
            file
        )
