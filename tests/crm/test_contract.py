"""What every kind of destination promises, shown on each of the kinds of tried.py.

Names carry the faults they show. The kinds with a server speak to a fake of it through the vendor's
own client; the others have a folder or a database.
"""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, date, datetime, timedelta
from itertools import count

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
from churn_ml.crm.payload import FIELDS, NAMES
from churn_ml.crm.protocol import Cell
from churn_ml.crm.undo import undo, undoing
from churn_ml.errors import BadConfig, BadInput, StaleAttempt
from churn_ml.ledger import Ledger

from .fakes.rig import Rig, row
from .tried import TRIED

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)
ANYONE = Guard(lambda ids: (), lambda ids: {}, True, frozenset({"NONE"}))

LOCAL = [name for name, kind in TRIED.items() if not kind.remote]


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


def test_every_field_arrives_in_its_own_place(rig: Rig, journal: MemoryJournal) -> None:
    texts = {one.name: f"{one.name} of h1" for one in FIELDS if one.type == "text"}
    numbers = [one.name for one in FIELDS if one.type == "number"]
    cells: dict[str, Cell] = texts | {name: 1.5 + n for n, name in enumerate(numbers)}
    del cells["customer_id"]
    told = row("h1", OCTOBER, **cells)
    assert len(set(told.payload.values())) == len(NAMES)
    export(rig, journal, [told])
    (there,) = rig.open("me").holds()
    assert {name: there[name] for name in NAMES} == told.payload


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
    with pytest.raises(BadConfig, match="fed by another deployment") as refused:
        outbox(rig.open("another shop"), MemoryJournal()).export([row("h1", NOVEMBER)], NOVEMBER)
    assert "that deployment is gone" in str(refused.value.next_step)  # the way to hand it over
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


def test_an_undo_gives_back_what_was_held_before(rig: Rig) -> None:
    minutes = count()

    def outbox() -> Outbox:
        clock = lambda: datetime(2026, 11, 22, tzinfo=UTC) + timedelta(minutes=next(minutes))  # noqa: E731
        return Outbox(rig.open("me"), ledger, ANYONE, clock=clock)

    with closing(Ledger.open("sqlite://")) as ledger:
        outbox().export([row(c, OCTOBER) for c in ("h1", "h2", "h3")], OCTOBER)
        before = held(rig)
        told = [row("h1", NOVEMBER, segment="NEW"), row("h2", NOVEMBER), row("h4", NOVEMBER)]
        outbox().export(told, NOVEMBER)
        assert held(rig) == {"h1": "NEW", "h2": "LOST", "h4": "LOST"}
        done = undo(outbox(), ledger, undoing(outbox(), ledger))
        assert (done.sent, done.removed) == (2, 1)
        assert held(rig) == before
        assert reconciled(rig.open("me").holds(), ledger.state("crm"), delivers=False).whole


def test_answers_are_of_the_protocol(rig: Rig) -> None:
    target = rig.open("me")
    target.preflight()
    removed = Row("h9", "remove", OCTOBER, {}, "")
    answers = target.send(Batch("b1", "p1", OCTOBER, (row("h1", OCTOBER), removed)))
    assert not [answer for answer in answers if isinstance(answer, Rejection)]
    assert held(rig) == {"h1": "LOST"}  # who is not there is removed by making nobody
