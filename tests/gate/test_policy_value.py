"""What a policy would have earned, from customers whom chance left alone."""

from __future__ import annotations

import numpy as np

from churn_ml.gate.bootstrap import Resampling
from churn_ml.gate.policy_value import Randomised

HELD = 0.1


def simulated(seed: int, customers: int = 600) -> tuple[Randomised, np.ndarray, np.ndarray]:
    """Chosen customers, whom a contact gains `worth` each, and a policy that takes some of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=customers)
    worth = 5.0 + 3.0 * x
    offered = rng.random(customers) >= HELD
    earned = 40.0 + 20.0 * x + worth * offered + rng.normal(0.0, 10.0, customers)
    ids = np.char.add("c", np.arange(customers).astype(str))
    return Randomised(ids, offered, HELD, earned, x[:, None]), worth, (x > 0).astype(float)


def test_without_a_forecast_the_scores_are_horvitz_thompson_by_hand() -> None:
    """Contacted earn 10 and 4, held out 6 and 2, at one half each: (10 + 4 - 6 - 2) / 2 = 3."""
    ids, offered = np.array(["a", "b", "c", "d"]), np.array([True, True, False, False])
    data = Randomised(ids, offered, 0.5, np.array([10.0, 4.0, 6.0, 2.0]), np.zeros((4, 0)))
    assert data.value(np.ones(4), Resampling(0.025, 100, seed=1)).value == 3.0
    assert data.value(np.zeros(4), Resampling(0.025, 100, seed=1)).value == 0.0


def test_the_value_of_a_policy_is_unbiased_and_its_interval_covers_over_100_seeds() -> None:
    """Of 100 intervals at 95 % some 95 cover; 88 is the .5 % point. The planted mean is 3.70."""
    found, covered = [], 0
    for seed in range(100):
        data, worth, policy = simulated(seed)
        told = data.value(policy, Resampling(0.025, 100, seed))
        true = float((policy * worth).mean())
        found.append(told.value - true)
        covered += told.low <= true <= told.high
    assert abs(np.mean(found)) <= 3 * np.std(found) / 10
    assert covered >= 88


def test_a_forecast_makes_the_value_surer_and_changes_it_by_chance_only() -> None:
    data, _, policy = simulated(1, 4000)
    blind = Randomised(data.customer_id, data.offered, HELD, data.earned, np.zeros((4000, 0)))
    how = Resampling(0.025, 100, seed=1)
    sure, unsure = data.value(policy, how), blind.value(policy, how)
    assert sure.se < 0.7 * unsure.se
    assert abs(sure.value - unsure.value) < 3 * unsure.se
