"""What every destination holds, as far as it has acknowledged it: the base of the next plan.

Enters: a destination. Leaves: the content hash and as_of of each customer whom it was told about.
Deliveries (deliveries.py) write it, one acknowledged row at a time; what was found to be otherwise
in the target is put in doubt (doubts.py), and then sent again.

Worked example: after 2017-10-01 the CRM holds 1,998 customers. One of them leaves the scored set on
2017-11-01: from then on the CRM is known to have removed him.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from churn_ml.config import content_hash
from churn_ml.ledger.database import Database
from churn_ml.ledger.schema import DELIVERED

REMOVED = ""
"""The content hash of a customer who was taken out of a destination."""
UNSURE = "unsure"
"""The content hash of who was refused and acknowledged by nobody: a try before, whose answer was
lost, may have been taken all the same, so who is wanted no more is taken out."""
REJECTED = "rejected"
"""The content hash of who holds a row and was refused another: a try of that one, whose answer was
lost, may have been taken, so who is wanted as before is sent again, and who is not is taken out."""
NOT_HELD = frozenset({REMOVED, UNSURE})
"""The content hashes of who does not count as a row of the target."""


class Held(Database):
    """The part of the ledger that knows what the destinations hold."""

    def state(
        self, destination: str, customer_id: str | None = None
    ) -> dict[str, tuple[str, date]]:
        """What the destination has: customer_id -> (content hash, as_of of the row it took).

        A customer who was taken out stays, with the content hash REMOVED. `customer_id`: of this
        one alone, found by the table's key.

        >>> from churn_ml.ledger import Ledger
        >>> Ledger.open("sqlite://").state("crm", "h1")
        {}
        """
        columns = (DELIVERED.c.customer_id, DELIVERED.c.content_hash, DELIVERED.c.as_of)
        query = select(*columns).where(DELIVERED.c.destination == destination)
        if customer_id is not None:
            query = query.where(DELIVERED.c.customer_id == customer_id)
        with self.reading() as connection:
            found = connection.execute(query).all()  # row by row it takes twice as long
        return {customer_id: (told, as_of) for customer_id, told, as_of in found}

    def held(self, destination: str) -> dict[str, str]:
        """What the destination has: customer_id -> content hash, as `state` says it.

        The driver's own tuples become the dictionary: of a million customers SQLAlchemy's rows
        take three times as long.

        >>> from churn_ml.ledger import Ledger
        >>> Ledger.open("sqlite://").held("crm")
        {}
        """
        columns = (DELIVERED.c.customer_id, DELIVERED.c.content_hash)
        query = select(*columns).where(DELIVERED.c.destination == destination)
        with self.reading() as connection:
            return dict(connection.execute(query).cursor.fetchall())

    def counted(
        self, customer_id: str | None = None, *, without: frozenset[str] = NOT_HELD
    ) -> dict[str, int]:
        """How many customers each destination holds, by name, whether churn.toml has it or not.

        `customer_id`: of this one alone; `without`: the content hashes that do not count.

        >>> from churn_ml.ledger import Ledger
        >>> Ledger.open("sqlite://").counted()
        {}
        """
        query = select(DELIVERED.c.destination, func.count()).group_by(DELIVERED.c.destination)
        query = query.where(DELIVERED.c.content_hash.not_in(without))
        if customer_id is not None:
            query = query.where(DELIVERED.c.customer_id == customer_id)
        with self.reading() as connection:
            return dict(sorted(map(tuple, connection.execute(query))))

    def acknowledged(self) -> dict[str, str]:
        """One sha256 a destination over all that it took: customer, content hash and as_of.

        >>> from churn_ml.ledger import Ledger
        >>> Ledger.open("sqlite://").acknowledged()
        {}
        """
        query = select(DELIVERED.c.destination).distinct()
        with self.reading() as connection:
            names = sorted(connection.execute(query).scalars())
        return {name: content_hash(sorted(self.state(name).items())) for name in names}
