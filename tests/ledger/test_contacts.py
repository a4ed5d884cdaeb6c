"""Contacts are kept by as_of, through whatever destination."""

from __future__ import annotations

from datetime import date

from churn_ml.ledger import Contact, Ledger

from .telling import AT, NOV, OCT, SEP, rows


def test_contacts_are_kept_by_as_of_through_whatever_destination(ledger: Ledger) -> None:
    base = None
    for plan_id, as_of in (("p1", OCT), ("p2", NOV)):
        planned = rows("h1", "h3", contact=True) + rows("h2")
        ledger.save_plan("crm", plan_id, as_of, planned, base=base)
        for _ in range(2):
            ledger.acknowledge(plan_id, ["h1", "h2"], withdrawn=[("h3", "no consent")], at=AT)
        base = plan_id
    assert ledger.contacts(OCT, NOV) == [Contact("h1", "crm", OCT)]
    assert [c.as_of for c in ledger.contacts(OCT, date(2018, 1, 1))] == [OCT, NOV]
    assert ledger.contacts(SEP, OCT) == []
