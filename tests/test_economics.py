"""Gains by hand, published special cases, limits of a round, and the threshold."""

from __future__ import annotations

import numpy as np
import pytest

from churn_ml.config import Economics, Offer, Policy
from churn_ml.economics import (
    NO_CONTACT,
    Terms,
    Truth,
    at_save_rate_quantile,
    best_offer,
    choose,
    costs,
    gain,
    keyed_hash,
    oracle,
    per_1000,
    realised,
    save_rate,
    tune_tau,
)
from churn_ml.errors import BadInput

COUPON = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
CALL = Offer(code="CALL", label="a call", contact_amount=12, save_rate=0.6)


def test_gain_is_that_of_verbraken_2013_where_rho_and_q_are_1_and_eta_is_0() -> None:
    """Their customer: CLV 200, d = 10, f = 1, gamma = .3: 56 for a churner, -11 for a stayer."""
    econ = Economics(saved_value_share=1, stayer_harm_share=0)
    offer = Offer(code="A", label="a", cost_amount=10, contact_amount=1, save_rate=0.3)
    found = gain(np.array([1.0, 0.0]), np.array([200.0, 200.0]), offer, econ)
    assert found.tolist() == [56.0, -11.0]


def test_gain_of_a_probability_is_the_mean_of_both_outcomes() -> None:
    values = np.array([200.0, 200.0, 200.0])
    churner, stayer, between = gain(np.array([1.0, 0.0, 0.25]), values, COUPON, Economics())
    assert between == pytest.approx(0.25 * churner + 0.75 * stayer)


def test_a_cost_as_share_of_revenue_grows_with_the_customer() -> None:
    offer = Offer(code="TEN", label="10 % off", cost_revenue_share=0.1, save_rate=0.5)
    # value 60 at a margin of .3 is a revenue of 200: d = 20; G = .5 (30 - 20) for a churner
    assert gain(np.array([1.0]), np.array([60.0]), offer, Economics()).tolist() == [5.0]


def test_only_redeeming_stayers_cost_the_offer_but_all_cost_the_contact() -> None:
    offer = Offer(code="A", label="a", cost_amount=10, contact_amount=1, redeem_share=0.5)
    econ = Economics(stayer_harm_share=0)
    assert gain(np.array([0.0]), np.array([100.0]), offer, econ).tolist() == [-6.0]


def test_expected_cost_counts_what_is_redeemed() -> None:
    # churners redeem where saved (.3), stayers always; plus 1 for the contact
    found = costs(np.array([1.0, 0.0]), np.array([100.0, 100.0]), Terms((COUPON,)))
    assert found.ravel().tolist() == [2.5, 6.0]


def test_the_save_rates_prior_has_the_quantiles_of_beta_6_14() -> None:
    """scipy.stats.beta(6, 14).ppf([.1, .9]) = .1747, .4336."""
    rates = [
        save_rate(at_save_rate_quantile(Terms((COUPON,)), q).offers[0], Economics())
        for q in (0.1, 0.9)
    ]
    assert rates == pytest.approx([0.1747, 0.4336], abs=5e-4)


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


def test_nobody_earns_nothing_and_the_oracle_contacts_churners_only() -> None:
    truth = Truth(np.array([1.0, 0.0, 1.0]), np.array([200.0, 200.0, 5.0]))
    terms = Terms((COUPON,))
    assert per_1000(realised(np.full(3, NO_CONTACT), truth, terms)) == 0.0
    # the last churner is worth too little to be saved
    assert oracle(truth, terms).tolist() == [27.5, 0.0, 0.0]


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
