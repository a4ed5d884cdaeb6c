"""A journal in memory: the ledger's double for tests and for trying an export out.

It keeps the promises of `protocol.Journal`: one plan open at a time, a plan is saved on the newest
one or not at all, an ack never takes the state back to an earlier as_of, settled rows stay settled.

>>> journal, day = MemoryJournal(), date(2017, 10, 1)
>>> journal.save_plan("crm", "p1", day, [("h1", "9f3c", "{}", False)], base=None)
>>> journal.open_plan("crm")[0]
'p1'
>>> journal.acknowledge("p1", ["h1"], at=datetime(2026, 11, 21))
>>> journal.open_plan("crm") is None, journal.state("crm")
(True, {'h1': ('9f3c', datetime.date(2017, 10, 1))})
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from churn_ml.crm.protocol import NOT_HELD, REJECTED, REMOVED, UNSURE, SavedRow
from churn_ml.errors import StaleAttempt, Stopped

IN_DOUBT = "in_doubt"
"""The content hash of a customer about whom the target may hold something else."""


@dataclass
class _Saved:
    destination: str
    plan_id: str
    as_of: date
    unsettled: dict[str, SavedRow]
    rejected: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    doubted: set[str] = field(default_factory=set)
    removed: dict[str, bool] = field(default_factory=dict)
    """customer_id -> whether the row was settled as a removal in place of an upsert."""
    settled: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """customer_id -> when its row was settled, and by which run."""


@dataclass
class MemoryJournal:
    """Plans and acks in dictionaries; see `protocol.Journal` for what each method promises."""

    plans: list[_Saved] = field(default_factory=list)
    acked: dict[str, dict[str, tuple[str, date]]] = field(default_factory=dict)
    contacts: list[tuple[str, str, date]] = field(default_factory=list)
    """(destination, customer_id, as_of) of every acknowledged contact."""
    waiting: dict[tuple[str, str], Sequence[SavedRow]] = field(default_factory=dict)
    """(destination, plan_id) -> the rows of every plan that waited for a yes."""
    stopped: set[str] = field(default_factory=set)
    """The destinations that exports are stopped to."""
    marks: dict[tuple[str, str], tuple[str, datetime]] = field(default_factory=dict)
    """(destination, sender) -> the plan that it sends, and since when."""

    def heed_stops(self, destination: str) -> None:
        """Raise Stopped where exports to the destination are stopped."""
        if destination in self.stopped:
            raise Stopped(f"exports to {destination} are stopped")

    def last_plan(self, destination: str) -> tuple[str, date] | None:
        """Id and as_of of the newest plan ever saved for the destination."""
        saved = self._newest(destination)
        return (saved.plan_id, saved.as_of) if saved else None

    def save_plan(
        self,
        destination: str,
        plan_id: str,
        as_of: date,
        rows: Iterable[SavedRow],
        *,
        base: str | None,
        at: datetime | None = None,  # noqa: ARG002 - the protocol's; a double keeps no times
        run: str = "",  # noqa: ARG002 - nor runs
        why: Mapping[str, str] | None = None,  # noqa: ARG002 - nor reasons
    ) -> None:
        """Save a plan on top of `base`; raises StaleAttempt where another came first."""
        newest = self._newest(destination)
        if (newest.plan_id if newest else None) != base or (newest and newest.unsettled):
            raise StaleAttempt(
                f"another export to {destination} planned meanwhile",
                got=f"plan {newest.plan_id if newest else None}",
                expected=f"plan {base}, closed",
                next_step="run the export again: it plans on the newest state",
            )
        by_customer = {row[0]: row for row in sorted(rows)}
        self.plans.append(_Saved(destination, plan_id, as_of, by_customer))

    def keep_waiting(
        self,
        destination: str,
        plan_id: str,
        as_of: date,  # noqa: ARG002 - the protocol's; a double tells no story
        rows: Sequence[SavedRow],
        *,
        at: datetime,  # noqa: ARG002 - nor times
        run: str,  # noqa: ARG002 - nor runs
        why: Mapping[str, str] | None = None,  # noqa: ARG002 - nor reasons
    ) -> None:
        """Remember what a plan says that waits for a person's yes."""
        self.waiting[destination, plan_id] = rows

    def open_plan(self, destination: str) -> tuple[str, date, list[SavedRow]] | None:
        """The plan with unsettled rows, and those rows; None where there is none."""
        saved = self._newest(destination)
        if saved is None or not saved.unsettled:
            return None
        return saved.plan_id, saved.as_of, list(saved.unsettled.values())

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
        """Settle the rows of one batch; rows settled before change nothing.

        Those that were settled as a removal before and are `taken` now, or the other way round, are
        in doubt.
        """
        for saved in (plan for plan in self.plans if plan.plan_id == plan_id):
            state = self.acked.setdefault(saved.destination, {})
            away = {customer_id for customer_id, _ in withdrawn}
            answered = {*taken, *away, *(one for one, _, _ in rejected)}
            saved.settled |= dict.fromkeys(answered & saved.unsettled.keys(), (at, run))
            for customer_id in [*taken, *sorted(away)]:
                gone = customer_id in away
                row = saved.unsettled.pop(customer_id, None)
                if row is None:
                    if saved.removed.get(customer_id, gone) != gone:
                        state[customer_id] = (IN_DOUBT, state[customer_id][1])
                    continue
                saved.removed[customer_id] = gone
                told = REMOVED if gone else row[1]
                state[customer_id] = (
                    IN_DOUBT if customer_id in saved.doubted else told,
                    saved.as_of,
                )
                if row[3] and not gone:
                    self.contacts.append((saved.destination, customer_id, saved.as_of))
            for rejection in rejected:
                row = saved.unsettled.pop(rejection[0], None)
                if row is None:
                    continue
                saved.rejected[rejection[0]] = rejection
                told, as_of = state.get(row[0], (REMOVED, saved.as_of))
                if row[1] != REMOVED and told == REMOVED:
                    state[row[0]] = (UNSURE, saved.as_of)
                elif told not in NOT_HELD | {IN_DOUBT}:
                    state[row[0]] = (REJECTED, as_of)

    def state(self, destination: str) -> dict[str, tuple[str, date]]:
        """customer_id -> (content_hash, as_of) of the last ack."""
        return dict(self.acked.get(destination, {}))

    def held(self, destination: str) -> dict[str, str]:
        """customer_id -> content_hash of the last ack."""
        return {customer: told for customer, (told, _) in self.state(destination).items()}

    def doubt(self, destination: str, customer_ids: Sequence[str], at: datetime) -> None:
        """Take back what is said of these."""
        held = self.acked.setdefault(destination, {})
        held |= {c: (IN_DOUBT, held.get(c, ("", at.date()))[1]) for c in customer_ids}
        if newest := self._newest(destination):
            newest.doubted |= newest.unsettled.keys() & set(customer_ids)

    def begin_sending(self, destination: str, sender: str, plan_id: str, at: datetime) -> None:
        """Mark that `sender` sends the plan since `at`, or since the plan's earliest mark."""
        self.marks[destination, sender] = (plan_id, at)
        same = [
            one for one in self.marks if one[0] == destination and self.marks[one][0] == plan_id
        ]
        earliest = min(self.marks[one][1] for one in same)
        self.marks |= dict.fromkeys(same, (plan_id, earliest))

    def end_sending(self, destination: str, sender: str) -> None:
        """Clear the mark of `sender`."""
        self.marks.pop((destination, sender), None)

    def senders(self, destination: str) -> list[tuple[str, str, datetime]]:
        """Sender, plan_id and since of every mark, by sender."""
        found = sorted(self.marks.items())
        return [(who, *mark) for (where, who), mark in found if where == destination]

    def settled_of(
        self,
        destination: str,
        plan_id: str,
        *,
        since: datetime | None = None,
        besides: str = "",
        customer_ids: Sequence[str] | None = None,
    ) -> list[str]:
        """Whose row of the plan was settled since then, by another run, of these customers."""
        saved = (
            one for one in self.plans if (one.destination, one.plan_id) == (destination, plan_id)
        )
        return sorted(
            customer_id
            for one in saved
            for customer_id, (at, run) in one.settled.items()
            if (since is None or at >= since)
            and not (besides and run == besides)
            and (customer_ids is None or customer_id in customer_ids)
        )

    def rejections(self, destination: str) -> list[tuple[str, str, str]]:
        """(customer_id, code, message) of the rows that the newest plan's target refused."""
        saved = self._newest(destination)
        return [saved.rejected[c] for c in sorted(saved.rejected)] if saved else []

    def _newest(self, destination: str) -> _Saved | None:
        return next((p for p in reversed(self.plans) if p.destination == destination), None)
