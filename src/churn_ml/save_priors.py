"""Save rates: the share of churners that an offer saves, by its prior or by an estimate.

Enters: the offers and the Beta prior of churn.toml, and where an uplift model has them, estimates
per customer and offer. Leaves: the rate that profit is worked out with. Worked example: the prior
a = 6, b = 14 has a mean of .3; a customer whom nobody has an estimate for is saved at it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from churn_ml.config import Economics, Offer
from churn_ml.errors import BadInput

Rates = NDArray[np.float64]


def save_rate(offer: Offer, econ: Economics) -> float:
    """Gamma: the share of churners that `offer` saves; the prior's mean where it states none.

    >>> save_rate(Offer(code="A", label="a"), Economics(save_rate_a=6, save_rate_b=14))
    0.3
    """
    return econ.save_rate_mean if offer.save_rate is None else offer.save_rate


def rates(
    offers: Sequence[Offer], econ: Economics, customers: int, estimates: Rates | None
) -> list[Rates]:
    """Gamma of each offer, one element per customer: the estimate, the prior's where it is NaN.

    `estimates`: customers x offers, at most 1; below 0 where an offer drives customers away.
    Without any, one number stands for all customers. Raises BadInput where they are of another
    shape or not such numbers.

    >>> offers = (Offer(code="A", label="a", save_rate=0.2), Offer(code="B", label="b"))
    >>> known = np.array([[np.nan, 0.5], [0.4, np.nan]])
    >>> [rate.tolist() for rate in rates(offers, Economics(), 2, known)]
    [[0.2, 0.4], [0.5, 0.3]]
    >>> [rate.tolist() for rate in rates(offers, Economics(), 2, None)]
    [0.2, 0.3]
    """
    prior = np.array([save_rate(offer, econ) for offer in offers], dtype=float)
    if estimates is None:
        return [np.asarray(rate) for rate in prior]
    if estimates.shape != (customers, len(offers)):
        raise BadInput(
            "the estimated save rates are not one per customer and offer",
            where="economics",
            got=" x ".join(str(side) for side in estimates.shape),
            expected=f"{customers} x {len(offers)}",
            next_step="estimate for the customers and offers of this round, NaN where unknown",
        )
    if (estimates > 1).any() or np.isinf(estimates).any():
        raise BadInput(
            "an estimated save rate is no share of churners",
            where="economics",
            got=f"{np.nanmin(estimates)} to {np.nanmax(estimates)}",
            expected="at most 1, NaN where unknown",
            next_step="estimate 1 - churn if contacted / churn if not",
        )
    return list(np.where(np.isnan(estimates), prior, estimates).T)
