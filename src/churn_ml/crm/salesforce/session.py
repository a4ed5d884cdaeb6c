"""One HTTP session with Salesforce: bounded in time, paced, tried again, read as UTF-8.

Enters: requests of simple-salesforce, which sets no timeout, tries nothing again and reads results
as Latin-1 where Salesforce does not name their encoding. Leaves: answers that are not trouble; what
is trouble goes to the `Caller`, which waits, tries again or gives up. Worked example: a 503 while a
job of 2017-10-01 is polled is asked again half a second later, and the job goes on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import requests
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from churn_ml.crm.remote import TIMEOUT, Caller, Trouble, of_status

_BUSY = ("SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW")
_FORBIDDEN, _SERVER_ERROR = 403, 500


class Bounded(requests.Session):
    """A session whose requests end; it follows no redirect and reads no ~/.netrc."""

    def __init__(self, timeout: tuple[float, float] = TIMEOUT) -> None:
        """`timeout`: seconds to connect, and between two pieces of an answer."""
        super().__init__()
        self._timeout = timeout
        self.auth = _as_it_is  # an auth of its own keeps requests from looking into ~/.netrc

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """As requests has it, but it ends."""
        return super().request(
            method, url, **{"timeout": self._timeout, "allow_redirects": False, **options}
        )


class Session(Bounded):
    """A session that is signed in: paced, tried again, its results read as UTF-8."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller.timeout)
        self.token = ""
        self.auth = self._signed
        self._caller = caller

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """As `Bounded`, in its turn and tried again; raises Unreachable, BadConfig as `Caller`."""
        return self._caller.call(lambda: self._once(method, url, options))

    def _once(self, method: str, url: str, options: Mapping[str, Any]) -> requests.Response:
        response = super().request(method, url, **options)
        # Salesforce sends UTF-8 and does not say so, which HTTP reads as Latin-1 (fault R17).
        response.encoding = "utf-8"
        if _of(response) is not None:
            raise _Failed(response)
        return response

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Failed(Exception):
    """An answer that means trouble."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def trouble(error: Exception) -> Trouble | None:
    """What a failed request means to the `Caller`; None where it is an answer to the request.

    >>> trouble(requests.ConnectTimeout()), trouble(ValueError())
    (Trouble(kind='again', what='ConnectTimeout', seconds=None), None)
    """
    if isinstance(error, _Failed):
        return _of(error.response)
    if isinstance(error, SalesforceAuthenticationFailed):
        busy = error.code in _BUSY or (isinstance(error.code, int) and error.code >= _SERVER_ERROR)
        return Trouble("again", "login") if busy else None
    return Trouble("again", type(error).__name__) if isinstance(error, OSError) else None


def _of(response: requests.Response) -> Trouble | None:
    """What the answer means; the limit of the day is a 403 with a code of its own."""
    if response.status_code == _FORBIDDEN and "REQUEST_LIMIT_EXCEEDED" in response.text:
        return Trouble("spent", "REQUEST_LIMIT_EXCEEDED")
    return of_status(response.status_code, response.headers, time.time())
