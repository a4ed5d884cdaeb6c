"""A lot is seen first once, and belongs to one ingest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from churn_ml.errors import (
    BrokenPromise,
    Transient,
)
from churn_ml.ledger import Ledger

from .telling import AT, NOV, OCT, publish, written


def test_the_first_time_a_lot_was_seen_is_kept(ledger: Ledger) -> None:
    later = AT + timedelta(days=30)
    assert ledger.register_lot("5d1c", "orders", "drops/o.csv", AT) == AT
    assert ledger.register_lot("5d1c", "orders", "moved/o.csv", later) == AT
    assert ledger.register_lot("5d1c", "order_lines", "drops/o.csv", later) == later


def test_an_ingest_claims_its_lots_when_it_publishes(ledger: Ledger) -> None:
    for sha in ("aa", "bb", "cc"):
        ledger.register_lot(sha, "orders", f"{sha}.csv", AT)
    assert ledger.claimed() == {}
    publish(ledger, "ingest", OCT, lots=[("orders", "aa"), ("orders", "bb")])
    assert ledger.claimed("orders") == {("orders", "aa"): OCT, ("orders", "bb"): OCT}
    publish(ledger, "ingest", OCT, lots=[("orders", "bb"), ("orders", "cc")])
    assert ledger.claimed() == {("orders", "bb"): OCT, ("orders", "cc"): OCT}
    assert ledger.claimed("products") == {}


@pytest.mark.parametrize(
    ("sha", "error", "words"),
    [
        ("aa", Transient, "taken by another ingest meanwhile"),
        ("never seen", BrokenPromise, "was never registered"),
    ],
)
def test_a_lot_belongs_to_one_ingest_and_the_other_may_try_again(
    ledger: Ledger, sha: str, error: type[Exception], words: str
) -> None:
    ledger.register_lot("aa", "orders", "aa.csv", AT)
    publish(ledger, "ingest", OCT, lots=[("orders", "aa")])
    with pytest.raises(error, match=words):
        publish(ledger, "ingest", NOV, written("orders", NOV), lots=[("orders", sha)])
    assert ledger.versions(["orders"]) == {"orders": {}}
    assert ledger.claimed() == {("orders", "aa"): OCT}
