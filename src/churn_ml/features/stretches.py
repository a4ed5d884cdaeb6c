"""Stretches: rows that belong together and lie side by side, told by where each begins.

Enters: sorted columns. Leaves: where stretches begin, their lengths, sums, least and greatest.
Worked example: the customers 4, 4, 9 are two stretches; they begin at the rows 0 and 2, and their
lengths are 2 and 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.features.grouped import Ints
from churn_ml.features.numbers import Numbers


def begins(*sorted_by: NDArray[Any]) -> Ints:
    """The rows that differ from the row before them in one of these columns.

    >>> begins(np.array([1, 1, 2]), np.array([5, 6, 6])).tolist()
    [0, 1, 2]
    """
    first = np.ones(min(1, len(sorted_by[0])), dtype=bool)
    others = np.zeros(max(len(sorted_by[0]) - 1, 0), dtype=bool)
    for column in sorted_by:
        others |= column[1:] != column[:-1]
    return np.flatnonzero(np.concatenate([first, others]))


def over(by: np.ufunc, values: NDArray[Any], starts: Ints) -> NDArray[Any]:
    """The sum, least or greatest of each stretch of rows.

    >>> over(np.add, np.array([1, 2, 3]), np.array([0, 2])).tolist()
    [3, 3]
    """
    found: NDArray[Any] = by.reduceat(values, starts) if len(starts) else values[:0]
    return found


def added(told: Numbers, starts: Ints) -> Numbers:
    """The sum of each stretch of rows; unknown where nothing in it is known.

    >>> told = Numbers(np.array([1, 0, 0]), np.array([True, False, False]))
    >>> added(told, np.array([0, 2])).floats(2).tolist()
    [1.0, nan]
    """
    known = None if told.known is None else over(np.logical_or, told.known, starts)
    return Numbers(over(np.add, told.values, starts), known)


def lengths(starts: Ints, rows: int) -> Ints:
    """How many rows each stretch has.

    >>> lengths(np.array([0, 2]), 3).tolist()
    [2, 1]
    """
    return np.diff(np.append(starts, rows))


def pairs(first: NDArray[Any], second: NDArray[Any]) -> tuple[Ints, Ints]:
    """The distinct pairs of numbers, in order; none of `second` is below 0.

    >>> [part.tolist() for part in pairs(np.array([1, 0, 1]), np.array([7, 7, 7]))]
    [[0, 1], [7, 7]]
    """
    span = int(second.max(initial=0)) + 1
    both = np.unique(first.astype(np.int64) * span + second)
    return both // span, both % span


def below(sign: NDArray[Any]) -> Ints:
    """How many stand strictly below each.

    >>> below(np.array([3, 1, 3])).tolist()
    [1, 0, 1]
    """
    _, place, count = np.unique(sign, return_inverse=True, return_counts=True)
    found: Ints = (np.cumsum(count) - count)[place]
    return found
