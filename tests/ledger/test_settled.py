"""The story of a customer: what became of every row that was planned."""

from __future__ import annotations

from churn_ml.ledger import Ledger

from .telling import AT, NOV, OCT, rows


def test_a_customers_story_says_what_was_sent_and_what_became_of_it(ledger: Ledger) -> None:
    ledger.save_plan("crm", "p1", OCT, rows("h1", "h2", "h3"), base=None)
    again = [("h3", "BAD", "long")]
    for _ in range(2):
        ledger.acknowledge(
            "p1",
            ["h1"],
            withdrawn=[("h2", "no consent")],
            rejected=again,
            at=AT,
            run="export/2017-10-01/1",
        )
    ledger.save_plan("crm", "p2", NOV, rows("h1", "h3"), base="p1")
    told = {name: ledger.story(name) for name in ("h1", "h2", "h3", "h4")}
    assert {name: [one.outcome for one in story] for name, story in told.items()} == {
        "h1": ["acknowledged", "planned"],
        "h2": ["withdrawn"],
        "h3": ["rejected", "planned"],
        "h4": [],
    }
    assert (told["h3"][0].code, told["h3"][0].message) == ("BAD", "long")
    assert [one.payload for one in told["h1"] + told["h2"]] == ['{"score":0.25}'] * 2 + ["{}"]
    assert (told["h1"][0].run, told["h1"][0].settled_at) == (
        "export/2017-10-01/1",
        told["h2"][0].settled_at,
    )


def test_an_open_row_tells_when_and_by_which_run_it_was_planned_and_why(ledger: Ledger) -> None:
    told = {"at": AT, "run": "export/2017-10-01/1", "why": {"h1": "not scored any more: LOST"}}
    ledger.save_plan("crm", "p1", OCT, rows("h1", "h2"), base=None, **told)
    ledger.save_plan("csv", "p1", OCT, rows("h1"), base=None)
    at = AT.replace(tzinfo=None)
    stories = [ledger.story(name) for name in ("h1", "h2")]
    assert [[(o.settled_at, o.run, o.message) for o in story] for story in stories] == [
        [(at, "export/2017-10-01/1", "not scored any more: LOST"), (None, "", None)],
        [(at, "export/2017-10-01/1", None)],
    ]


def test_a_doubt_stands_beside_the_reason_of_a_row_and_is_told_once(ledger: Ledger) -> None:
    why = {"h1": "suppressed"}
    ledger.save_plan("crm", "p1", OCT, rows("h1", "h2"), base=None, why=why)
    for _ in range(2):
        ledger.doubt("crm", ["h1", "h2"], AT)
    first, second = (ledger.story(name)[0] for name in ("h1", "h2"))
    assert {first.code, second.code} == {"in_doubt"}
    assert second.message
    assert first.message == f"suppressed; {second.message}"
