"""Contacts, or another object, in Salesforce: upserts by an external id through Bulk API 2.0.

We own the fields `churn_ml_…__c` and no other. An upsert writes all of them; a removal clears them
but for a mark of who removed the customer and when, and leaves the record, which is the shop's.
`churn_ml_owner__c` says which deployment feeds it:
preflight refuses an object that another one feeds (fault O3), and a batch older than what the
object has already is refused as stale (O4). Both are asked and then acted upon; Salesforce knows no
lock that would hold in between. A record that a person deleted is made anew only with `recreate`,
as long as it lies in the recycle bin, which is 15 days; after that nobody can tell. Who has
unsubscribed there is told no offer: the row is rejected, the record keeps what it had (R11).

Every field is checked before row 1: it is there, of its type, ours to write, and the external id
is unique and tells h1 from H1.

Worked example: as of 2017-10-01 a batch of 1,998 rows is one job; its file is 700 KB, its results
1,997 acknowledged rows and one rejected, whose segment is longer than the field.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from churn_ml.actions import NONE
from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.crm.means import Means
from churn_ml.crm.payload import FIELDS
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection, Row
from churn_ml.crm.refused import bisected
from churn_ml.crm.remote import PACE
from churn_ml.crm.salesforce.fields import check_fields
from churn_ml.crm.salesforce.file import (
    MOST_BYTES,
    OWNER,
    TOLD,
    Part,
    clearings,
    gone,
    unsendable,
    upserts,
)
from churn_ml.crm.salesforce.jobs import Ingest
from churn_ml.crm.salesforce.org import Org, listed, literal
from churn_ml.errors import BadConfig, StaleAttempt
from churn_ml.limits import Limit

EXAMPLE = "salesforce://USER:PASSWORD@/?security_token=TOKEN"
BATCH_SIZE = 10_000
_OPT_OUT = "HasOptedOutOfEmail"
"""Contacts and leads have it; other objects know no opt-out."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_NUMBERS = frozenset(field.name for field in FIELDS if field.type == "number")


@dataclass(frozen=True)
class SalesforceDestination:
    """The records of one object in one org.

    A file has at most `most_bytes`; a job is waited for `wait_seconds`, then the next run adopts
    it. `clock`: epoch seconds.
    """

    name: str
    org: Org
    object: str
    key: str
    means: Means
    delivers: bool = False
    batch_size: int | None = BATCH_SIZE
    recreate: bool = False
    most_bytes: int = MOST_BYTES
    wait_seconds: float = 1800.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse a name that no query of ours could be sure of."""
        if wrong := [name for name in (self.object, self.key) if not _NAME.fullmatch(name)]:
            raise BadConfig(
                "this is no name of an object or a field in Salesforce",
                where=f"{self._where} object and key",
                got=repr(wrong[0])[:80],
                expected="letters, digits and underscores, a letter first",
            )

    def __repr__(self) -> str:
        """Its name and what it fills."""
        return f"SalesforceDestination({self.name!r}, {self.object} by {self.key})"

    def preflight(self) -> None:
        """Check every field, then that no other deployment feeds the object.

        Raises: BadConfig naming what is wrong; Unreachable where Salesforce does not answer.
        """
        check_fields(self.org.described(self.object), self.key, self._where)
        ours = " AND ".join(f"{OWNER} != {literal(one)}" for one in self._owners)
        other = f"{OWNER} != null AND {ours}"
        for record in self._records((OWNER,), f"{other} LIMIT 1"):
            raise BadConfig(
                f"{self.object} is fed by another deployment",
                where=self._where,
                got=f"owner {record[OWNER]}",
                expected=f"owner {self.means.owner}",
                next_step=f"name another object, or clear {OWNER} if that deployment is gone",
            )

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Send the batch as jobs of one file each; a row's answer is Salesforce's own.

        Raises: Unreachable and Transient where some of it has no answer; StaleAttempt where the
        object was fed with a later as_of; BadConfig where a field or a right is gone.
        """
        self.org.told(lambda: self._ingest().settle())
        self._fence(batch.as_of)
        upserted = [row for row in batch.rows if row.op == "upsert"]
        found = self._barred(upserted)
        rest = [row for row in upserted if row.customer_id not in found]
        for answer in bisected(rest, lambda rows: self._upserted(batch, rows)):
            found[answer.customer_id] = answer
        removed = [row.customer_id for row in batch.rows if row.op == "remove"]
        found |= self._cleared(batch, removed)
        return [found[row.customer_id] for row in batch.rows]

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """The records that we feed, by the names of the export. Raises as `preflight` does."""
        for record in self._records((self.key, *TOLD.values()), self._mine):
            cells = {name: _read(name, record[told]) for name, told in TOLD.items()}
            yield {"customer_id": record[self.key], **cells}

    def _upserted(self, batch: Batch, rows: Sequence[Row]) -> list[Ack | Rejection]:
        parts = upserts(rows, self.key, self.means.owner, most_bytes=self.most_bytes)
        return [answer for part in parts for answer in self._answers(batch, part).values()]

    def _cleared(self, batch: Batch, customers: Sequence[str]) -> dict[str, Ack | Rejection]:
        """Clear our fields of these customers; where we feed no record there is nothing to do."""
        owner, most_bytes = self.means.owner, self.most_bytes
        records = {
            str(record["Id"]): str(record[self.key])
            for record in self._found(customers, ("Id", self.key), f" AND {self._mine}")
        }
        found: dict[str, Ack | Rejection] = {customer: Ack(customer) for customer in customers}
        for part in clearings(records, owner, batch.as_of, most_bytes=most_bytes):
            found |= self._answers(batch, part)
        return found

    def _answers(self, batch: Batch, part: Part) -> dict[str, Ack | Rejection]:
        return self.org.told(lambda: self._ingest().answers(batch.id, part))

    def _ingest(self) -> Ingest:
        client, jobs = self.org.ingest(self.object), self.means.jobs
        pace = (lambda: datetime.fromtimestamp(self.clock(), UTC), self.sleep, self.wait_seconds)
        return Ingest(self.name, client, jobs, *pace)

    def _barred(self, rows: Sequence[Row]) -> dict[str, Ack | Rejection]:
        """The rows that must not be sent: no CSV can carry them, or the record forbids it (R11)."""
        found = {row.customer_id: unsendable(row) for row in rows}
        barred: dict[str, Ack | Rejection] = {c: why for c, why in found.items() if why}
        offered = [r.customer_id for r in rows if r.payload.get("offer", NONE) not in (NONE, None)]
        if _OPT_OUT in self._fields:
            out = self._found(offered, (self.key,), f" AND {_OPT_OUT} = true")
            said = "unsubscribed there: no offer is told"
            barred |= {(c := str(one[self.key])): Rejection(c, "opted_out", said) for one in out}
        if self.recreate:
            return barred
        bin_ = self._records((self.key,), f"IsDeleted = true AND {self._mine}", deleted=True)
        deleted = sorted({str(record[self.key]) for record in bin_} & found.keys() - barred.keys())
        alive = {str(record[self.key]) for record in self._found(deleted, (self.key,))}
        said = "its record is in the recycle bin; see recreate"
        return barred | {
            one: Rejection(one, "deleted_there", said) for one in deleted if one not in alive
        }

    def _fence(self, as_of: date) -> None:
        ours = f"{OWNER} IN ({', '.join(map(literal, self._owners))})"
        newer = f"{ours} AND {TOLD['as_of']} > {as_of.isoformat()} LIMIT 1"
        for _ in self._records(("Id",), newer):
            raise StaleAttempt(
                f"{self.object} was fed with a later as_of",
                where=self._where,
                got=f"a batch as of {as_of}",
                next_step="none: a newer export has replaced this one",
            )

    def _found(
        self, customers: Sequence[str], columns: Sequence[str], further: str = ""
    ) -> Iterator[Mapping[str, Any]]:
        """The records of these customers, asked for in as many queries as their keys need."""
        for keys in listed(customers):
            yield from self.org.lookup(self._soql(columns, f"{self.key} IN ({keys}){further}"))

    def _records(
        self, columns: Sequence[str], where: str, *, deleted: bool = False
    ) -> Iterator[Mapping[str, Any]]:
        return self.org.query(self._soql(columns, where), deleted=deleted)

    def _soql(self, columns: Sequence[str], where: str) -> str:
        # every name is checked by `_NAME` or is ours, every value is quoted by `literal`
        return f"SELECT {', '.join(columns)} FROM {self.object} WHERE {where}"  # noqa: S608

    @cached_property
    def _fields(self) -> Collection[str]:
        return {str(told["name"]) for told in self.org.described(self.object)}

    @property
    def _owners(self) -> tuple[str, str]:
        """What we write as the owner: of a record that we feed, of one that we have cleared."""
        return self.means.owner, gone(self.means.owner)

    @property
    def _mine(self) -> str:
        return f"{OWNER} = {literal(self.means.owner)}"

    @property
    def _where(self) -> str:
        return f"[destinations.{self.name}]"


def open_salesforce(
    name: str,
    settings: Settings,
    config: Config,  # noqa: ARG001 - every opener takes it
    means: Means,
) -> SalesforceDestination:
    """The Salesforce destination that churn.toml names; nothing is asked of it yet.

    Parameters: `name` and `settings`, the key and the value in [destinations]; `means`, with the
    connection. Raises: BadConfig where nobody knows the connection, or a name is none.

    >>> from churn_ml.config import from_text
    >>> config = from_text('''
    ... shop = {name = "Corner shop", currency = "EUR"}
    ... destinations.crm = {kind = "salesforce", connection = "salesforce_crm"}
    ... ''')
    >>> url = "salesforce://ada:secret@/?security_token=xyz"
    >>> means = Means("Corner shop with ledger 5f1c", {"salesforce_crm": url})
    >>> open_salesforce("crm", config.destinations["crm"], config, means)
    SalesforceDestination('crm', Contact by customer_ref__c)
    """
    endpoint = means.endpoint(settings.connection, f"[destinations.{name}]", EXAMPLE)
    hook = means.hooks.get(settings.connection)
    limit = Limit(settings.requests_per_10_seconds or PACE, per_day=settings.requests_per_day)
    return SalesforceDestination(
        name,
        Org(name, endpoint, limit, means.buckets, hook=hook, test_host=settings.test_host),
        settings.object_filled,
        settings.key or "customer_ref__c",
        means,
        delivers=settings.delivers,
        batch_size=settings.batch_size or BATCH_SIZE,
        recreate=settings.recreate,
    )


def _read(name: str, cell: Any) -> Cell:
    return float(cell) if name in _NUMBERS and cell is not None else cell
