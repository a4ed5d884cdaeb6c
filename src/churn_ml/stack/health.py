"""Whether each service answers, and the wait until all do.

Enters: a `Stack` whose processes run. Leaves: nothing, or an error that names the service and ends
with the tail of its log. A heartbeat counts only when it is newer than the process: after kill -9
Airflow's database holds the former one's for half a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from churn_ml.errors import Unreachable
from churn_ml.house import Progress
from churn_ml.stack import postgres
from churn_ml.stack.record import Stack

TAIL_LINES = 15
POLL_SECONDS = 0.5
SAY_EVERY_SECONDS = 10.0


def wait(stack: Stack, services: tuple[str, ...], *, seconds: float, say: Progress) -> None:
    """Return when all `services`, which were started, answer.

    Raises Unreachable where one ends, or does not answer within so many seconds.
    """
    began = told = time.monotonic()
    missing = list(services)
    while missing := [name for name in missing if not _answers(stack, name)]:
        now = time.monotonic()
        ended = [name for name in missing if not stack.services[name].alive()]
        if ended:
            raise failure(stack, ended[0], "ended")
        if now - began > seconds:
            raise failure(stack, missing[0], f"did not answer within {seconds:.0f} s")
        if now - told > SAY_EVERY_SECONDS:
            say(f"   waiting for {', '.join(missing)}: {now - began:.0f} s")
            told = now
        time.sleep(POLL_SECONDS)


def failure(stack: Stack, service: str, what: str) -> Unreachable:
    """The error for a service that does not do its work, with the tail of its log."""
    return Unreachable(
        f"{service} {what}",
        where=str(stack.log(service)),
        expected="a server that answers on " + _address(stack, service),
        next_step=f"read its log; it ends with:\n{tail(stack, service)}",
    )


def tail(stack: Stack, service: str) -> str:
    """The last lines of a service's log."""
    try:
        text = stack.log(service).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def client(url: str, **options: Any) -> httpx.Client:
    """A client for a server on this machine: no proxy, no waiting for ever."""
    return httpx.Client(base_url=url, trust_env=False, timeout=10.0, **options)


def _address(stack: Stack, service: str) -> str:
    urls = {"postgres": str(stack.folder / "postgres"), "mlflow": stack.mlflow_url}
    return urls.get(service, stack.airflow_url)


def _answers(stack: Stack, service: str) -> bool:
    ask: dict[str, Callable[[Stack], bool]] = {"postgres": postgres.answers, "mlflow": _mlflow}
    try:
        if service in ask:
            return ask[service](stack)
        return _airflow(stack, service)
    except httpx.HTTPError:
        return False


def _mlflow(stack: Stack) -> bool:
    with client(stack.mlflow_url) as http:
        return http.get("/health").status_code == httpx.codes.OK


def _airflow(stack: Stack, component: str) -> bool:
    with client(stack.airflow_url) as http:
        answer = http.get("/api/v2/monitor/health")
    if answer.status_code != httpx.codes.OK:
        return False
    if component == "api-server":
        return True
    name = component.replace("-", "_")
    beat = answer.json()[name].get(f"latest_{name}_heartbeat")
    born = stack.services[component].created
    return beat is not None and datetime.fromisoformat(beat).timestamp() > born
