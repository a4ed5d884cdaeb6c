"""HubSpot's official client, opened the one way that the house uses it, and its errors understood.

Enters: a connection. Leaves: a `Session`, whose `ask` makes one request with the house's timeouts,
pace and retries, and a `Refusal` that holds no word of HubSpot's, which may quote a customer.

The client has no timeout of its own, retries some requests and not others, and raises errors of
urllib3 beside its own; so it is told to retry nothing, and every request goes through `ask`. It is
told to follow no redirect either: only the host that was allowed is spoken to.

Worked example: a private app's token is the connection's password, as in
`hubspot://:pat-eu1-...@api.hubapi.com`. An OAuth app has its client id as login, the client secret
as password and `refresh_token` in the extra.

>>> endpoint = Endpoint.of("hubspot://:token@", "[destinations.crm]")
>>> base_url(endpoint)
'https://api.hubapi.com'
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from churn_ml.connections import Endpoint
from churn_ml.crm.address import allowed, is_this_machine
from churn_ml.crm.hubspot.rows import category, refused
from churn_ml.crm.refused import Refused
from churn_ml.crm.remote import Caller, Trouble, of_status
from churn_ml.errors import BadConfig, Unreachable

HOSTS = ("hubapi.com",)
EXAMPLE = "hubspot://:TOKEN@api.hubapi.com"
SCOPES = "crm.objects.contacts.read and .write, crm.schemas.contacts.read and .write"
_ROLLING_SECONDS = 10.0
"""The span of HubSpot's short limit: the pause where a 429 does not say one."""
_FORBIDDEN, _TOO_MANY = 403, 429


class Refusal(Refused):
    """HubSpot refused a request: its status, its category as the code, the properties it named.

    `unknown`: whether a property does not exist there.
    """

    def __init__(self, status: int, body: str) -> None:
        """`body`: the answer, of which only words that are ours or HubSpot's codes are kept."""
        super().__init__(category(_json(body).get("category")), refused(body))
        self.status = status
        self.unknown = "PROPERTY_DOESNT_EXIST" in body


def base_url(endpoint: Endpoint, *, test_host: bool = False) -> str:
    """The address that a connection stands for: HubSpot's own where it names no host."""
    scheme = "http" if test_host and is_this_machine(endpoint.host) else "https"
    port = f":{endpoint.port}" if endpoint.port else ""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host  # IPv6
    return f"{scheme}://{host or 'api.hubapi.com'}{port}"


def client(endpoint: Endpoint, where: str, *, test_host: bool = False) -> Any:
    """The official client for a connection, which has sent nothing so far.

    `where`: what names the connection, for errors. Raises: BadConfig where the client is not
    installed, the connection has no token or leads to another host; Unreachable where the host's
    name does not resolve.
    """
    try:
        import hubspot
        from urllib3 import Retry
    except ImportError:
        raise BadConfig(
            "HubSpot's client is not installed",
            where=where,
            next_step="pip install 'churn-ml[crm]'",
        ) from None
    if not endpoint.password:
        raise BadConfig(
            "the connection to HubSpot has no token",
            where=where,
            expected=f"{EXAMPLE}, with the token of a private app as password",
            next_step="put the token into the connection's password",
        )
    url = base_url(endpoint, test_host=test_host)
    allowed(url, where, hosts=HOSTS, test_host=test_host)
    token = "" if endpoint.extra.get("refresh_token") else endpoint.password
    never = Retry(0, redirect=False)
    return hubspot.HubSpot(access_token=token, host=url, retry=never)


class Session:
    """The parts of HubSpot's API that an export needs, called at the destination's pace."""

    def __init__(self, endpoint: Endpoint, where: str, caller: Caller, *, test_host: bool) -> None:
        """See `client` for what it raises."""
        self._endpoint, self._where, self._caller = endpoint, where, caller
        self.client = found = client(endpoint, where, test_host=test_host)
        self.batch = found.crm.contacts.batch_api
        self.contacts = found.crm.contacts.basic_api
        self.properties = found.crm.properties.core_api
        self.groups = found.crm.properties.groups_api
        self._tokens = found.oauth.tokens_api
        if self.renewable:
            caller.renew = self.renew

    @property
    def renewable(self) -> bool:
        """Whether access tokens are got by a refresh token."""
        return bool(self._endpoint.extra.get("refresh_token"))

    def ask(self, method: Callable[..., Any], *inputs: Any, **further: Any) -> Any:
        """The answer of one request, which must be harmless to repeat.

        Raises: Refusal where HubSpot refuses it; BadConfig where the app lacks a scope; what
        `Caller.call` raises.
        """

        def once() -> Any:
            return method(*inputs, _request_timeout=self._caller.timeout, **further)

        try:
            return self._caller.call(once)
        except _errors() as error:
            refusal = Refusal(int(error.status or 0), str(error.body or ""))
        if refusal.status == _FORBIDDEN:
            raise BadConfig(
                "the HubSpot app may not do this",
                where=self._where,
                got=f"403 {refusal.code}",
                expected=f"the scopes {SCOPES}",
                next_step="add the scopes to the private app, then run the export again",
            )
        raise refusal

    def must(self, what: str, method: Callable[..., Any], *inputs: Any, **further: Any) -> Any:
        """As `ask`, where a refusal is no row's fault: it raises BadConfig too.

        `what`: what was to be done, as in "read the contacts".
        """
        try:
            return self.ask(method, *inputs, **further)
        except Refusal as refusal:
            raise self.refused(what, refusal) from None

    def refused(self, what: str, refusal: Refusal) -> BadConfig:
        """The error of a refusal that no row is to blame for."""
        return BadConfig(
            f"HubSpot refused to {what}",
            where=self._where,
            got=f"{refusal.status} {refusal.code}; {refusal.message}",
            next_step="run the export again: what it owns there and is gone, it makes anew",
        )

    def renew(self) -> None:
        """Get an access token by the connection's refresh token, for every part of the API."""
        try:
            answer = self._tokens.create(
                grant_type="refresh_token",
                client_id=self._endpoint.login,
                client_secret=self._endpoint.password,
                refresh_token=self._endpoint.extra["refresh_token"],
                _request_timeout=self._caller.timeout,
            )
        except Exception as error:
            found = trouble(error)
            if found is None and not isinstance(error, _errors()):
                raise
        else:
            self.client.access_token = answer.access_token
            for api in (self.batch, self.contacts, self.properties, self.groups):
                api.api_client.configuration.access_token = answer.access_token
            return
        if found is not None and found.kind != "login":
            raise Unreachable(
                "HubSpot gave no new token",
                where=self._where,
                got=found.what,
                next_step="run the export again: the plan is kept",
            )
        raise BadConfig(
            "HubSpot does not take the refresh token",
            where=self._where,
            next_step="install the app again and put its refresh token into the connection",
        )


def trouble(error: Exception) -> Trouble | None:
    """What an error of the client means; None where HubSpot answered the request itself."""
    import urllib3

    if isinstance(error, _errors()):
        status, headers = int(error.status or 0), error.headers or {}
        if status == _TOO_MANY and _json(error.body).get("policyName") == "DAILY":
            return Trouble("spent", "429")
        if status == _TOO_MANY and "retry-after" not in {name.lower() for name in headers}:
            return Trouble("pause", "429", _ROLLING_SECONDS)
        return of_status(status, headers, time.time()) if status else Trouble("again", "TLS")
    # ValueError, AttributeError: the client on an answer that is no JSON, or has no body.
    unreadable = (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError)
    return Trouble("again", type(error).__name__) if isinstance(error, unreadable) else None


def _errors() -> tuple[Any, ...]:
    """The client's own errors: each part of it has a class of its own."""
    from hubspot.crm.contacts import ApiException as Contacts
    from hubspot.crm.properties import ApiException as Properties
    from hubspot.oauth import ApiException as Oauth

    return Contacts, Properties, Oauth


def _json(body: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
