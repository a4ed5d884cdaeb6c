"""R13: a plan that changes much more than usual is held back until a person says yes to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from churn_ml.crm import Exported, Foreseen, Guard, MemoryJournal, Outbox, Radius, Recorder, Row
from churn_ml.crm.radius import affected

DAY, NEXT = date(2017, 10, 1), date(2017, 11, 1)
ANYBODY = Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))


def desired(count: int, segment: str, as_of: date = DAY) -> list[Row]:
    cells = {"segment": segment, "offer": "NONE"}
    return [Row(f"h{n:04}", "upsert", as_of, cells, segment) for n in range(count)]


def export(
    crm: Recorder,
    journal: MemoryJournal,
    radius: Radius,
    rows: list[Row],
    suppressed: Collection[str] = (),
) -> Exported:
    guard = replace(ANYBODY, suppressed=lambda _: suppressed)
    outbox = Outbox(crm, journal, guard, lambda: datetime(2026, 11, 22, tzinfo=UTC), radius=radius)
    return outbox.export(rows, rows[0].as_of)


def foresee(
    crm: Recorder,
    journal: MemoryJournal,
    radius: Radius,
    rows: list[Row],
    suppressed: Collection[str],
) -> Foreseen:
    guard = replace(ANYBODY, suppressed=lambda _: suppressed)
    outbox = Outbox(crm, journal, guard, lambda: datetime(2026, 11, 22, tzinfo=UTC), radius=radius)
    before = crm.rows.copy(), journal.last_plan("recorder")
    foreseen = outbox.foresee(rows, rows[0].as_of)
    assert (crm.rows, journal.last_plan("recorder")) == before, "a dry run touches nothing"
    return foreseen


def held(count: int) -> tuple[Recorder, MemoryJournal]:
    """A destination that holds `count` customers, of segment 1, as of DAY."""
    crm, journal = Recorder(), MemoryJournal()
    export(crm, journal, Radius(0.3, first_load=False), desired(count, "1"))
    return crm, journal


def test_r13_ten_times_the_rows_are_not_sent() -> None:
    crm, journal = held(400)
    told = export(crm, journal, Radius(1.0), desired(4000, "1", NEXT))
    assert told.asks is not None
    assert (told.sent, told.asks.upserts, told.asks.removals) == (0, 3600, 0)
    assert (told.asks.of_rows, told.asks.share) == (400, 9.0)
    assert len(crm.rows) == 400
    assert journal.last_plan("recorder") == (journal.plans[0].plan_id, DAY)


@pytest.mark.parametrize(("changed", "asks"), [(120, False), (121, True)])
def test_r13_a_share_above_the_one_set_asks_and_no_smaller_one(changed: int, asks: bool) -> None:
    crm, journal = held(400)
    rows = [*desired(changed, "2", NEXT), *desired(400, "1", NEXT)[changed:]]
    assert (export(crm, journal, Radius(0.3), rows).asks is not None) == asks


def test_r13_who_is_taken_out_is_a_change_too() -> None:
    crm, journal = held(400)
    told = export(crm, journal, Radius(0.3), desired(200, "1", NEXT))
    assert told.asks is not None
    assert (told.removed, told.asks.removals) == (0, 200)


def test_a_plan_of_fewer_than_a_hundred_rows_asks_nobody() -> None:
    crm, journal = held(99)
    assert export(crm, journal, Radius(0.0), desired(99, "2", NEXT)).sent == 99


def test_the_first_load_asks_unless_it_is_to_be_sent() -> None:
    crm, journal = Recorder(), MemoryJournal()
    told = export(crm, journal, Radius(9.0), desired(100, "1"))
    assert told.asks is not None
    assert told.asks.share is None
    assert crm.rows == {}
    assert export(crm, journal, Radius(9.0, first_load=False), desired(100, "1")).sent == 100


def test_r13_a_yes_is_about_one_plan_and_a_changed_one_asks_anew() -> None:
    crm, journal = held(400)
    yes: list[str] = []
    radius = Radius(0.3, answers=lambda plan_id: "approve" if plan_id in yes else None)
    asked = export(crm, journal, radius, desired(400, "2", NEXT)).asks
    assert asked is not None
    yes.append(asked.plan_id)
    other = export(crm, journal, radius, desired(399, "2", NEXT)).asks
    assert other is not None
    assert other.plan_id != asked.plan_id
    assert export(crm, journal, radius, desired(400, "2", NEXT)).sent == 400


def test_r13_a_no_holds_the_plan_back_and_says_so() -> None:
    crm, journal = held(400)
    told = export(crm, journal, Radius(0.3, answers=lambda _: "refuse"), desired(400, "2", NEXT))
    assert told.asks is not None
    assert told.asks.refused
    assert told.sent == 0


def test_what_an_earlier_run_left_open_is_finished_before_anybody_is_asked() -> None:
    crm, journal = held(400)
    open_rows = [("h0000", "3", '{"segment":"3"}', False)]
    journal.save_plan("recorder", "p2", NEXT, open_rows, base=journal.plans[0].plan_id)
    told = export(crm, journal, Radius(0.3), desired(400, "2", NEXT))
    assert (told.sent, told.resumed) == (1, 1)
    assert told.asks is not None
    assert journal.open_plan("recorder") is None


def test_p3_who_is_suppressed_is_taken_out_while_the_rest_waits() -> None:
    crm, journal = held(400)
    asked: list[str] = []
    for _ in range(2):
        told = export(crm, journal, Radius(0.3), desired(400, "2", NEXT), {"h0007"})
        assert told.asks is not None
        asked.append(told.asks.plan_id)
        assert "h0007" not in crm.rows
        assert len(crm.rows) == 399
    assert len(set(asked)) == 1, "the question stays the same, so its answer counts"
    yes = Radius(0.3, answers=lambda plan: "approve" if plan in asked else None)
    assert export(crm, journal, yes, desired(400, "2", NEXT), {"h0007"}).sent == 399


def test_p3_what_is_no_large_change_without_the_suppressed_goes_at_once() -> None:
    crm, journal = held(400)
    rows = [*desired(110, "2", NEXT), *desired(400, "1", NEXT)[110:]]
    gone = {f"h{n:04}" for n in range(200, 220)}
    told = export(crm, journal, Radius(0.3), rows, gone)
    assert (told.asks, told.sent, told.removed) == (None, 110, 20)


def test_what_was_asked_is_told_without_a_customer() -> None:
    crm, journal = held(400)
    told = export(crm, journal, Radius(0.3), desired(400, "2", NEXT))
    assert told.asks is not None
    assert "h0" not in repr(told)
    said = "0 to create, 400 to update, 0 to remove: 100.0 % of the 400 customers it holds,"
    assert told.asks.in_words() == f"{said} more than 30 %"


def test_what_is_asked_tells_new_from_known_and_who_is_affected() -> None:
    crm, journal = held(400)
    rows = [*desired(300, "2", NEXT), *desired(500, "3", NEXT)[300:]]
    asks = export(crm, journal, Radius(0.3), rows).asks
    assert asks is not None
    assert (asks.upserts, asks.creates, asks.removals, asks.limit) == (500, 100, 0, 0.3)
    assert asks.affected == {"segment": {"2": 300, "3": 200}, "offer": {"NONE": 500}}


def test_of_many_segments_the_most_frequent_are_told_and_the_others_counted() -> None:
    rows = [row for n in range(9) for row in desired(n + 1, f"SEG{n}")]
    told = affected(rows)["segment"]
    assert list(told.items())[:2] == [("SEG8", 9), ("SEG7", 8)]
    assert (len(told), told["others"], sum(told.values())) == (6, 1 + 2 + 3 + 4, len(rows))


@pytest.mark.parametrize("gone", [5, 20], ids=["the rest still asks", "the rest goes at once"])
def test_p3_a_dry_run_counts_what_goes_at_once_as_the_export_does(gone: int) -> None:
    crm, journal = held(400)
    rows = [*desired(110, "2", NEXT), *desired(400, "1", NEXT)[110:]]
    barred = {f"h{n:04}" for n in range(390 - gone, 390)}
    radius = Radius(0.275 if gone == 5 else 0.3)
    foreseen = foresee(crm, journal, radius, rows, barred)
    assert foreseen.away is not None
    assert len(foreseen.away.rows) == gone
    done = export(crm, journal, radius, rows, barred)
    assert foreseen.counted == done
    assert (done.asks is None) == (gone == 20)
