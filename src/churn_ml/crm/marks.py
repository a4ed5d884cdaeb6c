"""Marks: who sends a plan now, so that what a sender sent late before it died is doubted.

A sender may be stopped in the middle of a request, for as long as it takes others to finish its
plan and send a newer one. When it wakes up, its request overwrites newer rows; it then looks and
doubts them (outbox.py). One that is killed before it can look leaves a mark, and the next export
doubts in its place: everybody whose row of that plan somebody else settled since the mark was set.
Rows that are still open need no doubt, for they are sent again after that death.

Enters: the marks in the journal. Leaves: doubts, and no mark of the dead. In a plain crash nobody
else has settled anything, so nothing is doubted and nothing is sent twice.

Worked example: an export of 2017-10-01 is stopped with 100 rows of 1,998 in its hands. Another one
sends all of them, and then the plan of 2017-11-01. The first wakes up, its 100 rows arrive, and it
is killed. The next export doubts the 1,998 and sends them as of 2017-11-01 again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from churn_ml.crm.protocol import Journal, Row
from churn_ml.crm.sender import Sender
from churn_ml.errors import BadConfig, Transient


@dataclass(frozen=True)
class Marks:
    """The marks of one destination, as `sender` sets, reads and clears them."""

    destination: str
    journal: Journal
    sender: Sender
    clock: Callable[[], datetime]

    @contextmanager
    def sending(self, plan_id: str, since: datetime) -> Iterator[list[Row]]:
        """Have a mark while the plan is sent; yields the rows in hand, which the caller keeps up.

        `since`: before its rows were read or saved. An error in the middle leaves no mark: what
        was in hand and settled by somebody else meanwhile is doubted here and now. Only where the
        ledger cannot be told, or the process ends at once, is the mark left to the next export.
        """
        name, sender = self.destination, str(self.sender)
        in_hand: list[Row] = []
        self.journal.begin_sending(name, sender, plan_id, since)
        try:
            yield in_hand
        except Exception:
            with suppress(Transient, BadConfig):  # of a ledger that cannot be reached or written
                ids = [row.customer_id for row in in_hand]
                if late := self.journal.settled_of(name, plan_id, customer_ids=ids):
                    self.journal.doubt(name, late, self.clock())
                self.journal.end_sending(name, sender)
            raise
        self.journal.end_sending(name, sender)

    def see_to_the_dead(self) -> None:
        """Doubt what the dead may have sent late, and clear their marks; twice is once.

        The mark of a sender that lives stays, but not one of this very process: what it began
        before is over.
        """
        for sender, ids in self._behind_the_dead():
            if ids:
                self.journal.doubt(self.destination, ids, self.clock())
            self.journal.end_sending(self.destination, sender)

    def doubtful(self) -> set[str]:
        """The customers whom `see_to_the_dead` would doubt; touches nothing."""
        return {one for _, ids in self._behind_the_dead() for one in ids}

    def _behind_the_dead(self) -> Iterator[tuple[str, list[str]]]:
        """Every dead sender, with the customers of whom it may have sent something late.

        Those are all that others settled, more than it had in hand: which rows these were, nobody
        noted. Where another one still sends the same plan, rows that are open may be in its hands,
        written before the dead one's and settled after: they are doubted too.
        """
        marks, now = self.journal.senders(self.destination), self.clock()
        dead = {name for name, _, since in marks if self._is_dead(name, now - since)}
        sent_now = {plan_id for name, plan_id, _ in marks if name not in dead}
        for name, plan_id, since in marks:
            if name not in dead:
                continue
            run = Sender.named(name).run
            ids = self.journal.settled_of(self.destination, plan_id, since=since, besides=run)
            yield name, [*ids, *(self._open(plan_id) if plan_id in sent_now else ())]

    def _open(self, plan_id: str) -> list[str]:
        found = self.journal.open_plan(self.destination)
        return [row[0] for row in found[2]] if found and found[0] == plan_id else []

    def _is_dead(self, name: str, age: timedelta) -> bool:
        sender = Sender.named(name)
        mine = (self.sender.place, self.sender.pid, self.sender.born)
        return (sender.place, sender.pid, sender.born) == mine or sender.is_dead(age)
