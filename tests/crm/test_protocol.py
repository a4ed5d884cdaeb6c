"""The Recorder double: it applies what it is sent and fails by script."""

from __future__ import annotations

from datetime import date

import pytest

from churn_ml.crm.payload import removal
from churn_ml.crm.protocol import Ack, Batch, Recorder, Rejection, Row
from churn_ml.errors import Unreachable

DAY = date(2017, 10, 1)


def batch(*rows: Row) -> Batch:
    return Batch("b", "p", DAY, rows)


def row(customer_id: str) -> Row:
    return Row(customer_id, "upsert", DAY, {"segment": "S"}, "9f")


def test_it_holds_what_was_upserted_and_forgets_what_was_removed() -> None:
    crm = Recorder()
    assert crm.send(batch(row("h1"), row("h2"))) == [Ack("h1"), Ack("h2")]
    assert crm.send(batch(removal("h1", DAY), removal("h9", DAY))) == [Ack("h1"), Ack("h9")]
    assert sorted(crm.rows) == ["h2"]


def test_a_drop_before_does_nothing_and_a_drop_after_does_everything() -> None:
    crm = Recorder(script=["drop_before", "drop_after"])
    with pytest.raises(Unreachable):
        crm.send(batch(row("h1")))
    assert crm.rows == {}
    with pytest.raises(Unreachable):
        crm.send(batch(row("h1")))
    assert sorted(crm.rows) == ["h1"]
    assert crm.send(batch(row("h1"))) == [Ack("h1")]


def test_a_rejected_row_is_not_taken() -> None:
    crm = Recorder(rejects={"h1": ("bad", "too long")})
    assert crm.send(batch(row("h1"))) == [Rejection("h1", "bad", "too long")]
    assert crm.rows == {}
