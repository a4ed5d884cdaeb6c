"""Three exports to Salesforce amid random faults: in the end the org holds what was decided last.

A seed throws lost requests and answers, pauses, 503s, spent days and expired sessions at every kind
of request, has an administrator abort jobs, has Salesforce forget them, and suppresses other
customers between two attempts.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from churn_ml.crm import Guard, MemoryJournal, Outbox, Row, reconciled
from churn_ml.errors import BadConfig, Transient

from ..fakes.faults import drop_after, drop_before, expired, http
from ..fakes.salesforce import Salesforce
from ..fakes.salesforce_records import KEY
from .world import World, row

CUSTOMERS = "abcdefgh"
PLACES: tuple[dict[str, Any], ...] = (
    {"method": "POST", "path": "ingest$"},
    {"path": "batches"},
    {"method": "PATCH"},
    {"method": "GET", "path": r"ingest/\w+$"},
    {"path": "successfulResults"},
    {"path": "failedResults"},
    {"path": "query"},
)


@dataclass
class Storm:
    """A shop that exports to an org in bad weather."""

    world: World
    draw: random.Random
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    suppressed: set[str] = field(default_factory=set)

    def export(self, rows: list[Row], as_of: date, batch_size: int = 100) -> None:
        guard = Guard(lambda ids: self.suppressed & set(ids), lambda ids: {}, True, frozenset())
        target = self.world.destination(batch_size=batch_size, wait_seconds=3.0)
        clock = lambda: datetime(2026, 11, 22, tzinfo=UTC)  # noqa: E731 - one line of a test
        Outbox(target, self.journal, guard, clock=clock).export(rows, as_of)

    def worsen(self) -> None:
        """The weather of one attempt."""
        draw, org = self.draw, self.world.org
        for _ in range(draw.choice([0, 1, 3, 9, 20])):
            place = draw.choice(PLACES)
            kinds = [drop_before(**place), drop_after(**place), expired(**place)]
            busy = [http(503, **place), http(429, retry_after=1, **place)]
            org.script.add(draw.choice([*kinds, *busy, http(403, daily=True, **place)]))
        if draw.random() < 0.3:
            org.stops_after = draw.randrange(6)
        if draw.random() < 0.5:
            self.suppressed = {one for one in CUSTOMERS if draw.random() < 0.2}
        if draw.random() < 0.2:
            org.jobs.clear()


@pytest.mark.parametrize("seed", [0, 2])
def test_p3_r4_r15_the_org_holds_in_the_end_what_was_decided_last(seed: int) -> None:
    draw = random.Random(seed)
    with Salesforce() as org:
        org.polls = draw.choice([1, 2, 3])
        storm = Storm(World(org), draw)
        for month in (1, 2, 3):
            as_of = date(2017, month, 1)
            content = {c: draw.choice("ABC") for c in CUSTOMERS if draw.random() < 0.7}
            rows = [row(c, as_of, segment=s, offer="NONE") for c, s in content.items()]
            for _ in range(6):
                storm.worsen()
                with suppress(Transient, BadConfig):
                    storm.export(rows, as_of, draw.choice([2, 3, 100]))
                org.script.faults.clear()
        org.finish()
        org.stops_after = None
        storm.export(rows, as_of)
        held = list(storm.world.destination().holds())
        told = {str(cells["customer_id"]): cells["segment"] for cells in held}
        assert told == {c: s for c, s in content.items() if c not in storm.suppressed}
        keys = [record[KEY] for record in org.records.held.values()]
        assert len(set(keys)) == len(keys)
        assert reconciled(held, storm.journal.state("crm"), delivers=False).whole
