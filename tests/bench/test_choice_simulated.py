"""The choice on a synthetic shop with planted effects: what a real shop cannot show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_ml.bench import choice_simulated
from churn_ml.bench.simulated_round import CONFIG, Day
from churn_ml.economics import Truth
from churn_ml.simulate.effects import FITTING, MOST, true_save_rates

OFFERS = CONFIG.own_offers


def test_planted_effects_are_rates_and_larger_where_the_offer_answers_what_is_planted() -> None:
    ids = [f"c{number:07d}" for number in range(400)]
    rates = true_save_rates(OFFERS, ids, ["delivery"] * 200 + [None] * 200, CONFIG.economics)
    assert rates.shape == (400, len(OFFERS))
    assert 0 < rates.min() <= rates.max() <= MOST
    codes = [offer.code for offer in OFFERS]
    tracking, coupon = codes.index("LIVE_TRACKING"), codes.index("TARGETED_COUPON")
    assert rates[:200, tracking].mean() > 3 * rates[200:, tracking].mean()
    prior = OFFERS[tracking].save_rate
    assert rates[:200, tracking].mean() == pytest.approx(FITTING * prior, rel=0.1)
    assert rates[:, coupon].mean() == pytest.approx(OFFERS[coupon].save_rate, rel=0.1)


def test_with_known_effects_the_choice_earns_all_but_the_bound_and_more_than_with_priors() -> None:
    rng = np.random.default_rng(1)
    size, offers = 2000, len(OFFERS)
    p, value = rng.beta(1.5, 5, size), rng.lognormal(5, 0.8, size)
    ids = pd.Series([f"c{number:07d}" for number in range(size)])
    planted = rng.choice(np.array(["delivery", "payment", None], dtype=object), size)
    today = Day(
        ids,
        p,
        value,
        rng.random((size, offers)) < 0.5,
        rng.random(size) < 0.9,
        Truth((rng.random(size) < p).astype(float), value),
        true_save_rates(OFFERS, ids.tolist(), planted.tolist(), CONFIG.economics),
    )
    told = choice_simulated.compared(today)
    net = {name: each["net_per_1000"][0] for name, each in told["policies"].items()}
    assert told["share_of_bound"] >= 0.99
    assert net["known_effects"] > net["chosen"] > net["random"]
    assert told["policies"]["top_risk_coupon"]["contacts"] < 0.2 * size


@pytest.mark.slow
def test_with_priors_only_the_choice_beats_a_coupon_for_the_risky_fifth_and_chance() -> None:
    told = choice_simulated.measure(20_000, say=lambda line: None)
    assert told["simulated"]
    for rival in ("top_risk_coupon", "random"):
        low = told["beats"][rival][1]
        assert low > 0, rival
    assert told["share_of_bound"] >= 0.99
