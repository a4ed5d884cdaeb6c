"""What validation said: of every ingest, published or refused, rule by rule; counts, no values.

Worked example: the ingest keyed 2017-11-25 was refused because 1.82 % of a lot had quantity 0. The
row of `order_lines.quantity.positive` says so: 34 of 1,869 rows, tolerance 0.01, not passed; the
row of `order_lines` itself says how many lines would have been accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from churn_ml.ledger.database import Database, stored, told
from churn_ml.ledger.schema import VALIDATIONS
from churn_ml.receipts import RuleOutcome

if TYPE_CHECKING:
    from churn_ml.ledger.tokens import Token


@dataclass(frozen=True)
class Recorded:
    """An outcome with the ingest and attempt it belongs to, and the wall-clock time (UTC)."""

    as_of: date
    attempt: int
    at: datetime
    outcome: RuleOutcome


class Validations(Database):
    """The part of the ledger that remembers every validation."""

    def record_validation(
        self, token: Token, outcomes: Sequence[RuleOutcome], at: datetime
    ) -> None:
        """Note what the rules said of one table, whatever becomes of the ingest."""
        stamp = {"as_of": token.as_of, "attempt": token.number, "judged_at": stored(at)}
        rows = [
            stamp | {_COLUMN.get(name, name): value for name, value in asdict(one).items()}
            for one in outcomes
        ]
        if rows:
            with self.writing() as connection:
                connection.execute(insert(VALIDATIONS), rows)

    def validations(
        self, table: str | None = None, rule: str | None = None, since: date | None = None
    ) -> list[Recorded]:
        """Every outcome recorded, oldest first.

        Of one table or rule only, of ingests keyed `since` or later only, where told.

        >>> from datetime import UTC
        >>> from churn_ml.ledger import Ledger
        >>> ledger = Ledger.open("sqlite://")
        >>> token = ledger.take_token("ingest", date(2017, 10, 1))
        >>> one = RuleOutcome("orders", "orders.status.known", "hard", "quarantined", 2, 50, 1,
        ...                   "5d1c", 0.04, 0.01, False)
        >>> ledger.record_validation(token, [one], datetime(2017, 10, 1, 4, tzinfo=UTC))
        >>> [(found.as_of.isoformat(), found.outcome == one) for found in ledger.validations()]
        [('2017-10-01', True)]
        >>> ledger.validations(since=date(2017, 10, 2))
        []
        """
        query = select(VALIDATIONS).order_by(VALIDATIONS.c.id)
        if table is not None:
            query = query.where(VALIDATIONS.c.table_name == table)
        if rule is not None:
            query = query.where(VALIDATIONS.c.rule == rule)
        if since is not None:
            query = query.where(VALIDATIONS.c.as_of >= since)
        with self.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            Recorded(
                row["as_of"],
                row["attempt"],
                told(row["judged_at"]),
                RuleOutcome(
                    **{f.name: row[_COLUMN.get(f.name, f.name)] for f in fields(RuleOutcome)}
                ),
            )
            for row in rows
        ]


_COLUMN = {"table": "table_name", "rows": "row_count"}
"""Fields whose names SQL keeps for itself, as the columns are called."""
