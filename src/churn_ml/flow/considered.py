"""Considered: what became of each offer for one customer, and why the chosen one won.

Enters: the customer's score and action as published, and the offers as they were priced then.
Leaves: a row an offer. Worked example: as of 2017-11-01 BASKET_5 would earn 4.10 on h1 and REMINDER
3.20, so BASKET_5 was chosen and REMINDER `earns_less`; under a budget it may be the other way
round, and BASKET_5 is `too_dear`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from churn_ml.actions import NONE

if TYPE_CHECKING:
    from churn_ml.house import House
    from churn_ml.ledger import Publication
    from churn_ml.wording import Language

BARS_ALL = ("suppressed", "recently_contacted")
"""What bars a customer from every offer."""
ROUNDED = 1e-6
"""Gains nearer than this are one: the stored one is rounded."""


def considered(
    house: House, published: Publication, score: Any, action: Any, language: Language
) -> list[dict[str, Any]]:
    """Every offer of the contract with its gain, its cost and why it was not made, best first.

    `score` and `action`: the customer's rows of those tables, of the as_of of `published`; the
    save rates are those that the scoring counted with.
    """
    import numpy as np

    from churn_ml import wording
    from churn_ml.economics import Terms, costs, gains
    from churn_ml.flow.export import threshold
    from churn_ml.flow.saving import rated

    terms = Terms.of(rated(house.config, published.pins.get("save_rates", {})))
    if not terms.offers:
        return []
    p, worth = np.array([float(score["score"])]), np.array([float(score["value"])])
    gain, cost = gains(p, worth, terms)[0], costs(p, worth, terms)[0]
    tau = threshold(house, published.as_of)
    paired = zip(terms.offers, gain.tolist(), strict=True)
    lost = {offer.code: _lost(offer.code, earns, action, tau) for offer, earns in paired}
    found = [
        {
            "code": offer.code,
            "label": wording.offer(offer.code, offer.label, language),
            "expected_gain": round(float(gain[at]), 6),
            "expected_cost": round(float(cost[at]), 6),
            "chosen": offer.code == action["would_be_offer"],
            "why": lost[offer.code],
            "says": wording.why(lost[offer.code], language),
        }
        for at, offer in enumerate(terms.offers)
    ]
    return sorted(found, key=lambda one: -one["expected_gain"])


def _lost(code: str, gain: float, action: Any, tau: float) -> str:
    """What became of one offer: what barred it, what beat it, or what became of the customer.

    Under a budget an offer that earns more may lose to one that costs less (`too_dear`).

    >>> told = {"why": "chosen", "would_be_offer": "A", "expected_gain": 2.0,
    ...     "barred": '{"B": "no_cause"}'}
    >>> [_lost(code, gain, told, 0.0) for code, gain in zip("ABCDE", (2.0, 9.0, 1.0, 3.0, -1.0))]
    ['chosen', 'no_cause', 'earns_less', 'too_dear', 'does_not_pay']
    """
    barred, chosen = json.loads(action["barred"] or "{}"), action["would_be_offer"]
    if action["why"] in BARS_ALL or code == chosen:
        return str(action["why"])
    if code in barred:
        return str(barred[code])
    if gain <= tau:
        return "does_not_pay"
    if chosen == NONE:
        return str(action["why"])
    return "too_dear" if gain > action["expected_gain"] + ROUNDED else "earns_less"
