"""Receipts are kept in the order of filing, and found by their reference."""

from __future__ import annotations

import pytest

from churn_ml.errors import (
    NotReady,
)
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt

from .telling import AT, NOV, OCT, SEP, publish


def test_receipts_come_newest_first(ledger: Ledger) -> None:
    for as_of in (SEP, OCT, NOV):
        publish(ledger, "score", as_of)
    ledger.record_failure(ledger.take_token("train", NOV), "x" * 5000, AT)
    assert [f.receipt.as_of for f in ledger.receipts("score", limit=2)] == [NOV, OCT]
    (failed,) = ledger.receipts("train")
    assert failed.receipt.status == "failed"
    assert len(failed.receipt.details["error"]) == 2000
    assert [f.receipt.step for f in ledger.receipts(as_of=NOV)] == ["train", "score"]


def test_a_receipt_is_found_by_its_reference_with_who_asked_for_it(ledger: Ledger) -> None:
    asked = "http://127.0.0.1:8080/dags/churn_score/runs/r/tasks/score"
    publish(ledger, "score", OCT, caller=asked)
    again = ledger.take_token("score", OCT)
    ledger.record_failure(again, "disk full", AT, "by hand")
    assert ledger.receipt("score/2017-10-01/1").caller == asked
    failed = ledger.receipt("score/2017-10-01/2")
    assert (failed.caller, failed.receipt.reference) == ("by hand", "score/2017-10-01/2")
    assert failed.receipt.details["error"] == "disk full"


def test_an_attempt_whose_commit_was_answered_too_late_keeps_its_receipt(ledger: Ledger) -> None:
    published, left = ledger.take_token("score", OCT), ledger.take_token("learn", OCT)
    ledger.publish(published, receipt=Receipt("score", OCT, "done", attempt=1), at=AT)
    ledger.file_receipt(left, Receipt("learn", OCT, "unchanged", attempt=1), AT)
    ledger.record_failure(published, "the connection was closed", AT)
    ledger.record_failure(left, "the connection was closed", AT)
    assert ledger.receipt("score/2017-10-01/1").receipt.status == "done"
    assert [filed.receipt.status for filed in ledger.receipts()] == ["unchanged", "done"]
    again = ledger.take_token("score", OCT)
    ledger.record_failure(again, "disk full", AT)
    ledger.record_failure(published, "the connection was closed", AT)
    assert [f.receipt.status for f in ledger.receipts("score")] == ["failed", "done"]


def test_receipts_without_a_limit_are_all_of_them(ledger: Ledger) -> None:
    token = ledger.take_token("score", OCT)
    for _ in range(101):
        ledger.file_receipt(token, Receipt("score", OCT, "unchanged"), AT)
    assert (len(ledger.receipts()), len(ledger.receipts(limit=None))) == (100, 101)


@pytest.mark.parametrize(
    "reference", ["score/2017-10-01/9", "score/2017-13-01/1", "score/2017-10-01", "' or 1=1", ""]
)
def test_a_reference_to_no_receipt_is_refused_by_name(ledger: Ledger, reference: str) -> None:
    publish(ledger, "score", OCT)
    with pytest.raises(NotReady, match="the ledger has no receipt") as caught:
        ledger.receipt(reference)
    assert reference in caught.value.what
