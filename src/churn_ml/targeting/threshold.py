"""The threshold: what a contact must be expected to earn, as one past cut-off has taught it.

Enters: probabilities and values of one validation cut-off, and what happened to its customers.
Leaves: tau. Worked example: on 2017-09-01 a score says .5 of everybody and nobody churns, so that
every contact loses: tau is 9.75, which no gain exceeds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.economics import (
    NO_CONTACT,
    Flags,
    Floats,
    Terms,
    Truth,
    check_same_length,
    costs,
    gains,
    realised,
)
from churn_ml.targeting.choosing import allocate, best_offer
from churn_ml.targeting.rationing import SLACK

TAU_NOISE = 2.0
"""Standard errors by which a threshold must earn more than 0 does."""
TRIED = 21
"""Thresholds that are tried under a budget: so many points of the gains, evenly spread."""


def tune_tau(
    p: Floats,
    value: Floats,
    truth: Truth,
    terms: Terms,
    tiebreak: NDArray[Any],
    allowed: Flags | None = None,
) -> float:
    """The threshold on expected gain that earns most on one validation cut-off; 0 unless it pays.

    Where the budget reaches, every policy is a prefix of the customers in order of expected gain,
    so one sorted pass tries all of them; where it does not, some thresholds are tried by the very
    choice that would be made. A threshold other than 0 is taken only where it earns more than 0
    does by over two standard errors of the paired difference: for a calibrated score 0 is the
    answer, and the search would otherwise tune to noise. One row per customer; `allowed` as in
    `choose`.

    >>> from churn_ml.config import Offer
    >>> offer = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    >>> truth = Truth(np.zeros(5), np.full(5, 200.0))
    >>> tune_tau(np.full(5, 0.5), np.full(5, 200.0), truth, Terms((offer,)), np.arange(5))
    9.75
    """
    check_same_length(p, value, truth.y, truth.value, tiebreak)
    if not terms.offers or not len(p):
        return 0.0
    table, every = gains(p, value, terms), costs(p, value, terms)
    index, expected = best_offer(table, allowed)
    order = np.lexsort((tiebreak, -expected))[: int((index != NO_CONTACT).sum())]
    if not len(order):
        return 0.0
    cost = np.take_along_axis(every, index[:, None], axis=1)[order, 0]
    budget = terms.policy.budget_amount
    if budget is not None and float(cost.sum()) > budget * SLACK:

        def earns(tau: float) -> Floats:
            choice = allocate(table, every, allowed, terms.policy, tau, tiebreak).index
            return realised(choice, truth, terms)

        return _best_tried(expected[order], earns)
    earned = realised(index, truth, terms)[order]
    return _best_prefix(expected[order], earned[: terms.policy.capacity_customers])


def _best_tried(expected: Floats, earns: Callable[[float], Floats]) -> float:
    """The threshold that earns most of those tried; `earns`: what each customer brings under it."""
    taus = np.unique(np.quantile(expected, np.linspace(0.0, 1.0, TRIED)))
    usual, best, found = earns(0.0), 0.0, 0.0
    for tau in taus.tolist():
        more = earns(tau) - usual
        gained = float(more.sum())
        if gained > max(best, TAU_NOISE * float(np.sqrt((more**2).sum()))):
            best, found = gained, tau
    return found


def _best_prefix(expected: Floats, earned: Floats) -> float:
    """The threshold that takes the best prefix; `expected` falls, `earned` is what limits cover."""
    total = np.concatenate([[0.0], np.cumsum(earned)])
    square = np.concatenate([[0.0], np.cumsum(earned**2)])
    edges = np.flatnonzero(np.diff(expected, prepend=np.inf, append=-np.inf))
    edges = edges[edges <= len(earned)]
    at_zero = min(int((expected > 0).sum()), len(earned))
    best = int(edges[np.argmax(total[edges])])
    noise = float(np.sqrt(abs(square[best] - square[at_zero])))
    if best == at_zero or total[best] - total[at_zero] <= TAU_NOISE * noise:
        return 0.0
    # the threshold is the first gain that is left out: the rule is "contact if G > tau"
    return float(expected[best]) if best < len(expected) else float(expected[-1]) - 1.0
