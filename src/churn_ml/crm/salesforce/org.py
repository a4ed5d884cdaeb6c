"""A Salesforce org that we are signed in to: describe, SOQL and ingest jobs over one session.

Enters: the connection, by the fields that Airflow's SalesforceHook reads, and a `session_id` beside
them. Leaves: answers, or errors in the house's words: Salesforce's own quote rows, URLs and names,
so that only its codes are kept. Every request has a timeout, a token of the bucket and its retries;
the session's token lives in the session alone and is fetched anew once where it has expired (R8).

Worked example: `salesforce://ada:secret@/?security_token=xyz&domain=test` signs in to a sandbox.

>>> literal("O'Brien")
"'O\\\\'Brien'"
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from simple_salesforce.api import DEFAULT_API_VERSION, Salesforce
from simple_salesforce.bulk2 import _Bulk2Client as Bulk2Client  # its public face waits blindly
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError
from simple_salesforce.util import call_salesforce

from churn_ml.connections import Endpoint
from churn_ml.crm.address import allowed
from churn_ml.crm.means import Buckets
from churn_ml.crm.remote import Caller
from churn_ml.crm.salesforce.session import Bounded, Session, trouble
from churn_ml.errors import BadConfig, ChurnError, Unreachable
from churn_ml.limits import Limit

T = TypeVar("T")
_LOGIN = {
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
_HOSTS = ("salesforce.com", "force.com", "salesforce.mil", "sfcrmproducts.cn")
_LISTED_BYTES = 8000
"""Of keys in one query: its URL may have 16,384, in the body of a request too."""
_NOT_WELL = 300
_HEADERS = {"Content-Type": "application/json"}
_HOST = re.compile(r"[A-Za-z0-9.-]+")
_VERSION = re.compile(r"\d+\.\d")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}")


class Org:
    """An org behind a connection; signs in when it is first asked.

    `test_host`: it may be this very machine, without https.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        limit: Limit,
        buckets: Buckets,
        *,
        test_host: bool = False,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._where = f"[destinations.{name}]"
        self._endpoint, self._test_host = endpoint, test_host
        self._caller = Caller(
            name, limit, buckets, trouble, renew=self._sign_in, clock=clock, sleep=sleep
        )
        self._session, self._login = Session(self._caller), Bounded()
        self._base = ""

    def described(self, name: str) -> list[Mapping[str, Any]]:
        """The fields of the object `name`, as far as the connection's user may see them."""
        fields: list[Mapping[str, Any]] = self._get(f"sobjects/{name}/describe")["fields"]
        return fields

    def query(self, soql: str, *, deleted: bool = False) -> Iterator[Mapping[str, Any]]:
        """The records that `soql` selects; those in the recycle bin too where `deleted`."""
        yield from self._pages(self._get("queryAll" if deleted else "query", q=soql))

    def lookup(self, soql: str) -> Iterator[Mapping[str, Any]]:
        """As `query`, for a condition that names customers: it stands in no URL and no log (S9)."""
        yield from self._pages(self.told(lambda: self._composed(soql)))

    def _composed(self, soql: str) -> Mapping[str, Any]:
        """The first page of a query that is asked for in the body of a composite request."""
        base = self._signed_in()
        query = f"{urlsplit(base).path}query?{urlencode({'q': soql})}"
        asked = [{"method": "GET", "url": query, "referenceId": "found"}]
        answer = call_salesforce(
            f"{base}composite", "POST", self._session, _HEADERS, json={"compositeRequest": asked}
        ).json()
        found: Mapping[str, Any] = answer["compositeResponse"][0]
        if found["httpStatusCode"] >= _NOT_WELL:
            raise SalesforceError("composite", found["httpStatusCode"], "query", found["body"])
        page: Mapping[str, Any] = found["body"]
        return page

    def _pages(self, page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield from page["records"]
        while not page["done"]:
            # only its last part: the token goes to no other place than the one we are signed in to
            page = self._get(f"query/{page['nextRecordsUrl'].rpartition('/')[2]}")
            yield from page["records"]

    def ingest(self, name: str) -> Bulk2Client:
        """The client of the ingest jobs of the object `name`; to be used through `told`."""
        return Bulk2Client(name, f"{self._signed_in()}jobs/", _HEADERS, self._session)

    def told(self, ask: Callable[[], T]) -> T:
        """What `ask` gives; BadConfig or Unreachable in the place of simple-salesforce's errors."""
        try:
            return ask()
        except SalesforceError as error:
            found = _meant(error, self._where)
        # Outside of the except, and in no context manager: the client's error quotes the answer,
        # and so maybe a customer, and would be printed as the context of ours.
        raise found

    def _get(self, path: str, **parameters: str) -> Any:
        def got() -> Any:
            url = self._signed_in() + path
            return call_salesforce(url, "GET", self._session, _HEADERS, params=parameters).json()

        return self.told(got)

    def _signed_in(self) -> str:
        """The address of the REST API."""
        if not self._base:
            self._sign_in()
        return self._base

    def _sign_in(self) -> None:
        given = login(self._endpoint)
        self._check(given)
        if "session_id" in given and "instance_url" in given:
            token, address = given["session_id"], given["instance_url"].rstrip("/")
        else:
            found = self._caller.call(lambda: self._logged_in(given))
            token, address = found.session_id, f"https://{found.sf_instance}"
        allowed(address, self._where, hosts=_HOSTS, test_host=self._test_host)
        version = given.get("version", DEFAULT_API_VERSION)
        self._base, self._session.token = f"{address}/services/data/v{version}/", token

    def _logged_in(self, given: Mapping[str, str]) -> Salesforce:
        try:
            return Salesforce(session=self._login, **given)  # type: ignore[arg-type] # all are texts
        except TypeError:
            raise BadConfig(
                "the connection does not say how to sign in to Salesforce",
                where=self._where,
                expected="user, password and security_token, or the fields of another way",
                next_step="fill in the connection as docs/destinations-salesforce.md says",
            ) from None

    def _check(self, given: Mapping[str, str]) -> None:
        """Refuse what would make another address of https://DOMAIN.salesforce.com/…/vVERSION."""
        shapes = {"domain": _HOST, "instance": _HOST, "version": _VERSION}
        if "session_id" not in given:
            shapes["instance_url"] = _HOST  # simple-salesforce then takes it for a domain
        wrong = [n for n, shape in shapes.items() if n in given and not shape.fullmatch(given[n])]
        if wrong:
            raise BadConfig(
                f"the connection's {wrong[0]} is none",
                where=self._where,
                expected="a host as in my-shop.my, a version as in 59.0",
                next_step="correct the connection",
            )


def literal(text: str) -> str:
    """The text as SOQL quotes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def listed(texts: Sequence[str]) -> Iterator[str]:
    """The texts as SOQL lists them behind IN, in as many lists as URLs need to carry them.

    >>> list(listed(["h1", "h2"]))
    ["'h1', 'h2'"]
    """
    group, size = list[str](), 0
    for text in map(literal, texts):
        length = len(quote(text))
        if group and size + length > _LISTED_BYTES:
            yield ", ".join(group)
            group, size = [], 0
        group.append(text)
        size += length
    if group:
        yield ", ".join(group)


def login(endpoint: Endpoint) -> dict[str, str]:
    """The arguments of simple-salesforce's `Salesforce` that the connection fills in.

    >>> sorted(login(Endpoint.of("salesforce://ada:x@/?security_token=y&domain=", "here")))
    ['password', 'security_token', 'username']
    """
    extra = {name.removeprefix("extra__salesforce__"): v for name, v in endpoint.extra.items()}
    given = {_LOGIN[name]: value for name, value in extra.items() if name in _LOGIN}
    given |= {"username": endpoint.login, "password": endpoint.password}
    return {name: value for name, value in given.items() if value}


def _meant(error: SalesforceError, where: str) -> ChurnError:
    code = _code(error)
    if "QUOTA" in code or code.endswith("LIMIT_EXCEEDED"):
        return Unreachable(
            "Salesforce takes no more for now",
            where=where,
            got=code,
            next_step="run the export again when its limit is free: the plan is kept",
        )
    return BadConfig(
        "Salesforce refuses what is asked of it",
        where=where,
        got=code,
        expected="a user who may use the API and read and edit the object and its fields",
        next_step="check the connection, `object` and `key`, and the user's rights",
    )


def _code(error: SalesforceError) -> str:
    """Salesforce's code; its message may quote what was sent."""
    if isinstance(error, SalesforceAuthenticationFailed):
        told: object = error.code
    else:
        content: Any = error.content  # its type says bytes, and it is what the JSON held
        first = content[0] if isinstance(content, list) and content else None
        told = first.get("errorCode") if isinstance(first, dict) else None
    return told if isinstance(told, str) and _CODE.fullmatch(told) else f"status {error.status}"
