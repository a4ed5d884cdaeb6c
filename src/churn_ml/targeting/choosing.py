"""Choosing: whom a round contacts, with which offer.

Enters: gain and cost of every offer for every customer of one cut-off, what may be offered to whom,
the limits of a round and the threshold tau. Leaves: an `Allocation`. Without a budget it is exact:
each customer's best offer, in order of gain up to capacity. Where the budget does not reach,
rationing.py shares it out.

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
from dataclasses import dataclass
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
    check_same_length,
    costs,
    gains,
)
from churn_ml.targeting.rationing import SLACK, rationed


@dataclass(frozen=True, eq=False)
class Allocation:
    """One round's decisions, an element per customer, and how near they are to the best."""

    index: Ints
    """The offer of each customer, NO_CONTACT where none."""
    expected: Floats
    """Gain of the offer, shop currency; where there is none, of the best that may be made: minus
    infinity where nothing may. So it tells who pays and was left out by the limits."""
    cost: Floats
    """Expected cost of the offer, 0 where none, shop currency."""
    bound: float
    """What no choice under these limits can exceed: the optimum of the linear relaxation. It counts
    the gains of the contacted; under a tau below 0, what they lie above tau."""
    gap: float
    """The share of the bound that the choice falls short of; 0 is proven to be the best."""


def allocate(
    table: Floats,
    cost: Floats,
    allowed: Flags | None,
    limits: Policy,
    tau: float,
    tiebreak: NDArray[Any],
) -> Allocation:
    """The choice that is expected to earn most within the limits, each customer at most one offer.

    `table` and `cost`: gain and expected cost, customers x offers; `allowed`: likewise, everything
    where None; `tau`: the gain that a contact must exceed; below 0 a contact counts for what it
    lies above tau. `tiebreak`: a keyed hash per customer, so that equal gains are decided alike in
    every run, in whatever order the customers stand, and for no one's benefit. A larger budget
    never lowers what is earned.

    >>> table, cost = np.array([[9.0, 6.0], [8.0, 1.0]]), np.array([[6.0, 2.0], [3.0, 1.0]])
    >>> told = allocate(table, cost, None, Policy(budget_amount=6), 0.0, np.array([1, 2]))
    >>> told.index.tolist(), told.cost.tolist(), round(told.bound, 2)
    ([1, 0], [2.0, 3.0], 14.75)
    """
    check_same_length(table, cost, tiebreak, *([] if allowed is None else [allowed]))
    index, expected = best_offer(table, allowed)
    spent = _picked(cost, index)
    floor = _floor(expected, tau)
    taken = _by_gain(expected, limits.capacity_customers, tau, tiebreak)
    bound = worth = float((expected[taken] - floor).sum())
    budget = limits.budget_amount
    if budget is not None and spent[taken].sum() > budget * SLACK:
        may = table > tau if allowed is None else (table > tau) & allowed
        chosen, bound, worth = rationed(
            np.where(may, table - floor, -np.inf), cost, limits.capacity_customers, budget, tiebreak
        )
        taken, index = chosen != NO_CONTACT, np.where(chosen != NO_CONTACT, chosen, index)
        expected = np.where(taken, _picked(table, index), expected)
        spent = _picked(cost, index)
    return Allocation(
        np.where(taken, index, NO_CONTACT),
        expected,
        np.where(taken, spent, 0.0),
        bound,
        (bound - worth) / bound if bound > 0 else 0.0,
    )


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


def _by_gain(expected: Floats, capacity: int | None, tau: float, tiebreak: NDArray[Any]) -> Flags:
    """Whom a round contacts that money does not limit: gain above tau, the largest up to capacity.

    `expected`: gain of each customer's best offer.

    >>> _by_gain(np.array([9.0, 4.0, 4.0, -1.0]), 2, 0.0, np.array([1, 3, 2, 4])).tolist()
    [True, False, True, False]
    """
    pays = np.asarray(expected > tau, dtype=bool)
    if capacity is None:
        return pays
    order = np.lexsort((tiebreak, -expected))
    chosen = np.zeros(len(expected), dtype=bool)
    chosen[order[: min(int(pays.sum()), capacity)]] = True
    return chosen


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
    save_rate: Floats | None = None,
) -> Ints:
    """One round's decisions: the index of each customer's offer, NO_CONTACT where none.

    The policy that every candidate shares, the inactivity rule included: contact with the best
    offer if `G(p, V) > tau`, then capacity and budget. One row per customer. `allowed`: customers x
    offers, from `permitted`; everything where absent. `save_rate` as in `economics.gains`.

    >>> from churn_ml.config import Offer
    >>> offer = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    >>> choose(np.array([0.5, 0.1]), np.array([200.0, 200.0]), Terms((offer,)), 0.0,
    ...        np.array([1, 2])).tolist()
    [0, -1]
    """
    check_same_length(p, value, tiebreak)
    table, cost = (of(p, value, terms, save_rate) for of in (gains, costs))
    return allocate(table, cost, allowed, terms.policy, tau, tiebreak).index


def _picked(table: Floats, index: Ints) -> Floats:
    """The element of each customer's offer; whatever stands there where the customer has none."""
    if table.shape[1] == 0:
        return np.zeros(len(table))
    return np.asarray(np.take_along_axis(table, index[:, None], axis=1)[:, 0], dtype=float)


def _floor(expected: Floats, tau: float) -> float:
    """What a contact counts from: 0, or a tau below it, which is at least below every gain."""
    known = expected[np.isfinite(expected)]
    return min(0.0, max(tau, float(known.min(initial=0.0)) - 1.0))


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
