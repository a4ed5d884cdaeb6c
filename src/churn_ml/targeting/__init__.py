"""Targeting: whom a round contacts, with which offer, and where the threshold lies.

In: gains, costs and probabilities as numpy arrays, one element (or row) per customer of one
cut-off, and the limits of a round. Out: decisions as an index into the offers, -1 for "no contact",
and the threshold tau. Every candidate is judged under the one rule that stands here, the inactivity
rule included, and the actions of a day are decided by it.

    choosing.py    the best offer of each, and the choice within the limits
    rationing.py   how a budget that does not reach is shared out
    threshold.py   the gain that a contact must exceed

Worked example: as of 2017-10-01 a budget of 1,000.00 reaches for 180 of the 300 households who
would pay; those are contacted who bring most for each unit of it, some with a dearer offer.
"""

from __future__ import annotations

from churn_ml.targeting.choosing import (
    Allocation,
    allocate,
    best_offer,
    choose,
    keyed_hash,
    permitted,
)
from churn_ml.targeting.threshold import tune_tau

__all__ = [
    "Allocation",
    "allocate",
    "best_offer",
    "choose",
    "keyed_hash",
    "permitted",
    "tune_tau",
]
