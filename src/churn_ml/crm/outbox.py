"""The outbox: save the plan, send it in batches, note every ack, resume what was left.

Enters: what a destination shall hold as of a date, the journal that remembers what it acknowledged,
the guard that knows who may be told about now. Leaves: the target in that state, and a count.

The promise is at-least-once delivery and effectively-once state. A plan is saved before its first
row is sent, a batch is settled in one transaction after the destination has answered, and a batch
sent again after a crash carries the same id and the same rows: an upsert twice is an upsert once.

Worked example. As of 2017-10-01 the plan has 1,998 upserts; the export is killed after 1,000. The
next run sends the other 998 first and then finds nothing new. As of 2017-11-01 it plans 700
upserts and 60 removals (customers who are lost now); 1,238 are unchanged. A run for 2017-10-01
after that sends nothing: a destination never goes back behind its newest plan (fault O4).

>>> from churn_ml.crm.journal import MemoryJournal
>>> from churn_ml.crm.protocol import Recorder
>>> anyone = Guard(lambda ids: (), lambda ids: {}, True, frozenset())
>>> crm, day = Recorder("crm"), date(2017, 10, 1)
>>> outbox = Outbox(crm, MemoryJournal(), anyone, clock=lambda: datetime(2026, 11, 21))
>>> h1 = Row("h1", "upsert", day, {"segment": "S", "offer": "NONE"}, "9f3c")
>>> outbox.export([h1], day)
Exported(sent=1, unchanged=0, removed=0, rejected=0, withheld=0, resumed=0, older=0)
>>> outbox.export([h1], day)
Exported(sent=0, unchanged=1, removed=0, rejected=0, withheld=0, resumed=0, older=0)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from churn_ml.crm.guard import RECENT, Guard
from churn_ml.crm.payload import quiet, removal, restored, saved
from churn_ml.crm.plan import Plan, plan
from churn_ml.crm.protocol import REMOVED, Ack, Batch, Destination, Journal, Rejection, Row
from churn_ml.errors import BrokenPromise


@dataclass(frozen=True)
class Exported:
    """What one export did, in rows.

    `sent` upserts and `removed` removals were acknowledged, `resumed` of them from a plan that an
    earlier run left open; `rejected` ones are planned again by the next run; `withheld` customers
    are suppressed, without consent or contacted under another contract about now (of these only the
    offer is withheld); `older` rows came
    too late for this destination.
    """

    sent: int
    unchanged: int
    removed: int
    rejected: int
    withheld: int
    resumed: int
    older: int


@dataclass
class _Settled:
    """The customers of the batches settled so far, by what became of their row."""

    sent: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    withheld: set[str] = field(default_factory=set)

    def note(self, acked: Sequence[Row], rejected: Iterable[str], withheld: Iterable[str]) -> None:
        """Add what became of one batch."""
        self.sent |= {row.customer_id for row in acked if row.op == "upsert"}
        self.removed |= {row.customer_id for row in acked if row.op == "remove"}
        self.rejected |= set(rejected)
        self.withheld |= set(withheld)


def nowhere(_: str) -> None:
    """The failpoint of a run that nobody kills."""


@dataclass(frozen=True)
class Outbox:
    """One destination with the journal of what it acknowledged and the guard of who may be told.

    `clock` gives the wall clock for the time of an ack. `failpoint` is called at "planned",
    "saved", "sent" and "acknowledged", where the fault tests kill the process. `run` is the
    reference of the attempt that exports.
    """

    destination: Destination
    journal: Journal
    guard: Guard
    clock: Callable[[], datetime]
    failpoint: Callable[[str], None] = nowhere
    run: str = ""

    def export(self, desired: Sequence[Row], as_of: date, *, dry_run: bool = False) -> Exported:
        """Bring the destination to `desired`, the rows it shall hold as of `as_of`.

        An open plan is finished first. With `dry_run` nothing is touched and the counts are those
        of a run in which every row is taken.
        Raises: Transient where the target or a source does not answer (the plan stays open, the
        next run resumes it); StaleAttempt where another export planned meanwhile; BadConfig where
        the target is not ours or lacks a column; BadInput as `plan` does.
        """
        left = self._left_open()
        if dry_run:
            planned = self._plan(desired, as_of)
            return _count(planned, left, _foreseen(left), _foreseen(planned))
        self.destination.preflight()
        resumed = self._deliver(left) if left else _Settled()
        planned = self._plan(desired, as_of)
        self.failpoint("planned")
        self._save(planned)
        self.failpoint("saved")
        return _count(planned, left, resumed, self._deliver(planned))

    def _left_open(self) -> Plan | None:
        found = self.journal.open_plan(self.destination.name)
        if found is None:
            return None
        plan_id, as_of, rows = found
        return Plan(plan_id, as_of, tuple(restored(row, as_of) for row in rows))

    def _plan(self, desired: Sequence[Row], as_of: date) -> Plan:
        """The plan on what is acknowledged, and on rows still open as if they were.

        The newest plan is read before the state: one that is saved in between is noticed when
        ours is saved on the older one. A customer contacted under another contract about now keeps
        segment and score, without the offer.
        """
        name = self.destination.name
        last, left = self.journal.last_plan(name), self._left_open()
        expected = {r.customer_id: (r.content_hash, r.as_of) for r in (left.rows if left else ())}
        state = {**self.journal.state(name), **expected}
        withheld = self.guard.withheld(desired)
        # a contact that the destination has acknowledged is made: it is not too soon after itself
        late = {
            row.customer_id
            for row in desired
            if withheld.get(row.customer_id) == RECENT
            and state.get(row.customer_id, (REMOVED, as_of))[0] != row.content_hash
        }
        planned = plan(
            [quiet(row) if row.customer_id in late else row for row in desired],
            as_of,
            name,
            state=state,
            last=last,
            withheld=frozenset(c for c, why in withheld.items() if why != RECENT),
        )
        return planned if planned.older else replace(planned, withheld=planned.withheld | late)

    def _save(self, planned: Plan) -> None:
        """Save the plan; an empty one too where its as_of is new, which older runs must respect."""
        name = self.destination.name
        last = self.journal.last_plan(name)
        known = last is not None and last[1] >= planned.as_of
        if planned.rows or not known:
            rows = [saved(row) for row in planned.rows]
            self.journal.save_plan(name, planned.id, planned.as_of, rows, base=planned.base)

    def _deliver(self, planned: Plan) -> _Settled:
        """Send the plan's rows batch by batch; each is settled before the next is sent."""
        settled = _Settled()
        for rows in _batches(planned.rows, self.destination.batch_size):
            barred = self.guard.withheld(rows)
            batch = planned.batch([_allowed(row, barred) for row in rows])
            answers = self.destination.send(batch)
            self.failpoint("sent")
            _check_answers(batch, answers, self.destination.name)
            rejected = {a.customer_id: a for a in answers if isinstance(a, Rejection)}
            acked = [row for row in batch.rows if row.customer_id not in rejected]
            self.journal.acknowledge(
                planned.id,
                [row.customer_id for row in acked if row.customer_id not in barred],
                withdrawn=[row.customer_id for row in acked if row.customer_id in barred],
                rejected=[(a.customer_id, a.code, a.message) for a in rejected.values()],
                at=self.clock(),
                run=self.run,
            )
            self.failpoint("acknowledged")
            settled.note(acked, rejected, barred)
        return settled


def _allowed(row: Row, barred: Mapping[str, str]) -> Row:
    """The row, or the removal that goes in its place where its customer is withheld now."""
    return removal(row.customer_id, row.as_of) if row.customer_id in barred else row


def _count(planned: Plan, left: Plan | None, resumed: _Settled, fresh: _Settled) -> Exported:
    return Exported(
        sent=len(resumed.sent) + len(fresh.sent),
        # What the resumed part has just sent is unchanged to the plan after it, not to the reader.
        unchanged=len(planned.unchanged - resumed.sent),
        removed=len(resumed.removed) + len(fresh.removed),
        rejected=len((resumed.rejected - fresh.sent) | fresh.rejected),
        withheld=len(planned.withheld | resumed.withheld | fresh.withheld),
        resumed=len(left.rows) if left else 0,
        older=planned.older,
    )


def _foreseen(planned: Plan | None) -> _Settled:
    """What becomes of the plan's rows if the destination takes every one."""
    foreseen = _Settled()
    foreseen.note(planned.rows if planned else (), (), ())
    return foreseen


def _batches(rows: Sequence[Row], size: int | None) -> Iterator[Sequence[Row]]:
    step = size or max(len(rows), 1)
    return (rows[start : start + step] for start in range(0, len(rows), step))


def _check_answers(batch: Batch, answers: Sequence[Ack | Rejection], destination: str) -> None:
    sent = sorted(row.customer_id for row in batch.rows)
    if sorted(answer.customer_id for answer in answers) != sent:
        raise BrokenPromise(
            "a destination must answer every row of a batch once",
            where=f"destination {destination}, batch {batch.id}",
            got=f"{len(answers)} answers",
            expected=f"{len(sent)}",
            next_step="nothing of the batch was acknowledged: mend the adapter and run again",
        )
