"""What the tests of Salesforce stand on: a destination, the fake org it fills, its memory.

Run as a process of its own, with the URLs of a connection and of a ledger, it sends six rows.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

from churn_ml.connections import Endpoint
from churn_ml.crm.means import Jobs, Means, MemoryJobs
from churn_ml.crm.payload import NAMES, hashed
from churn_ml.crm.protocol import Ack, Batch, Rejection, Row
from churn_ml.crm.remote import TIMEOUT
from churn_ml.crm.salesforce import SalesforceDestination
from churn_ml.crm.salesforce.org import Org
from churn_ml.ledger import Ledger
from churn_ml.limits import Limit

from ..fakes.salesforce import Salesforce
from ..fakes.salesforce_records import KEY

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)


@dataclass
class World:
    """A destination, the org it fills, what it remembers and how long it slept."""

    org: Salesforce
    owner: str = "Corner shop with ledger 5f1c"
    jobs: Jobs = field(default_factory=MemoryJobs)
    slept: list[float] = field(default_factory=list)

    def destination(
        self,
        *,
        connection: str = "",
        test_host: bool = True,
        timeout: tuple[float, float] = TIMEOUT,
        **further: Any,
    ) -> SalesforceDestination:
        """A fresh one, as a new process has it."""
        means = Means(self.owner, jobs=self.jobs)
        endpoint = Endpoint.of(connection or self.org.connection, "here")
        limit, nap = Limit(10_000), self.slept.append
        more: dict[str, Any] = {"test_host": test_host, "timeout": timeout, "sleep": nap}
        org = Org("crm", endpoint, limit, means.buckets, **more)
        return SalesforceDestination(
            "crm",
            org,
            "Contact",
            KEY,
            means,
            sleep=nap,
            **further,
        )

    def send(self, *rows: Row, as_of: date = OCTOBER) -> list[Ack | Rejection]:
        return self.destination().send(Batch("b1", "p1", as_of, rows))

    def record(self, customer: str) -> dict[str, Any]:
        (found,) = [one for one in self.org.records.held.values() if one.get(KEY) == customer]
        return found

    def told(self) -> dict[str, Any]:
        """The segment in each record."""
        held = self.org.records.held.values()
        return {one[KEY]: one.get("churn_ml_segment__c") for one in held if one.get(KEY)}


def row(customer: str, as_of: date = OCTOBER, **cells: Any) -> Row:
    told = dict.fromkeys(NAMES, "x") | {"threshold": 1.25, "score": 0.6, "value_at_risk": 100.0}
    told |= {"customer_id": customer, "as_of": as_of.isoformat(), "segment": "LOST", **cells}
    return Row(customer, "upsert", as_of, told, hashed(told, delivers=False))


def six() -> tuple[Row, ...]:
    return tuple(row(f"h{number}") for number in range(6))


if __name__ == "__main__":
    url, ledger = sys.argv[1:]
    there: Any = SimpleNamespace(connection=url)
    World(there, jobs=Ledger.open(ledger)).send(*six())
