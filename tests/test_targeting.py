"""The best offer, the limits of a round, and the threshold."""

from __future__ import annotations

import numpy as np
import pytest

from churn_ml.config import Offer, Policy
from churn_ml.economics import (
    NO_CONTACT,
    Terms,
    Truth,
    oracle,
    per_1000,
    realised,
)
from churn_ml.errors import BadInput
from churn_ml.targeting import best_offer, choose, keyed_hash, tune_tau

COUPON = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
CALL = Offer(code="CALL", label="a call", contact_amount=12, save_rate=0.6)


def test_the_best_offer_differs_by_value() -> None:
    """At a risk of .5 a call of 12 that saves .6 beats a coupon from a value of 103.3 on."""
    value = np.array([103.0, 104.0])
    chosen = choose(np.array([0.5, 0.5]), value, Terms((COUPON, CALL)), 0.0, np.array([1, 2]))
    assert chosen.tolist() == [0, 1]


def test_a_barred_offer_is_never_the_best() -> None:
    table = np.array([[5.0, 1.0], [5.0, 1.0]])
    allowed = np.array([[False, True], [False, False]])
    index, expected = best_offer(table, allowed)
    assert index.tolist() == [1, NO_CONTACT]
    assert expected.tolist() == [1.0, -np.inf]


def test_capacity_takes_the_largest_gains_and_ties_go_by_the_keyed_hash() -> None:
    terms = Terms((COUPON,), policy=Policy(capacity_customers=2))
    p, value = np.array([0.9, 0.5, 0.5, 0.1]), np.full(4, 200.0)
    ties = np.array([4, 3, 2, 1])
    assert choose(p, value, terms, 0.0, ties).tolist() == [0, NO_CONTACT, 0, NO_CONTACT]


def test_a_tenth_thrice_fits_into_a_budget_of_three_tenths() -> None:
    free = Offer(code="MAIL", label="a mail", contact_amount=0.1)
    terms = Terms((free,), policy=Policy(budget_amount=0.3))
    assert choose(np.full(4, 0.9), np.full(4, 200.0), terms, 0.0, np.arange(4)).max() == 0
    taken = choose(np.full(4, 0.9), np.full(4, 200.0), terms, 0.0, np.arange(4))
    assert (taken == 0).sum() == 3


def test_without_offers_nobody_is_contacted() -> None:
    truth = Truth(np.array([1.0]), np.array([90.0]))
    assert choose(np.ones(1), truth.value, Terms(()), 0.0, np.ones(1)).tolist() == [NO_CONTACT]
    assert oracle(truth, Terms(())).tolist() == [0.0]
    assert tune_tau(np.ones(1), truth.value, truth, Terms(()), np.ones(1)) == 0.0


def _validation(seed: int, overstated: float) -> tuple[np.ndarray, Truth]:
    rng = np.random.default_rng(seed)
    p = rng.beta(1.5, 5, 4000)
    y = (rng.random(4000) < p).astype(float)
    return np.clip(p * overstated, 0, 1), Truth(y, rng.lognormal(5, 0.5, 4000))


def test_tau_stays_0_for_a_calibrated_score() -> None:
    taus = []
    for seed in range(20):
        p, truth = _validation(seed, overstated=1.0)
        taus.append(tune_tau(p, truth.value, truth, Terms((COUPON,)), np.arange(4000)))
    assert taus.count(0.0) >= 17


def test_tau_rises_for_a_score_that_overstates_and_earns_more_than_0() -> None:
    p, truth = _validation(1, overstated=2.0)
    terms, ties = Terms((COUPON,)), np.arange(4000)
    tau = tune_tau(p, truth.value, truth, terms, ties)
    earned = [
        per_1000(realised(choose(p, truth.value, terms, t, ties), truth, terms)) for t in (0, tau)
    ]
    assert tau > 0
    assert earned[1] > earned[0]


def test_tau_is_tuned_on_the_independent_value_not_on_the_models_own() -> None:
    """Half are worth 100 to the model and nothing in truth: by its own value all would pay."""
    rng = np.random.default_rng(2)
    y = (rng.random(2000) < 0.5).astype(float)
    worthless = np.arange(2000) % 2 == 0
    own = np.where(worthless, 100.0, 300.0)
    truth = Truth(y, np.where(worthless, 0.0, 300.0))
    p, terms, ties = np.full(2000, 0.5), Terms((COUPON,)), np.arange(2000)
    assert tune_tau(p, own, Truth(y, own), terms, ties) == 0.0
    assert tune_tau(p, own, truth, terms, ties) == pytest.approx(2.75)


def test_tau_leaves_out_what_capacity_never_reached() -> None:
    terms = Terms((COUPON,), policy=Policy(capacity_customers=1))
    truth = Truth(np.array([1.0, 0.0, 0.0]), np.full(3, 200.0))
    assert tune_tau(np.array([0.9, 0.8, 0.7]), truth.value, truth, terms, np.arange(3)) == 0.0


def test_the_keyed_hash_depends_on_the_key_and_is_stable() -> None:
    assert keyed_hash(["h1"], b"a").tolist() == keyed_hash(["h1"], b"a").tolist()
    assert keyed_hash(["h1"], b"a").tolist() != keyed_hash(["h1"], b"b").tolist()


def test_arrays_of_different_length_are_refused_by_name() -> None:
    with pytest.raises(BadInput, match="differ in length"):
        choose(np.ones(2), np.ones(3), Terms((COUPON,)), 0.0, np.ones(2))
