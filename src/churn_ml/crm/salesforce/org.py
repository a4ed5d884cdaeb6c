"""A Salesforce org that we are signed in to: describe, SOQL and ingest jobs over one session.

Enters: the connection, and inside a task Airflow's own hook of it (login.py). Leaves: answers, or
errors in the house's words: Salesforce's own quote rows, URLs and names, so that only its codes are
kept. Every request has a timeout, a token of the bucket and its retries; the session's token lives
in the session alone and is fetched anew once where it has expired (R8).

Worked example: the records of h1 to h3 are one query, told in the body of a request.

>>> literal("O'Brien")
"'O\\\\'Brien'"
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from simple_salesforce.bulk2 import _Bulk2Client as Bulk2Client  # its public face waits blindly
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError
from simple_salesforce.util import call_salesforce

from churn_ml.connections import Endpoint, Hook
from churn_ml.crm.address import allowed
from churn_ml.crm.means import Buckets
from churn_ml.crm.remote import TIMEOUT, Caller
from churn_ml.crm.salesforce.login import sign_in
from churn_ml.crm.salesforce.session import Bounded, Session, trouble
from churn_ml.errors import BadConfig, ChurnError, Unreachable
from churn_ml.limits import Limit

T = TypeVar("T")
_HOSTS = ("salesforce.com", "force.com", "salesforce.mil", "sfcrmproducts.cn")
_LISTED_BYTES = 8000
"""Of keys in one query: its URL may have 16,384, in the body of a request too."""
_NOT_WELL = 300
_HEADERS = {"Content-Type": "application/json"}
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}")


class Org:
    """An org behind a connection; signs in when it is first asked.

    `hook`: Airflow's own of that connection, inside a task; `test_host`: it may be this very
    machine, without https; `timeout`: of every request, as a Caller has it.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        limit: Limit,
        buckets: Buckets,
        *,
        hook: Hook | None = None,
        test_host: bool = False,
        timeout: tuple[float, float] = TIMEOUT,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._where = f"[destinations.{name}]"
        self._endpoint, self._hook, self._test_host = endpoint, hook, test_host
        pace: dict[str, Any] = {"clock": clock, "sleep": sleep, "timeout": timeout}
        self._caller = Caller(name, limit, buckets, trouble, renew=self._sign_in, **pace)
        self._session, self._login = Session(self._caller), Bounded(timeout)
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
        found = self._caller.call(
            lambda: sign_in(self._endpoint, self._login, self._hook, self._where)
        )
        allowed(found.address, self._where, hosts=_HOSTS, test_host=self._test_host)
        self._base = f"{found.address}/services/data/v{found.version}/"
        self._session.token = found.token


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
