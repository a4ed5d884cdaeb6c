"""Signing in to Salesforce: by Airflow's hook inside a task, by the connection's fields without.

Enters: the connection, and an HTTP session that ends what it asks. Leaves: a token and the address
that it is good for. The fields are checked before anything is asked, whoever signs in by them: they
become parts of addresses. The hook reads the same connection, and reads it anew at every sign-in.

Worked example: `salesforce://ada:secret@/?security_token=xyz&domain=test` signs in to a sandbox.

>>> there = Endpoint.of("salesforce:///?session_id=abc&instance=shop.my.salesforce.com", "here")
>>> sign_in(there, Session(), None, "here").address
'https://shop.my.salesforce.com'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from requests import Session
from simple_salesforce.api import DEFAULT_API_VERSION, Salesforce

from churn_ml.connections import Endpoint, Hook
from churn_ml.errors import BadConfig

_FIELDS = {
    "security_token": "security_token",
    "domain": "domain",
    "instance": "instance",
    "instance_url": "instance_url",
    "organization_id": "organizationId",
    "version": "version",
    "client_id": "client_id",
    "consumer_key": "consumer_key",
    "consumer_secret": "consumer_secret",
    "private_key_file_path": "privatekey_file",
    "private_key": "privatekey",
    "session_id": "session_id",
}
"""simple-salesforce's word for each field of the connection, as SalesforceHook passes them on."""
_PREFIX = "extra__salesforce__"
"""Before a field's name in connections that an older Airflow wrote."""
_HOST = re.compile(r"[A-Za-z0-9.-]+")
_VERSION = re.compile(r"\d+\.\d")


@dataclass(frozen=True)
class SignedIn:
    """A session with an org: its `token`, good at `address`, for the API of `version`."""

    token: str = field(repr=False)
    address: str
    version: str


def sign_in(endpoint: Endpoint, session: Session, hook: Hook | None, where: str) -> SignedIn:
    """Sign in over `session`; by the `hook` where a door has one, else by the connection's fields.

    `where`: the section of churn.toml that names the connection. Raises: BadConfig where a field is
    none, or one is lacking; what simple-salesforce raises where it is not let in.
    """
    given = fields(endpoint)
    _check(given, where)
    try:
        client = hook(session) if hook else Salesforce(session=session, **given)  # type: ignore[arg-type] # all are texts
    except TypeError:
        raise BadConfig(
            "the connection does not say how to sign in to Salesforce",
            where=where,
            expected="user, password and security_token, or the fields of another way",
            next_step="fill in the connection as docs/destinations-salesforce.md says",
        ) from None
    address = f"https://{client.sf_instance}"
    if client.auth_type == "direct":  # nobody was asked: the address is as the connection has it
        address = given.get("instance_url", address).rstrip("/")
    return SignedIn(client.session_id, address, given.get("version", DEFAULT_API_VERSION))


def fields(endpoint: Endpoint) -> dict[str, str]:
    """The arguments of simple-salesforce's `Salesforce` that the connection fills in.

    >>> sorted(fields(Endpoint.of("salesforce://ada:x@/?security_token=y&domain=", "here")))
    ['password', 'security_token', 'username']
    """
    extra = endpoint.extra
    given = {word: extra.get(n, extra.get(_PREFIX + n, "")) for n, word in _FIELDS.items()}
    given |= {"username": endpoint.login, "password": endpoint.password}
    return {name: value for name, value in given.items() if value}


def _check(given: Mapping[str, str], where: str) -> None:
    """Refuse what would make another address of https://DOMAIN.salesforce.com/…/vVERSION."""
    shapes = {"domain": _HOST, "instance": _HOST, "version": _VERSION}
    if "session_id" not in given:
        shapes["instance_url"] = _HOST  # simple-salesforce then takes it for a domain
    wrong = [n for n, shape in shapes.items() if n in given and not shape.fullmatch(given[n])]
    if wrong:
        raise BadConfig(
            f"the connection's {wrong[0]} is none",
            where=where,
            expected="a host as in my-shop.my, a version as in 59.0",
            next_step="correct the connection",
        )
