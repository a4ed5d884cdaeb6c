"""Save rates by intention to treat: known values, coverage, the prior where nothing is known."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Config, Offer, Shop
from churn_ml.save_rates import Arms, Z, applied, arms, log_risk_ratio, measured, updated

DAYS = (date(2017, 10, 1), date(2017, 11, 1))
SHOP = Config(
    shop=Shop(name="s", currency="EUR"),
    offers=(Offer(code="COUPON", label="5 off"), Offer(code="CALL", label="call", save_rate=0.2)),
)


def rows(*told: tuple[str, date, str, str, bool, int]) -> pd.DataFrame:
    columns = ["customer_id", "as_of", "arm", "would_be_offer", "treated", "churned"]
    return pd.DataFrame(list(told), columns=columns).assign(experiment=None)


def test_the_ratio_is_that_of_the_physicians_health_study() -> None:
    """104 of 11,037 infarctions on aspirin, 189 of 11,034: .550 [.433, .700] (Agresti 2002)."""
    ratio, variance = log_risk_ratio(104, 11037, 189, 11034)
    bounds = np.exp(ratio + np.array([-Z, 0.0, Z]) * np.sqrt(variance))
    assert bounds == pytest.approx([0.433, 0.550, 0.700], abs=0.003)


def test_a_round_of_which_an_experiment_left_others_alone_is_not_counted() -> None:
    told = rows(
        ("h1", date(2017, 10, 1), "open", "COUPON", True, 0),
        ("h2", date(2017, 10, 1), "open", "COUPON", False, 1),
        ("h3", date(2017, 10, 1), "holdout", "COUPON", False, 1),
        ("h4", date(2017, 10, 1), "open", "CALL", True, 0),
    )
    assert set(arms(told)) == {"COUPON", "CALL"}
    told.loc[:1, "experiment"] = "spring"
    assert set(arms(told)) == {"CALL"}


@pytest.mark.parametrize("prior", [0.0, 0.06, 0.3, 1.0])
def test_without_data_the_rate_is_the_prior_to_the_digit(prior: float) -> None:
    for none in (Arms(0, 0, 0, 0), Arms(50, 9, 0, 0), Arms(0, 0, 50, 9)):
        assert updated(prior, 20.0, none).rate == prior


def test_the_first_outcomes_move_the_rate_a_little_and_many_all_the_way() -> None:
    """Seen is a rate of .1, assumed was .3: one held customer moves it by less than .01."""
    grown = [
        updated(0.3, 20.0, Arms(9 * n, int(4.5 * n * 0.9), n, n // 2)) for n in (2, 200, 20000)
    ]
    off = [abs(found.rate - 0.3) for found in grown]
    assert off[0] < 0.01 < off[1] < off[2]
    assert grown[2].rate == pytest.approx(0.1, abs=0.01)
    assert all(found.low <= found.rate <= found.high for found in grown)


def test_an_offer_that_drives_away_saves_nobody() -> None:
    assert updated(0.05, 20.0, Arms(9000, 6000, 1000, 400)).rate == 0.0


def test_the_interval_of_the_ratio_covers_the_truth_as_often_as_it_says() -> None:
    """4,000 experiments of 900 and 100 customers, churn .4 without and .3 with the offer."""
    rng = np.random.default_rng(17)
    offered, held = rng.binomial(900, 0.3, 4000), rng.binomial(100, 0.4, 4000)
    ratio, variance = log_risk_ratio(offered, 900, held, 100)
    covered = np.abs(ratio - np.log(0.75)) <= Z * np.sqrt(variance)
    assert 0.94 <= covered.mean() <= 0.96


def test_a_customer_counts_once_and_an_undelivered_round_not_at_all() -> None:
    first, second = DAYS
    told = rows(
        ("a", first, "open", "COUPON", True, 0),
        ("b", first, "holdout", "COUPON", False, 1),
        ("c", first, "open", "COUPON", False, 1),  # bounced: chosen all the same
        ("a", second, "open", "COUPON", True, 1),
        ("d", second, "open", "CALL", False, 1),  # nobody was called in this round
        ("e", second, "holdout", "CALL", False, 1),
        ("f", second, "holdout", "COUPON", False, 0),
        ("g", second, "open", "NONE", False, 1),
    )
    expected = {"COUPON": Arms(offered=2, offered_churned=1, held=2, held_churned=1)}
    assert arms(told) == arms(told[::-1]) == expected
    assert set(measured(told, SHOP)) == {"COUPON"}
    assert measured(told, SHOP)["COUPON"].prior == 0.3


def test_only_offers_with_data_are_changed() -> None:
    coupon, call = applied(SHOP, {"COUPON": 0.1}).offers
    assert (coupon.save_rate, call) == (0.1, SHOP.offers[1])
