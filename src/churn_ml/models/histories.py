"""Histories: what a buy-till-you-die model is told of each customer.

In: recency, tenure and order days of each customer. Out: per customer the number of repeat
purchase days `x`, the time of the last one `t_x` and the time observed `T`, both since the first
purchase and in one unit; customers of equal history may be counted together.

Worked example: as of 2017-11-01 `h1` has bought on 4 days, first 100 days ago and last 10 days ago:
x is 3, t_x 90 and T 100.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Histories:
    """What was seen of each customer, one entry each; `times` counts customers of equal history."""

    x: Floats
    t_x: Floats
    T: Floats
    times: Floats

    @classmethod
    def of(cls, x: Floats, t_x: Floats, T: Floats, times: Floats | None = None) -> Histories:
        """The histories of `times` customers each (one), equal ones counted together.

        >>> both = np.array([0.0, 0.0, 2.0])
        >>> Histories.of(both, both, np.array([9.0, 9.0, 9.0])).times.tolist()
        [2.0, 1.0]
        """
        found, which = np.unique(np.column_stack([x, t_x, T]), axis=0, return_inverse=True)
        counted = np.bincount(which, weights=times, minlength=len(found))
        return cls(found[:, 0], found[:, 1], found[:, 2], counted.astype(float))


def histories(values: Floats) -> Histories:
    """Recency, tenure (days since the last and the first order) and order days so far, by row.

    An unknown number counts as 0; order days lie a day apart at least.

    >>> seen = histories(np.array([[10.0, 100.0, 4.0], [50.0, 90.0, 2.0], [9.0, 9.0, 1.0]]))
    >>> seen.x.tolist(), seen.t_x.tolist(), seen.T.tolist()
    ([3.0, 1.0, 0.0], [90.0, 40.0, 0.0], [100.0, 90.0, 9.0])
    """
    recency, tenure, ever = np.maximum(np.nan_to_num(values), 0.0).T
    last = np.maximum(tenure - recency, 0.0)
    again = np.where(last > 0, np.clip(ever - 1.0, 1.0, np.maximum(last, 1.0)), 0.0)
    return Histories(again, last, tenure, np.ones(len(values)))
