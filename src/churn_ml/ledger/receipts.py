"""Receipts as the ledger keeps them: beside the wall clock and the token of the attempt.

A publication files its receipt in its own transaction. An attempt that publishes nothing, or fails,
files one all the same.

Worked example: `score` as of 2017-10-01 finds no champion and files `no_champion`; the next attempt
fails and files `failed` with the error's text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from churn_ml.ledger.database import Database, stored, told
from churn_ml.ledger.schema import RECEIPTS
from churn_ml.receipts import Receipt

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from churn_ml.ledger.publications import Token

_ERROR_CHARACTERS = 2000


@dataclass(frozen=True)
class Filed:
    """A receipt with the wall-clock time (UTC) and the token it was filed under."""

    receipt: Receipt
    at: datetime
    token: int


class Receipts(Database):
    """The part of the ledger that says what was done and when."""

    def file_receipt(self, token: Token, receipt: Receipt, at: datetime) -> None:
        """File the receipt of an attempt that published nothing (no_champion, unchanged)."""
        with self.writing() as connection:
            file_receipt(connection, receipt, token, at)

    def record_failure(self, token: Token, error_text: str, at: datetime) -> None:
        """File a receipt with status `failed`; `error_text` holds no customer id."""
        details = {"error": error_text[:_ERROR_CHARACTERS]}
        self.file_receipt(token, Receipt(token.step, token.as_of, "failed", details=details), at)

    def receipts(
        self, step: str | None = None, as_of: date | None = None, limit: int = 100
    ) -> list[Filed]:
        """The newest receipts first, of one step or as_of or all, at most `limit`."""
        query = select(RECEIPTS).order_by(RECEIPTS.c.id.desc()).limit(limit)
        if step is not None:
            query = query.where(RECEIPTS.c.step == step)
        if as_of is not None:
            query = query.where(RECEIPTS.c.as_of == as_of)
        with self.reading() as connection:
            rows = connection.execute(query).all()
        return [Filed(Receipt.from_json(r.body), told(r.filed_at), r.token) for r in rows]


def file_receipt(connection: Connection, receipt: Receipt, token: Token, at: datetime) -> None:
    """File a receipt in the transaction that `connection` is in."""
    row = {
        "step": receipt.step,
        "as_of": receipt.as_of,
        "token": token.number,
        "status": receipt.status,
        "body": receipt.to_json(),
        "filed_at": stored(at),
    }
    connection.execute(insert(RECEIPTS), [row])
