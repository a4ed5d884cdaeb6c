"""What the tests of the ledger tell it: days, publications, rows of a plan."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from churn_ml.ledger import Ledger, Token
from churn_ml.receipts import Receipt
from churn_ml.warehouse import Written

SEP, OCT, NOV = date(2017, 9, 1), date(2017, 10, 1), date(2017, 11, 1)

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def written(table: str, partition: date = OCT, version: int = 7) -> Written:
    return Written(table, partition, version, 985, f"hash-{table}-{version}")


def publish(ledger: Ledger, step: str, as_of: date, *parts: Written, **further: Any) -> Token:
    token = ledger.take_token(step, as_of)
    receipt = Receipt(step, as_of, "done")
    ledger.publish(token, written=parts, receipt=receipt, at=AT, **further)
    return token


def rows(*customers: str, contact: bool = False) -> list[tuple[str, str, str, bool]]:
    return [(one, f"hash of {one}", '{"score":0.25}', contact) for one in customers]
