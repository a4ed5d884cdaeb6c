"""The wire to Airflow's API: one login, one place where its answers become the house's errors.

Enters: an address, a user and a password. Leaves: JSON, None for what Airflow does not know (404),
or an error: Unreachable where nobody answered or the server broke (try again), BadInput where it
refused. A password or token is in no message. Worked example: a token that ran out answers 401; the
wire logs in anew and asks again, and the caller sees nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import httpx

from churn_ml.errors import BadInput, Unreachable

PAGE = 100
NOT_FOUND, CONFLICT, SERVER_ERROR = 404, 409, 500
REFUSED = (401, 403)
"""What Airflow says to no token or one that ran out, and to one that another secret signed."""


class Conflict(BadInput):
    """What was wished for contradicts what is there (409): maybe an answer to it was lost."""


class Wire:
    """Requests as one user; close it, or use it as a context manager."""

    def __init__(self, url: str, user: str, password: str, *, timeout_seconds: float = 30) -> None:
        self.url, self.user, self._password = url, user, password
        # the stack is on this very machine: no proxy stands between
        self._http = httpx.Client(base_url=url, timeout=timeout_seconds, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        root: str = "/api/v2",
    ) -> Any:
        """What Airflow answers, as JSON; None for what it does not know (404)."""
        answer = self._send(method, root + path, body, query)
        if answer.status_code in REFUSED:
            self._log_in()
            answer = self._send(method, root + path, body, query)
        if answer.status_code == NOT_FOUND:
            return None
        return self._told(answer)

    def pages(
        self, method: str, path: str, name: str, query: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every entry of a listing, page by page; a listing by POST takes its query as its body."""
        offset = 0
        while True:
            if method == "GET":
                page = {**(query or {}), "limit": PAGE, "offset": offset}
                told = self.ask(method, path, query=page)
            else:
                told = self.ask(
                    method, path, {**(query or {}), "page_limit": PAGE, "page_offset": offset}
                )
            rows = (told or {}).get(name, [])
            yield from rows
            offset += PAGE
            if len(rows) < PAGE:
                return

    def _log_in(self) -> None:
        """Take a new token; raises BadInput where the login is refused."""
        login = {"username": self.user, "password": self._password}
        answer = self._send("POST", "/auth/token", login, None)
        if answer.status_code in REFUSED:
            raise BadInput(
                f"Airflow refuses the login of {self.user}",
                where=self.url,
                next_step="churn-ml stack status --logins shows who may log in",
            )
        self._http.headers["Authorization"] = f"Bearer {self._told(answer)['access_token']}"

    def _send(
        self, method: str, path: str, body: Any, query: Mapping[str, Any] | None
    ) -> httpx.Response:
        try:
            return self._http.request(method, path, json=body, params=query)
        except httpx.TransportError as error:
            raise self._away(type(error).__name__) from error

    def _told(self, answer: httpx.Response) -> Any:
        """The JSON of a good answer; raises Unreachable or BadInput for another."""
        if answer.status_code >= SERVER_ERROR:
            raise self._away(f"{answer.status_code} for {answer.request.url.path}")
        if answer.is_error:
            raise (Conflict if answer.status_code == CONFLICT else BadInput)(
                f"Airflow refused {answer.request.method} {answer.request.url.path}",
                where=f"{self.url}, as {self.user}",
                got=f"{answer.status_code}: {_detail(answer)}",
                next_step="see what it says; the DAG's page in the UI tells what it takes",
            )
        return answer.json()

    def _away(self, got: str) -> Unreachable:
        return Unreachable(
            "Airflow's API does not answer",
            where=self.url,
            got=got,
            next_step="see churn-ml stack status, and the log of the api-server",
        )


def _detail(answer: httpx.Response) -> str:
    """Why Airflow refused, in its words; never what was sent."""
    try:
        told = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
    if isinstance(told, list):
        return "; ".join(str(each.get("msg", "")) for each in told)
    return str(told)
