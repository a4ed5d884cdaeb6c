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

>>> from datetime import datetime
>>> from churn_ml.crm.guard import Guard
>>> from churn_ml.crm.journal import MemoryJournal
>>> from churn_ml.crm.protocol import Recorder
>>> anyone = Guard(lambda ids: (), lambda ids: {}, True, frozenset())
>>> crm, day = Recorder("crm"), date(2017, 10, 1)
>>> outbox = Outbox(crm, MemoryJournal(), anyone, clock=lambda: datetime(2026, 11, 21))
>>> h1 = Row("h1", "upsert", day, {"segment": "S", "offer": "NONE"}, "9f3c")
>>> outbox.export([h1], day)
Exported(sent=1, unchanged=0, removed=0, rejected=0, withheld=0, resumed=0, older=0, asks=None)
>>> outbox.export([h1], day)
Exported(sent=0, unchanged=1, removed=0, rejected=0, withheld=0, resumed=0, older=0, asks=None)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from churn_ml.crm.delivery import Delivery
from churn_ml.crm.desired import Desired
from churn_ml.crm.exported import Exported, Settled, counted, refused
from churn_ml.crm.foreseen import Foreseen
from churn_ml.crm.guard import RECENT
from churn_ml.crm.journal import IN_DOUBT
from churn_ml.crm.payload import restored, saved
from churn_ml.crm.plan import Plan, plan
from churn_ml.crm.protocol import REMOVED, Row
from churn_ml.crm.radius import Ask, never, withdrawals
from churn_ml.crm.reconcile import check_there
from churn_ml.crm.why import Placed, nowhere, reasons


@dataclass(frozen=True)
class Outbox(Delivery):
    """A delivery that plans what it sends.

    `radius` says which plan waits for a person's yes; `placed` in which segment those are now who
    are scored no more.
    """

    radius: Ask = never
    placed: Placed = nowhere

    def export(self, desired: Sequence[Row], as_of: date) -> Exported:
        """Bring the destination to `desired`, the rows it shall hold as of `as_of`.

        An open plan is finished first. A plan that the radius asks about is not saved; of it go
        only the removals of those who may not be told about, who wait for nobody's yes.
        Raises: Transient where the target or a source does not answer (the plan stays open, the
        next run resumes it); StaleAttempt where another export planned meanwhile; BadConfig where
        the target is not ours or lacks a column; BadInput as `plan` and `check_there` do; Stopped
        where a person has stopped exports, between two batches too.
        """
        begun, left = self.clock(), self.left_open()
        self.journal.heed_stops(self.destination.name)
        self.marks.see_to_the_dead()
        check_there(self.destination, self.journal)
        self.destination.preflight()
        resumed = self.deliver(left, since=begun) if left else Settled()
        found = self._plan(desired, as_of, refused=refused(left, resumed))
        if found.asks and (away := withdrawals(found.planned)).rows:
            begun = self.clock()
            self.save(away, found.why)
            resumed.add(self.deliver(away, since=begun))
            found = self._plan(desired, as_of, refused=refused(left, resumed))
        planned, asks = found.planned, found.asks
        if asks:
            self._keep_waiting(planned, found.why)
            return counted(planned, left, resumed, Settled(), asks)
        begun = self.clock()
        self.save(planned, found.why)
        return counted(planned, left, resumed, self.deliver(planned, since=begun))

    def foresee(self, desired: Sequence[Row], as_of: date) -> Foreseen:
        """What `export` would do, asking whom the journal and the guard know of; touches nothing.

        Its counts are those of a run in which every row is taken.
        Raises: Unreachable where a source of the guard cannot be read; BadInput as `plan` does.
        """
        found = self._plan(desired, as_of)
        away = withdrawals(found.planned) if found.asks else None
        if away is None or not away.rows:
            return found
        return replace(self._plan(desired, as_of, after=away), away=away, held=found.held)

    def left_open(self) -> Plan | None:
        """What is left of the plan that was not finished; None where there is none."""
        found = self.journal.open_plan(self.destination.name)
        if found is None:
            return None
        plan_id, as_of, rows = found
        return Plan(plan_id, as_of, tuple(restored(row, as_of) for row in rows))

    def _plan(
        self,
        desired: Sequence[Row],
        as_of: date,
        after: Plan | None = None,
        refused: Mapping[str, str] = MappingProxyType({}),
    ) -> Foreseen:
        """The plan on what is acknowledged, and on rows still open as if they were; what it asks.

        The newest plan is read before the state: one that is saved in between is noticed when
        ours is saved on the older one. A customer contacted under another contract about now keeps
        segment and score, without the offer. `after`: a plan that would be sent before it;
        `refused`: the content hashes of what this very run was refused, which waits for the next.
        """
        name = self.destination.name
        last, left = self.journal.last_plan(name), self.left_open()
        first = [*(left.rows if left else ()), *(after.rows if after else ())]
        expected = {row.customer_id: row.content_hash for row in first}
        state = self.journal.held(name) | dict.fromkeys(self.marks.doubtful(), IN_DOUBT)
        held = state | expected | dict(refused)
        told = Desired.of(desired)
        withheld = self.guard.withheld(told)
        recent = {customer_id for customer_id, why in withheld.items() if why == RECENT}
        # a contact that the destination has acknowledged is made: it is not too soon after itself
        both = zip(told.customer_ids, told.hashes, strict=True) if recent else ()
        late = {one for one, made in both if one in recent and held.get(one, REMOVED) != made}
        planned = plan(
            told.quietly(late) if late else told,
            as_of,
            name,
            held=held,
            last=(after.id, after.as_of) if after else last,
            withheld=frozenset(withheld.keys() - recent),
        )
        rows = [*left.rows, *planned.rows] if left else planned.rows
        kept = {c: withheld[c] for c in withheld if c in late or c in planned.withheld}
        why = reasons(rows, kept, state, self.placed)
        if planned.older:
            return Foreseen(planned, state, why, left=left)
        asks = self.radius(planned, held)
        planned = replace(planned, withheld=planned.withheld | late)
        return Foreseen(planned, state, why, asks, left)

    def save(self, planned: Plan, why: Mapping[str, str]) -> None:
        """Save the plan; an empty one too where its as_of is new, which older runs must respect.

        `why`: customer_id -> why a row is not simply what was decided.
        """
        name = self.destination.name
        last = self.journal.last_plan(name)
        known = last is not None and last[1] >= planned.as_of
        if planned.rows or not known:
            self.journal.save_plan(
                name,
                planned.id,
                planned.as_of,
                map(saved, planned.rows),
                base=planned.base,
                at=self.clock(),
                run=self.run,
                why=why,
            )

    def _keep_waiting(self, planned: Plan, why: Mapping[str, str]) -> None:
        """Leave a trace of a plan that waits, for who asks about one of its customers."""
        rows = [saved(row) for row in planned.rows]
        name, at = self.destination.name, self.clock()
        self.journal.keep_waiting(
            name, planned.id, planned.as_of, rows, at=at, run=self.run, why=why
        )
