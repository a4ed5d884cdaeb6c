"""Laws of limits, thresholds, verdicts and values that hold for whatever a shop may look like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.config import Economics, Gate, Offer, Policy
from churn_ml.economics import NO_CONTACT, Terms, Truth, costs, oracle, realised
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.judging import verdict
from churn_ml.gate.policies import PolicyOnRows
from churn_ml.gate.trial import Trial
from churn_ml.gate.verdicts import Verdict
from churn_ml.models.value import KINDS, ValueModel
from churn_ml.simulate import contest, spending_panel, spending_recipe
from churn_ml.targeting import choose, tune_tau

LOOSE = Gate(
    alpha_year=0.025,
    looks_per_year=1,
    resamples=100,
    min_disagreements=1,
    min_disagreeing_churners=1,
)
seeds = st.integers(min_value=0, max_value=10_000)


@st.composite
def rounds(draw: st.DrawFn) -> dict[str, Any]:
    """Customers of one round, with offers whose gains often tie."""
    size = draw(st.integers(min_value=1, max_value=30))
    rng = np.random.default_rng(draw(seeds))
    offers = tuple(
        Offer(
            code=f"O{i}",
            label="o",
            cost_amount=draw(st.sampled_from([0, 1, 5])),
            contact_amount=draw(st.sampled_from([0, 0.1, 2])),
        )
        for i in range(draw(st.integers(min_value=1, max_value=3)))
    )
    return {
        "p": rng.choice([0.0, 0.2, 0.5, 1.0], size),
        "value": rng.choice([0.0, 30.0, 200.0], size),
        "y": rng.integers(0, 2, size).astype(float),
        "ties": rng.permutation(size),
        "terms": Terms(offers, Economics()),
    }


def _limited(people: dict[str, Any], capacity: int | None, budget: float | None) -> np.ndarray:
    policy = Policy(capacity_customers=capacity, budget_amount=budget)
    terms = replace(people["terms"], policy=policy)
    return choose(people["p"], people["value"], terms, 0.0, people["ties"])


@settings(max_examples=60, deadline=None)
@given(people=rounds(), capacity=st.integers(0, 30), budget=st.floats(0, 100))
def test_capacity_and_budget_always_hold(
    people: dict[str, Any], capacity: int, budget: float
) -> None:
    chosen = _limited(people, capacity, budget)
    contacted = chosen != NO_CONTACT
    spent = costs(people["p"], people["value"], people["terms"])[contacted, chosen[contacted]].sum()
    assert contacted.sum() <= capacity
    assert spent <= budget * (1 + 1e-9) + 1e-12


@settings(max_examples=60, deadline=None)
@given(people=rounds(), capacity=st.integers(0, 20), budget=st.floats(0, 50))
def test_a_larger_limit_never_drops_anyone(
    people: dict[str, Any], capacity: int, budget: float
) -> None:
    small = _limited(people, capacity, budget) != NO_CONTACT
    large = _limited(people, capacity + 3, budget + 10) != NO_CONTACT
    assert not (small & ~large).any()


@settings(max_examples=60, deadline=None)
@given(people=rounds(), turn=seeds)
def test_the_order_of_customers_decides_nothing(people: dict[str, Any], turn: int) -> None:
    turned = np.random.default_rng(turn).permutation(len(people["p"]))
    other = people | {k: people[k][turned] for k in ("p", "value", "y", "ties")}
    assert (_limited(people, 5, 20.0)[turned] == _limited(other, 5, 20.0)).all()


@settings(max_examples=60, deadline=None)
@given(people=rounds())
def test_nobody_beats_the_oracle_and_tuning_never_hurts_where_it_was_tuned(
    people: dict[str, Any],
) -> None:
    truth, terms = Truth(people["y"], people["value"]), people["terms"]
    tau = tune_tau(people["p"], people["value"], truth, terms, people["ties"])
    earned = [
        realised(choose(people["p"], people["value"], terms, t, people["ties"]), truth, terms)
        for t in (0.0, tau)
    ]
    assert (earned[1] <= oracle(truth, terms)).all()
    assert earned[1].sum() >= earned[0].sum() - 1e-9


def _small(seed: int) -> Trial:
    return contest(seed, 400, 400, (1, 5), LOOSE)


@settings(max_examples=12, deadline=None)
@given(seed=seeds)
def test_a_pair_is_never_promoted_both_ways(seed: int) -> None:
    trial = _small(seed)
    there = verdict(trial)
    back = verdict(replace(trial, champion=trial.challenger, challenger=trial.champion))
    assert there.interval[0] == -back.interval[0]
    assert {there.decision, back.decision} != {"promote"}


@settings(max_examples=12, deadline=None)
@given(seed=seeds, turn=seeds)
def test_the_order_of_rows_changes_no_byte_of_a_verdict(seed: int, turn: int) -> None:
    trial = _small(seed)
    assert verdict(_turned(trial, turn)).to_json() == verdict(trial).to_json()


def _turned(trial: Trial, turn: int) -> Trial:
    """The same trial with its rows in another order."""
    old = trial.evidence
    way = np.random.default_rng(turn).permutation(len(old.truth.y))
    evidence = Evidence(
        old.customer_id[way],
        old.cut_off[way],
        Truth(old.truth.y[way], old.truth.value[way]),
        {name: labels[way] for name, labels in old.slices.items()},
    )

    def moved(policy: PolicyOnRows) -> PolicyOnRows:
        turned = {"p": policy.p[way], "value": policy.value[way]}
        return replace(policy, rows_hash=evidence.rows_hash, **turned)

    sides = {n: moved(getattr(trial, n)) for n in ("champion", "challenger", "reference", "rule")}
    return replace(trial, evidence=evidence, **sides)


@settings(max_examples=12, deadline=None)
@given(seed=seeds, few=st.integers(1, 60))
def test_every_verdict_is_json_and_comes_back_equal(seed: int, few: int) -> None:
    """Also on a handful of rows, where bounds are wide and guards have nothing to read."""
    told = verdict(contest(seed, 400, few, (1, 5), LOOSE))
    assert Verdict.from_json(told.to_json()) == told


@settings(max_examples=12, deadline=None)
@given(seed=seeds)
def test_a_model_does_not_replace_itself(seed: int) -> None:
    trial = _small(seed)
    assert verdict(replace(trial, challenger=trial.champion)).decision != "promote"


@settings(max_examples=8, deadline=None)
@given(seed=seeds, kind=st.sampled_from(KINDS), scale=st.sampled_from([-1e12, 0.0, 1e12, np.nan]))
def test_a_value_is_finite_not_negative_and_capped_whatever_the_features(
    seed: int, kind: Any, scale: float
) -> None:
    panel = spending_panel(80, seed)
    model = ValueModel.fit(panel, spending_recipe(), kind)
    strange = panel.assign(spend_90d=panel["spend_90d"] * scale)
    value = model.predict(strange)
    cap = model.window_cap * model.extension * model.margin_rate
    assert np.isfinite(value).all()
    assert (value >= 0).all()
    assert (value <= cap * (1 + 1e-12)).all()
