"""Many days at once and many rows at once: a storm keeps its pace, a plan its memory (O6, C16)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from churn_ml.crm import Exported, Guard, HubSpotDestination, Means, Outbox, Row
from churn_ml.errors import Unreachable
from churn_ml.ledger import Ledger
from churn_ml.limits import Limit

from ..crm.fakes.hubspot import HubSpot
from ..crm.fakes.rig import Clock, row

DAY = date(2017, 10, 1)
DAYS = [DAY + timedelta(days=n) for n in range(30)]
CUSTOMERS = 50
PER_DAY = 40
"""How many requests a day the account allows: the storm needs more than one of its days."""


def desired(day: date) -> list[Row]:
    """One of fifty customers changes a day, for good."""
    since = (day - DAY).days
    segments = ("SILENT" if n <= since and n else "ACTIVE" for n in range(CUSTOMERS))
    return [row(f"h{n}", day, segment=segment) for n, segment in enumerate(segments)]


class Account(HubSpot):
    """An account that notes at which time of the export's `clock` each request came."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.came: list[float] = []
        super().__init__()

    def answer(self, asked: Any, fault: Any) -> Any:
        self.came.append(self.clock.now)
        return super().answer(asked, fault)


def patiently(outbox: Outbox, clock: Clock, day: date) -> tuple[Exported, int]:
    """Export the day, coming back when it is said to where the quota is spent; how often it was."""
    for times in range(30):
        with suppress(Unreachable):
            return outbox.export(desired(day), day), times
        with pytest.raises(Unreachable, match=r"spent.*after \S+ 00:00:00 UTC") as spent:
            outbox.export(desired(day), day)
        until = re.search(r"after (\S+ \S+) UTC", str(spent.value))
        assert until is not None
        clock.now = datetime.fromisoformat(f"{until[1]}+00:00").timestamp()
    raise AssertionError("the quota is never enough for one day")


def test_o6_thirty_missed_days_keep_the_quota_send_each_change_once_and_stand_as_the_newest(
    tmp_path: Path,
) -> None:
    """Oldest first, over a real ledger, to an account that allows 40 requests a day."""
    pytest.importorskip("hubspot", reason="HubSpot's client is not installed")
    ledger, clock = Ledger.open(f"sqlite:///{tmp_path}/ledger.db"), Clock()
    anyone = Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))
    with Account(clock) as account:
        means = Means("me", {"hubspot_crm": account.connection}, buckets=ledger)
        pace = Limit(10, seconds=10.0, per_day=PER_DAY)
        waits: Any = {"clock": clock, "sleep": clock.sleep}
        crm = HubSpotDestination("crm", "hubspot_crm", means, pace, test_host=True, **waits)
        outbox = Outbox(crm, ledger, anyone, clock=lambda: datetime.fromtimestamp(clock.now, UTC))
        put_off = sum(patiently(outbox, clock, day)[1] for day in DAYS)
        newest = {r.customer_id: r.payload["segment"] for r in desired(DAYS[-1])}
        for day in DAYS[::7]:
            done, more = patiently(outbox, clock, day)
            assert done.older == CUSTOMERS
            put_off += more
        held = {c["customer_ref"]: c["churn_ml_segment"] for c in account.contacts.values()}
        assert held == newest
        assert Counter(account.applied(c) for c in newest) == {1: CUSTOMERS - 29, 2: 29}
        spent = Counter(datetime.fromtimestamp(at, UTC).date() for at in account.came)
        assert put_off > 0
        assert max(spent.values()) <= PER_DAY
        assert all(
            late - early > 10 for early, late in zip(account.came, account.came[10:], strict=False)
        )


MEASURED = """
import json, resource, sys, tempfile
from datetime import UTC, datetime
from pathlib import Path
from churn_ml import crm
from churn_ml.crm.sql import SqlDestination
from churn_ml.crm.file import FileDestination
from churn_ml.bench.export import DAY, SCORE_STEP, customers
from churn_ml.ledger import Ledger
kind, rows = sys.argv[1], int(sys.argv[2])

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

with tempfile.TemporaryDirectory() as folder:
    ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
    target = (FileDestination("out", Path(folder) / "out", "me") if kind == "file" else
              SqlDestination("out", f"sqlite:///{folder}/out.db", "segments", "me"))
    guard = crm.Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))
    outbox = crm.Outbox(target, ledger, guard, clock=lambda: datetime.now(UTC))
    desired = crm.rows(**customers(rows), as_of=DAY, tau=0.0, score_step=SCORE_STEP)
    planned = outbox.foresee(desired, DAY).planned
    outbox.journal.heed_stops("out")
    target.preflight()
    outbox.save(planned, {})
    before = peak()
    sent = outbox.deliver(planned)
    print(json.dumps({"before_mb": before, "after_mb": peak(), "sent": len(sent.sent)}))
"""


def measured(kind: str, rows: int) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, kind, str(rows)],
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, int] = json.loads(done.stdout)
    assert told["sent"] == rows
    return told


@pytest.fixture(scope="module")
def small() -> int:
    """The megabytes of an export of 2,000 customers: Python, pandas and the drivers."""
    return measured("sql", 2_000)["after_mb"]


@pytest.mark.parametrize("kind", ["file", "sql"])
def test_c16_an_export_of_100_000_takes_3_kb_a_customer_and_its_sending_no_more(
    kind: str, small: int
) -> None:
    told = measured(kind, 100_000)
    assert told["after_mb"] - small <= 98_000 * 3 / 1024, told
    assert told["after_mb"] - told["before_mb"] <= 16, "what is sent is not kept"
