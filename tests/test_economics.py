"""Gains by hand, and published special cases."""

from __future__ import annotations

import numpy as np
import pytest

from churn_ml.config import Economics, Offer
from churn_ml.economics import (
    NO_CONTACT,
    Terms,
    Truth,
    at_save_rate_quantile,
    costs,
    gain,
    gains,
    oracle,
    per_1000,
    realised,
)
from churn_ml.errors import BadInput
from churn_ml.save_priors import save_rate

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


def test_nobody_earns_nothing_and_the_oracle_contacts_churners_only() -> None:
    truth = Truth(np.array([1.0, 0.0, 1.0]), np.array([200.0, 200.0, 5.0]))
    terms = Terms((COUPON,))
    assert per_1000(realised(np.full(3, NO_CONTACT), truth, terms)) == 0.0
    # the last churner is worth too little to be saved
    assert oracle(truth, terms).tolist() == [27.5, 0.0, 0.0]


def test_an_estimated_save_rate_takes_the_place_of_the_prior_and_the_prior_of_an_unknown_one() -> (
    None
):
    """A coupon of 5 that saves .8 instead of .3: .5 (.8 (100 - 5)) - .5 (5 + 2) - 1 = 33.5."""
    terms, p, value = Terms((COUPON, CALL)), np.full(2, 0.5), np.full(2, 200.0)
    known = np.array([[0.8, np.nan], [np.nan, np.nan]])
    prior = gains(p, value, terms)
    told = gains(p, value, terms, known)
    assert told[0, 0] == pytest.approx(33.5)
    assert np.array_equal(np.delete(told.ravel(), 0), np.delete(prior.ravel(), 0))
    # redeemed by the .8 of the churners saved and by every stayer
    assert costs(p, value, terms, known)[0].tolist() == pytest.approx([0.9 * 5 + 1, 12.0])


def test_an_offer_that_drives_customers_away_loses_their_value_and_is_redeemed_by_stayers() -> None:
    told = np.array([[-0.5]])
    assert gains(np.ones(1), np.full(1, 200.0), Terms((COUPON,)), told).tolist() == [[-48.5]]
    assert costs(np.ones(1), np.full(1, 200.0), Terms((COUPON,)), told).tolist() == [[1.0]]


@pytest.mark.parametrize("wrong", [np.zeros((1, 2)), np.array([[1.5], [0.0]])])
def test_save_rates_of_another_round_or_above_1_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(BadInput, match="save rate"):
        gains(np.ones(2), np.ones(2), Terms((COUPON,)), wrong)
