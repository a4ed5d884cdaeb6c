"""What is known about each eligible customer at `as_of`, as one row of numbers.

Enters: the canonical tables already cut at `as_of`. The cut is made in the warehouse's read; the
one other is `Purchases.at`, which cuts orders and lines that a training has read once for all its
cut-offs, and is held to the first by a law. Leaves: one row per eligible customer with one float64
column per feature. The definitions are Ibis expressions, computed by either of two engines:

    defined   indicator.py, columns.py     what an indicator is, and how its columns are made
              activity.py, spend.py, ...   the indicators, a file a subject
              composites.py                those made of finished columns of all customers
              catalogue.py                 all of them in one tuple
              views/                       the rows that they measure, as expressions
    by text   wording.py, query.py         views and indicators put into SQL, once
              asking.py, engine.py         that text, asked of the engine of the tables
    in memory purchases.py, products.py    orders and lines as arrays, cut at a day
              arrays.py, stretches.py      what such arrays are
              kernel.py                    the views of purchases on them
              grouped.py, numbers.py       the indicators' own expressions, read by numpy
    together  plan.py                      which views are computed in memory, which asked for
              computing.py, frame.py       every column, rounded and checked

A new indicator is one record in the file of its subject. A new view is one expression in views/,
and asked of the engine until kernel.py has it too; both are then compared on every test run.

Worked example, as of 2017-10-01 with a lookback of 90 days: a customer whose last order was on
2017-09-26 has recency_days 5, and an order of 2017-10-01 00:00 does not exist yet.
"""

from __future__ import annotations

import functools
from datetime import date
from typing import TYPE_CHECKING

from churn_ml.cohort import eligible
from churn_ml.config import Contract, content_hash
from churn_ml.features.catalogue import CATALOGUE, catalogue, trainable
from churn_ml.features.frame import build
from churn_ml.features.indicator import Column, Indicator, Measure
from churn_ml.features.query import available, parts, query
from churn_ml.features.wording import declared, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CATALOGUE",
    "Column",
    "Indicator",
    "Measure",
    "available",
    "build",
    "catalogue",
    "defining",
    "names",
    "query",
    "spec_hash",
    "trainable",
]


def names(indicators: Sequence[Indicator] = CATALOGUE) -> tuple[str, ...]:
    """The feature columns of `indicators`, in the order of the frame.

    >>> names()[:2]
    ('recency_days', 'tenure_days')
    """
    return tuple(name for indicator in indicators for name in indicator.names)


def defining(columns: Sequence[str], indicators: Sequence[Indicator]) -> tuple[Indicator, ...]:
    """The indicators that have a column among `columns`, in order.

    >>> [one.name for one in defining(["recency_days"], CATALOGUE)]
    ['recency']
    """
    wanted = set(columns)
    return tuple(one for one in indicators if wanted.intersection(one.names))


@functools.cache
def spec_hash(indicators: tuple[Indicator, ...] = CATALOGUE) -> str:
    """Identity of the definitions: what is computed, as sha256 of the query that computes it.

    The text of each is taken, over tables that have every column, and of who is eligible, so that a
    change in any indicator, view or window changes the hash, and a change of wording does not.

    >>> first, second = spec_hash(CATALOGUE[:1]), spec_hash(CATALOGUE[1:2])
    >>> len(first), first == second
    (64, False)
    """
    who = in_words(eligible(declared().tables, date(2017, 10, 1), Contract()))
    return content_hash([who, *map(_spec, indicators)])


@functools.cache
def _spec(indicator: Indicator) -> dict[str, str]:
    """What one indicator computes, in words; of a composite, what of."""
    if indicator.over:
        return {indicator.name: f"{indicator.over}"}
    return parts(declared(), [indicator])
