"""What every kind with a server promises beside: pace, retries, no redirect, no word of a customer.

Names carry the faults they show. Each kind speaks to a fake of its server by the vendor's client.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from churn_ml.config import from_text
from churn_ml.crm import Batch, Means, MemoryJournal, open_destination
from churn_ml.crm.means import MemoryBuckets
from churn_ml.errors import BadConfig, Unreachable
from churn_ml.limits import Limit

from .fakes import faults
from .fakes.rig import IMPATIENT, NOON, Rig, row
from .test_contract import NOVEMBER, OCTOBER, export, held, outbox, whole
from .tried import TRIED

REMOTE = [name for name, kind in TRIED.items() if kind.remote]
remote_only = pytest.mark.parametrize("rig", REMOTE, indirect=True)


def impatient(rig: Rig) -> Rig:
    """The target, opened with a time-out that is soon over."""
    return replace(rig, open=partial(rig.open, timeout=IMPATIENT))


@dataclass
class Counting(MemoryBuckets):
    """Buckets that note who asked, and by which limit."""

    asked: list[tuple[str, Limit]] = field(default_factory=list)

    def take(self, destination: str, limit: Limit, now: float) -> float:
        self.asked.append((destination, limit))
        return super().take(destination, limit, now)


@remote_only
def test_r1_every_request_takes_a_token_of_the_shops_buckets(
    rig: Rig, request: pytest.FixtureRequest
) -> None:
    assert rig.fake
    told = {"kind": request.node.callspec.params["rig"], "connection": "crm", "test_host": True}
    told |= {"requests_per_10_seconds": 900, "requests_per_day": 77}
    section = "\n".join(f"{name} = {json.dumps(value)}" for name, value in told.items())
    shop = '[shop]\nname = "Corner shop"\ncurrency = "EUR"\n'
    config, buckets = from_text(f"{shop}[destinations.crm]\n{section}"), Counting()
    means = Means("me", {"crm": rig.fake.connection}, buckets=buckets)
    target = open_destination("crm", config, means=means)
    outbox(target, MemoryJournal()).export([row("h1", OCTOBER)], OCTOBER)
    assert len(list(target.holds())) == 1
    assert set(buckets.asked) == {("crm", Limit(900, per_day=77))}
    # one more of Salesforce, for signing in: by a session that is open nobody is asked
    assert len(buckets.asked) - len(rig.fake.asked) == (rig.writes == "batches")


@remote_only
def test_r1_two_workers_share_one_pace(rig: Rig) -> None:
    assert rig.fake
    limit, buckets = Limit(2, seconds=60.0), MemoryBuckets()
    for _ in range(2):
        worker = rig.open("me", limit=limit, buckets=buckets)
        worker.preflight()
        worker.send(Batch("b1", "p1", OCTOBER, (row("h1", OCTOBER),)))
    assert limit.burst == 1
    assert rig.clock.now - NOON >= (len(rig.fake.asked) - 1) / limit.rate - 1e-6


@remote_only
def test_s12_no_redirect_is_followed(rig: Rig, journal: MemoryJournal) -> None:
    assert rig.fake
    rig.fake.script.add(faults.http(307, path=rig.writes))
    with pytest.raises(BadConfig):
        export(rig, journal, [row("h1", OCTOBER)])
    assert rig.fake.count(rig.writes) == 1
    assert rig.fake.count("elsewhere") == 0
    assert export(rig, journal, [row("h1", OCTOBER)]).sent == 1


@remote_only
def test_r6_a_batch_refused_whole_is_halved_to_the_bad_row(
    rig: Rig, journal: MemoryJournal
) -> None:
    assert rig.fake
    rig.fake.script.add(faults.refuse_whole(["h5"], path=rig.writes))
    done = export(rig, journal, [row(f"h{n}", OCTOBER) for n in range(8)])
    assert (done.sent, done.rejected) == (7, 1)
    assert journal.rejections("crm")[0][0] == "h5"
    assert rig.fake.count(rig.writes) <= 1 + 3 + 2  # log2(8) to find it, itself, the others


@remote_only
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.http(429, retry_after=7), id="r1_429"),
        pytest.param(faults.http(503), id="r2_503"),
        pytest.param(faults.http(500), id="r2_500"),
        pytest.param(faults.slow(1.2), id="r2_slow"),
        pytest.param(faults.drop_before(), id="r3_drop_before"),
        pytest.param(faults.drop_after(), id="r4_lost_ack"),
    ],
)
def test_faults_of_the_network_lose_and_double_nothing(
    rig: Rig, journal: MemoryJournal, fault: faults.Fault
) -> None:
    assert rig.fake
    rig.fake.script.add(faults.Fault(**vars(fault) | {"path": rig.writes}))
    rows = [row(f"h{n}", OCTOBER) for n in range(3)]
    assert export(impatient(rig) if fault.seconds else rig, journal, rows).sent == 3
    assert rig.fake.script.faults == []
    assert rig.fake.count(rig.writes) >= 2
    assert whole(rig, journal)
    if fault.retry_after:
        assert sum(rig.clock.slept) >= fault.retry_after


@remote_only
@pytest.mark.parametrize("fault", [faults.http(503), faults.slow(1.2)], ids=["503", "slow"])
def test_r2_a_server_that_stays_down_or_slow_keeps_the_plan_and_the_next_run_resumes_it(
    rig: Rig, journal: MemoryJournal, fault: faults.Fault
) -> None:
    assert rig.fake
    rig.fake.script.add(*[replace(fault, path=rig.writes)] * 8)
    with pytest.raises(Unreachable, match="the plan is kept"):
        export(impatient(rig), journal, [row("h1", OCTOBER)])
    assert journal.open_plan("crm") is not None
    done = export(rig, journal, [row("h1", OCTOBER)])
    assert (done.resumed, done.sent) == (1, 1)
    assert whole(rig, journal)


@remote_only
def test_s8_s9_no_error_holds_the_secret_or_a_customer(
    rig: Rig, journal: MemoryJournal, caplog: pytest.LogCaptureFixture
) -> None:
    assert rig.fake
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")  # HubSpot's client makes it quieter for all
    told = [row("CANARY-7f3a", OCTOBER)]
    export(rig, journal, told)
    assert held(rig) == {"CANARY-7f3a": "LOST"}
    rig.fake.script.add(*[faults.http(500, path=rig.writes)] * 8)
    with pytest.raises(Unreachable) as caught:
        export(rig, journal, [row("CANARY-7f3a", NOVEMBER, segment="NEW")], NOVEMBER)
    shown = repr(caught.value) + caplog.text + repr(rig.open("me"))
    assert "CANARY" not in shown
    assert "fake-token" not in shown
