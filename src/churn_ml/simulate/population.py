"""Synthetic customers with a true churn probability and a true value, for the gate.

Real data cannot say whether a gate promotes the right model, since the truth is not known. Here it
is, and the laws of evaluation and gate are tested on hundreds of such populations. In: sizes and a
seed. Out: arrays, or a panel.

A `Population` holds features, a true churn probability and a true value per customer, labels drawn
from them, and logistic candidates fitted on bootstrap samples of it.

Worked example: `spending_panel(200, seed=1)` holds 200 synthetic customers at the cut-offs
2017-04-04 to 2017-08-02, every 30 days, in the panel's columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.config import Contract, Economics, Gate, Offer
from churn_ml.economics import Floats, Terms, Truth

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.gate.evidence import Evidence
    from churn_ml.gate.trial import Trial
    from churn_ml.models.value import Recipe

GONE30 = Contract(name="synthetic-gone30", lookback_days=90, horizon_days=30)
"""The contract that the synthetic labels follow."""


def spending_recipe() -> Recipe:
    """The value recipe that fits `spending_panel`.

    >>> spending_recipe().past
    'spend_90d'
    """
    from churn_ml.models.value import Recipe

    return Recipe(("spend_90d", "order_count_90d"), "spend_90d", GONE30, Economics())


def spending_panel(
    customers: int, seed: int, *, first: date = date(2017, 4, 4), cut_offs: int = 5
) -> pd.DataFrame:
    """A synthetic panel: one row per customer_id and cut_off, sorted, with spend as it is in shops.

    Each customer has a spend of his own (log-normal); past and window spend scatter around it, so
    the past regresses to the mean; one in about nine churns, small spenders more.

    >>> spending_panel(3, seed=1, cut_offs=1)[["customer_id", "cut_off", "label"]].shape
    (3, 3)
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    shape = (customers, cut_offs)
    level = rng.lognormal(4.0, 0.8, size=(customers, 1))
    past = 3.0 * level * rng.lognormal(-0.18, 0.6, size=shape)
    churns = rng.random(shape) < 0.22 / (1.0 + level / 55.0)
    window = np.where(churns, 0.0, level * rng.lognormal(-0.18, 0.6, size=shape))
    days = [first + timedelta(days=30 * i) for i in range(cut_offs)]
    return pd.DataFrame(
        {
            "customer_id": np.repeat([f"c{i:06d}" for i in range(customers)], cut_offs),
            "cut_off": days * customers,
            "layer": "train",
            "label": pd.array(churns.astype(int).ravel(), dtype="Int64"),
            "treated": False,
            "window_net_amount": window.ravel().round(2),
            "spend_90d": past.ravel().round(2),
            "order_count_90d": 1.0 + rng.poisson(np.sqrt(past)).ravel(),
        }
    )


FEATURE_WEIGHTS = (0.9, 0.6, 0.4, 0.3, 0.0)
"""What each synthetic feature adds to the logit of churn; the last one is noise."""
TERMS = Terms((Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1),))
"""One coupon at the default economics: with a value of 200 it pays from a risk of .23 on."""


@dataclass(frozen=True, eq=False)
class Population:
    """Synthetic customers at one cut-off: features, planted truth, and labels drawn from it."""

    customer_id: NDArray[Any]
    x: Floats
    """Customers x features, standard normal."""
    p: Floats
    """True churn probability."""
    value: Floats
    """True value, shop currency."""
    stage: NDArray[Any]
    y: Floats

    @property
    def truth(self) -> Truth:
        """Labels and true values, as evaluation takes them."""
        return Truth(self.y, self.value)


def population(customers: int, seed: int, base_logit: float = -1.6) -> Population:
    """A population of independent synthetic customers; about one in four churns by default.

    >>> people = population(1000, seed=1)
    >>> people.x.shape, bool(0.2 < people.y.mean() < 0.3)
    ((1000, 5), True)
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((customers, len(FEATURE_WEIGHTS)))
    p = _logistic(base_logit + np.einsum("ij,j->i", x, np.array(FEATURE_WEIGHTS)))
    value = np.exp(5.0 - 0.3 * x[:, 1] + 0.6 * rng.standard_normal(customers))
    stage = rng.choice(np.array(["active", "silent", "new"], dtype=object), customers)
    ids = np.char.add(f"s{seed}-", np.arange(customers).astype(str)).astype(object)
    y = (rng.random(customers) < p).astype(float)
    return Population(ids, x, p, value, stage, y)


def fitted_scores(
    train: Population, target: Population, seed: int, features: int = len(FEATURE_WEIGHTS)
) -> Floats:
    """Churn probabilities for `target` by a logistic fit on a bootstrap sample of `train`.

    `features`: how many of the features the candidate sees; fewer make it truly worse.

    >>> train, target = population(2000, seed=1), population(500, seed=2)
    >>> bool(np.abs(fitted_scores(train, target, seed=3) - target.p).mean() < 0.05)
    True
    """
    drawn = np.random.default_rng(seed).integers(len(train.y), size=len(train.y))
    x = np.column_stack([np.ones(len(drawn)), train.x[drawn, :features]])
    weights = np.zeros(features + 1)
    for _ in range(8):  # Newton's method; quadratic convergence makes eight steps plenty
        p = _logistic(x @ weights)
        curve = (x * (p * (1 - p))[:, None]).T @ x
        weights = weights + np.linalg.solve(curve, x.T @ (train.y[drawn] - p))
    return _logistic(weights[0] + target.x[:, :features] @ weights[1:])


def simulated_evidence(people: Population, seed: int) -> Evidence:
    """The evaluation set of a population at 2017-10-01: V^E is the true value, blurred and capped.

    >>> len(simulated_evidence(population(100, seed=1), seed=1).truth.y)
    100
    """
    from churn_ml.gate.evidence import Evidence
    from churn_ml.gate.guards import standard_slices

    size = len(people.y)
    blur = np.random.default_rng(seed).standard_normal(size)
    value = people.value * np.exp(0.2 * blur - 0.02)
    value = np.minimum(value, np.quantile(value, 0.99))
    seen = np.arange(size) % 2 == 0
    return Evidence(
        people.customer_id,
        np.full(size, np.datetime64("2017-10-01")),
        Truth(people.y, value),
        standard_slices(value, people.stage, seen),
    )


def contest(seed: int, train: int, evaluate: int, features: tuple[int, int], gate: Gate) -> Trial:
    """A simulated trial: champion and challenger fitted on bootstrap samples of one population.

    `train`, `evaluate`: customers; `features`: how many features champion and challenger see. With
    the same number they are twins, alike but for seed and sample. The reference is a rule that
    sees one feature; all use the true value.

    >>> trial = contest(1, 500, 500, (5, 5), Gate())
    >>> trial.champion.name, trial.challenger.name, trial.reference.name
    ('champion', 'challenger', 'rule')
    """
    from churn_ml.gate.policies import PolicyOnRows
    from churn_ml.gate.trial import Trial

    learned, judged = population(train, 2 * seed + 1), population(evaluate, 2 * seed + 2)
    evidence = simulated_evidence(judged, seed)

    def policy(name: str, number: int, seen: int) -> PolicyOnRows:
        p = fitted_scores(learned, judged, 3 * seed + number, seen)
        learned_on = (date(2017, 8, 2), date(2017, 9, 1))
        return PolicyOnRows(name, p, judged.value, 0.0, evidence.rows_hash, learned_on)

    rule = policy("rule", 0, 1)
    champion, challenger = (
        policy(name, 1 + i, features[i]) for i, name in enumerate(("champion", "challenger"))
    )
    return Trial(champion, challenger, rule, rule, evidence, TERMS, gate, GONE30, currency="EUR")


def _logistic(logit: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-logit)), dtype=float)
