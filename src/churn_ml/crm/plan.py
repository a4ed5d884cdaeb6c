"""The plan: the difference between what a destination acknowledged and what it shall hold.

Enters: the rows desired as of a date, and the journal's answers for the destination. Leaves: a
`Plan` of upserts and removals. Nothing is sent, saved or read here; outbox.py does that.

Worked example. As of 2017-11-01 a destination holds `h1`, `h2` and `h3`. `h1` is desired as it is
there, `h2` with another segment, `h3` no more: the plan has an upsert of `h2` and a removal of
`h3`. A plan for 2017-10-01 after that is empty: a destination never goes back behind its newest.

>>> day, later = date(2017, 10, 1), date(2017, 11, 1)
>>> held = {"h1": "9f", "h2": "b1", "h3": "e0"}
>>> rows = [Row("h1", "upsert", later, {}, "9f"), Row("h2", "upsert", later, {}, "c7")]
>>> found = plan(rows, later, "crm", held=held, last=("5f1c", day), withheld=frozenset())
>>> [(row.customer_id, row.op) for row in found.rows]
[('h2', 'upsert'), ('h3', 'remove')]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from churn_ml.crm.desired import Desired
from churn_ml.crm.payload import removal
from churn_ml.crm.protocol import REMOVED, Batch, Row
from churn_ml.errors import BadInput


@dataclass(frozen=True)
class Plan:
    """The rows that take a destination from what it acknowledged to what it shall hold.

    `base` is the plan it was made on; `unchanged` are the customers of whom the target holds that
    already; `withheld` those who may not be told about now; `older` counts the desired rows of an
    as_of behind the newest plan: none goes.
    """

    id: str
    as_of: date
    rows: tuple[Row, ...]
    base: str | None = None
    unchanged: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    older: int = 0

    def parts(self, size: int | None) -> Iterator[tuple[Row, ...]]:
        """The rows as they are sent, `size` at once; None: all of them.

        >>> rows = tuple(Row(h, "remove", date(2017, 10, 1), {}, "") for h in ("h1", "h2", "h3"))
        >>> [len(part) for part in Plan("5f1c", date(2017, 10, 1), rows).parts(2)]
        [2, 1]
        """
        step = size or max(len(self.rows), 1)
        return (self.rows[start : start + step] for start in range(0, len(self.rows), step))

    def batch(self, rows: Sequence[Row]) -> Batch:
        """The plan's `rows` as they are sent: the same rows of the same plan have the same id.

        >>> h1 = Row("h1", "upsert", date(2017, 10, 1), {}, "9f")
        >>> again = [Plan("5f1c", h1.as_of, (h1,)).batch([h1]).id for _ in range(2)]
        >>> again[0] == again[1]
        True
        """
        batch_id = _hashed([self.id, _contents(rows)])[:32]
        return Batch(batch_id, self.id, self.as_of, tuple(rows))


def plan(
    desired: Sequence[Row],
    as_of: date,
    destination: str,
    *,
    held: Mapping[str, str],
    last: tuple[str, date] | None,
    withheld: frozenset[str],
) -> Plan:
    """The difference between what a destination acknowledged and what it shall hold.

    Parameters: `desired`, one upsert per customer_id; `held` and `last`, the journal's answers
    for the destination; `withheld`, customers that may not be told about. The id is made from the
    rows and from the plan before, so planning again after a crash gives the same id, and the same
    rows planned later (they were rejected) another.
    Raises: BadInput where a customer is desired twice or a row is of another as_of.

    >>> day, later = date(2017, 10, 1), date(2017, 11, 1)
    >>> held = {"h1": "9f", "h2": "b1", "h3": ""}
    >>> rows = [Row("h1", "upsert", later, {}, "9f"), Row("h4", "upsert", later, {}, "c7")]
    >>> found = plan(rows, later, "crm", held=held, last=None, withheld=frozenset())
    >>> [(row.customer_id, row.op) for row in found.rows], sorted(found.unchanged)
    ([('h2', 'remove'), ('h4', 'upsert')], ['h1'])
    """
    told = Desired.of(desired)
    ids = _checked(told, as_of, destination)
    if last and as_of < last[1]:
        return Plan("", as_of, (), older=len(desired))
    wanted = ids - withheld
    both = enumerate(zip(told.customer_ids, told.hashes, strict=True))
    news = [n for n, (one, made) in both if held.get(one, REMOVED) != made and one in wanted]
    changed = told.made(news)
    unchanged = wanted.difference(row.customer_id for row in changed)
    there = (customer_id for customer_id, told in held.items() if told != REMOVED)
    gone = [removal(customer_id, as_of) for customer_id in there if customer_id not in wanted]
    rows = sorted([*changed, *gone], key=lambda row: row.customer_id)
    base = last[0] if last else None
    plan_id = _hashed([destination, as_of.isoformat(), base, _contents(rows)])[:16]
    return Plan(plan_id, as_of, tuple(rows), base, unchanged, withheld & ids)


def _contents(rows: Sequence[Row]) -> list[tuple[str, str]]:
    return [(row.customer_id, row.content_hash) for row in rows]


def _hashed(value: list[Any]) -> str:
    """sha256 of a JSON value: of a plan of a million rows, so by the fastest encoder there is."""
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()


def _checked(desired: Desired, as_of: date, destination: str) -> frozenset[str]:
    """Whom the rows are about, once it is sure that each is there once and of that as_of."""
    ids = frozenset(desired.customer_ids)
    if len(ids) < len(desired) or desired.as_ofs - {as_of}:
        raise BadInput(
            "the rows of an export must hold each customer once, all of one as_of",
            where=f"destination {destination}, as of {as_of}",
            got=f"{len(ids)} customers in {len(desired)} rows",
            next_step="pass the rows of one publication",
        )
    return ids
