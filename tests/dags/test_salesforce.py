"""Salesforce in a task: Airflow's own hook signs in by Airflow's connection, over our session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

import pytest
from simple_salesforce.api import DEFAULT_API_VERSION

from churn_ml.config import from_text, load
from churn_ml.connections import Endpoint
from churn_ml.crm import Means, open_destination
from churn_ml.crm.salesforce.login import fields
from churn_ml.errors import BadConfig, Unreachable

from ..crm.fakes.faults import expired, http
from ..crm.fakes.https import Hosts
from ..crm.fakes.salesforce import Salesforce
from ..crm.fakes.server import Asked, Reply
from .running import running

Work = Callable[[str, str], Callable[..., Any]]
CRM = """
[destinations.crm]
kind = "salesforce"
connection = "salesforce_crm"
test_host = true
first_load = "send"
requests_per_10_seconds = 9999
"""
SHOP = f'shop = {{name = "Corner shop", currency = "EUR"}}\n{CRM}'
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
    "both names": {
        "login": "ada",
        "password": "x",
        "extra": {"domain": None, "extra__salesforce__domain": "old", "security_token": "t"},
    },
}
INSTANCE = "127.0.0.1:1"
SECRETS = ("canary-password", "canary-security", "canary-consumer", "canary-session")
PASSWORD = {"security_token": "canary-security"}
CONSUMER = {"consumer_key": "key", "consumer_secret": "canary-consumer", "domain": "shop.my"}


@pytest.mark.parametrize("way", WAYS)
def test_the_fields_that_are_checked_are_those_that_the_hook_signs_in_with(
    door: ModuleType, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    from airflow.providers.salesforce.hooks import salesforce as provider

    known(monkeypatch, **WAYS[way])
    hooked: dict[str, Any] = {}
    monkeypatch.setattr(provider, "Salesforce", lambda **given: hooked.update(given))
    config = from_text(SHOP)
    door.addresses.hooks(config)["salesforce_crm"](None)
    given = fields(Endpoint.of(door.addresses.named(config)["salesforce_crm"], "here"))
    default = {"version": DEFAULT_API_VERSION}
    assert default | given == {name: one for name, one in hooked.items() if one}


class Org:
    """Salesforce by https: its login servers, and an org whose session each sign-in changes."""

    def __init__(self, org: Salesforce) -> None:
        self.org = org
        self.asked: list[str] = []
        """Host and path of every sign-in."""
        self.busy: list[int] = []
        """The statuses that the next sign-ins are answered with."""

    def answer(self, host: str, asked: Asked) -> Reply:
        if not host.endswith(".salesforce.com"):
            reply, _ = self.org.handle(asked)
            return reply or Reply(500)
        self.asked.append(f"{host}{asked.path}")
        if self.busy:
            return Reply(self.busy.pop(), b"busy")
        self.org.token = f"canary-session-{len(self.asked)}"
        if asked.path == "/services/oauth2/token":
            told = {name: one for name, (one,) in parse_qs(asked.body.decode()).items()}
            assert told["client_secret"] == "canary-consumer"
            signed = {"access_token": self.org.token, "instance_url": f"https://{INSTANCE}"}
            return Reply(200, signed)
        assert b"canary-passwordcanary-security" in asked.body
        where = f"<serverUrl>https://{INSTANCE}/services/Soap/u/59.0</serverUrl>"
        return Reply(200, f"<e><sessionId>{self.org.token}</sessionId>{where}</e>".encode())


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    with Salesforce() as fake:
        org = Org(fake)
        names = ("login.salesforce.com", "shop.my.salesforce.com", "127.0.0.1")
        with Hosts(tmp_path, names, org.answer) as hosts:
            hosts.lead_here(monkeypatch)
            yield org


@pytest.fixture
def hooked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections that Airflow's hook was made for, which is the real one."""
    from airflow.providers.salesforce.hooks import salesforce as provider

    made: list[str] = []

    class Watched(provider.SalesforceHook):
        def __init__(self, conn_id: str, **further: Any) -> None:
            made.append(conn_id)
            super().__init__(conn_id, **further)

    monkeypatch.setattr(provider, "SalesforceHook", Watched)
    return made


def known(monkeypatch: pytest.MonkeyPatch, **told: Any) -> None:
    """Let Airflow know the connection."""
    monkeypatch.setenv(
        "AIRFLOW_CONN_SALESFORCE_CRM", json.dumps({"conn_type": "salesforce", **told})
    )


@pytest.mark.parametrize(
    ("extra", "place"),
    [
        (PASSWORD, "login.salesforce.com/services/Soap/u/59.0"),
        (CONSUMER, "shop.my.salesforce.com/services/oauth2/token"),
    ],
)
def test_r8_s8_a_task_exports_over_the_session_of_the_hook_which_is_signed_in_once_more(
    at_scored: Path,
    door: ModuleType,
    work: Work,
    there: Org,
    hooked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    extra: dict[str, str],
    place: str,
) -> None:
    file = at_scored / "churn.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.partition("[destinations")[0] + CRM, encoding="utf-8")
    monkeypatch.setattr(door, "CONFIG", load(file))
    known(monkeypatch, login="ada", password="canary-password", extra=extra)
    there.org.script.add(expired(path="batches"))
    with running("2017-10-01", dry_run=False):
        told = work("churn_export", "export")()
    assert told["status"] == "done"
    assert told["rows_out"] == len(there.org.records.held) > 100
    assert there.org.count("jobs/ingest") > 0
    assert there.asked == [place, place], "at the start, and where the session had expired"
    assert hooked == ["salesforce_crm"] * 2
    shown = caplog.text + json.dumps(told)
    assert not [secret for secret in SECRETS if secret in shown]


def opened(door: ModuleType) -> Any:
    config = from_text(SHOP)
    addresses = door.addresses.known(config)
    means = Means("me", addresses.connections, hooks=addresses.hooks)
    return open_destination("crm", config, means=means)


def test_a_session_of_the_connection_is_the_hooks_too_and_nobody_is_asked_for_one(
    door: ModuleType, there: Org, hooked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, extra={"instance_url": there.org.url, "session_id": there.org.token})
    target = opened(door)
    assert hooked == [], "opening a destination asks nothing"
    target.preflight()
    assert (hooked, there.asked) == (["salesforce_crm"], [])
    assert there.org.count("describe") == 1


@pytest.mark.parametrize(
    "proxies", ["http://ada:canary-proxy@one", {"https": "http://ada:canary-proxy@two"}], ids=repr
)
def test_s8_proxies_of_the_connection_which_the_client_warns_of_are_masked(
    door: ModuleType,
    there: Org,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    proxies: Any,
) -> None:
    from airflow.sdk._shared.secrets_masker import redact

    extra = {"instance_url": there.org.url, "session_id": there.org.token, "proxies": proxies}
    known(monkeypatch, extra=extra)
    opened(door).preflight()
    assert "canary-proxy" in caplog.text, "or there would be nothing to mask"
    assert "canary-proxy" not in str(redact(caplog.text))


def test_r2_a_login_server_that_is_busy_is_asked_again_by_the_hook(
    door: ModuleType, there: Org, hooked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, login="ada", password="canary-password", extra=PASSWORD)
    there.busy = [503]
    opened(door).preflight()
    assert len(there.asked) == len(hooked) == 2
    there.org.script.add(http(403, daily=True, path="describe"))
    with pytest.raises(Unreachable, match="limit of the day"):
        opened(door).preflight()


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"login": "ada"}, "does not say how to sign in"),
        ({"login": "ada", "password": "x", "extra": {**PASSWORD, "domain": "a/b"}}, "domain is no"),
    ],
)
def test_s12_a_connection_that_leads_elsewhere_or_nowhere_is_refused_before_anything_is_asked(
    door: ModuleType, there: Org, monkeypatch: pytest.MonkeyPatch, told: Any, says: str
) -> None:
    known(monkeypatch, **told)
    with pytest.raises(BadConfig, match=says):
        opened(door).preflight()
    assert there.asked == []
    assert there.org.asked == []
