"""What every kind of destination promises, shown on each of the kinds of tried.py.

Names carry the faults they show. The kinds with a server speak to a fake of it through the vendor's
own client; the others have a folder or a database.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from churn_ml.crm import (
    Ack,
    Batch,
    Destination,
    Exported,
    Guard,
    MemoryJournal,
    Outbox,
    Rejection,
    Row,
    reconciled,
)
from churn_ml.crm.protocol import Cell
from churn_ml.errors import BadConfig, BadInput, StaleAttempt, Unreachable

from .fakes import faults
from .fakes.rig import Rig, row
from .tried import TRIED, with_the_example

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)
ANYONE = Guard(lambda ids: (), lambda ids: {}, True, frozenset({"NONE"}))

LOCAL = [name for name, kind in TRIED.items() if not kind.remote]
REMOTE = [name for name, kind in TRIED.items() if kind.remote]
remote_only = pytest.mark.parametrize("rig", REMOTE, indirect=True)


@pytest.fixture(params=TRIED)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with with_the_example(), TRIED[request.param].rigged(tmp_path) as found:
        assert (found.fake is not None) == TRIED[request.param].remote
        assert (found.unholdable is None) == TRIED[request.param].holds_all
        yield found


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


def export(rig: Rig, journal: MemoryJournal, rows: list[Row], as_of: date = OCTOBER) -> Exported:
    """One run of the export, in a process of its own as it were."""
    return outbox(rig.open("me"), journal).export(rows, as_of)


def outbox(target: Destination, journal: MemoryJournal) -> Outbox:
    return Outbox(target, journal, ANYONE, clock=lambda: datetime(2026, 11, 22, tzinfo=UTC))


def held(rig: Rig) -> dict[str, Cell]:
    """customer_id -> segment, as the target tells it; each customer once."""
    told = [(str(cells["customer_id"]), cells["segment"]) for cells in rig.open("me").holds()]
    assert len(dict(told)) == len(told)
    return dict(told)


def whole(rig: Rig, journal: MemoryJournal) -> bool:
    return reconciled(rig.open("me").holds(), journal.state("crm"), delivers=False).whole


@pytest.mark.parametrize("rig", LOCAL, indirect=True)
def test_o3_the_rows_of_another_deployment_are_not_read_as_ours(
    rig: Rig, journal: MemoryJournal
) -> None:
    export(rig, journal, [row("h1", OCTOBER)])
    assert len(list(rig.open("me").holds())) == 1
    with pytest.raises(BadConfig, match="fed by another deployment"):
        list(rig.open("somebody else").holds())


def test_r12_an_upsert_a_change_and_a_removal_arrive(rig: Rig, journal: MemoryJournal) -> None:
    first = [row("h1", OCTOBER), row("h2", OCTOBER), row("h3", OCTOBER)]
    assert export(rig, journal, first).sent == 3
    assert held(rig) == {"h1": "LOST", "h2": "LOST", "h3": "LOST"}
    second = [row("h1", NOVEMBER), row("h2", NOVEMBER, segment="NEW")]
    done = export(rig, journal, second, NOVEMBER)
    assert (done.sent, done.unchanged, done.removed) == (1, 1, 1)
    assert held(rig) == {"h1": "LOST", "h2": "NEW"}
    assert whole(rig, journal)


def test_o1_the_same_export_again_sends_nothing(rig: Rig, journal: MemoryJournal) -> None:
    rows = [row("h1", OCTOBER), row("h2", OCTOBER)]
    export(rig, journal, rows)
    assert export(rig, journal, rows).sent == 0


def test_a_customer_who_left_can_come_back(rig: Rig, journal: MemoryJournal) -> None:
    export(rig, journal, [row("h1", OCTOBER)])
    export(rig, journal, [], NOVEMBER)
    assert held(rig) == {}
    export(rig, journal, [row("h1", date(2017, 12, 1))], date(2017, 12, 1))
    assert held(rig) == {"h1": "LOST"}


def test_c8_r4_a_batch_sent_twice_is_a_batch_sent_once(rig: Rig) -> None:
    target = rig.open("me")
    target.preflight()
    batch = Batch("b1", "p1", OCTOBER, (row("h1", OCTOBER), row("h2", OCTOBER)))
    first, again = target.send(batch), target.send(batch)
    assert sorted(a.customer_id for a in first) == sorted(a.customer_id for a in again)
    assert all(isinstance(answer, Ack) for answer in [*first, *again])
    assert held(rig) == {"h1": "LOST", "h2": "LOST"}


def test_s1_cells_arrive_as_they_are_in_every_script(rig: Rig, journal: MemoryJournal) -> None:
    cells: dict[str, Cell] = {"evidence": "王小明 😀, \"x\"; 'y'", "cause": "=1+1", "score": 0.05}
    cells |= {"value_at_risk": 1e6, "named_segments": "", "threshold": -12.5}
    export(rig, journal, [row("h1", OCTOBER, **cells)])
    (there,) = rig.open("me").holds()
    assert {name: there[name] or "" for name in cells} == cells
    assert there["as_of"] == "2017-10-01"


@pytest.mark.parametrize(
    "rig", [name for name, kind in TRIED.items() if not kind.holds_all], indirect=True
)
def test_r5_a_row_that_the_target_cannot_hold_holds_up_no_other(
    rig: Rig, journal: MemoryJournal
) -> None:
    assert rig.unholdable
    rows = [row(f"h{n}", OCTOBER) for n in range(8)]
    rows[3] = row("h3", OCTOBER, **rig.unholdable)
    done = export(rig, journal, rows)
    assert (done.sent, done.rejected) == (7, 1)
    ((customer_id, code, message),) = journal.rejections("crm")
    assert (customer_id, bool(code)) == ("h3", True)
    assert "h3" not in message
    assert "h3" not in held(rig)
    # mended, it goes with the next run, and alone
    rows[3] = row("h3", OCTOBER)
    assert export(rig, journal, rows).sent == 1
    assert whole(rig, journal)


def test_r7_a_customer_twice_is_refused_before_anything_is_sent(
    rig: Rig, journal: MemoryJournal
) -> None:
    with pytest.raises(BadInput, match="each customer once"):
        export(rig, journal, [row("h1", OCTOBER), row("h1", OCTOBER, segment="NEW")])
    assert held(rig) == {}


def test_reconcile_finds_each_planted_difference(rig: Rig, journal: MemoryJournal) -> None:
    export(rig, journal, [row(c, OCTOBER) for c in ("h1", "h2", "h3")])
    account = journal.state("crm") | {"h9": ("9f3c", OCTOBER), "h2": ("b1d0", OCTOBER)}
    del account["h3"]
    found = reconciled(rig.open("me").holds(), account, delivers=False)
    assert (found.agreeing, found.missing, found.extra) == (1, ("h9",), ("h3",))
    assert found.different == ("h2",)


def test_o3_a_second_deployment_is_refused_and_changes_nothing(
    rig: Rig, journal: MemoryJournal
) -> None:
    export(rig, journal, [row("h1", OCTOBER)])
    with pytest.raises(BadConfig, match="fed by another deployment"):
        outbox(rig.open("another shop"), MemoryJournal()).export([row("h1", NOVEMBER)], NOVEMBER)
    assert whole(rig, journal)
    export(rig, journal, [row("h1", NOVEMBER, segment="NEW")], NOVEMBER)
    assert held(rig) == {"h1": "NEW"}


def test_o4_an_older_as_of_takes_nothing_back(rig: Rig, journal: MemoryJournal) -> None:
    export(rig, journal, [row("h1", OCTOBER), row("h2", OCTOBER)])
    export(rig, journal, [row("h1", NOVEMBER, segment="NEW")], NOVEMBER)
    assert export(rig, journal, [row("h1", OCTOBER), row("h2", OCTOBER)]).older == 2
    # a process that slept for a month wakes up in the middle of its batch
    stale = Batch("b0", "p0", OCTOBER, (row("h1", OCTOBER), row("h2", OCTOBER)))
    with suppress(StaleAttempt):
        rig.open("me").send(stale)
    assert held(rig) == {"h1": "NEW"}


def test_o4_an_as_of_that_only_removed_is_an_as_of_too(rig: Rig, journal: MemoryJournal) -> None:
    export(rig, journal, [row("h1", OCTOBER), row("h2", OCTOBER)])
    done = export(rig, journal, [row("h1", NOVEMBER)], NOVEMBER)
    assert (done.sent, done.unchanged, done.removed) == (0, 1, 1)
    stale = Batch("b0", "p0", OCTOBER, (row("h1", OCTOBER), row("h2", OCTOBER)))
    with suppress(StaleAttempt):
        rig.open("me").send(stale)
    assert held(rig) == {"h1": "LOST"}
    assert whole(rig, journal)


def test_a_dry_run_asks_and_writes_nothing(rig: Rig, journal: MemoryJournal) -> None:
    foreseen = outbox(rig.open("me"), journal).foresee([row("h1", OCTOBER)], OCTOBER)
    assert foreseen.counted.sent == 1
    assert journal.last_plan("crm") is None
    assert rig.fake is None or rig.fake.asked == []


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
        pytest.param(faults.slow(0.05), id="r2_slow"),
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
    assert export(rig, journal, rows).sent == 3
    assert rig.fake.script.faults == []
    assert whole(rig, journal)
    if fault.retry_after:
        assert sum(rig.clock.slept) >= fault.retry_after


@remote_only
def test_r2_a_server_that_stays_down_keeps_the_plan_and_the_next_run_resumes_it(
    rig: Rig, journal: MemoryJournal
) -> None:
    assert rig.fake
    rig.fake.script.add(*[faults.http(503, path=rig.writes)] * 8)
    with pytest.raises(Unreachable, match="the plan is kept"):
        export(rig, journal, [row("h1", OCTOBER)])
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


def test_answers_are_of_the_protocol(rig: Rig) -> None:
    target = rig.open("me")
    target.preflight()
    removed = Row("h9", "remove", OCTOBER, {}, "")
    answers = target.send(Batch("b1", "p1", OCTOBER, (row("h1", OCTOBER), removed)))
    assert not [answer for answer in answers if isinstance(answer, Rejection)]
    assert held(rig) == {"h1": "LOST"}  # who is not there is removed by making nobody
