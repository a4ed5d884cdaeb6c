"""The words of the world out: what a destination takes and answers, and what the outbox remembers.

A *row* says what a destination shall hold about one customer (upsert) or that it shall hold nothing
(remove). A *batch* is what is sent at once; its id is made from its content, so the same batch sent
again has the same id. A *destination* answers every row of a batch with an `Ack` or a `Rejection`,
or raises `Transient` and may then have done all, some or nothing of it: sending again must be
harmless. The *journal* is the part of the ledger that remembers plans and acks.

Worked example: as of 2017-10-01 household `h1` is to be HIGH_RISK_HIGH_VALUE_SILENT with a coupon.

>>> row = Row("h1", "upsert", date(2017, 10, 1), {"segment": "LOST"}, content_hash="9f3c")
>>> crm = Recorder("crm", rejects={"h2": ("bad_value", "too long", "segment")})
>>> h2 = Row("h2", "upsert", date(2017, 10, 1), {"segment": "NEW"}, content_hash="b1d0")
>>> crm.send(Batch("7d1e", "plan1", date(2017, 10, 1), (row, h2)))
[Ack(customer_id='h1'), Rejection(customer_id='h2', code='bad_value', message='too long', ...)]
>>> sorted(crm.rows)
['h1']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol, TypeAlias

import msgspec

from churn_ml.crm.sender import Senders
from churn_ml.errors import Unreachable

Cell: TypeAlias = str | float | None
Op: TypeAlias = Literal["upsert", "remove"]
SavedRow: TypeAlias = tuple[str, str, str, bool]
"""(customer_id, content_hash, payload as JSON, contact): a row as the journal keeps it."""
REMOVED = ""
"""The content hash of a removal."""
UNSURE = "unsure"
"""The content hash of who was refused and acknowledged by nobody: a try before, whose answer was
lost, may have been taken all the same, so who is wanted no more is taken out."""
REJECTED = "rejected"
"""The content hash of who holds a row and was refused another: a try of that one, whose answer was
lost, may have been taken, so who is wanted as before is sent again, and who is not is taken out."""
NOT_HELD = frozenset({REMOVED, UNSURE})
"""The content hashes of who does not count as a row of the target."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """What one destination shall hold about one customer as of one date.

    `payload` is empty for a removal and `content_hash` then REMOVED. `contact`: an ack of this row
    means that the customer was contacted. A Struct, as an export makes a million of them.
    """

    customer_id: str
    op: Op
    as_of: date
    payload: Mapping[str, Cell]
    content_hash: str
    contact: bool = False


@dataclass(frozen=True)
class Batch:
    """Rows sent at once. The id depends on content only, never on how often it was tried."""

    id: str
    plan_id: str
    as_of: date
    rows: tuple[Row, ...]


class Ack(msgspec.Struct, frozen=True, gc=False):
    """The destination holds what the row says."""

    customer_id: str


@dataclass(frozen=True)
class Rejection:
    """The destination refused the row, for its `field` where it names one.

    `message` holds no personal data.

    >>> Rejection("h2", "bad_value", "too long", field="segment").why
    'segment: too long'
    """

    customer_id: str
    code: str
    message: str
    field: str = ""

    @property
    def why(self) -> str:
        """The message as the journal keeps it: with the field in front."""
        return f"{self.field}: {self.message}" if self.field else self.message


class Destination(Protocol):
    """A place the segments go. An adapter maps rows to its world; outbox.py holds the loop."""

    @property
    def name(self) -> str:
        """The name in [destinations]."""

    @property
    def delivers(self) -> bool:
        """True where an acknowledged offer means that the customer was contacted."""

    @property
    def batch_size(self) -> int | None:
        """Rows sent at once; None sends a plan whole."""

    def preflight(self) -> None:
        """Make sure before row 1 that the target is ours and has the columns; raises BadConfig."""

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Hand over a batch: one answer a row. Idempotent. Raises Transient where unsure."""

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """What the target holds, one row of cells per customer, by the names of the export."""


class Journal(Senders, Protocol):
    """What the outbox remembers between runs; the ledger is one, `MemoryJournal` is its double."""

    def heed_stops(self, destination: str) -> None:
        """Raise Stopped where a person has stopped exports to the destination, or all of them."""

    def last_plan(self, destination: str) -> tuple[str, date] | None:
        """Id and as_of of the newest plan ever saved for the destination, empty ones included."""

    def save_plan(
        self,
        destination: str,
        plan_id: str,
        as_of: date,
        rows: Iterable[SavedRow],
        *,
        base: str | None,
        at: datetime | None = None,
        run: str = "",
        why: Mapping[str, str] | None = None,
    ) -> None:
        """Save a plan in one transaction; one without rows is saved too, and closed at once.

        `rows` are read once. `at` and `run`: when, and by which attempt, it was planned; `why`:
        customer_id -> why a row is not simply what was decided. Raises StaleAttempt where `base`
        is no longer the newest plan or that one is still open.
        """

    def keep_waiting(
        self,
        destination: str,
        plan_id: str,
        as_of: date,
        rows: Sequence[SavedRow],
        *,
        at: datetime,
        run: str,
        why: Mapping[str, str] | None = None,
    ) -> None:
        """Remember what a plan says that waits for a person's yes, or got a no; twice is once.

        It is not saved by that: nothing is open, and the newest plan stays the newest. `why`: as
        `save_plan` has it.
        """

    def open_plan(self, destination: str) -> tuple[str, date, Sequence[SavedRow]] | None:
        """Id, as_of and unsettled rows, by customer_id, of the plan that has any, or None."""

    def acknowledge(
        self,
        plan_id: str,
        taken: Sequence[str],
        *,
        withdrawn: Sequence[tuple[str, str]] = (),
        rejected: Sequence[tuple[str, str, str]] = (),
        at: datetime,
        run: str = "",
    ) -> None:
        """Settle the rows of one batch, by customer_id, in one transaction; twice is once.

        `taken`: the target holds what was planned. `withdrawn`: customer_id and why a removal was
        sent in place of the planned upsert; no contact is noted. `rejected`: customer_id, code and
        message. Rows settled before, and rows of another plan than the newest, stay as they are.
        `run`: the reference of the export's attempt.
        """

    def state(self, destination: str) -> Mapping[str, tuple[str, date]]:
        """customer_id -> (content_hash, as_of) of the last ack; REMOVED marks a removal."""

    def held(self, destination: str) -> dict[str, str]:
        """customer_id -> content_hash as `state` has them: what a plan is made on."""

    def doubt(self, destination: str, customer_ids: Sequence[str], at: datetime) -> None:
        """Take back what is said of these: the next plan sends them again, or takes them out.

        A row of theirs that is open stays in doubt when it is acknowledged.
        """


Fault: TypeAlias = Literal["ok", "drop_before", "drop_after"]


@dataclass
class Recorder:
    """A destination in memory that keeps what it was sent and fails by script.

    `script` holds one word a call: "drop_before" loses the connection before anything is done,
    "drop_after" does everything and loses the answer; after its end all is well. `rejects` names
    rows refused with code, message and perhaps field. `rows` is the state of the target, `batches`
    all that came.
    """

    name: str = "recorder"
    delivers: bool = False
    batch_size: int | None = 100
    script: Sequence[Fault] = ()
    rejects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)

    def preflight(self) -> None:
        """Nothing can be wrong with it."""

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        """Apply the batch as the script says; raises Unreachable where it drops the connection.

        >>> crm = Recorder(script=["drop_before"])
        >>> crm.send(Batch("7d1e", "plan1", date(2017, 10, 1), ()))
        Traceback (most recent call last):
        ...
        churn_ml.errors.Unreachable: recorder closed the connection | where: batch 7d1e
        """
        call = len(self.batches)
        fault = self.script[call] if call < len(self.script) else "ok"
        self.batches.append(batch)
        if fault != "drop_before":
            answers = [self._take(row) for row in batch.rows]
        if fault != "ok":
            raise Unreachable(f"{self.name} closed the connection", where=f"batch {batch.id}")
        return answers

    def holds(self) -> Iterator[Mapping[str, Cell]]:
        """The payloads of what it holds now."""
        return (row.payload for row in self.rows.values())

    def _take(self, row: Row) -> Ack | Rejection:
        if row.customer_id in self.rejects:
            return Rejection(row.customer_id, *self.rejects[row.customer_id])
        if row.op == "remove":
            self.rows.pop(row.customer_id, None)
        else:
            self.rows[row.customer_id] = row
        return Ack(row.customer_id)
