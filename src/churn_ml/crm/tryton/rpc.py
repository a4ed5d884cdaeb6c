"""Calls to a Tryton server: JSON-RPC over HTTP, one call a transaction of the server's.

Enters: a method of one of Tryton's models and its parameters. Leaves: its result. A call is
`Refused` whole where Tryton's own rules forbid what is in it, and `Changed` where somebody has
written a record since it was read. Whatever else goes wrong may have happened before or after the
server did its work; the Caller of remote.py then asks again: every call must bear being repeated.

Three traps of trytond 8.2 stand behind the code. It marks long answers as gzip even where the
client did not ask for that, and then sends them plain. Basic authentication is answered with 405: a
session is opened first. A login while the database restarts is answered with 404, as if there were
no such database.

Worked example: nobody listens on port 1.

>>> from functools import partial
>>> from churn_ml.crm.means import MemoryBuckets
>>> from churn_ml.limits import Limit
>>> endpoint = Endpoint("tryton", "127.0.0.1", 1, "shop", "export", "secret")
>>> crm = Tryton(endpoint, secure=False, pace=partial(
...     Caller, "crm", Limit(100), MemoryBuckets(), failures_in_a_row=1))
>>> crm
Tryton('127.0.0.1', 1, 'shop')
>>> crm.call("party.party.search", [["code", "=", "h1"]])
Traceback (most recent call last):
...
churn_ml.errors.Unreachable: the server of destination crm cannot be asked now ...
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import time
from typing import Any, Self

from churn_ml.connections import Endpoint
from churn_ml.crm.refused import Refused
from churn_ml.crm.remote import Caller, Trouble, of_status
from churn_ml.errors import BadConfig

_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404
_REFUSING = (400, 413, 422)
"""Statuses that are about what is in the call: it is too long, or does not read."""
_AGAIN = (OSError, EOFError, HTTPException, ValueError)
"""What a connection raises that breaks, or an answer that does not read to its end."""
PORTS = {True: 443, False: 8000}


class Changed(Exception):
    """A record was written by somebody else since it was read: nothing was done."""


class _Answered(Exception):
    """An answer without a result."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.what)
        self.trouble = trouble


class Tryton:
    """A database of a Tryton server, as one of its users; opens its session when first asked.

    `endpoint`: host, port, database as path, login and password; `secure`: over https; `pace`: a
    Caller but for what errors mean and how a session is renewed. Secrets are not part of the repr.
    """

    def __init__(self, endpoint: Endpoint, pace: Callable[..., Caller], *, secure: bool) -> None:
        self.endpoint = endpoint
        self.secure = secure
        self.session = ""
        self._pace = pace
        self._caller = pace(trouble=_trouble, renew=self._open)

    def __repr__(self) -> str:
        """The place alone."""
        return f"Tryton({self.endpoint.host!r}, {self.endpoint.port}, {self.endpoint.path!r})"

    def beside(self) -> Self:
        """A client for another thread: in the same session, at a pace that both share."""
        second = type(self)(self.endpoint, self._pace, secure=self.secure)
        second.session = self.session
        return second

    def call(self, method: str, *parameters: object, read: Mapping[str, str] | None = None) -> Any:
        """The result of `method` of a model, as in "party.party.search".

        `read`: the timestamps of records as they were read, by "MODEL,ID"; the call does nothing
        where one that it writes has another by now. Records that a person has deactivated are
        found as all others are.
        Raises: Refused, Changed; Unreachable where nobody knows whether it was done; BadConfig
        where the server does not let the user in.
        """
        if not self.session:
            self._open()
        told = [*parameters, {"active_test": False, "_timestamp": dict(read or {})}]
        return self._caller.call(lambda: self._post(f"model.{method}", told))

    def _open(self) -> None:
        """Open a new session; raises BadConfig where user or password are wrong."""
        self.session = ""
        who = [self.endpoint.login, {"password": self.endpoint.password}]
        number, key, *_ = self._caller.call(lambda: self._post("common.db.login", who))
        told = f"{self.endpoint.login}:{number}:{key}"
        self.session = "Session " + b64encode(told.encode()).decode()

    def _post(self, method: str, parameters: Sequence[object]) -> Any:
        body = json.dumps({"id": 0, "method": method, "params": parameters}).encode()
        # asked for: an answer that is marked as gzip is so only then
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        if self.session:
            headers["Authorization"] = self.session
        kind = HTTPSConnection if self.secure else HTTPConnection
        connect, read = self._caller.timeout
        connection = kind(self.endpoint.host, self.endpoint.port or PORTS[self.secure])
        connection.timeout = connect
        try:
            connection.connect()
            connection.sock.settimeout(read)
            connection.request("POST", f"/{self.endpoint.path}/rpc/", body, headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != _OK:
                raise self._status(response.status, dict(response.getheaders()))
            if response.getheader("Content-Encoding") == "gzip":
                answer = gzip.decompress(answer)
            return _result(json.loads(answer))
        finally:
            connection.close()

    def _status(self, status: int, headers: Mapping[str, str]) -> Exception:
        if status in _REFUSING:
            return Refused(str(status), "Tryton cannot read the call")
        if status == _FORBIDDEN or (status == _UNAUTHORIZED and not self.session):
            return BadConfig(
                "Tryton does not let the export in",
                where=f"{self.endpoint.host}, database {self.endpoint.path}",
                got=f"status {status}",
                expected="a user of its own who may write parties, categories and attachments",
                next_step="correct login and password of the connection",
            )
        trouble = of_status(status, headers, time())
        if status == _NOT_FOUND:
            trouble = Trouble("again", f"status 404 for database {self.endpoint.path}")
        if trouble is None:
            return BadConfig(
                "there is no Tryton at the address of the connection",
                where=f"{self.endpoint.host}, database {self.endpoint.path}",
                got=f"status {status}",
                expected="status 200; no redirect is followed",
                next_step="correct host and port of the connection",
            )
        return _Answered(trouble)


def _result(found: Mapping[str, Any]) -> Any:
    """The result in an answer; the words of an error may quote a customer: its kind alone stays."""
    if "error" not in found:
        return found["result"]
    kind = found["error"][0]
    if kind in ("UserError", "UserWarning"):
        raise Refused(kind, "Tryton's own rules do not allow the row")
    if kind == "ConcurrencyException":
        raise Changed
    raise _Answered(Trouble("again", "an error inside Tryton"))


def _trouble(error: Exception) -> Trouble | None:
    if isinstance(error, _Answered):
        return error.trouble
    return Trouble("again", type(error).__name__) if isinstance(error, _AGAIN) else None
