"""What every destination holds, as far as it has acknowledged it."""

from __future__ import annotations

from churn_ml.ledger import Ledger

from .telling import AT, OCT, rows


def test_what_a_destination_acknowledged_has_one_hash(ledger: Ledger) -> None:
    hashes = [ledger.acknowledged()]
    for number, customers in enumerate([["h1"], ["h2", "h1"], ["h3"]]):
        plan_id, base = f"p{number + 1}", f"p{number}" if number else None
        ledger.save_plan("crm", plan_id, OCT, rows(*customers), base=base)
        ledger.acknowledge(plan_id, customers, at=AT)
        hashes.append(ledger.acknowledged())
    assert hashes[0] == {}
    assert len({told["crm"] for told in hashes[1:]}) == 3
    assert ledger.acknowledged() == hashes[-1]


def test_of_one_customer_a_destination_is_asked_alone(ledger: Ledger) -> None:
    for plan_id, name in (("p1", "crm"), ("p2", "csv")):
        ledger.save_plan(name, plan_id, OCT, rows("h1", "h2"), base=None)
        ledger.acknowledge(plan_id, ["h1", "h2"], at=AT)
    assert ledger.state("crm", "h1") == {"h1": ("hash of h1", OCT)}
    assert ledger.state("crm", "h") == {}
    assert ledger.state("crm", "") == {}
    assert set(ledger.state("crm")) == {"h1", "h2"}
