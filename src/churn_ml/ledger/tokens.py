"""Tokens: which attempt of a step may still publish.

Enters: a step and its as_of. Leaves: a number that grows with every attempt; the newest alone may
publish. Worked example: attempt 1 of `score` as of 2017-10-01 hangs and attempt 2 takes token 2;
when attempt 1 wakes up, `check_token` refuses it in the transaction that would have published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import and_, select, update

from churn_ml.errors import StaleAttempt
from churn_ml.ledger.database import Database
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import TOKENS

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Token:
    """The right of one attempt to publish (step, as_of); a higher number takes it away."""

    step: str
    as_of: date
    number: int


class Tokens(Database):
    """The part of the ledger that fences attempts."""

    def take_token(self, step: str, as_of: date) -> Token:
        """The next token of (step, as_of): 1, 2, 3... Older tokens can no longer publish.

        >>> from churn_ml.ledger import Ledger
        >>> ledger = Ledger.open("sqlite://")
        >>> [ledger.take_token("score", date(2017, 10, 1)).number for _ in range(2)]
        [1, 2]
        """
        row = {"step": step, "as_of": as_of}
        mine = and_(TOKENS.c.step == step, TOKENS.c.as_of == as_of)
        with self.writing() as connection:
            upsert(connection, TOKENS, [row | {"number": 0}], update=())
            connection.execute(update(TOKENS).where(mine).values(number=TOKENS.c.number + 1))
            number = connection.execute(select(TOKENS.c.number).where(mine)).scalar_one()
        return Token(step, as_of, number)

    def newest_token(self, step: str, as_of: date) -> Token | None:
        """The token that may still publish (step, as_of); None where nobody took one."""
        mine = and_(TOKENS.c.step == step, TOKENS.c.as_of == as_of)
        with self.reading() as connection:
            number = connection.execute(select(TOKENS.c.number).where(mine)).scalar()
        return None if number is None else Token(step, as_of, number)


def check_token(connection: Connection, token: Token) -> None:
    """Raise StaleAttempt where a newer token exists; hold the row until the transaction ends."""
    mine = and_(TOKENS.c.step == token.step, TOKENS.c.as_of == token.as_of)
    newest = connection.execute(select(TOKENS.c.number).where(mine).with_for_update()).scalar()
    if newest != token.number:
        raise StaleAttempt(
            f"a newer attempt of {token.step} as of {token.as_of.isoformat()} holds the token",
            where="ledger",
            got=f"token {token.number}",
            expected=f"token {newest}",
            next_step="nothing: the newer attempt publishes",
        )
