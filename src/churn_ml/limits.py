"""How fast a server may be asked: a token bucket with a budget a day, as arithmetic alone.

Enters: a limit, what the bucket held last, the time. Leaves: what it holds now and how long to wait
for a token. Where the bucket is kept is another room's matter: the ledger keeps one a destination,
so that all workers of all runs share it (fault R1).

A bucket of `burst` tokens that fills at `rate` lets at most burst + rate x seconds requests through
in any span of `seconds`; both are chosen so that this is `requests`, a tenth of it at once.

Worked example: HubSpot allows 100 requests in 10 s. Ten go at once, the eleventh waits .11 s.

>>> limit, bucket = Limit(requests=100), None
>>> for _ in range(10):
...     bucket, wait = taken(bucket, limit, now=0.0)
>>> bucket.tokens, round(taken(bucket, limit, now=0.0)[1], 2)
(0.0, 0.11)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from churn_ml.errors import BadInput


@dataclass(frozen=True)
class Limit:
    """At most `requests` in any span of `seconds`, and at most `per_day` in a day of UTC.

    >>> Limit(requests=100).burst, Limit(requests=100).rate
    (10, 9.0)
    """

    requests: int
    seconds: float = 10.0
    per_day: int | None = None

    def __post_init__(self) -> None:
        """Refuse a limit that no bucket can keep."""
        if self.requests < 2 or self.seconds <= 0:  # noqa: PLR2004 - one at once, one to refill
            raise BadInput(
                "a limit needs at least 2 requests in a span longer than 0 s",
                got=f"{self.requests} in {self.seconds} s",
            )

    @property
    def burst(self) -> int:
        """How many requests may go at once."""
        return max(1, self.requests // 10)

    @property
    def rate(self) -> float:
        """How many tokens come back, per second."""
        return (self.requests - self.burst) / self.seconds


@dataclass(frozen=True)
class Bucket:
    """What is left: `tokens` at `filled_at` (epoch seconds), `spent` requests of `day` (UTC)."""

    tokens: float
    filled_at: float
    day: date
    spent: int


def taken(bucket: Bucket | None, limit: Limit, now: float) -> tuple[Bucket, float]:
    """Take one token: the bucket afterwards, and the seconds to wait; 0.0 where one was taken.

    `bucket`: as it was last, None where nobody asked before; `now`: epoch seconds. A wait longer
    than the limit's own span means that the day's budget is spent.

    >>> limit = Limit(requests=100, per_day=1)
    >>> after, wait = taken(None, limit, now=86_000.0)
    >>> after.spent, wait, taken(after, limit, now=86_000.0)[1]
    (1, 0.0, 400.0)
    """
    today = datetime.fromtimestamp(now, UTC)
    filled = _filled(bucket or Bucket(limit.burst, now, today.date(), 0), limit, now)
    if filled.day != today.date():
        filled = replace(filled, day=today.date(), spent=0)
    if limit.per_day is not None and filled.spent >= limit.per_day:
        midnight = datetime(today.year, today.month, today.day, tzinfo=UTC) + timedelta(days=1)
        return filled, (midnight - today).total_seconds()
    if filled.tokens < 1:
        return filled, (1 - filled.tokens) / limit.rate
    return replace(filled, tokens=filled.tokens - 1, spent=filled.spent + 1), 0.0


def _filled(bucket: Bucket, limit: Limit, now: float) -> Bucket:
    """The bucket with what came back since; a worker whose clock is behind brings nothing back.

    A time more than a span ahead was a clock gone wrong: waiting for it would stop every export.
    """
    elapsed = now - bucket.filled_at
    if elapsed < -limit.seconds:
        return replace(bucket, filled_at=now)
    tokens = min(limit.burst, bucket.tokens + max(elapsed, 0.0) * limit.rate)
    return replace(bucket, tokens=tokens, filled_at=max(now, bucket.filled_at))
