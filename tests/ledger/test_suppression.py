"""The suppression list is a set."""

from __future__ import annotations

from churn_ml.ledger import Ledger

from .telling import AT


def test_suppression_is_a_set(ledger: Ledger) -> None:
    assert ledger.suppressed() == frozenset()
    for key in ("aa", "bb", "aa"):
        ledger.suppress(key, AT)
    assert ledger.suppressed() == {"aa", "bb"}
