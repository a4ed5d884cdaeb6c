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
