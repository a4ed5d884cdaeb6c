"""What a destination held before its newest plans, and what those told it."""

from __future__ import annotations

from datetime import timedelta

from churn_ml.ledger import Ledger, Sent

from .telling import AT, NOV, OCT, rows


def test_what_a_destination_held_before_its_newest_plan(ledger: Ledger) -> None:
    first = [(name, "1", f'{{"from":"{name}"}}', False) for name in ("h1", "h2", "h3", "h4")]
    ledger.save_plan("crm", "p1", OCT, first, base=None)
    ledger.acknowledge(
        "p1", ["h1", "h2"], withdrawn=[("h3", "no consent")], rejected=[("h4", "BAD", "")], at=AT
    )
    ledger.save_plan("crm", "p2", NOV, rows("h1", "h2", "h3", "h4", "h5", "h6"), base="p1")
    settled = {"at": AT + timedelta(minutes=1), "run": "r"}
    ledger.acknowledge("p2", ["h1", "h3", "h4", "h5"], rejected=[("h2", "BAD", "")], **settled)
    before = {"h1": '{"from":"h1"}', "h3": "{}", "h4": "{}", "h5": "{}", "h6": "{}"}
    assert ledger.former("crm", "p2") == before  # h2's new row was refused, h6's is open
    ledger.give_up("p2", **settled)
    assert ledger.open_plan("crm") is None
    assert ledger.former("crm", "p2") == before
    assert ledger.former("csv", "p2") == {}
    assert [one.outcome for one in ledger.story("h6")] == ["given_up"]


def test_what_a_plan_told_its_destination_when_and_by_which_run(ledger: Ledger) -> None:
    why = {"h1": "what it holds was in doubt", "h5": "not scored any more: LOST"}
    ledger.save_plan("crm", "p1", OCT, rows("h1", "h2", "h3", "h4", "h5"), base=None, why=why)
    ledger.acknowledge("p1", ["h1"], rejected=[("h4", "BAD", "")], at=AT, run="export/2017-10-01/1")
    later, run = AT + timedelta(minutes=1), "export/2017-10-01/2"
    ledger.acknowledge("p1", [], withdrawn=[("h2", "no consent")], at=later, run=run)
    reasons = {"what it holds was in doubt": 1, "no consent": 1}
    assert ledger.sent("crm", "p1", OCT) == Sent("p1", OCT, 2, 2, later, run, reasons)
    ledger.give_up("p1", at=later, run="undo by ada")
    assert ledger.sent("crm", "p1", OCT) == Sent("p1", OCT, 2, 2, later, run, reasons)
    assert ledger.sent("csv", "p1", OCT) == Sent("p1", OCT, 0, 0, None, "")
