"""Receipts as the ledger keeps them: beside the wall clock and the token of the attempt.

A publication files its receipt in its own transaction. An attempt that publishes nothing, or fails,
files one all the same.

Worked example: `score` as of 2017-10-01 finds no champion and files `no_champion`; the next attempt
fails and files `failed` with the error's text.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, insert, select

from churn_ml.errors import NotReady
from churn_ml.ledger.database import Database, stored, told
from churn_ml.ledger.schema import RECEIPTS, TOKENS
from churn_ml.receipts import Receipt

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from churn_ml.ledger.tokens import Token

_ERROR_CHARACTERS = 2000


@dataclass(frozen=True)
class Filed:
    """A receipt with the wall-clock time (UTC), the token it was filed under, and who asked.

    `caller`: the URL of the task instance where a scheduler ran the step; None from a shell.
    """

    receipt: Receipt
    at: datetime
    token: int
    caller: str | None = None


class Receipts(Database):
    """The part of the ledger that says what was done and when."""

    def file_receipt(
        self, token: Token, receipt: Receipt, at: datetime, caller: str | None = None
    ) -> None:
        """File the receipt of an attempt that published nothing (no_champion, unchanged)."""
        with self.writing() as connection:
            file_receipt(connection, receipt, token, at, caller)

    def record_failure(
        self,
        token: Token,
        error_text: str,
        at: datetime,
        caller: str | None = None,
        status: str = "failed",
    ) -> None:
        """File the receipt of an attempt that raised; `error_text` holds no customer id.

        An attempt that ended keeps its receipt: where the answer to its commit was lost on the way,
        it takes itself for failed, and nothing is filed.
        """
        details = {"error": error_text[:_ERROR_CHARACTERS]}
        failed = Receipt(token.step, token.as_of, status, details=details, attempt=token.number)
        with self.writing() as connection:
            if not _ended(connection, token):
                file_receipt(connection, failed, token, at, caller)

    def receipts(
        self, step: str | None = None, as_of: date | None = None, limit: int | None = 100
    ) -> list[Filed]:
        """The newest receipts first, of one step or as_of or all, at most `limit` (None: all)."""
        query = select(RECEIPTS).order_by(RECEIPTS.c.id.desc()).limit(limit)
        if step is not None:
            query = query.where(RECEIPTS.c.step == step)
        if as_of is not None:
            query = query.where(RECEIPTS.c.as_of == as_of)
        with self.reading() as connection:
            rows = connection.execute(query).all()
        return [_filed(row) for row in rows]

    def receipt(self, reference: str) -> Filed:
        """The receipt called `reference`, such as "score/2017-10-01/3".

        Raises: NotReady where the ledger has none of that name.

        >>> from churn_ml.ledger import Ledger
        >>> Ledger.open("sqlite://").receipt("score/2017-10-01/3")
        Traceback (most recent call last):
        ...
        churn_ml.errors.NotReady: the ledger has no receipt score/2017-10-01/3 | ...
        """
        found = None
        with suppress(ValueError), self.reading() as connection:
            step, day, number = reference.split("/")
            mine = (
                RECEIPTS.c.step == step,
                RECEIPTS.c.as_of == date.fromisoformat(day),
                RECEIPTS.c.token == int(number),
            )
            query = select(RECEIPTS).where(*mine).order_by(RECEIPTS.c.id.desc())
            found = connection.execute(query).first()
        if found is None:
            raise NotReady(
                f"the ledger has no receipt {reference}",
                expected="STEP/YYYY-MM-DD/ATTEMPT of a step that ended",
                next_step="churn-ml report --json lists every step ever filed",
            )
        return _filed(found)


def _filed(row: Row[Any]) -> Filed:
    return Filed(Receipt.from_json(row.body), told(row.filed_at), row.token, row.caller)


def _ended(connection: Connection, token: Token) -> bool:
    """Whether the attempt of `token` has filed a receipt, as publishing does too."""
    # a publication that the server is still at holds this row: wait for what becomes of it
    mine = and_(TOKENS.c.step == token.step, TOKENS.c.as_of == token.as_of)
    connection.execute(select(TOKENS.c.number).where(mine).with_for_update())
    its = and_(
        RECEIPTS.c.step == token.step,
        RECEIPTS.c.as_of == token.as_of,
        RECEIPTS.c.token == token.number,
    )
    return connection.execute(select(RECEIPTS.c.id).where(its)).first() is not None


def file_receipt(
    connection: Connection, receipt: Receipt, token: Token, at: datetime, caller: str | None = None
) -> None:
    """File a receipt in the transaction that `connection` is in."""
    row = {
        "step": receipt.step,
        "as_of": receipt.as_of,
        "token": token.number,
        "status": receipt.status,
        "body": receipt.to_json(),
        "filed_at": stored(at),
        "caller": caller,
    }
    connection.execute(insert(RECEIPTS), [row])
