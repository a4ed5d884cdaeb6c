"""Signing in to Salesforce by a user and a password: SOAP answers by hand, the org by the fake."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from churn_ml.connections import Endpoint
from churn_ml.crm.means import MemoryBuckets
from churn_ml.crm.salesforce.org import Org
from churn_ml.errors import BadConfig, Unreachable
from churn_ml.limits import Limit

from ..fakes.faults import expired, http
from ..fakes.salesforce import Salesforce
from ..fakes.server import Asked, Reply

INSTANCE = "127.0.0.1:1"
LOGIN = "salesforce://ada:canary-secret@/?security_token=canary-token"


@dataclass
class Wire(BaseAdapter):
    """The way to login.salesforce.com and to the org, without a network.

    `answers`: of the login server, one a sign-in; a text is the org's address, a number a status.
    """

    org: Salesforce
    answers: list[str | int]
    signed_in: int = 0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        assert options["timeout"] == (3.0, 30.0)
        body = request.body or b""
        url, sent = str(request.url), body if isinstance(body, bytes) else body.encode()
        if url.startswith("https://login.salesforce.com/"):
            return _response(request, self._login(sent))
        asked = Asked(
            str(request.method),
            requests.utils.urlparse(url).path,
            {},
            {name.lower(): value for name, value in request.headers.items()},
            sent,
        )
        reply, _ = self.org.handle(asked)
        assert reply is not None
        return _response(request, reply)

    def close(self) -> None:
        """Nothing is open."""

    def _login(self, body: bytes) -> Reply:
        assert b"canary-secretcanary-token" in body
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            code = "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>" if answer < 500 else "busy"
            said = f"{code}<sf:exceptionMessage>canary-secret</sf:exceptionMessage>"
            fault = f"<e xmlns:sf='urn:fault'>{said}</e>" if answer < 500 else "busy"
            return Reply(answer, fault.encode())
        self.signed_in += 1
        self.org.token = f"fake-token-{self.signed_in}"
        told = f"<sessionId>{self.org.token}</sessionId><serverUrl>{answer}</serverUrl>"
        return Reply(200, f"<e>{told}</e>".encode())


def _response(request: requests.PreparedRequest, reply: Reply) -> requests.Response:
    found = requests.Response()
    found.status_code, found._content = reply.status, reply.content
    found.request, found.url = request, str(request.url)
    return found


def signing_in(org: Salesforce, *answers: str | int) -> tuple[Org, Wire]:
    wire, endpoint = Wire(org, list(answers)), Endpoint.of(LOGIN, "here")
    there = Org("crm", endpoint, Limit(1000), MemoryBuckets(), test_host=True, sleep=lambda _: None)
    for session in (there._session, there._login):
        session.mount("https://", wire)
    return there, wire


@pytest.fixture
def account() -> Iterator[Salesforce]:
    with Salesforce() as org:
        yield org


def test_r8_a_session_that_expired_is_signed_in_once_more(account: Salesforce) -> None:
    org, wire = signing_in(account, *[f"https://{INSTANCE}/services/Soap/u/59.0"] * 3)
    assert len(org.described("Contact")) > 10
    assert wire.signed_in == 1
    account.token = "of a night ago"
    assert len(org.described("Contact")) > 10
    assert wire.signed_in == 2
    account.script.add(expired(), expired())
    with pytest.raises(BadConfig, match="does not take the token"):
        org.described("Contact")
    assert wire.signed_in == 3


def test_s8_a_wrong_password_is_named_and_never_shown(account: Salesforce) -> None:
    org, _ = signing_in(account, 500, 401)
    with pytest.raises(BadConfig, match="INVALID_LOGIN") as told:
        org.described("Contact")
    assert "canary" not in "".join(traceback.format_exception(told.value))


def test_r2_a_login_server_that_is_busy_is_asked_again(account: Salesforce) -> None:
    org, wire = signing_in(account, 503, 500, f"https://{INSTANCE}/x")
    assert len(org.described("Contact")) > 10
    assert wire.answers == []
    account.script.add(http(503))
    assert len(org.described("Contact")) > 10


def test_s12_a_login_that_leads_elsewhere_is_not_followed(account: Salesforce) -> None:
    org, _ = signing_in(account, "https://salesforce.com.evil.example/x")
    with pytest.raises(BadConfig, match="may not be sent to this host"):
        org.described("Contact")
    assert account.asked == []
    for lacking in ("salesforce://ada@/", "salesforce://ada:x@/?version=59/../"):
        found = Org("crm", Endpoint.of(lacking, "here"), Limit(1000), MemoryBuckets())
        with pytest.raises(BadConfig):
            found.described("Contact")


def test_a_login_server_that_stays_down_is_unreachable(account: Salesforce) -> None:
    org, _ = signing_in(account, *[503] * 8)
    with pytest.raises(Unreachable, match="the plan is kept"):
        org.described("Contact")
