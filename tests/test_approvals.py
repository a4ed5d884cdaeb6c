"""What waits for a person's yes, as the ledger keeps it: one plan, one answer, one name."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from churn_ml.errors import BadInput, NotReady, StaleAttempt
from churn_ml.ledger import NOBODY, Ledger

DAY, NEXT = date(2017, 10, 1), date(2017, 11, 1)
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def ledger() -> Ledger:
    opened = Ledger.open("sqlite://")
    opened.ask("crm", "p1", DAY, 700, 2000, AT)
    return opened


def test_a_plan_waits_until_it_is_answered(ledger: Ledger) -> None:
    (one,) = ledger.waiting()
    assert (one.destination, one.plan_id, one.as_of) == ("crm", "p1", DAY)
    assert (one.changes, one.of_rows, one.asked_at, one.answer) == (700, 2000, AT, None)
    assert ledger.answered("crm", "p1") is None
    told = ledger.answer("crm", "p1", "approve", "ada", AT)
    assert (told.answer, told.who, told.answered_at) == ("approve", "ada", AT)
    assert ledger.waiting() == []


def test_the_first_answer_of_a_person_stands(ledger: Ledger) -> None:
    ledger.answer("crm", "p1", "refuse", "ada", AT)
    assert ledger.answer("crm", "p1", "refuse", "bob", AT).who == "ada"
    with pytest.raises(BadInput, match="answered already"):
        ledger.answer("crm", "p1", "approve", "bob", AT)
    assert ledger.answered("crm", "p1") == "refuse"


def test_no_answer_in_time_is_a_no_that_a_late_yes_outlasts(ledger: Ledger) -> None:
    ledger.answer("crm", "p1", "refuse", NOBODY, AT)
    assert (ledger.answered("crm", "p1"), ledger.waiting()) == ("refuse", [])
    assert ledger.asked("crm").plan_id == "p1"
    ledger.answer("crm", "p1", "approve", "ada", AT)
    assert ledger.answer("crm", "p1", "refuse", NOBODY, AT).answer == "approve"


def test_a_newer_plan_takes_the_place_of_a_question_nobody_answered(ledger: Ledger) -> None:
    ledger.ask("crm", "p2", NEXT, 900, 2000, AT)
    ledger.ask("bi", "p9", DAY, 100, 0, AT)
    assert {(one.destination, one.plan_id) for one in ledger.waiting()} == {
        ("crm", "p2"),
        ("bi", "p9"),
    }
    with pytest.raises(StaleAttempt, match="waits no more"):
        ledger.answer("crm", "p1", "approve", "ada", AT)


def test_what_is_sent_takes_back_what_was_asked_up_to_its_day(ledger: Ledger) -> None:
    ledger.ask("crm", "p2", NEXT, 900, 2000, AT)
    ledger.withdraw("crm", DAY)
    assert [one.plan_id for one in ledger.waiting()] == ["p2"]
    ledger.withdraw("crm", NEXT)
    with pytest.raises(NotReady, match="no plan waits"):
        ledger.asked("crm")


def test_an_answer_is_never_withdrawn(ledger: Ledger) -> None:
    ledger.answer("crm", "p1", "approve", "ada", AT)
    ledger.withdraw("crm", NEXT)
    ledger.ask("crm", "p1", DAY, 700, 2000, AT)
    assert ledger.answered("crm", "p1") == "approve"


@pytest.fixture(params=["sqlite", "postgres"])
def anywhere(request: pytest.FixtureRequest) -> Ledger:
    """A ledger on either kind of database."""
    on_postgres = request.param == "postgres"
    return Ledger.open(request.getfixturevalue("postgres") if on_postgres else "sqlite://")


def test_the_rows_of_a_plan_that_waits_give_way_to_its_own(anywhere: Ledger) -> None:
    rows = [("h1", "ab", '{"offer":"NONE"}', False), ("h2", "", "{}", False)]
    anywhere.save_plan("crm", "p0", DAY, rows, base=None)
    anywhere.acknowledge("p0", ["h1", "h2"], at=AT)
    for _ in range(2):  # killed before it was asked, then asked twice
        anywhere.keep_waiting("crm", "p1", NEXT, rows, at=AT, run="export/2017-11-01/1")
    assert [one.outcome for one in anywhere.story("h1")] == ["acknowledged", "replaced"]
    anywhere.ask("crm", "p1", NEXT, 700, 2000, AT)
    anywhere.keep_waiting("crm", "p1", NEXT, [], at=AT, run="export/2017-11-01/2")
    waits = anywhere.story("h2")[-1]
    assert (waits.outcome, waits.run) == ("waits", "export/2017-11-01/1")
    assert [plan for plan, _ in anywhere.plans("crm")] == ["p0"], "nothing of it was sent"
    assert anywhere.told("crm") == {"h1": '{"offer":"NONE"}'}
    anywhere.answer("crm", "p1", "approve", "ada", AT)
    anywhere.save_plan("crm", "p1", NEXT, rows, base="p0")
    told = [(one.outcome, one.who) for one in anywhere.story("h1")]
    assert told == [("acknowledged", None), ("planned", "ada")]
    anywhere.acknowledge("p1", ["h1", "h2"], at=AT)
    assert [plan for plan, _ in anywhere.plans("crm")] == ["p1", "p0"]
    anywhere.keep_waiting("crm", "p2", NEXT, rows, at=AT, run="export/2017-11-01/3")
    anywhere.ask("crm", "p2", NEXT, 700, 2000, AT)
    anywhere.answer("crm", "p2", "approve", "ada", AT)
    assert anywhere.story("h2")[-1].outcome == "approved"
    anywhere.save_plan("crm", "p3", date(2017, 12, 1), [], base="p1")
    assert [one.outcome for one in anywhere.story("h2")][-1] == "replaced", "it came too late"
    assert anywhere.former("crm", "p1", "p0") == {"h1": "{}", "h2": "{}"}
    assert {(one.outcome, one.who) for one in anywhere.story("h1")} == {
        ("acknowledged", None),
        ("acknowledged", "ada"),
        ("replaced", "ada"),
    }


def test_an_approved_plan_is_replaced_by_another_of_its_date_asked_or_sent(
    anywhere: Ledger,
) -> None:
    def keep(plan: str, minute: int) -> None:
        at = AT.replace(minute=minute)
        anywhere.keep_waiting("bi", plan, DAY, rows, at=at, run="export/2017-10-01/1")
        anywhere.ask("bi", plan, DAY, 700, 2000, at)
        anywhere.answer("bi", plan, "approve", "ada", at)

    def outcomes() -> list[tuple[str, str]]:
        return [(one.plan_id, one.outcome) for one in anywhere.story("z1")]

    rows = [("z1", "ab", '{"offer":"NONE"}', False)]
    keep("p1", 1)
    assert outcomes() == [("p1", "approved")]
    keep("p2", 2)
    assert outcomes() == [("p1", "replaced"), ("p2", "approved")]
    anywhere.save_plan("bi", "p3", DAY, rows, base=None)
    anywhere.acknowledge("p3", ["z1"], at=AT.replace(minute=3))
    assert outcomes() == [("p1", "replaced"), ("p2", "replaced"), ("p3", "acknowledged")]
    keep("p4", 4)
    assert outcomes()[-1] == ("p4", "approved"), "what went before it has not replaced it"
