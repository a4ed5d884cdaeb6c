"""What a destination shall hold, as columns: of a million rows only those are made that are sent.

Enters: columns, or rows that were made already. Leaves: the columns that plan and guard look at,
and the rows they choose. A day on which one customer in a hundred changed makes 10,000 rows of a
million customers, not a million.

Worked example: of two customers only `h2` is told something new.

>>> day = date(2017, 10, 1)
>>> h1 = Row("h1", "upsert", day, {"segment": "S", "offer": "NONE"}, "9f")
>>> h2 = Row("h2", "upsert", day, {"segment": "T", "offer": "COUPON"}, "b1")
>>> desired = Desired.of([h1, h2])
>>> desired.customer_ids, desired.offers, desired.made([1]) == [h2]
(['h1', 'h2'], ['NONE', 'COUPON'], True)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import overload

from churn_ml.crm.payload import quiet
from churn_ml.crm.protocol import Cell, Row


@dataclass(frozen=True, eq=False)
class Desired(Sequence[Row]):
    """The upserts of one export by column, in one order, and `made`, the rows of those numbers.

    `as_ofs` are the dates that its rows are of: one, or the plan refuses them.
    """

    as_ofs: frozenset[date]
    customer_ids: Sequence[str]
    hashes: Sequence[str]
    contacts: Sequence[bool]
    offers: Sequence[Cell]
    segments: Sequence[Cell]
    made: Callable[[Sequence[int]], list[Row]]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Desired:
        """The columns of `rows`; the same object where they are columns already."""
        if isinstance(rows, Desired):
            return rows
        return cls(
            frozenset(row.as_of for row in rows),
            [row.customer_id for row in rows],
            [row.content_hash for row in rows],
            [row.contact for row in rows],
            [row.payload.get("offer") for row in rows],
            [row.payload.get("segment") for row in rows],
            lambda numbers: [rows[number] for number in numbers],
        )

    def quietly(self, customer_ids: Collection[str]) -> Desired:
        """The same, without their offers for these customers: as a plan sees it.

        >>> row = Row("h1", "upsert", date(2017, 10, 1), {"offer": "COUPON"}, "9f", contact=True)
        >>> told = Desired.of([row]).quietly({"h1"})
        >>> told.hashes == [told[0].content_hash], told[0].payload["offer"], told[0].contact
        (True, 'NONE', False)
        """
        numbers = [n for n, one in enumerate(self.customer_ids) if one in customer_ids]
        changed = dict(zip(numbers, map(quiet, self.made(numbers)), strict=True))
        hashes, contacts, offers = list(self.hashes), list(self.contacts), list(self.offers)
        for number, row in changed.items():
            hashes[number], contacts[number] = row.content_hash, row.contact
            offers[number] = row.payload["offer"]

        def made(wanted: Sequence[int]) -> list[Row]:
            return [changed.get(n, row) for n, row in zip(wanted, self.made(wanted), strict=True)]

        return replace(self, hashes=hashes, contacts=contacts, offers=offers, made=made)

    def __len__(self) -> int:
        return len(self.customer_ids)

    @overload
    def __getitem__(self, number: int) -> Row: ...
    @overload
    def __getitem__(self, number: slice) -> list[Row]: ...
    def __getitem__(self, number: int | slice) -> Row | list[Row]:
        numbers = range(len(self))[number]
        return self.made([numbers])[0] if isinstance(numbers, int) else self.made(numbers)

    def __iter__(self) -> Iterator[Row]:
        return iter(self[:])
