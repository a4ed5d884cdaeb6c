"""Targeting: whom a round contacts, with which offer, and where the threshold lies.

In: gains, costs and probabilities as numpy arrays, one element (or row) per customer of one
cut-off, and the limits of a round. Out: decisions as an index into the offers, -1 for "no contact",
and the threshold tau. Every candidate is judged under the one rule that stands here, the inactivity
rule included, and the actions of a day are decided by it.

Worked example. As of 2017-10-01 the coupon is expected to earn 9.75 on household `h1` and -4.45 on
`h2`: `h1` is contacted, `h2` is not.

>>> from churn_ml.config import Offer
>>> terms = Terms((Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1),))
>>> p, value = np.array([0.5, 0.1]), np.array([200.0, 200.0])
>>> gains(p, value, terms)[:, 0].round(2).tolist()
[9.75, -4.45]
>>> choose(p, value, terms, 0.0, np.array([1, 2])).tolist()
[0, -1]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.config import Offer, Policy
from churn_ml.economics import (
    NO_CONTACT,
    Flags,
    Floats,
    Ints,
    Terms,
    Truth,
    check_same_length,
    costs,
    gains,
    realised,
)

TAU_NOISE = 2.0
"""Standard errors by which a threshold must earn more than 0 does."""


def best_offer(table: Floats, allowed: Flags | None = None) -> tuple[Ints, Floats]:
    """The offer with the largest gain per customer, and that gain.

    `table`: customers x offers, from `gains`. `allowed`, of the same shape, bars offers (no
    consent, another segment). Ties go to the offer named first in churn.toml. A customer to whom
    nothing may be offered gets NO_CONTACT and minus infinity.

    >>> index, expected = best_offer(np.array([[1.0, 2.0], [3.0, 3.0]]))
    >>> index.tolist(), expected.tolist()
    ([1, 0], [2.0, 3.0])
    """
    if allowed is not None:
        table = np.where(allowed, table, -np.inf)
    if table.shape[1] == 0:
        return np.full(len(table), NO_CONTACT), np.full(len(table), -np.inf)
    index = table.argmax(axis=1)
    expected = table.max(axis=1)
    return np.where(np.isneginf(expected), NO_CONTACT, index), expected


def within_limits(
    expected: Floats, cost: Floats, limits: Policy, tau: float, tiebreak: NDArray[Any]
) -> Flags:
    """Whom a round contacts: gain above tau, in order of gain, up to capacity and budget.

    `expected` and `cost`: gain and expected cost of each customer's best offer. `tiebreak`: a keyed
    hash per customer, so that equal gains are decided alike in every run and for no one's benefit.
    The round ends at the first customer whom the budget no longer covers: a larger limit never
    drops anyone.

    >>> limits = Policy(capacity_customers=2, budget_amount=5)
    >>> within_limits(np.array([9.0, 1.0, 4.0]), np.array([2.0, 2.0, 4.0]), limits, 0.0,
    ...               np.array([1, 2, 3])).tolist()
    [True, False, False]
    """
    if limits.capacity_customers is None and limits.budget_amount is None:
        return np.asarray(expected > tau, dtype=bool)
    order = np.lexsort((tiebreak, -expected))
    taken = int((expected > tau).sum())
    chosen = np.zeros(len(expected), dtype=bool)
    chosen[order[: min(taken, room(cost[order], limits))]] = True
    return chosen


def room(cost: Floats, limits: Policy) -> int:
    """How many of the customers, in the given order, capacity and budget cover.

    >>> room(np.array([2.0, 2.0, 2.0]), Policy(budget_amount=4))
    2
    """
    covered = len(cost)
    if limits.capacity_customers is not None:
        covered = min(covered, limits.capacity_customers)
    if limits.budget_amount is not None:
        # a hair of slack: .1 + .2 must fit into .3
        within = np.cumsum(cost) <= limits.budget_amount * (1 + 1e-12)
        covered = min(covered, int(within.sum()))
    return covered


def permitted(contactable: Flags, offers: Sequence[Offer]) -> Flags:
    """Customers x offers: True where the customer consents to contact, or the offer needs none.

    >>> from churn_ml.config import Offer
    >>> mail, free = Offer(code="MAIL", label="m"), Offer(code="AD", label="a", needs_consent=False)
    >>> permitted(np.array([True, False]), (mail, free)).tolist()
    [[True, True], [False, True]]
    """
    free = np.array([not offer.needs_consent for offer in offers], dtype=bool)
    return np.asarray(contactable[:, None] | free, dtype=bool)


def choose(
    p: Floats,
    value: Floats,
    terms: Terms,
    tau: float,
    tiebreak: NDArray[Any],
    allowed: Flags | None = None,
) -> Ints:
    """One round's decisions: the index of each customer's offer, NO_CONTACT where none.

    The policy that every candidate shares, the inactivity rule included: contact with the best
    offer if `G(p, V) > tau`, then capacity and budget. One row per customer. `allowed`: customers x
    offers, from `permitted`; everything where absent.

    >>> from churn_ml.config import Offer
    >>> offer = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    >>> choose(np.array([0.5, 0.1]), np.array([200.0, 200.0]), Terms((offer,)), 0.0,
    ...        np.array([1, 2])).tolist()
    [0, -1]
    """
    check_same_length(p, value, tiebreak)
    index, expected = best_offer(gains(p, value, terms), allowed)
    if not terms.offers:
        return index
    cost = np.take_along_axis(costs(p, value, terms), index[:, None], axis=1)[:, 0]
    return np.where(within_limits(expected, cost, terms.policy, tau, tiebreak), index, NO_CONTACT)


def tune_tau(
    p: Floats,
    value: Floats,
    truth: Truth,
    terms: Terms,
    tiebreak: NDArray[Any],
    allowed: Flags | None = None,
) -> float:
    """The threshold on expected gain that earns most on one validation cut-off; 0 unless it pays.

    Every policy is a prefix of the customers in order of expected gain, so one sorted pass tries
    all of them. A threshold other than 0 is taken only where it earns more than 0 does by over two
    standard errors of the paired difference: for a calibrated score 0 is the answer, and the search
    would otherwise tune to noise. One row per customer; `allowed` as in `choose`.

    >>> from churn_ml.config import Offer
    >>> offer = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    >>> truth = Truth(np.zeros(5), np.full(5, 200.0))
    >>> tune_tau(np.full(5, 0.5), np.full(5, 200.0), truth, Terms((offer,)), np.arange(5))
    9.75
    """
    check_same_length(p, value, truth.y, truth.value, tiebreak)
    if not terms.offers or not len(p):
        return 0.0
    index, expected = best_offer(gains(p, value, terms), allowed)
    order = np.lexsort((tiebreak, -expected))[: int((index != NO_CONTACT).sum())]
    if not len(order):
        return 0.0
    cost = np.take_along_axis(costs(p, value, terms), index[:, None], axis=1)[order, 0]
    earned = realised(index, truth, terms)[order]
    return _best_prefix(expected[order], earned[: room(cost, terms.policy)])


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


def keyed_hash(customer_ids: Iterable[str], key: bytes) -> NDArray[np.uint64]:
    """A number per customer that decides ties: keyed BLAKE2b, 64 bits, the same in every run.

    >>> a, b = keyed_hash(["h1", "h2"], b"key"), keyed_hash(["h2", "h1"], b"key")
    >>> bool((a == b[::-1]).all()), bool(a[0] == a[1])
    (True, False)
    """
    keyed = hashlib.blake2b(key=key[:64], digest_size=8)
    digests = []
    for customer in customer_ids:
        told = keyed.copy()
        told.update(str(customer).encode())
        digests.append(told.digest())
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
