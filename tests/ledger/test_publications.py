"""What is published is visible whole or not at all, and one token alone may publish."""

from __future__ import annotations

from datetime import timedelta

import pytest

from churn_ml.errors import (
    BrokenPromise,
    StaleAttempt,
)
from churn_ml.ledger import Ledger, Token
from churn_ml.receipts import Receipt, TableCount

from .telling import AT, NOV, OCT, SEP, publish, written


def test_what_is_published_is_what_was_written(ledger: Ledger) -> None:
    token = ledger.take_token("score", OCT)
    receipt = Receipt("score", OCT, "done", (TableCount("scores", 10, 10),), 1.25)
    published = ledger.publish(
        token,
        written=[written("scores", version=3), written("segments", version=4)],
        inputs={"orders": {"2017-10-01": 7}},
        pins={"model": "rule-0a", "days": [OCT], "config_hash": "ab"},
        receipt=receipt,
        at=AT,
    )
    assert published == ledger.publication("score", OCT) == ledger.newest("score")
    assert published.written == {"scores": {"2017-10-01": 3}, "segments": {"2017-10-01": 4}}
    assert published.inputs == {"orders": {"2017-10-01": 7}}
    assert published.pins == {"model": "rule-0a", "days": ["2017-10-01"], "config_hash": "ab"}
    assert published.hashes == {"scores": "hash-scores-3", "segments": "hash-segments-4"}
    (filed,) = ledger.receipts("score")
    assert (filed.receipt, filed.at, filed.token) == (receipt, AT, 1)


def test_nothing_is_published_before_it_is_published(ledger: Ledger) -> None:
    ledger.take_token("score", OCT)
    assert ledger.publication("score", OCT) is None
    assert ledger.newest("score") is None
    assert ledger.versions(["scores"]) == {"scores": {}}


def test_publishing_again_replaces_the_former_publication_whole(ledger: Ledger) -> None:
    publish(ledger, "score", OCT, written("scores"), written("segments"), pins={"model": "a"})
    publish(ledger, "score", OCT, written("scores", version=9))
    assert ledger.versions(["scores", "segments"]) == {
        "scores": {"2017-10-01": 9},
        "segments": {},
    }
    again = ledger.publication("score", OCT)
    assert again is not None
    assert (again.token, again.pins) == (2, {})
    assert len(ledger.receipts("score", OCT)) == 2


def test_versions_and_newest_stop_at_upto(ledger: Ledger) -> None:
    for as_of, version in ((SEP, 1), (OCT, 2), (NOV, 3)):
        publish(ledger, "ingest", as_of, written("orders", as_of, version))
    assert ledger.versions(["orders"], upto=OCT) == {"orders": {"2017-09-01": 1, "2017-10-01": 2}}
    newest = ledger.newest("ingest", upto=OCT - timedelta(days=1))
    assert newest is not None
    assert newest.as_of == SEP


def test_a_newer_token_takes_the_right_to_publish(ledger: Ledger) -> None:
    old, new = ledger.take_token("score", OCT), ledger.take_token("score", OCT)
    receipt = Receipt("score", OCT, "done")
    with pytest.raises(StaleAttempt, match="a newer attempt of score as of 2017-10-01"):
        ledger.publish(old, written=[written("scores")], receipt=receipt, at=AT)
    assert ledger.versions(["scores"]) == {"scores": {}}
    assert ledger.receipts() == []
    ledger.publish(new, written=[written("scores")], receipt=receipt, at=AT)


def test_tokens_of_other_steps_and_dates_do_not_disturb(ledger: Ledger) -> None:
    token = ledger.take_token("score", OCT)
    ledger.take_token("score", NOV)
    ledger.take_token("ingest", OCT)
    ledger.publish(token, receipt=Receipt("score", OCT, "done"), at=AT)


def test_a_token_that_was_never_taken_cannot_publish(ledger: Ledger) -> None:
    with pytest.raises(StaleAttempt):
        ledger.publish(Token("score", OCT, 1), receipt=Receipt("score", OCT, "done"), at=AT)


def test_a_partition_has_one_owner(ledger: Ledger) -> None:
    publish(ledger, "score", OCT, written("segments"))
    with pytest.raises(BrokenPromise, match="table segments, partition 2017-10-01, has two"):
        publish(ledger, "other", OCT, written("segments", version=8))
    twice = [written("scores"), written("scores", NOV)]
    with pytest.raises(BrokenPromise, match="two partitions of one table"):
        publish(ledger, "score", NOV, *twice)


def test_contents_name_every_published_partition_and_its_hash(ledger: Ledger) -> None:
    publish(ledger, "ingest", OCT, written("orders"), written("customers"))
    publish(ledger, "ingest", NOV, written("orders", NOV, 8))
    assert ledger.contents() == {
        "customers": {"2017-10-01": "hash-customers-7"},
        "orders": {"2017-10-01": "hash-orders-7", "2017-11-01": "hash-orders-8"},
    }
