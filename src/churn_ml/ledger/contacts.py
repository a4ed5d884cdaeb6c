"""Contacts: who was contacted, through whatever destination, and who is about to be.

Enters: the contacts that acks have noted, and plans that are not settled. Leaves: customers.

Worked example: `h1` was sent a coupon through the CRM as of 2017-10-01; another contract's export
as of 2017-10-08 asks, and withholds its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, select

from churn_ml.ledger.database import Database
from churn_ml.ledger.schema import CONTACTS, PLAN_ROWS


@dataclass(frozen=True)
class Contact:
    """A customer who was contacted through a destination, by as_of."""

    customer_id: str
    destination: str
    as_of: date


class Contacts(Database):
    """The part of the ledger that knows whom a destination was told to contact."""

    def contacts(self, start: date, end: date) -> list[Contact]:
        """Who was contacted with an as_of in [start, end), through whatever destination it was."""
        within = and_(CONTACTS.c.as_of >= start, CONTACTS.c.as_of < end)
        order = (CONTACTS.c.customer_id, CONTACTS.c.as_of, CONTACTS.c.destination)
        query = select(CONTACTS).where(within).order_by(*order)
        with self.reading() as connection:
            rows = connection.execute(query).all()
        return [Contact(row.customer_id, row.destination, row.as_of) for row in rows]

    def spoken_to(self, start: date, end: date, destinations: Sequence[str]) -> set[str]:
        """Who was, or is about to be, contacted with an as_of in [start, end) through these.

        A contact that is planned and not settled counts: nobody knows whether it was sent. Exports
        to two destinations at one time see each other by that.

        >>> from churn_ml.ledger import Ledger
        >>> ledger, day = Ledger.open("sqlite://"), date(2017, 10, 1)
        >>> ledger.save_plan("crm", "p1", day, [("h1", "ab", "{}", True)], base=None)
        >>> ledger.spoken_to(day, date(2017, 10, 2), ["crm"]), ledger.spoken_to(day, day, ["crm"])
        ({'h1'}, set())
        """
        found: set[str] = set()
        waiting = and_(PLAN_ROWS.c.contact, PLAN_ROWS.c.status == "open")
        with self.reading() as connection:
            for rows, kind in ((CONTACTS, None), (PLAN_ROWS, waiting)):
                within = and_(rows.c.as_of >= start, rows.c.as_of < end)
                theirs = rows.c.destination.in_(destinations)
                query = select(rows.c.customer_id).where(within, theirs)
                query = query if kind is None else query.where(kind)
                found |= set(connection.execute(query).scalars())
        return found
