"""Drift of the base rate: whether more and more of the shop's customers leave, month by month.

Enters: the monthly rates as tables.RATES declares them. Leaves: the slope of everybody's churn rate
over the last closed months, or None where fewer are known. It is no feature of a customer: it tells
a shop that the world has changed since the model learned. Worked example: 9, 10, 11, 12, 13 and 14
of 100 left in the six months from April 2017 to September: one share point more every month.

Rising means that the slope of ordinary least squares is above 0 beyond chance: by more than
`BEYOND_CHANCE` of its standard errors (one-sided 5 % of Student's t with 4 degrees of freedom).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

PERIODS = 6
BEYOND_CHANCE = 2.132
EXACT = 1e-12
"""Months on one line have no standard error: a slope below this is none."""


@dataclass(frozen=True)
class Drift:
    """The slope of the churn rate, in share points a month, from one month to another."""

    first_month: date
    last_month: date
    points_per_month: float
    rising: bool

    def in_words(self) -> str:
        """What a reader is told.

        >>> Drift(date(2017, 4, 1), date(2017, 9, 1), 1.0, rising=True).in_words()
        'Churn from 2017-04 to 2017-09: +1.00 share points a month, rising beyond chance'
        """
        months = f"{self.first_month:%Y-%m} to {self.last_month:%Y-%m}"
        judged = "rising" if self.rising else "not rising"
        slope = f"{self.points_per_month:+.2f} share points a month"
        return f"Churn from {months}: {slope}, {judged} beyond chance"


def base_rate_drift(rates: pd.DataFrame) -> Drift | None:
    """The drift of everybody's churn rate over the last `PERIODS` months of which it is known.

    `rates`: month (date), slice, churn_rate (missing while immature). Only months whose label
    windows have ended have a rate, so nothing of an open period is in it.

    >>> import pandas as pd
    >>> told = pd.DataFrame({"month": [date(2017, m, 1) for m in range(4, 11)], "slice": "all",
    ...                      "churn_rate": [.09, .10, .11, .12, .13, .14, None]})
    >>> found = base_rate_drift(told)
    >>> found.last_month.isoformat(), found.points_per_month, found.rising
    ('2017-09-01', 1.0, True)
    >>> base_rate_drift(told.head(5)) is None
    True
    """
    known = rates[(rates["slice"] == "all") & rates["churn_rate"].notna()]
    known = known.sort_values("month").tail(PERIODS)
    if len(known) < PERIODS:
        return None
    rate = known["churn_rate"].to_numpy(dtype=float)
    at = np.arange(PERIODS) - (PERIODS - 1) / 2
    slope = float((at * rate).sum() / (at * at).sum())
    left = rate - rate.mean() - slope * at
    error = float(np.sqrt((left * left).sum() / (PERIODS - 2) / (at * at).sum()))
    return Drift(
        first_month=known["month"].iloc[0],
        last_month=known["month"].iloc[-1],
        points_per_month=round(100 * slope, 4),
        rising=slope > max(BEYOND_CHANCE * error, EXACT),
    )
