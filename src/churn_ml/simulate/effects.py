"""Planted effects of offers: what each truly saves in a synthetic shop, which no real shop knows.

Enters: offers, and of every customer which scenario is planted, if any. Leaves: true save rates,
customers x offers. Nothing of it is measured. An offer that answers a cause which some scenario
plants saves the customers planted with it more often than its prior says, and the others less; one
that answers none of them saves as its prior says. Around that every customer differs.

Worked example: LIVE_TRACKING answers slow delivery, and its prior is .06. A customer planted with
`delivery` is saved at about .11, everybody else at about .03, each half as much or half more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from churn_ml.config import Economics, Offer
from churn_ml.economics import Floats
from churn_ml.save_priors import save_rate
from churn_ml.targeting import keyed_hash

ANSWERED: Mapping[str, tuple[str, ...]] = {
    "logistics": ("LOGISTICS_CUSTOMS", "LOGISTICS_SLOW"),
    "category_shift": ("NEED_CHANGED", "NO_PERSONALISATION"),
    "delivery": ("LOGISTICS_SLOW",),
    "payment": ("CHECKOUT_FRICTION", "PAYMENT_OPTIONS"),
}
"""Scenario -> causes that explain it: what an offer must answer to help against it."""
FITTING, BESIDE = 1.8, 0.5
"""How often an offer saves against its prior: where it answers what is planted, and where not."""
MOST = 0.9
KEY = b"synthetic effects"


def true_save_rates(
    offers: Sequence[Offer],
    customer_ids: Sequence[str],
    scenarios: Sequence[str | None],
    econ: Economics,
) -> Floats:
    """The share in which each offer truly saves each customer, were he to churn.

    `scenarios`: what is planted, one per customer, None where nothing is. The same customer and
    offer give the same rate in every shop.

    >>> offers = (Offer(code="LIVE_TRACKING"), Offer(code="MAIL", label="a mail", save_rate=0.06))
    >>> told = true_save_rates(offers, ["c1", "c1"], ["delivery", None], Economics())
    >>> (told[0] / told[1]).round(6).tolist()
    [3.6, 1.0]
    """
    planted = np.array([scenario or "" for scenario in scenarios], dtype=object)
    columns = [
        save_rate(offer, econ) * _fit(offer, planted) * _own(offer, customer_ids)
        for offer in offers
    ]
    return np.minimum(np.stack(columns, axis=1), MOST)


def _fit(offer: Offer, planted: NDArray[np.object_]) -> Floats:
    """How much more often than its prior the offer saves who is planted with each scenario."""
    against = [name for name, causes in ANSWERED.items() if set(causes) & set(offer.causes)]
    if not against:
        return np.ones(len(planted))
    return np.where(np.isin(planted, against), FITTING, BESIDE)


def _own(offer: Offer, customer_ids: Sequence[str]) -> Floats:
    """A factor of each customer, evenly between a half and one and a half."""
    drawn = keyed_hash((f"{customer}/{offer.code}" for customer in customer_ids), KEY)
    return 0.5 + drawn / 2.0**64
