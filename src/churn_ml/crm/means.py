"""What a destination may use beside its settings: who it is, its secrets, a memory, a clock's pace.

Enters: the deployment's name, the connections that the door knows, and the ledger. Leaves: a
`Means` that every destination is opened with. The doubles in memory serve tests, and whoever tries
a destination out in a REPL.

Worked example: the shop's CRM is asked twice in the same second, where only one request may go.

>>> means = Means("Corner shop with ledger 5f1c")
>>> [means.buckets.take("crm", Limit(requests=2, seconds=1.0), now=0.0) for _ in range(2)]
[0.0, 1.0]
>>> means.jobs.note_job("crm", "7d1e", "750xx", datetime(2026, 11, 22))
>>> means.jobs.job("crm", "7d1e")
'750xx'
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Protocol

from churn_ml.connections import Endpoint, Hook, from_environment
from churn_ml.limits import Bucket, Limit, taken


class Jobs(Protocol):
    """Which job of the target's a batch became, so that a later run can adopt it (fault R15)."""

    def job(self, destination: str, batch_id: str) -> str | None:
        """The job noted last for the batch, or None."""

    def note_job(self, destination: str, batch_id: str, job_id: str, at: datetime) -> None:
        """Note the batch's job, in place of an earlier one; durable before it returns."""


class Buckets(Protocol):
    """One token bucket a destination, shared by all who send there (fault R1)."""

    def take(self, destination: str, limit: Limit, now: float) -> float:
        """Take one token: the seconds to wait before asking again, 0.0 where one was taken.

        `now`: epoch seconds. A wait longer than `limit.seconds` means a spent day's budget.
        """


@dataclass
class MemoryJobs:
    """Jobs in a dictionary."""

    jobs: dict[tuple[str, str], str] = field(default_factory=dict)

    def job(self, destination: str, batch_id: str) -> str | None:
        """The job noted last for the batch, or None."""
        return self.jobs.get((destination, batch_id))

    def note_job(
        self,
        destination: str,
        batch_id: str,
        job_id: str,
        at: datetime,  # noqa: ARG002 - the protocol's; a double keeps no times
    ) -> None:
        """Note the batch's job."""
        self.jobs[destination, batch_id] = job_id


@dataclass
class MemoryBuckets:
    """Buckets in a dictionary: the pace of one process alone, whatever threads it has."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def take(self, destination: str, limit: Limit, now: float) -> float:
        """Take one token; see `Buckets`."""
        with self._lock:
            self.buckets[destination], wait = taken(self.buckets.get(destination), limit, now)
        return wait


def nobody(_: str) -> Collection[str]:
    """Whom a destination was told about, where nothing is remembered."""
    return ()


@dataclass(frozen=True)
class Means:
    """What a destination may use beside its settings.

    `owner`: the deployment that may feed the target, as in "Corner shop with ledger 5f1c" (O3).
    `connections`: connection id -> URL, as the door knows them; they hold secrets and are no part
    of the repr. `told(destination)`: the customers of whom it acknowledged an upsert last, so that
    it can tell a record that was deleted there from one that was never made (R11). `hooks`:
    connection id -> Airflow's own hook of it, inside a task.
    """

    owner: str
    connections: Mapping[str, str] = field(default_factory=dict, repr=False)
    jobs: Jobs = field(default_factory=MemoryJobs, repr=False)
    buckets: Buckets = field(default_factory=MemoryBuckets, repr=False)
    told: Callable[[str], Collection[str]] = field(default=nobody, repr=False)
    hooks: Mapping[str, Hook] = field(default_factory=dict, repr=False)

    def endpoint(self, connection: str, where: str, example: str) -> Endpoint:
        """The connection of that name, of the door or else of the environment.

        `where`: the section of churn.toml that names it; `example`: what its URL looks like.
        Raises: BadConfig where nobody knows it or its URL does not read.

        >>> means = Means("me", {"hubspot_crm": "hubspot://:token@api.hubapi.com"})
        >>> means.endpoint("hubspot_crm", "[destinations.crm]", "hubspot://:TOKEN@").host
        'api.hubapi.com'
        """
        url = self.connections.get(connection) or from_environment(connection, where, example)
        return Endpoint.of(url, where)
