"""READ FIRST: every table of the house, with grain, key, owner and personal-data tags.

Two layers. *Canonical* tables say what happened in the shop; they are partitioned by
`ingest_key` (the business date of the ingest that brought the row) and a later row with the same
key replaces an earlier one when read. *Derived* tables are what churn_ml concluded; they are
partitioned by `as_of` and written whole.

All timestamps are UTC, microseconds, stored without a zone; all money is `decimal(18,2)` in the
shop's currency. Worked example, continued through the house: the household `h1` bought on
2017-09-30 for 12.50. The row reached us with the drop of 2017-10-01, so `occurred_at` is
2017-09-30 17:05, `known_at` is 2017-10-01 00:00, and it counts as of 2017-10-01 but not as of
2017-09-30.

>>> table("orders").key
('order_id',)
>>> [t.name for t in TABLES if t.layer == "canonical"][:3]
['customers', 'customer_merges', 'consents']

    people.py    who the customers are        orders.py   what they bought, gave back, paid, got
    contact.py   what was said to them        voice.py    what they said and did
    context.py   the world around them        derived.py  what churn_ml concluded
    shape.py     what a table is
"""

from __future__ import annotations

from dataclasses import replace

from churn_ml.errors import BadInput
from churn_ml.tables import contact, context, derived, orders, people, voice
from churn_ml.tables.derived import (
    ACTIONS,
    CAUSES,
    COHORT,
    COHORTS,
    FEATURES,
    NAMED_SEGMENTS,
    OUTCOMES,
    PANEL,
    QUARANTINE,
    RATES,
    SCORES,
    SEGMENTS,
    TRANSITIONS,
)
from churn_ml.tables.shape import STAMPS, Column, Table, Type

__all__ = [
    "ACTIONS",
    "CAUSES",
    "COHORT",
    "COHORTS",
    "FEATURES",
    "NAMED_SEGMENTS",
    "OUTCOMES",
    "PANEL",
    "QUARANTINE",
    "RATES",
    "SCORES",
    "SEGMENTS",
    "SOURCE_TABLES",
    "STAMPS",
    "TABLES",
    "TRANSITIONS",
    "Column",
    "Table",
    "Type",
    "contact",
    "context",
    "orders",
    "people",
    "table",
    "voice",
]

TABLES: tuple[Table, ...] = (
    *people.TABLES,
    *orders.TABLES,
    *contact.TABLES,
    *voice.TABLES,
    *context.TABLES,
    QUARANTINE,
    *derived.TABLES,
)
SOURCE_TABLES: tuple[str, ...] = tuple(
    t.name for t in TABLES if t.layer == "canonical" and t is not QUARANTINE
)


def table(name: str) -> Table:
    """The table called `name`; raises BadInput with the known names otherwise.

    A derived table under a further contract is called `scores@renewal`: the same columns, a place
    of its own.

    >>> table("scores@renewal").name, table("scores@renewal").columns == table("scores").columns
    ('scores@renewal', True)
    >>> table("order")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: there is no table 'order' | got: order | ...
    """
    base, _, line = name.partition("@")
    for candidate in TABLES:
        if candidate.name == base and not (line and candidate.layer == "canonical"):
            return replace(candidate, name=name) if line else candidate
    known = ", ".join(t.name for t in TABLES)
    raise BadInput(f"there is no table {name!r}", got=name, expected=known)
