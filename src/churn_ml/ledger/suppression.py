"""Suppression: customers who must not be touched, as keyed hashes that outlive their erasure.

Worked example: `h1` asked to be forgotten. The door computes an HMAC of the id with the shop's key;
only that stands here, and actions and exports leave out whoever matches.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from churn_ml.ledger.database import Database, stored
from churn_ml.ledger.rows import upsert
from churn_ml.ledger.schema import SUPPRESSED


class Suppression(Database):
    """The part of the ledger that always wins."""

    def suppress(self, key_hmac: str, at: datetime) -> None:
        """Put a keyed hash on the list; twice is once, and the first time is kept.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger = Ledger.open("sqlite://")
        >>> ledger.suppress("9f86", datetime(2026, 11, 21, tzinfo=UTC))
        >>> ledger.suppressed()
        frozenset({'9f86'})
        """
        row = {"key_hmac": key_hmac, "suppressed_at": stored(at)}
        with self.writing() as connection:
            upsert(connection, SUPPRESSED, [row], update=())

    def suppressed(self) -> frozenset[str]:
        """Every keyed hash on the list."""
        with self.reading() as connection:
            return frozenset(connection.execute(select(SUPPRESSED.c.key_hmac)).scalars())
