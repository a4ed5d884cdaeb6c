"""Senders that die with a batch in their hands: what they wrote late is sent anew, and no more.

C9 and C8 on the journal in memory and on the ledger alike. A sender's process is a real one that
sleeps; its export runs here, and ends without a word where that process is killed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from churn_ml.crm import Ack, Batch, Guard, Journal, MemoryJournal, Outbox, Recorder, Rejection, Row
from churn_ml.crm.sender import ELSEWHERE, Sender
from churn_ml.errors import StaleAttempt, Stopped, Unreachable
from churn_ml.ledger import Ledger

OCTOBER = date(2017, 10, 1)
BEGUN = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Killed(BaseException):
    """The end of a process: nothing of it runs any more."""


@dataclass
class Target(Recorder):
    """A target whose next batch arrives only after `dream`; its sender then does what `wakes` says.

    `after`: of so many more batches, the last one's sender does.
    """

    dream: Callable[[], object] | None = None
    wakes: Callable[[], None] | None = None
    after: int = 1

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        dream, self.dream = self.dream, None
        wakes, self.wakes = (self.wakes, None) if self.after == 1 else (None, self.wakes)
        self.after = max(1, self.after - 1)
        if dream is not None:
            dream()
        answers = super().send(batch)
        if wakes is not None:
            wakes()
        return answers


@dataclass
class Shop:
    """One target and one journal, and the processes that export, each an outbox with its sender."""

    journal: Journal
    crm: Target = field(default_factory=lambda: Target("crm", batch_size=2))
    suppressed: set[str] = field(default_factory=set)
    runs: Iterator[int] = field(default_factory=lambda: count(1))
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    hours: timedelta = timedelta()
    ticks: Iterator[int] = field(default_factory=lambda: count(1))

    def clock(self) -> datetime:
        return BEGUN + self.hours + timedelta(milliseconds=next(self.ticks))

    def process(self) -> tuple[Outbox, Callable[[], None]]:
        """An export in a process of its own, and what kills it."""
        other = subprocess.Popen(["sleep", "600"])
        self.processes.append(other)
        run = f"export/2017-10-01/{next(self.runs)}"
        here = Sender.this(run)
        stat = Path(f"/proc/{other.pid}/stat").read_text(encoding="ascii")
        sender = replace(here, pid=other.pid, born=stat.rpartition(")")[2].split()[19])
        guard = Guard(lambda _: self.suppressed, lambda _: {}, True, frozenset({"NONE"}))
        outbox = Outbox(self.crm, self.journal, guard, self.clock, run, sender=sender)

        def kill() -> None:
            other.kill()
            other.wait()
            raise Killed

        return outbox, kill

    def export(self, **said: str) -> int:
        """What an export of a further process sends and removes."""
        outbox, _ = self.process()
        done = outbox.export(rows(**said), OCTOBER)
        return done.sent + done.removed

    def held(self) -> dict[str, str]:
        return {c: row.content_hash for c, row in self.crm.rows.items()}

    def marks(self) -> int:
        return len(self.journal.senders("crm"))

    def whole(self) -> bool:
        """Whether the journal says of everybody what the target holds."""
        return {c: told for c, told in self.journal.held("crm").items() if told} == self.held()


def rows(**said: str) -> list[Row]:
    return [Row(c, "upsert", OCTOBER, {"offer": "COUPON"}, told) for c, told in said.items()]


@pytest.fixture(params=["memory", "ledger"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    memory = request.param == "memory"
    made = Shop(MemoryJournal() if memory else Ledger.open(f"sqlite:///{tmp_path}/ledger.db"))
    yield made
    for one in made.processes:
        one.kill()
        one.wait()


OLD, NEW = {"a": "old", "b": "old", "c": "old"}, {"a": "new", "b": "new", "c": "new"}


def falls_asleep(shop: Shop, *meanwhile: Callable[[], object]) -> None:
    """An export of OLD sleeps with its first batch while others work; it sends, and is killed."""
    sleeper, shop.crm.wakes = shop.process()

    def dream() -> None:
        for one in meanwhile:
            one()

    shop.crm.dream = dream
    with pytest.raises(Killed):
        sleeper.export(rows(**OLD), OCTOBER)


def test_c9_what_a_sender_wrote_late_before_it_died_is_sent_anew(shop: Shop) -> None:
    falls_asleep(shop, lambda: shop.export(**NEW))
    assert shop.held() == {"a": "old", "b": "old", "c": "new"}
    assert not shop.whole()  # nobody could keep it from being written, and it could not tell
    # c is sent again too: which rows the dead one had in its hands, nobody noted
    assert (shop.export(**NEW), shop.held(), shop.whole()) == (3, NEW, True)
    assert (shop.export(**NEW), shop.marks()) == (0, 0)


def test_c9_while_a_sender_lives_nobody_doubts_in_its_place(shop: Shop) -> None:
    sent: list[int] = []
    falls_asleep(shop, lambda: sent.append(shop.export(**NEW)), lambda: shop.export(**NEW))
    assert sent == [6]  # its plan, and the newer one
    assert len(shop.crm.batches) == 2 + 2 + 1


def test_c9_who_was_suppressed_while_the_sender_slept_is_taken_out_again(shop: Shop) -> None:
    def suppress() -> None:
        shop.suppressed = {"a"}
        shop.export(**OLD)

    falls_asleep(shop, suppress)
    assert "a" in shop.held()
    shop.export(**OLD)
    assert (shop.held(), shop.whole()) == ({"b": "old", "c": "old"}, True)
    assert shop.export(**OLD) == 0


def test_c9_what_a_dry_run_says_counts_what_a_dead_sender_left(shop: Shop) -> None:
    falls_asleep(shop, lambda: shop.export(**NEW))
    outbox, _ = shop.process()
    foreseen = outbox.foresee(rows(**NEW), OCTOBER).counted
    assert (foreseen.sent, shop.marks()) == (3, 1)
    assert outbox.export(rows(**NEW), OCTOBER) == foreseen


def test_c8_after_a_plain_crash_nothing_is_doubted_and_nothing_sent_twice(shop: Shop) -> None:
    for after in (1, 2):  # killed over the first batch; of the next run over the second
        outbox, shop.crm.wakes = shop.process()
        shop.crm.after = after
        with pytest.raises(Killed):
            outbox.export(rows(**OLD), OCTOBER)
    assert shop.marks() == 1
    outbox, _ = shop.process()
    done = outbox.export(rows(**OLD), OCTOBER)
    assert (done.sent, done.resumed, shop.whole()) == (1, 1, True)
    assert (shop.export(**OLD), shop.marks()) == (0, 0)


def test_c9_a_lost_answer_after_a_long_sleep_is_doubted_by_the_sender_itself(shop: Shop) -> None:
    sleeper, _ = shop.process()
    shop.crm.dream = lambda: shop.export(**NEW)

    def lose() -> None:
        raise Unreachable("the connection was reset")

    shop.crm.wakes = lose
    with pytest.raises(Unreachable):
        sleeper.export(rows(**OLD), OCTOBER)
    assert (shop.held()["a"], shop.marks()) == ("old", 0)
    assert (shop.export(**NEW), shop.held(), shop.whole()) == (2, NEW, True)


def test_an_export_that_ends_in_words_leaves_no_mark(shop: Shop) -> None:
    def stop() -> None:
        raise Stopped("exports to crm are stopped")

    def stale() -> None:
        raise StaleAttempt("another export to crm has planned since")

    for ends, error in ((stop, Stopped), (stale, StaleAttempt)):
        shop.crm.wakes = ends
        outbox, _ = shop.process()
        with pytest.raises(error):
            outbox.export(rows(**OLD), OCTOBER)
        assert shop.marks() == 0
    assert (shop.export(**OLD), shop.export(**OLD), shop.marks()) == (3, 0, 0)


@pytest.mark.parametrize(("age", "seen"), [(ELSEWHERE - timedelta(minutes=1), 0), (ELSEWHERE, 3)])
def test_a_sender_elsewhere_counts_as_dead_when_its_mark_is_old(
    shop: Shop, age: timedelta, seen: int
) -> None:
    falls_asleep(shop, lambda: shop.export(**NEW))
    ((name, plan_id, since),) = shop.journal.senders("crm")
    shop.journal.end_sending("crm", name)
    elsewhere = replace(Sender.named(name), place="another place")
    shop.journal.begin_sending("crm", str(elsewhere), plan_id, since)
    shop.hours = age
    assert (shop.export(**NEW), shop.marks()) == (seen, 0 if seen else 1)


def test_what_this_very_process_left_behind_is_over(shop: Shop) -> None:
    guard = Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))
    mine = Outbox(shop.crm, shop.journal, guard, shop.clock, "export/2017-10-01/9")

    def end() -> None:
        raise KeyboardInterrupt

    shop.crm.dream, shop.crm.wakes = (lambda: shop.export(**NEW)), end
    with pytest.raises(KeyboardInterrupt):
        mine.export(rows(**OLD), OCTOBER)
    assert (shop.held()["a"], shop.marks()) == ("old", 1)
    assert mine.export(rows(**NEW), OCTOBER).sent == 3
    assert (shop.held(), shop.marks()) == (NEW, 0)


def test_c9_a_row_in_the_hands_of_another_living_sender_is_doubted_too(shop: Shop) -> None:
    """One sends a removal, a dying one its late upsert after it, and only then comes the ack."""

    def remover() -> None:
        shop.suppressed = {"a"}
        other, _ = shop.process()
        shop.crm.wakes = late
        other.export(rows(**OLD), OCTOBER)

    def late() -> None:
        with pytest.raises(Killed):
            next(upsert_late)
        outbox, _ = shop.process()
        outbox.marks.see_to_the_dead()

    def sleeper() -> Iterator[None]:
        """The export that dies, from its batch on."""
        outbox, kill = shop.process()
        shop.journal.save_plan(
            "crm", "p1", OCTOBER, [(c, "old", '{"offer":"COUPON"}', False) for c in OLD], base=None
        )
        planned = outbox.left_open()
        assert planned is not None
        shop.journal.begin_sending("crm", str(outbox.marks.sender), "p1", shop.clock())
        yield
        shop.crm.send(planned.batch(planned.rows[:2]))
        kill()

    upsert_late = sleeper()
    next(upsert_late)
    remover()  # its acks are in doubt, so it plans the removal once more
    assert (shop.held(), shop.whole()) == ({"b": "old", "c": "old"}, True)
    assert [
        row.op for batch in shop.crm.batches for row in batch.rows if row.customer_id == "a"
    ] == ["remove", "upsert", "remove"]


def test_all_marks_of_a_plan_begin_with_the_earliest(shop: Shop) -> None:
    """Clocks of two machines differ: who begins last by its own may be the first by the other's."""
    journal, hour = shop.journal, timedelta(hours=1)
    journal.begin_sending("crm", "a", "p1", BEGUN)
    journal.begin_sending("crm", "b", "p1", BEGUN - hour)
    journal.begin_sending("crm", "c", "p1", BEGUN + hour)
    journal.begin_sending("crm", "d", "p2", BEGUN + hour)
    journal.begin_sending("bi", "a", "p1", BEGUN)
    since: Sequence[tuple[str, datetime]] = [(one, at) for one, _, at in journal.senders("crm")]
    assert since == [*((one, BEGUN - hour) for one in "abc"), ("d", BEGUN + hour)]
    journal.begin_sending("crm", "a", "p2", BEGUN + 2 * hour)
    assert journal.senders("crm")[0] == ("a", "p2", BEGUN + hour)
    journal.end_sending("crm", "a")
    journal.end_sending("crm", "nobody")
    assert [one for one, _, _ in journal.senders("crm")] == ["b", "c", "d"]


def test_who_settled_what_since_when_is_told(shop: Shop) -> None:
    journal, later = shop.journal, BEGUN + timedelta(seconds=1)
    saved = [(c, "old", "{}", False) for c in "abcd"]
    journal.save_plan("crm", "p1", OCTOBER, saved, base=None)
    journal.acknowledge("p1", ["a"], at=BEGUN, run="one")
    journal.acknowledge(
        "p1",
        ["b"],
        withdrawn=[("c", "no consent")],
        rejected=[("d", "bad", "")],
        at=later,
        run="two",
    )
    assert journal.settled_of("crm", "p1") == ["a", "b", "c", "d"]
    assert journal.settled_of("crm", "p1", since=later) == ["b", "c", "d"]
    assert journal.settled_of("crm", "p1", besides="two") == ["a"]
    assert journal.settled_of("crm", "p1", customer_ids=["d", "x"]) == ["d"]
    assert journal.settled_of("crm", "p1", customer_ids=[]) == []
    assert journal.settled_of("bi", "p1") == journal.settled_of("crm", "p2") == []
