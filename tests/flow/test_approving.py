"""R13 in the hall: what changes much waits for a person, and then sends what it showed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from churn_ml import cli, flow
from churn_ml.cli.typed import here
from churn_ml.errors import BadInput, NotReady, StaleAttempt
from churn_ml.house import House
from churn_ml.ledger import NOBODY
from churn_ml.receipts import Receipt

from ..conftest import FIRST


def under(house: House, **changed: Any) -> House:
    """The house where `crm_file` has these settings; `crm_sql` asks nobody."""
    known = house.config.destinations
    told = {**known, "crm_file": known["crm_file"].model_copy(update=changed)}
    return replace(house, config=house.config.model_copy(update={"destinations": told}))


@pytest.fixture
def cautious(copy_of: Callable[[Path], House], scored: Path) -> House:
    """A scored shop whose folder of files asks before it is filled."""
    return under(copy_of(scored), first_load="ask")


def asked(receipt: Receipt) -> dict[str, Any]:
    told: dict[str, Any] = receipt.details["destinations"]["crm_file"]["asks"]
    return told


def files(house: House) -> list[Path]:
    return list((house.config.root / "exports").rglob("*.csv"))


def test_r13_the_first_load_waits_beside_a_destination_that_does_not(cautious: House) -> None:
    done = flow.export(cautious, FIRST)
    told = done.details["destinations"]
    assert done.status == "asks"
    assert told["crm_sql"]["sent"] > 100
    assert "asks" not in told["crm_sql"]
    assert (told["crm_file"]["sent"], asked(done)["upserts"]) == (0, told["crm_sql"]["sent"])
    assert files(cautious) == []
    (one,) = cautious.ledger.waiting()
    assert (one.destination, one.plan_id) == ("crm_file", asked(done)["plan_id"])
    assert flow.waiting(done) == {"crm_file": one.plan_id}
    assert cautious.publication("export", FIRST) is None


def test_r13_a_dry_run_shows_the_same_and_asks_nobody(cautious: House) -> None:
    dry = flow.export(cautious, FIRST, dry_run=True)
    assert cautious.ledger.waiting() == []
    assert dry.status == "dry_run"
    assert asked(dry) == asked(flow.export(cautious, FIRST))


def test_r13_a_yes_sends_what_was_shown_once(cautious: House) -> None:
    plan = asked(flow.export(cautious, FIRST))["plan_id"]
    told = {"plans": {"crm_file": plan}, "answer": "approve", "who": "ada"}
    sent = flow.send(cautious, FIRST, **told)
    assert sent.status == "done"
    assert sent.details["destinations"]["crm_file"]["sent"] > 100
    assert len(files(cautious)) == 1
    again = flow.send(cautious, FIRST, **told)  # its task was killed before Airflow knew
    assert again.details["destinations"]["crm_file"]["sent"] == 0
    assert cautious.ledger.waiting() == []


@pytest.mark.parametrize("who", ["ada", None])
def test_r13_a_no_and_no_answer_send_nothing(cautious: House, who: str | None) -> None:
    plan = asked(flow.export(cautious, FIRST))["plan_id"]
    kept = flow.send(cautious, FIRST, plans={"crm_file": plan}, answer="refuse", who=who)
    assert kept.status == "kept_back"
    assert files(cautious) == []
    assert cautious.ledger.waiting() == []
    assert flow.export(cautious, FIRST).status == "kept_back"


def test_a_yes_from_elsewhere_outlasts_a_question_nobody_answered(cautious: House) -> None:
    plan = asked(flow.export(cautious, FIRST))["plan_id"]
    flow.approve(cautious, "crm_file", "approve", who="ada")
    sent = flow.send(cautious, FIRST, plans={"crm_file": plan}, answer="refuse", who=None)
    assert sent.status == "done"
    assert len(files(cautious)) == 1


def test_r13_an_answer_about_a_plan_that_has_changed_since_sends_nothing(cautious: House) -> None:
    plan = asked(flow.export(cautious, FIRST))["plan_id"]
    changed = under(cautious, first_load="ask", score_step=0.5)
    with pytest.raises(StaleAttempt, match="changed since it was asked"):
        flow.send(changed, FIRST, plans={"crm_file": plan}, answer="approve", who="ada")
    assert files(changed) == []
    (one,) = changed.ledger.waiting()
    assert one.plan_id != plan


def test_m7_who_started_the_export_cannot_approve_of_it(cautious: House) -> None:
    by_hand = replace(cautious, requester="ada")
    done = flow.export(by_hand, FIRST)
    plans = flow.waiting(done)
    for house in (by_hand, cautious):  # in the same run, and from a shell
        with pytest.raises(BadInput, match="cannot approve"):
            flow.send(house, FIRST, plans=plans, answer="approve", who="ada")
    alone = cautious.config.schedule.model_copy(update={"four_eyes": False})
    config = cautious.config.model_copy(update={"schedule": alone})
    assert flow.approve(replace(by_hand, config=config), "crm_file", "approve", who="ada").who


def story(house: House) -> list[tuple[str, str | None]]:
    """Outcome and who answered, of the first customer at `crm_file`, as `export log` tells it."""
    customer = min(house.ledger.told("crm_sql"))
    told = house.ledger.story(customer)
    return [(one.outcome, one.who) for one in told if one.destination == "crm_file"]


def test_each_customer_of_a_plan_that_waits_is_told_so(cautious: House) -> None:
    done = flow.export(cautious, FIRST)
    customer = min(cautious.ledger.told("crm_sql"))
    one = next(s for s in cautious.ledger.story(customer) if s.destination == "crm_file")
    assert (one.outcome, one.plan_id, one.run) == ("waits", asked(done)["plan_id"], done.reference)
    assert '"segment"' in one.payload
    assert cautious.ledger.state("crm_file") == {}
    assert cautious.ledger.told("crm_file") == {}
    flow.export(cautious, FIRST)
    assert story(cautious) == [("waits", None)], "asked twice is asked once"


@pytest.mark.parametrize(
    ("answer", "who", "told"),
    [
        ("approve", "ada", [("acknowledged", "ada")]),
        ("refuse", "ada", [("kept_back", "ada")]),
        ("refuse", None, [("kept_back", NOBODY)]),
    ],
)
def test_each_customer_is_told_what_was_answered_and_by_whom(
    cautious: House, answer: str, who: str | None, told: list[tuple[str, str]]
) -> None:
    plans = flow.waiting(flow.export(cautious, FIRST))
    flow.send(cautious, FIRST, plans=plans, answer=answer, who=who)
    assert story(cautious) == told


def test_an_approved_plan_is_told_as_such_until_it_is_sent(cautious: House) -> None:
    flow.export(cautious, FIRST)
    flow.approve(cautious, "crm_file", "approve", who="ada")
    assert story(cautious) == [("approved", "ada")]
    flow.export(cautious, FIRST)
    assert story(cautious) == [("acknowledged", "ada")]


def test_a_plan_that_another_one_replaced_stays_in_the_story(cautious: House) -> None:
    flow.export(cautious, FIRST)
    flow.export(under(cautious, first_load="ask", score_step=0.5), FIRST)
    assert sorted(story(cautious), key=str) == [("replaced", None), ("waits", None)]


def churn_ml(house: House, *words: str) -> str:
    toml = str(house.config.root / "churn.toml")
    told = ["export", *words, "--config", toml]
    done = CliRunner().invoke(cli.app, told, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_what_waits_is_shown_with_who_is_affected_until_it_is_answered(cautious: House) -> None:
    nothing = "no export is stopped, and no plan waits for an answer\n"
    assert churn_ml(cautious, "waiting") == nothing
    asks = asked(flow.export(cautious, FIRST))
    flow.stop(cautious, "crm_sql", who="ada", why="drill")
    told = churn_ml(cautious, "waiting")
    assert "exports to crm_sql are stopped: ada" in told
    assert f"crm_file: plan {asks['plan_id']} as of 2017-10-01 waits since" in told
    assert f"{asks['creates']:,} to create, 0 to update, 0 to remove" in told
    first, count = next(iter(asks["affected"]["segment"].items()))
    assert f"segment: {first} {count:,}" in told
    plain = json.loads(churn_ml(cautious, "waiting", "--json"))
    assert plain["waiting"][0]["asks"]["affected"] == asks["affected"]
    assert plain["stops"][0]["who"] == "ada"
    said = churn_ml(cautious, "approve", "crm_file", "--approver", "ada")
    assert here("approve, by ada\n  next step: churn-ml export --as-of 2017-10-01\n") in said
    assert "crm_file" not in churn_ml(cautious, "waiting")


def test_a_plan_is_named_by_six_characters_or_more_of_its_id(cautious: House) -> None:
    plan = asked(flow.export(cautious, FIRST))["plan_id"]
    for wrong in (plan[:5], plan[1:9], "5f1c2d3e4b5a6978"):
        with pytest.raises(StaleAttempt, match=f"is called {wrong} .* these wait: {plan}"):
            flow.approve(cautious, "crm_file", "approve", who="ada", plan=wrong)
    done = flow.approve(cautious, "crm_file", "approve", who="ada", plan=plan[:6])
    assert (done.plan_id, done.answer) == (plan, "approve")


def test_who_answers_a_second_time_is_told_what_was_answered(cautious: House) -> None:
    flow.export(cautious, FIRST)
    said = churn_ml(cautious, "refuse", "crm_file", "--approver", "ada")
    assert "it stays as it is; a changed plan, or that of another day, asks anew" in said
    with pytest.raises(NotReady, match=r"no plan waits .* 2017-10-01: refuse, by ada"):
        flow.approve(cautious, "crm_file", "approve", who="bob")


def test_the_log_of_a_customer_says_why_nothing_was_sent(cautious: House) -> None:
    flow.export(cautious, FIRST)
    flow.approve(cautious, "crm_file", "refuse", who="ada")
    told = churn_ml(cautious, "log", min(cautious.ledger.told("crm_sql")))
    assert "kept_back" in told
    assert "a no, by ada" in told
    assert not [line for line in told.splitlines() if line.endswith(": ")]


def test_a_row_that_is_open_says_so_and_a_column_of_nothing_is_left_out(cautious: House) -> None:
    save, removals = cautious.ledger.save_plan, [("h1", "", "{}", False)]
    save("crm_file", "p1", FIRST, removals, base=None)
    told = churn_ml(cautious, "log", "h1")
    assert "(removal)" in told
    assert "the next export sends it first" in " ".join(told.split())
    assert "by run" not in told
    cautious.ledger.give_up("p1", at=cautious.clock(), run="undo by ada")
    at, run = datetime(2026, 11, 23, 4, 12, tzinfo=UTC), "export/2017-10-01/7"
    why = {"h1": "not scored any more: LOST"}
    save("crm_file", "p2", FIRST, removals, base="p1", at=at, run=run, why=why)
    told = " ".join(churn_ml(cautious, "log", "h1").split())
    for said in ("2026-11-23 04:12:00", run, "not scored any more: LOST; not sent yet"):
        assert said in told
    (*_, one) = json.loads(churn_ml(cautious, "log", "h1", "--json"))
    assert (one["settled_at"], one["run"], one["message"]) == (
        "2026-11-23 04:12:00",
        run,
        why["h1"],
    )


@pytest.mark.parametrize(
    ("destination", "answer", "who", "error"),
    [
        ("../../etc", "approve", "ada", "no destination"),
        ("crm_file", "perhaps", "ada", "unknown answer"),
        ("crm_file", "approve", " ", "needs a name"),
        ("crm_file", "approve", NOBODY, "needs a name"),
    ],
)
def test_what_is_no_answer_is_refused(
    house: House, destination: str, answer: str, who: str, error: str
) -> None:
    with pytest.raises(BadInput, match=error):
        flow.approve(house, destination, answer, who=who)
