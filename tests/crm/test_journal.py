"""The promises of a journal, kept by the double in memory and by the ledger alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from churn_ml.crm import Journal, MemoryJournal
from churn_ml.crm.plan import plan
from churn_ml.crm.protocol import REJECTED, UNSURE, SavedRow
from churn_ml.errors import StaleAttempt

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)
AT = datetime(2026, 11, 21, tzinfo=UTC)


def _ledger(folder: Path) -> Journal:
    from churn_ml.ledger import Ledger

    return Ledger.open(f"sqlite:///{folder}/ledger.db")


def _memory(_: Path) -> Journal:
    return MemoryJournal()


@pytest.fixture(params=[_memory, _ledger], ids=["memory", "ledger"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    make: Callable[[Path], Journal] = request.param
    return make(tmp_path)


def left(journal: Journal, destination: str = "crm") -> tuple[str, date, list[SavedRow]] | None:
    found = journal.open_plan(destination)
    return (found[0], found[1], [tuple(row) for row in found[2]]) if found else None


def rows(*customer_ids: str, contact: bool = False) -> list[SavedRow]:
    return [(c, f"hash of {c}", f'{{"id":"{c}"}}', contact) for c in customer_ids]


def test_nothing_was_planned_before_the_first_plan(journal: Journal) -> None:
    assert journal.last_plan("crm") is None
    assert journal.open_plan("crm") is None
    assert journal.state("crm") == {}


def test_what_a_destination_holds_is_told_in_short_without_the_dates(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a", "b", "c"), base=None)
    journal.acknowledge("p1", ["a"], withdrawn=[("b", "no consent")], at=AT)
    journal.doubt("crm", ["d"], AT)
    journal.doubt("other", ["a"], AT)
    assert journal.held("crm") == {"a": "hash of a", "b": "", "d": "in_doubt"}
    assert journal.held("crm") == {c: told for c, (told, _) in journal.state("crm").items()}


def test_a_plan_is_kept_whole_and_in_code_point_order(journal: Journal) -> None:
    saved = rows("A", "B", "a", "王")
    journal.save_plan("crm", "p1", OCTOBER, saved[::-1], base=None)
    assert left(journal) == ("p1", OCTOBER, saved)
    assert journal.last_plan("crm") == ("p1", OCTOBER)


def test_a_batch_is_settled_and_the_rest_stays_open(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a", "b", "c"), base=None)
    journal.acknowledge("p1", ["a"], rejected=[("b", "bad", "too long")], at=AT)
    assert left(journal) == ("p1", OCTOBER, rows("c"))
    assert journal.state("crm") == {"a": ("hash of a", OCTOBER), "b": (UNSURE, OCTOBER)}
    journal.acknowledge("p1", ["c"], at=AT)
    assert journal.open_plan("crm") is None
    assert journal.last_plan("crm") == ("p1", OCTOBER)


def test_settling_twice_is_settling_once(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a", "b"), base=None)
    for _ in range(2):
        journal.acknowledge("p1", ["a"], rejected=[("b", "bad", "")], at=AT)
    journal.acknowledge("p1", ["b"], at=AT)
    assert journal.state("crm") == {"a": ("hash of a", OCTOBER), "b": (UNSURE, OCTOBER)}


def test_who_is_refused_counts_as_taken_by_a_lost_answer_until_taken_out_r4(
    journal: Journal,
) -> None:
    """R4, R5: a try whose answer was lost took the row, the next try of it was refused."""
    known = [("a", "", "{}", False), *rows("b", "c")]
    journal.save_plan("crm", "p1", OCTOBER, known, base=None)
    journal.acknowledge("p1", ["a", "b"], rejected=[("c", "bad", "")], at=AT)
    journal.save_plan("crm", "p2", NOVEMBER, rows("a", "b"), base="p1")
    journal.acknowledge("p2", [], rejected=[("a", "bad", ""), ("b", "bad", "")], at=AT)
    unsure = {name for name, told in journal.state("crm").items() if told[0] == UNSURE}
    assert unsure == {"a", "c"}, "of b it is known that a row stands there"
    assert journal.state("crm")["b"] == (REJECTED, OCTOBER), "and not which"
    held = journal.held("crm")
    planned = plan([], NOVEMBER, "crm", held=held, last=None, withheld=frozenset())
    assert [(row.customer_id, row.op) for row in planned.rows] == [
        (name, "remove") for name in ("a", "b", "c")
    ]


def test_who_holds_a_row_and_was_refused_the_next_is_sent_what_is_wanted_whatever_that_is_r4(
    journal: Journal,
) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a", "b", "c", "d"), base=None)
    journal.acknowledge("p1", ["a", "b", "c", "d"], at=AT)
    journal.doubt("crm", ["d"], AT)
    told = [("a", "new", "{}", False), ("b", "", "{}", False), ("d", "new", "{}", False)]
    journal.save_plan("crm", "p2", NOVEMBER, told, base="p1")
    journal.acknowledge("p2", [], rejected=[(c, "bad", "") for c in "abd"], at=AT)
    held = journal.held("crm")
    assert held == {"a": REJECTED, "b": REJECTED, "c": "hash of c", "d": "in_doubt"}
    journal.save_plan("crm", "p3", NOVEMBER, rows("a", "b"), base="p2")
    journal.acknowledge("p3", ["a"], rejected=[("b", "bad", "")], at=AT)
    assert journal.held("crm") == held | {"a": "hash of a"}


def test_a_removal_leaves_a_mark(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, [("a", "", "{}", False)], base=None)
    journal.acknowledge("p1", ["a"], at=AT)
    assert journal.state("crm") == {"a": ("", OCTOBER)}


def test_an_upsert_may_be_acknowledged_as_a_removal(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a", contact=True), base=None)
    journal.acknowledge("p1", [], withdrawn=[("a", "no consent")], at=AT)
    assert journal.state("crm") == {"a": ("", OCTOBER)}
    assert journal.open_plan("crm") is None


def test_an_empty_plan_is_remembered_and_not_open(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, [], base=None)
    assert journal.open_plan("crm") is None
    assert journal.last_plan("crm") == ("p1", OCTOBER)


def test_a_plan_on_another_base_than_the_newest_is_refused(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, [], base=None)
    for base in (None, "p0"):
        with pytest.raises(StaleAttempt):
            journal.save_plan("crm", "p2", NOVEMBER, rows("a"), base=base)
    journal.save_plan("crm", "p2", NOVEMBER, rows("a"), base="p1")
    assert journal.last_plan("crm") == ("p2", NOVEMBER)


def test_a_plan_on_an_open_one_is_refused(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a"), base=None)
    with pytest.raises(StaleAttempt):
        journal.save_plan("crm", "p2", NOVEMBER, rows("b"), base="p1")
    assert left(journal) == ("p1", OCTOBER, rows("a"))


def test_an_ack_that_wakes_up_after_the_next_plan_changes_nothing(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a"), base=None)
    journal.acknowledge("p1", ["a"], at=AT)
    journal.save_plan("crm", "p2", NOVEMBER, [("a", "new", "{}", False)], base="p1")
    journal.acknowledge("p1", ["a"], at=AT)
    assert left(journal) == ("p2", NOVEMBER, [("a", "new", "{}", False)])
    assert journal.state("crm") == {"a": ("hash of a", OCTOBER)}


def test_a_doubt_outlives_the_ack_of_a_row_that_is_open(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a", "b", "c"), base=None)
    journal.doubt("crm", ["a", "c"], AT)
    assert left(journal) == ("p1", OCTOBER, rows("a", "b", "c"))
    journal.acknowledge("p1", ["a", "b"], withdrawn=[("c", "no consent")], at=AT)
    doubtful = ("in_doubt", OCTOBER)
    assert journal.state("crm") == {"a": doubtful, "b": ("hash of b", OCTOBER), "c": doubtful}
    journal.save_plan("crm", "p2", NOVEMBER, rows("a"), base="p1")
    journal.acknowledge("p2", ["a"], at=AT)
    assert journal.state("crm")["a"] == ("hash of a", NOVEMBER)  # sent again, it is sure again


def test_a_row_settled_as_a_removal_and_as_taken_is_in_doubt(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a", "b"), base=None)
    journal.acknowledge("p1", ["b"], withdrawn=[("a", "no consent")], at=AT)
    journal.acknowledge("p1", ["a"], withdrawn=[("b", "no consent")], at=AT)
    assert {told for told, _ in journal.state("crm").values()} == {"in_doubt"}


def test_destinations_do_not_touch_each_other(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, rows("a"), base=None)
    journal.save_plan("csv", "q1", NOVEMBER, rows("a"), base=None)
    journal.acknowledge("q1", ["a"], at=AT)
    assert left(journal) == ("p1", OCTOBER, rows("a"))
    assert journal.state("crm") == {}


def test_a_plan_of_thousands_is_settled_at_once_or_in_pieces_alike(journal: Journal) -> None:
    names = [f"h{number:05}" for number in range(12_000)]
    journal.save_plan("crm", "p1", OCTOBER, rows(*names), base=None)
    journal.acknowledge("p1", [*names[:6_000], "stranger"], at=AT)  # more than these are open
    found = left(journal)
    assert found is not None
    assert [row[0] for row in found[2]] == names[6_000:]
    rejected = [(names[-1], "bad", "too long")]
    journal.acknowledge(
        "p1", names[:-2], withdrawn=[(names[-2], "no consent")], rejected=rejected, at=AT
    )
    state = journal.state("crm")
    assert left(journal) is None
    last = {names[-2]: ("", OCTOBER), names[-1]: (UNSURE, OCTOBER)}
    assert state == {c: (f"hash of {c}", OCTOBER) for c in names[:-2]} | last


def test_a_plan_that_waits_is_neither_open_nor_the_newest(journal: Journal) -> None:
    journal.save_plan("crm", "p1", OCTOBER, [], base=None)
    for _ in range(2):
        journal.keep_waiting(
            "crm", "p2", NOVEMBER, rows("a", "b"), at=AT, run="export/2017-11-01/1"
        )
    assert journal.open_plan("crm") is None
    assert journal.last_plan("crm") == ("p1", OCTOBER)
    assert journal.state("crm") == {}
    journal.save_plan("crm", "p2", NOVEMBER, rows("a", "b"), base="p1")
    journal.acknowledge("p2", ["a", "b"], at=AT)
    assert journal.state("crm") == {c: (f"hash of {c}", NOVEMBER) for c in ("a", "b")}
