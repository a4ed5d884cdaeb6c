"""Calling a CRM over the network: the pace, the retries, the end of patience.

Enters: a request as a function, and what its client's errors mean. Leaves: the answer, or an error
of the house. What a vendor's client does by itself differs, and is mostly too little: none of those
tried had a timeout, some retry a POST and some do not. So a client is told not to retry, given
`TIMEOUT`, and called through here.

    429, a pause is asked for   waits as long as asked (R1)
    429, the day's are used up  Unreachable, at once: the plan is kept
    5xx, reset, timeout         waits longer each time, with jitter (R2, R3, R4)
    too many of them in a row   the breaker opens: Unreachable, and no request for a while
    no answer by the deadline   Unreachable
    401                         renews the token once, then BadConfig (R8)

Every try takes a token of the destination's bucket, which all workers share; a spent budget of the
day is Unreachable and says when to go on. A reset may come after the CRM has done what was asked:
trying again must be harmless, as the upserts of the house are.

Worked example: the CRM answers 503, then well. The caller waits half a second at most in between.

>>> from churn_ml.crm.means import MemoryBuckets
>>> from churn_ml.limits import Limit
>>> answers = iter([ConnectionResetError(), "upserted"])
>>> def upsert():
...     answer = next(answers)
...     if isinstance(answer, Exception):
...         raise answer
...     return answer
>>> waited = []
>>> caller = Caller("crm", Limit(100), MemoryBuckets(), lambda error: Trouble("again", "reset"),
...                 sleep=waited.append, draw=lambda: 1.0)
>>> caller.call(upsert), waited
('upserted', [0.5])
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar

from churn_ml.crm.means import Buckets
from churn_ml.errors import BadConfig, Unreachable
from churn_ml.limits import Limit

T = TypeVar("T")
TIMEOUT = (3.0, 30.0)
"""Seconds to connect, and between two pieces of an answer."""
PACE = 100
"""Requests in 10 s where churn.toml names no pace: what HubSpot allows its smallest accounts."""
_SHORTEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.1, 30.0
_TOO_MANY, _UNAUTHORIZED, _REQUEST_TIMEOUT, _SERVER_ERROR = 429, 401, 408, 500


@dataclass(frozen=True)
class Trouble:
    """What a failed request means, whatever its client calls it.

    `kind`: "again", it may succeed if tried again; "pause", the server is well and asks for one of
    `seconds`; "spent", the vendor's limit of the day; "login", the token is not taken. `what` is
    shown to people: a status or the kind of error, never the server's words.
    """

    kind: Literal["again", "pause", "spent", "login"]
    what: str
    seconds: float | None = None


@dataclass
class Caller:
    """Calls one destination's server for one worker.

    `trouble(error)` says what a client's error means; None leaves it to whoever called. `renew`
    gets a new token, None where a token is not renewed. One call may take `deadline_seconds`, its
    waits included; after `failures_in_a_row` nothing is asked for `rest_seconds`.
    `timeout` is for the client of every request: seconds to connect, and between two pieces of an
    answer; an answer that trickles is bounded by the time limit of the step alone.
    """

    destination: str
    limit: Limit
    buckets: Buckets
    trouble: Callable[[Exception], Trouble | None]
    renew: Callable[[], None] | None = None
    deadline_seconds: float = 300.0
    failures_in_a_row: int = 8
    rest_seconds: float = 60.0
    timeout: tuple[float, float] = TIMEOUT
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random
    _failures: int = field(default=0, init=False)
    _closed_until: float = field(default=0.0, init=False)

    def call(self, request: Callable[[], T]) -> T:
        """The answer of `request`, which must be harmless to repeat.

        Raises: Unreachable where the server does not answer, or may not be asked now; BadConfig
        where it does not take the token; what `request` raises where `trouble` knows nothing of it.
        """
        until, renewed = self.clock() + self.deadline_seconds, False
        self._check_breaker()
        while True:
            self._take(until)
            try:
                answer = request()
            except Exception as error:
                trouble = self.trouble(error)
                if trouble is None:
                    raise
            else:
                self._failures = 0
                return answer
            # Outside of the except: the client's error quotes the answer, and so maybe a customer.
            if trouble.kind == "login":
                renewed = self._renew(trouble, renewed=renewed)
            else:
                self._wait(self._pause(trouble), until, trouble.what)

    def _check_breaker(self) -> None:
        now = self.clock()
        if now < self._closed_until:
            raise self._unreachable("it failed too often in a row", now, self._closed_until - now)

    def _take(self, until: float) -> None:
        """Wait for a token of the destination's bucket."""
        while wait := self.buckets.take(self.destination, self.limit, self.clock()):
            spent = wait > self.limit.seconds
            self._wait(wait, until, "the day's requests are spent" if spent else "the pace")

    def _wait(self, seconds: float, until: float, why: str) -> None:
        now = self.clock()
        if now + seconds > until:
            raise self._unreachable(why, now, seconds)
        self.sleep(seconds)

    def _renew(self, trouble: Trouble, *, renewed: bool) -> bool:
        if renewed or self.renew is None:
            raise BadConfig(
                f"the server of destination {self.destination} does not take the token",
                where=f"the connection of [destinations.{self.destination}]",
                got=trouble.what,
                next_step="put a valid token into the connection, then run the export again",
            )
        self.renew()
        return True

    def _pause(self, trouble: Trouble) -> float:
        """Seconds to wait after `trouble`; raises Unreachable where waiting is no use."""
        if trouble.kind == "spent":
            raise self._unreachable(f"{trouble.what}: the vendor's limit of the day", self.clock())
        if trouble.kind == "pause" and trouble.seconds is not None:
            return max(trouble.seconds, _SHORTEST_WAIT_SECONDS)
        self._failures += 1
        if self._failures >= self.failures_in_a_row:
            now, self._failures = self.clock(), self.failures_in_a_row - 1
            self._closed_until = now + self.rest_seconds
            raise self._unreachable(
                f"{trouble.what}, {self.failures_in_a_row} failures in a row", now
            )
        longest: float = min(_LONGEST_WAIT_SECONDS, 0.5 * 2.0 ** (self._failures - 1))
        return longest * (0.5 + self.draw() / 2)

    def _unreachable(self, got: str, now: float, seconds: float | None = None) -> Unreachable:
        at = datetime.fromtimestamp(now + (seconds or 0.0), UTC)
        when = f"after {at:%Y-%m-%d %H:%M:%S} UTC" if seconds else "when it answers"
        return Unreachable(
            f"the server of destination {self.destination} cannot be asked now",
            where=f"[destinations.{self.destination}]",
            got=got,
            next_step=f"run the export again {when}: the plan is kept",
        )


def of_status(status: int, headers: Mapping[str, str], now: float) -> Trouble | None:
    """What an HTTP status means; None where it is an answer to the request itself.

    `now`: epoch seconds, for a Retry-After that is a date.

    >>> of_status(429, {"Retry-After": "10"}, 0.0)
    Trouble(kind='pause', what='429', seconds=10.0)
    >>> of_status(503, {}, 0.0).kind, of_status(401, {}, 0.0).kind, of_status(400, {}, 0.0)
    ('again', 'login', None)
    """
    what = str(status)
    if status == _UNAUTHORIZED:
        return Trouble("login", what)
    told = {name.lower(): value for name, value in headers.items()}.get("retry-after")
    seconds = None if told is None else _seconds(told, now)
    if status == _TOO_MANY or (status >= _SERVER_ERROR and seconds is not None):
        return Trouble("pause", what, seconds)
    return Trouble("again", what) if status in {_REQUEST_TIMEOUT, *range(500, 600)} else None


def _seconds(told: str, now: float) -> float | None:
    """A Retry-After in seconds, whichever of its two forms it has; None where it has neither."""
    try:
        if told.strip().isdecimal():
            return float(told)
        return max(0.0, parsedate_to_datetime(told).timestamp() - now)
    except ValueError:
        return None
