"""Delivery: the rows of a plan go out in batches, each settled before the next is sent.

Enters: a saved plan. Leaves: the target as the plan says, every answer in the journal, and a count.
Before each batch it is asked whether a person has stopped exports, whether the plan is still the
newest, and who may not be told about by now; after it, whether another export came in between. An
adapter that lost a row has a batch acknowledged not at all.

Worked example: of a plan of 1,998 rows as of 2017-10-01 one withdraws consent while it is sent, in
batches of 100: 1,997 upserts and a removal are acknowledged in 20 transactions.

>>> from datetime import date
>>> from churn_ml.crm.journal import MemoryJournal
>>> from churn_ml.crm.protocol import Recorder
>>> anyone, crm = Guard(lambda ids: (), lambda ids: {}, True, frozenset()), Recorder("crm")
>>> sends = Delivery(crm, MemoryJournal(), anyone, clock=lambda: datetime(2026, 11, 21))
>>> sends.deliver(Plan("5f1c", date(2017, 10, 1), ())).rows
0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from churn_ml.crm.exported import Settled, telling_how_far
from churn_ml.crm.guard import Guard
from churn_ml.crm.marks import Marks
from churn_ml.crm.payload import removal
from churn_ml.crm.plan import Plan
from churn_ml.crm.protocol import Ack, Batch, Destination, Journal, Rejection, Row
from churn_ml.crm.sender import Sender
from churn_ml.crm.why import WITHHELD
from churn_ml.errors import BrokenPromise, StaleAttempt


@dataclass(frozen=True)
class Delivery:
    """One destination with the journal of what it acknowledged and the guard of who may be told.

    `clock` gives the wall clock for the time of an ack. `run` is the reference of the attempt that
    exports. `sender`: who sends, told apart from every other process and run; this process where
    nobody says so.
    """

    destination: Destination
    journal: Journal
    guard: Guard
    clock: Callable[[], datetime]
    run: str = ""
    sender: Sender | None = None

    @cached_property
    def marks(self) -> Marks:
        """The marks of who sends to the destination."""
        sender = self.sender or Sender.this(self.run)
        return Marks(self.destination.name, self.journal, sender, self.clock)

    def deliver(
        self, planned: Plan, *, although_stopped: bool = False, since: datetime | None = None
    ) -> Settled:
        """Send the plan's rows batch by batch; each is settled before the next is sent.

        `since`: before the rows were read, or saved; now where nobody says so.
        """
        settled = Settled()
        if not planned.rows:
            return settled
        with self.marks.sending(planned.id, since or self.clock()) as in_hand:
            for rows in planned.parts(self.destination.batch_size):
                if not although_stopped:
                    with telling_how_far(planned, settled):
                        self.journal.heed_stops(self.destination.name)
                self._check_newest(planned)
                barred = self.guard.withheld(rows)
                batch = planned.batch([allowed(row, barred) for row in rows])
                in_hand[:] = batch.rows
                answers = self.destination.send(batch)
                self._check_newest(planned, sent=batch.rows)
                self._settle(planned, batch, answers, barred, settled)
                in_hand.clear()
        return settled

    def _settle(
        self,
        planned: Plan,
        batch: Batch,
        answers: Sequence[Ack | Rejection],
        barred: Mapping[str, str],
        settled: Settled,
    ) -> None:
        """Note in the journal what became of a batch, and count it."""
        check_answers(batch, answers, self.destination.name)
        rejected = {a.customer_id: a for a in answers if isinstance(a, Rejection)}
        acked = [row for row in batch.rows if row.customer_id not in rejected]
        self.journal.acknowledge(
            planned.id,
            [row.customer_id for row in acked if row.customer_id not in barred],
            withdrawn=[
                (row.customer_id, WITHHELD[barred[row.customer_id]])
                for row in acked
                if row.customer_id in barred
            ],
            rejected=[(a.customer_id, a.code, a.why) for a in rejected.values()],
            at=self.clock(),
            run=self.run,
        )
        settled.note(acked, rejected, barred)

    def _check_newest(self, planned: Plan, sent: Sequence[Row] = ()) -> None:
        """Raise StaleAttempt where a newer plan replaced this one while this process slept.

        What it has `sent` all the same may stand over what the newer plan sent, where both are of
        one as_of: the journal doubts those rows, so that the next export sends them again.
        """
        name = self.destination.name
        last = self.journal.last_plan(name)
        if last is None or last[0] == planned.id:
            return
        if sent:
            self.journal.doubt(name, [row.customer_id for row in sent], self.clock())
        raise StaleAttempt(
            f"another export to {name} has planned since",
            where=f"destination {name}, as of {planned.as_of}",
            got=f"plan {planned.id}",
            expected=f"plan {last[0]}",
            next_step="none: the newer export goes on"
            + (", and the next one sends again what this one sent late" if sent else ""),
        )


def allowed(row: Row, barred: Mapping[str, str]) -> Row:
    """The row, or the removal that goes in its place where its customer is withheld now."""
    return removal(row.customer_id, row.as_of) if row.customer_id in barred else row


def check_answers(batch: Batch, answers: Sequence[Ack | Rejection], destination: str) -> None:
    """Raise BrokenPromise where not every row has one answer.

    >>> from datetime import date
    >>> check_answers(Batch("7d1e", "5f1c", date(2017, 10, 1), ()), [Ack("h1")], "crm")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BrokenPromise: a destination must answer every row of a batch once | ...
    """
    sent = [row.customer_id for row in batch.rows]
    answered = [answer.customer_id for answer in answers]
    if answered != sent and sorted(answered) != sorted(sent):
        raise BrokenPromise(
            "a destination must answer every row of a batch once",
            where=f"destination {destination}, batch {batch.id}",
            got=f"{len(answers)} answers",
            expected=f"{len(sent)}",
            next_step="nothing of the batch was acknowledged: mend the adapter and run again",
        )
