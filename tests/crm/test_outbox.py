"""Plan, send, acknowledge, resume: against the Recorder and the journal in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.crm import Exported, Guard, MemoryJournal, Outbox, Recorder, Row
from churn_ml.crm.protocol import Ack, Batch, Rejection
from churn_ml.errors import BadInput, BrokenPromise, StaleAttempt, Stopped, Unreachable

OCTOBER, NOVEMBER, DECEMBER = date(2017, 10, 1), date(2017, 11, 1), date(2017, 12, 1)


@dataclass
class Disturbed(MemoryJournal):
    """A journal at which something happens before a plan is saved, or once a batch is settled."""

    planned: Callable[[], None] = lambda: None
    acknowledged: Callable[[], None] = lambda: None

    def save_plan(self, *plan: Any, **base: Any) -> None:
        self.planned()
        super().save_plan(*plan, **base)

    def acknowledge(self, *batch: Any, **answers: Any) -> None:
        super().acknowledge(*batch, **answers)
        self.acknowledged()


@dataclass
class World:
    """A destination, its journal, and the two lists the guard reads; all of it changeable."""

    crm: Recorder = field(default_factory=lambda: Recorder(batch_size=2))
    journal: Disturbed = field(default_factory=Disturbed)
    suppressed: set[str] = field(default_factory=set)
    consents: dict[str, bool] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)

    def export(self, content: dict[str, str], as_of: date, *, dry_run: bool = False) -> Exported:
        outbox, rows = self.outbox(), desired(content, as_of)
        return outbox.foresee(rows, as_of).counted if dry_run else outbox.export(rows, as_of)

    def outbox(self) -> Outbox:
        guard = Guard(
            lambda _: self.suppressed,
            lambda _: self.consents,
            True,
            frozenset({"NONE"}),
            recent=lambda _, __: self.elsewhere,
        )
        return Outbox(
            self.crm,
            self.journal,
            guard,
            clock=lambda: datetime(2026, 11, 21, tzinfo=UTC),
        )

    def held(self) -> dict[str, str]:
        """What the target says of each customer."""
        return {c: str(row.payload["segment"]) for c, row in self.crm.rows.items()}

    def sent(self) -> list[str]:
        return [row.customer_id for batch in self.crm.batches for row in batch.rows]


def desired(content: dict[str, str], as_of: date) -> list[Row]:
    return [
        Row(c, "upsert", as_of, {"segment": s, "offer": "COUPON"}, f"hash of {s}", contact=True)
        for c, s in content.items()
    ]


FIVE = {"a": "1", "b": "1", "c": "1", "d": "1", "e": "1"}


def test_the_first_export_sends_everything_in_batches_by_customer() -> None:
    world = World()
    done = world.export(dict(reversed(FIVE.items())), OCTOBER)
    assert done == Exported(
        sent=5, unchanged=0, removed=0, rejected=0, withheld=0, resumed=0, older=0
    )
    assert [[r.customer_id for r in b.rows] for b in world.crm.batches] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert world.held() == FIVE


def test_o1_the_same_as_of_again_sends_nothing() -> None:
    world = World()
    world.export(FIVE, OCTOBER)
    done = world.export(FIVE, OCTOBER)
    assert (done.sent, done.unchanged, len(world.crm.batches)) == (0, 5, 3)


def test_the_next_as_of_sends_the_difference_only() -> None:
    world = World()
    world.export(FIVE, OCTOBER)
    done = world.export({"a": "1", "b": "2", "c": "1", "f": "1"}, NOVEMBER)
    assert (done.sent, done.removed, done.unchanged) == (2, 2, 2)
    assert world.held() == {"a": "1", "b": "2", "c": "1", "f": "1"}
    assert world.crm.rows["a"].as_of == OCTOBER  # as of the last change
    assert sorted(world.sent()[5:]) == ["b", "d", "e", "f"]


def test_a_customer_who_left_and_comes_back_is_sent_again() -> None:
    world = World()
    world.export({"a": "1"}, OCTOBER)
    world.export({}, NOVEMBER)
    assert world.held() == {}
    done = world.export({"a": "1"}, DECEMBER)
    assert (done.sent, world.held()) == (1, {"a": "1"})


def test_a_removal_is_sent_once() -> None:
    world = World()
    world.export({"a": "1"}, OCTOBER)
    assert world.export({}, NOVEMBER).removed == 1
    assert world.export({}, DECEMBER).removed == 0


def test_an_empty_export_of_an_empty_target_sends_nothing() -> None:
    world = World()
    assert world.export({}, OCTOBER) == Exported(0, 0, 0, 0, 0, 0, 0)
    assert world.crm.batches == []


def test_r4_a_lost_ack_is_sent_again_with_the_same_id_and_leaves_no_trace() -> None:
    world = World(crm=Recorder(batch_size=2, script=["ok", "drop_after"]))
    with pytest.raises(Unreachable):
        world.export(FIVE, OCTOBER)
    done = world.export(FIVE, OCTOBER)
    assert (done.sent, done.resumed, done.unchanged) == (3, 3, 2)
    assert world.held() == FIVE
    assert world.crm.batches[1] == world.crm.batches[2]


def test_r3_a_connection_lost_before_anything_was_done_is_resumed() -> None:
    world = World(crm=Recorder(batch_size=2, script=["drop_before"]))
    with pytest.raises(Unreachable):
        world.export(FIVE, OCTOBER)
    assert world.journal.state("recorder") == {}
    assert world.export(FIVE, OCTOBER).sent == 5
    assert world.crm.batches[0].id == world.crm.batches[1].id


def test_an_open_plan_is_finished_before_a_newer_one_is_made() -> None:
    world = World(crm=Recorder(batch_size=2, script=["ok", "drop_before"]))
    with pytest.raises(Unreachable):
        world.export(FIVE, OCTOBER)
    done = world.export({"a": "2"}, NOVEMBER)
    assert (done.resumed, done.sent, done.removed) == (3, 4, 4)
    assert [b.as_of for b in world.crm.batches[2:]] == [OCTOBER, OCTOBER] + [NOVEMBER] * 3
    assert world.held() == {"a": "2"}


def test_r5_rejected_rows_are_kept_with_code_field_and_message_and_tried_by_the_next_run() -> None:
    world = World(crm=Recorder(batch_size=2, rejects={"b": ("too_long", "over 40", "segment")}))
    done = world.export(FIVE, OCTOBER)
    assert (done.sent, done.rejected) == (4, 1)
    assert world.journal.rejections("recorder") == [("b", "too_long", "segment: over 40")]
    world.crm.rejects = {}
    done = world.export(FIVE, OCTOBER)
    assert (done.sent, done.rejected, done.unchanged) == (1, 0, 4)
    assert world.journal.rejections("recorder") == []
    assert world.held() == FIVE


def test_r4_a_row_taken_in_silence_and_then_refused_is_not_taken_for_the_one_before() -> None:
    """R4, R5: the answer to b's new row was lost, the next try of it refused; then b is as ever."""
    world = World(crm=Recorder(batch_size=2, script=["ok", "ok", "ok", "drop_after"]))
    world.export(FIVE, OCTOBER)
    with pytest.raises(Unreachable):
        world.export(FIVE | {"b": "2"}, NOVEMBER)
    world.crm.rejects = {"b": ("bad", "")}
    done = world.export(FIVE, NOVEMBER)
    assert (done.resumed, done.sent, done.rejected) == (1, 0, 1)
    assert world.held()["b"] == "2"  # which nobody knows: the row that is wanted was tried too
    world.crm.rejects = {}
    assert world.export(FIVE, NOVEMBER).sent == 1
    assert world.held() == FIVE
    assert world.export(FIVE, NOVEMBER).unchanged == 5


def test_a_refused_row_is_sent_once_a_run_and_counts_as_held_meanwhile() -> None:
    world = World(crm=Recorder(rejects={"b": ("bad", "")}))
    world.crm.rejects, refused = {}, world.crm.rejects
    world.export(FIVE, OCTOBER)
    world.crm.rejects = refused
    for tries in (1, 2):
        done = world.export(FIVE | {"b": "2"}, NOVEMBER)
        assert (done.sent, done.rejected, done.unchanged) == (0, 1, 4)
        assert world.sent().count("b") == 1 + tries
    assert world.outbox().foresee(desired(FIVE, NOVEMBER), NOVEMBER).holds == 5


def test_r5_what_a_resumed_plan_was_refused_waits_for_the_next_run() -> None:
    world = World(crm=Recorder(script=["ok", "drop_before"]))
    world.export(FIVE, OCTOBER)
    wanted = {"b": "2", "c": "2", "d": "1", "e": "1"}
    with pytest.raises(Unreachable):
        world.export(wanted, NOVEMBER)
    world.crm.rejects = {"a": ("bad", ""), "b": ("bad", "")}
    done = world.export(wanted, NOVEMBER)
    assert (done.resumed, done.sent, done.rejected, done.unchanged) == (3, 1, 2, 2)
    assert [len(batch.rows) for batch in world.crm.batches] == [5, 3, 3]
    assert [c for c, _, _ in world.journal.rejections("recorder")] == ["a", "b"]
    world.crm.rejects = {}
    done = world.export(wanted, NOVEMBER)
    assert (done.sent, done.removed, world.held()) == (1, 1, wanted)


def test_a_row_rejected_again_is_another_request_than_before() -> None:
    # A target that remembers idempotency keys would otherwise repeat its old refusal for ever.
    world = World(crm=Recorder(rejects={"a": ("bad", "")}))
    world.export({"a": "1"}, OCTOBER)
    world.export({"a": "1"}, OCTOBER)
    first, second = world.crm.batches
    assert first.rows == second.rows
    assert first.id != second.id


def test_o4_an_older_as_of_sends_nothing_and_takes_nothing_back() -> None:
    world = World()
    world.export({"a": "1", "b": "1"}, NOVEMBER)
    done = world.export({"a": "0", "z": "0"}, OCTOBER)
    assert (done.sent, done.removed, done.older) == (0, 0, 2)
    assert world.held() == {"a": "1", "b": "1"}


def test_o4_unchanged_rows_and_empty_plans_fence_off_older_dates_too() -> None:
    world = World()
    world.export({"a": "1"}, OCTOBER)
    world.export({"a": "1"}, DECEMBER)  # nothing to send: the ack of "a" stays October's
    assert world.journal.state("recorder")["a"][1] == OCTOBER
    done = world.export({"a": "0"}, NOVEMBER)
    assert (done.older, world.held()) == (1, {"a": "1"})


CONTENTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))


@settings(max_examples=60, deadline=None)
@given(st.tuples(CONTENTS, CONTENTS, CONTENTS))
def test_o4_whatever_the_order_of_dates_the_newest_stands(
    contents: tuple[dict[str, str], ...],
) -> None:
    by_date = dict(zip((OCTOBER, NOVEMBER, DECEMBER), contents, strict=True))
    for order in permutations(by_date):
        world = World()
        for as_of in order:
            world.export(by_date[as_of], as_of)
        assert world.held() == by_date[DECEMBER]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(CONTENTS, min_size=1, max_size=4),
    st.lists(st.sampled_from(["ok", "drop_before", "drop_after"]), max_size=8),
)
def test_whatever_the_connection_does_the_end_is_that_of_a_quiet_run(
    contents: list[dict[str, str]], script: list[str]
) -> None:
    quiet, rough = World(), World(crm=Recorder(batch_size=2, script=script))  # type: ignore[arg-type] # sampled words
    for month, content in enumerate(contents):
        as_of = date(2017, 1 + month, 1)
        quiet.export(content, as_of)
        for _ in range(len(script) + 1):
            try:
                rough.export(content, as_of)
                break
            except Unreachable:
                continue
    assert rough.held() == quiet.held()
    assert rough.journal.state("recorder") == quiet.journal.state("recorder")


def test_a_suppressed_customer_is_removed_and_never_sent_again() -> None:
    world = World()
    world.export(FIVE, OCTOBER)
    world.suppressed = {"b", "never seen"}
    done = world.export(FIVE, OCTOBER)
    assert (done.sent, done.removed, done.withheld, done.unchanged) == (0, 1, 1, 4)
    assert "b" not in world.held()
    assert world.export(FIVE, NOVEMBER).removed == 0
    assert world.sent().count("b") == 2  # once sent, once removed


def test_a_suppressed_customer_the_target_never_had_is_not_even_named_to_it() -> None:
    world = World(suppressed={"b"})
    assert world.export(FIVE, OCTOBER).withheld == 1
    assert "b" not in world.sent()


def test_p3_consent_withdrawn_between_two_batches_turns_the_row_into_a_removal() -> None:
    world = World()

    def withdraw() -> None:
        world.consents["c"] = False

    world.journal.acknowledged = withdraw
    done = world.export(FIVE, OCTOBER)
    assert (done.sent, done.removed, done.withheld) == (4, 1, 1)
    assert world.held() == dict.fromkeys("abde", "1")
    assert world.crm.batches[1].rows[0].op == "remove"
    assert world.journal.state("recorder")["c"] == ("", OCTOBER)
    assert ("recorder", "c", OCTOBER) not in world.journal.contacts
    assert world.export(FIVE, OCTOBER).sent == 0


def test_who_was_contacted_under_another_contract_loses_the_offer_and_keeps_the_segment() -> None:
    world = World(crm=Recorder(delivers=True), elsewhere={"a"})
    done = world.export({"a": "1", "b": "1"}, OCTOBER)
    assert (done.sent, done.removed, done.withheld) == (2, 0, 1)
    assert dict(world.crm.rows["a"].payload) == {"segment": "1", "offer": "NONE"}
    assert world.journal.contacts == [("recorder", "b", OCTOBER)]
    assert world.export({"a": "1", "b": "1"}, OCTOBER).unchanged == 2
    world.elsewhere = set()  # the window is over
    assert world.export({"a": "1", "b": "1"}, NOVEMBER).sent == 1
    assert world.crm.rows["a"].payload["offer"] == "COUPON"


def test_a_contact_made_is_not_taken_back_for_one_that_is_planned_after_it() -> None:
    world = World()
    world.export({"a": "1"}, OCTOBER)
    world.elsewhere = {"a"}
    again = world.export({"a": "1"}, OCTOBER)
    assert (again.unchanged, again.removed, again.withheld) == (1, 0, 0)
    assert world.crm.rows["a"].payload["offer"] == "COUPON"


def test_p3_a_batch_that_may_have_arrived_is_taken_back_under_another_id() -> None:
    world = World(crm=Recorder(script=["drop_after"]))
    with pytest.raises(Unreachable):
        world.export({"a": "1"}, OCTOBER)
    world.suppressed = {"a"}
    world.export({"a": "1"}, OCTOBER)
    first, second = world.crm.batches
    assert (second.rows[0].op, world.held()) == ("remove", {})
    assert first.id != second.id


def test_p4_without_the_suppression_list_nothing_is_sent() -> None:
    world = World()

    def down(_: Sequence[str]) -> Collection[str]:
        raise OSError

    outbox = replace(world.outbox(), guard=Guard(down, lambda _: {}, True, frozenset()))
    with pytest.raises(Unreachable, match="nothing is exported"):
        outbox.export(desired(FIVE, OCTOBER), OCTOBER)
    assert world.crm.batches == []


def test_p4_a_list_lost_between_two_batches_stops_there_and_the_rest_is_resumed() -> None:
    world = World()
    calls: list[int] = []

    def flaky(_: Sequence[str]) -> Collection[str]:
        calls.append(1)
        if len(calls) == 3:  # the plan, the first batch, then the second
            raise OSError
        return set()

    outbox = replace(world.outbox(), guard=Guard(flaky, lambda _: {}, True, frozenset()))
    with pytest.raises(Unreachable):
        outbox.export(desired(FIVE, OCTOBER), OCTOBER)
    assert world.sent() == ["a", "b"]
    assert outbox.export(desired(FIVE, OCTOBER), OCTOBER).resumed == 3
    assert world.held() == FIVE


def test_a_dry_run_counts_what_a_run_would_do_and_touches_nothing() -> None:
    world = World()
    world.export(FIVE, OCTOBER)
    before = (world.journal.last_plan("recorder"), len(world.crm.batches))
    foreseen = world.export({"a": "2", "b": "1"}, NOVEMBER, dry_run=True)
    assert (world.journal.last_plan("recorder"), len(world.crm.batches)) == before
    assert foreseen == world.export({"a": "2", "b": "1"}, NOVEMBER)


def test_a_dry_run_over_an_open_plan_counts_what_it_would_resume() -> None:
    world = World(crm=Recorder(batch_size=2, script=["ok", "drop_after"]))
    with pytest.raises(Unreachable):
        world.export(FIVE, OCTOBER)
    foreseen = world.export(FIVE | {"a": "2"}, NOVEMBER, dry_run=True)
    assert foreseen.resumed == 3
    assert foreseen == world.export(FIVE | {"a": "2"}, NOVEMBER)


def test_a_second_export_that_planned_meanwhile_is_refused() -> None:
    world = World()

    def another_export() -> None:
        world.journal.planned = lambda: None
        world.export({"z": "9"}, OCTOBER)

    world.journal.planned = another_export
    with pytest.raises(StaleAttempt, match="planned meanwhile"):
        world.export(FIVE, OCTOBER)
    assert world.held() == {"z": "9"}


def test_r7_a_customer_twice_is_refused_before_anything_is_sent() -> None:
    world = World()
    rows = desired({"a": "1"}, OCTOBER) * 2
    with pytest.raises(BadInput, match="each customer once"):
        world.outbox().export(rows, OCTOBER)
    with pytest.raises(BadInput, match="all of one as_of"):
        world.outbox().export(desired({"a": "1"}, NOVEMBER), OCTOBER)
    assert world.crm.batches == []


@dataclass
class Careless(Recorder):
    """A destination that answers for half of its rows."""

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        return super().send(batch)[::2]


def test_an_answer_for_half_of_a_batch_acknowledges_nothing() -> None:
    world = World(crm=Careless())
    with pytest.raises(BrokenPromise, match="answer every row"):
        world.export(FIVE, OCTOBER)
    assert world.journal.state("recorder") == {}


def test_contacts_are_noted_by_the_ack_of_rows_that_contact() -> None:
    world = World()
    world.export({"a": "1"}, OCTOBER)
    assert world.journal.contacts == [("recorder", "a", OCTOBER)]


def test_a_stop_in_mid_plan_ends_it_there_and_it_goes_on_when_it_is_lifted() -> None:
    world = World()

    world.journal.acknowledged = lambda: world.journal.stopped.add("recorder")
    with pytest.raises(Stopped, match="exports to recorder are stopped") as told:
        world.export(FIVE, OCTOBER)
    assert told.value.got == "2 of 5 rows of the plan had gone, 3 wait"
    assert world.sent() == ["a", "b"]
    world.journal.acknowledged = lambda: None
    with pytest.raises(Stopped):
        world.export(FIVE, NOVEMBER)
    assert (len(world.crm.batches), world.journal.last_plan("recorder")[1:]) == (1, (OCTOBER,))  # type: ignore[index] # there is one
    assert world.export(FIVE, OCTOBER, dry_run=True).resumed == 3
    world.journal.stopped.clear()
    done = world.export(FIVE, OCTOBER)
    assert (done.sent, done.resumed, world.held()) == (3, 3, FIVE)


def test_a_stopped_target_is_not_even_looked_at() -> None:
    @dataclass
    class Closed(Recorder):
        def preflight(self) -> None:
            raise BadInput("preflight")

    world = World(crm=Closed())
    world.journal.stopped.add("recorder")
    with pytest.raises(Stopped):
        world.export(FIVE, OCTOBER)
    world.journal.stopped.clear()
    with pytest.raises(BadInput, match="preflight"):
        world.export(FIVE, OCTOBER)
