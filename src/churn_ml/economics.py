"""Economics: what a contact costs and earns.

The one room that holds the formulas of retention profit; targeting, evaluation, gate, actions and
experiments all read them here. In: probabilities (or realised labels), values and the offers of
churn.toml as numpy arrays, one element per customer and cut-off. Out: gains and costs in the shop's
currency. Whom to contact is decided in targeting.py.

Worked example. As of 2017-10-01 household `h1` has a score of .5 and a value of 200 (expected net
margin over 365 days if retained). The offer costs 5 when redeemed and 1 to send; it saves .3 of the
churners, a saved one is worth .5 of the value, and a contact harms a stayer by .01 of the value.
Then G = .5 * .3 * (.5 * 200 - 5) - .5 * (5 + .01 * 200) - 1 = 9.75: contact.

>>> from churn_ml.config import Economics, Offer
>>> offer = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
>>> float(gain(np.array([0.5]), np.array([200.0]), offer, Economics())[0])
9.75
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.config import Config, Economics, Offer, Policy
from churn_ml.errors import BadInput
from churn_ml.save_priors import rates, save_rate

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

NO_CONTACT = -1
"""The offer index of a customer who is not contacted."""


@dataclass(frozen=True)
class Terms:
    """What every candidate is judged under: the offers, the economics and the limits of a round."""

    offers: tuple[Offer, ...]
    economics: Economics = field(default_factory=Economics)
    policy: Policy = field(default_factory=Policy)

    @classmethod
    def of(cls, config: Config) -> Terms:
        """The terms that churn.toml states.

        >>> from churn_ml.config import Shop
        >>> Terms.of(Config(shop=Shop(name="s", currency="EUR"))).offers
        ()
        """
        return cls(config.own_offers, config.economics, config.policy)


@dataclass(frozen=True)
class Truth:
    """What happened, one element per customer and cut-off: the realised label and V^E.

    `y`: 1.0 churned without contact, 0.0 not. `value`: a value that belongs to no model under
    test, in the shop's currency. Never a model's own p and V: overconfidence would pay.
    """

    y: Floats
    value: Floats


def for_part(terms: Terms, part: float) -> Terms:
    """The same terms with capacity and budget of a round that holds only `part` of its customers.

    Limits are stated for everybody at risk. Where a tenth of them is judged on (the universal
    holdout), a round of that tenth has a tenth of the room, or nobody would ever be left out.
    `part`: rows judged on over rows at risk, above 0, at most 1. Raises BadInput outside.

    >>> round_of = Policy(capacity_customers=300, budget_amount=1000)
    >>> tenth = for_part(Terms((), policy=round_of), 0.1).policy
    >>> tenth.capacity_customers, tenth.budget_amount
    (30, 100.0)
    """
    if not 0 < part <= 1:
        raise BadInput("a part lies above 0, at most 1", where="economics", got=part)
    customers, budget = terms.policy.capacity_customers, terms.policy.budget_amount
    limits = {
        "capacity_customers": None if customers is None else round(customers * part),
        "budget_amount": None if budget is None else budget * part,
    }
    return replace(terms, policy=terms.policy.model_copy(update=limits))


def gain(
    y: Floats, value: Floats, offer: Offer, econ: Economics, rate: Floats | None = None
) -> Floats:
    """Profit of contacting each customer with `offer`, in the shop's currency.

    `G = y gamma (rho V - d) - (1 - y) (q d + eta V) - k` (economics.md (a)); with rho = q = 1 and
    eta = 0 it is the profit of Verbraken, Verbeke & Baesens (2013), equation 4.
    `y`: churned without contact, 1 or 0, or its probability. `value`: V, expected net margin over
    `value_horizon_days` if retained. Both one element per customer and cut-off; so is the result,
    and `rate`, an estimate of gamma where there is one.

    >>> offer = Offer(code="CALL", label="a call", cost_amount=5, contact_amount=1, save_rate=0.3)
    >>> gain(np.array([1.0, 0.0]), np.array([200.0, 200.0]), offer, Economics()).tolist()
    [27.5, -8.0]
    """
    cost = redeemed_cost(value, offer, econ)
    gamma = save_rate(offer, econ) if rate is None else rate
    saved = gamma * (econ.saved_value_share * value - cost)
    kept = offer.redeem_share * cost + econ.stayer_harm_share * value
    return np.asarray(y * saved - (1.0 - y) * kept - offer.contact_amount, dtype=float)


def redeemed_cost(value: Floats, offer: Offer, econ: Economics) -> Floats:
    """d: what the shop pays when the offer is redeemed, fixed plus a share of expected revenue.

    Expected revenue is `V / margin_rate`, over the same `value_horizon_days` as V.

    >>> offer = Offer(code="TEN", label="2 % off", cost_amount=1, cost_revenue_share=0.02)
    >>> redeemed_cost(np.array([30.0]), offer, Economics(margin_rate=0.3)).tolist()
    [3.0]
    """
    revenue = value / econ.margin_rate if econ.margin_rate > 0 else np.zeros_like(value)
    return np.asarray(offer.cost_amount + offer.cost_revenue_share * revenue, dtype=float)


def at_save_rate_quantile(terms: Terms, quantile: float) -> Terms:
    """The same terms with every save rate at a quantile of its Beta prior.

    An offer with a save rate m of its own gets a prior of the same weight a + b around m. The gate
    reads it at .1 and .9, to say whether its sign depends on an assumption.

    >>> terms = Terms((Offer(code="A", label="a"),))
    >>> [round(save_rate(at_save_rate_quantile(terms, q).offers[0], Economics()), 3)
    ...  for q in (0.1, 0.9)]
    [0.175, 0.434]
    """
    from scipy.special import betaincinv

    weight = terms.economics.save_rate_a + terms.economics.save_rate_b

    def moved(offer: Offer) -> Offer:
        mean = save_rate(offer, terms.economics)
        if not 0 < mean < 1:
            return offer
        rate = float(betaincinv(mean * weight, (1 - mean) * weight, quantile))
        return offer.model_copy(update={"save_rate": rate})

    return Terms(tuple(moved(o) for o in terms.offers), terms.economics, terms.policy)


def gains(y: Floats, value: Floats, terms: Terms, save_rate: Floats | None = None) -> Floats:
    """G of every customer (row) and offer (column), in the shop's currency.

    `save_rate`: customers x offers, what an uplift model estimates in place of the prior; NaN where
    it knows nothing.

    >>> gains(np.array([0.5, 0.1]), np.array([200.0, 200.0]), Terms(())).shape
    (2, 0)
    >>> terms = Terms((Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1),))
    >>> gains(np.full(2, 0.5), np.full(2, 200.0), terms, np.array([[0.6], [np.nan]])).tolist()
    [[24.0], [9.75]]
    """
    found = rates(terms.offers, terms.economics, len(y), save_rate)
    columns = [
        gain(y, value, offer, terms.economics, rate)
        for offer, rate in zip(terms.offers, found, strict=True)
    ]
    return np.stack(columns, axis=1) if columns else np.empty((len(y), 0))


def costs(p: Floats, value: Floats, terms: Terms, save_rate: Floats | None = None) -> Floats:
    """Expected cost of every contact: `(p gamma + (1 - p) q) d + k`; customers x offers.

    `save_rate` as in `gains`.

    >>> offer = Offer(code="A", label="a", cost_amount=10, contact_amount=1, save_rate=0.5)
    >>> costs(np.array([0.5]), np.array([100.0]), Terms((offer,))).tolist()
    [[8.5]]
    """
    columns = []
    found = rates(terms.offers, terms.economics, len(p), save_rate)
    for offer, rate in zip(terms.offers, found, strict=True):
        # who would be driven away redeems nothing
        redeems = p * np.maximum(rate, 0.0) + (1.0 - p) * offer.redeem_share
        cost = redeems * redeemed_cost(value, offer, terms.economics)
        columns.append(cost + offer.contact_amount)
    return np.stack(columns, axis=1) if columns else np.empty((len(p), 0))


def realised(choice: Ints, truth: Truth, terms: Terms, save_rate: Floats | None = None) -> Floats:
    """What each decision earned, in the shop's currency; 0 where no contact; see `gains`.

    >>> offer = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    >>> truth = Truth(np.array([1.0, 1.0, 0.0]), np.full(3, 200.0))
    >>> realised(np.array([0, -1, 0]), truth, Terms((offer,))).tolist()
    [27.5, 0.0, -8.0]
    """
    check_same_length(choice, truth.y, truth.value)
    table = gains(truth.y, truth.value, terms, save_rate)
    padded = np.column_stack([table, np.zeros(len(table))])
    return np.asarray(padded[np.arange(len(table)), choice], dtype=float)


def oracle(truth: Truth, terms: Terms, allowed: Flags | None = None) -> Floats:
    """What somebody who knows the labels earns per row: `max(0, max_j G_j)` over what is allowed.

    `allowed`: rows x offers; everything where absent.

    >>> offer = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    >>> oracle(Truth(np.array([1.0, 0.0]), np.full(2, 200.0)), Terms((offer,))).tolist()
    [27.5, 0.0]
    """
    table = gains(truth.y, truth.value, terms)
    table = table if allowed is None else np.where(allowed, table, 0.0)
    return np.asarray(table.max(axis=1, initial=0.0), dtype=float)


def per_1000(earned: Floats) -> float:
    """Profit per 1,000 customers at risk from the profit of each, contacted or not.

    >>> per_1000(np.array([27.5, 0.0, -8.0, 0.5]))
    5000.0
    """
    return 1000.0 * float(earned.mean()) if len(earned) else 0.0


def check_same_length(*arrays: NDArray[Any]) -> None:
    """Raise BadInput where the arrays of one round differ in length.

    >>> check_same_length(np.zeros(2), np.ones(2))
    """
    lengths = sorted({len(a) for a in arrays})
    if len(lengths) > 1:
        raise BadInput(
            "arrays of one round differ in length",
            where="economics",
            got=", ".join(str(n) for n in lengths),
            expected="one element per customer in each",
            next_step="align scores, values and labels by customer_id first",
        )
