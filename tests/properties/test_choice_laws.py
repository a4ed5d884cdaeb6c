"""Laws of the choice within the limits of a round, against HiGHS and on drawn rounds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from churn_ml.config import Offer, Policy
from churn_ml.economics import NO_CONTACT, Floats, Terms, Truth, per_1000, realised
from churn_ml.targeting import Allocation, allocate, best_offer, choose, tune_tau


@dataclass(frozen=True)
class Drawn:
    """A round: gains, costs and what may be offered, customers x offers, and its limits."""

    gain: Floats
    cost: Floats
    allowed: NDArray[np.bool_]
    ties: NDArray[np.int64]
    budget: float
    capacity: int | None

    def chosen(
        self, *, budget: float | None = None, order: NDArray[np.int64] | None = None
    ) -> Allocation:
        rows = np.arange(len(self.gain)) if order is None else order
        limits = Policy(
            budget_amount=self.budget if budget is None else budget,
            capacity_customers=self.capacity,
        )
        told = (self.gain[rows], self.cost[rows], self.allowed[rows])
        return allocate(*told, limits, 0.0, self.ties[rows])


def _earned(told: Allocation) -> float:
    return float(told.expected[told.index != NO_CONTACT].sum())


@st.composite
def rounds(draw: st.DrawFn) -> Drawn:
    """Few customers; amounts in halves, so that much is equal, or in any fraction."""
    shape = (draw(st.integers(1, 9)), draw(st.integers(1, 4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    whole = draw(st.booleans())
    gain = rng.integers(-4, 12, shape) / 2 if whole else rng.normal(3, 5, shape)
    cost = rng.integers(0, 8, shape) / 2 if whole else rng.exponential(3, shape)
    if draw(st.booleans()):  # everybody is alike
        gain, cost = (np.tile(table[:1], (shape[0], 1)) for table in (gain, cost))
    budget = draw(st.integers(0, 40)) / 2
    capacity = draw(st.none() | st.integers(0, shape[0]))
    allowed = rng.random(shape) < draw(st.sampled_from([0.5, 0.9, 1.0]))
    return Drawn(gain, cost, allowed, rng.permutation(shape[0]), budget, capacity)


def _highs(drawn: Drawn, *, whole: bool) -> float:
    """The optimum by HiGHS, of whole contacts or of fractions of them."""
    customers, offers = drawn.gain.shape
    may = drawn.allowed & (drawn.gain > 0)
    rows = [*np.kron(np.eye(customers), np.ones(offers)), drawn.cost.ravel(), np.ones(may.size)]
    most = customers if drawn.capacity is None else drawn.capacity
    limits = [*np.ones(customers), drawn.budget, most]
    found = milp(
        -drawn.gain.ravel(),
        constraints=LinearConstraint(np.array(rows), -np.inf, limits),
        bounds=Bounds(0, may.ravel().astype(float)),
        integrality=int(whole),
    )
    return -float(found.fun)


@settings(max_examples=60, deadline=None)
@given(drawn=rounds())
def test_the_bound_is_that_of_highs_and_the_choice_falls_short_by_less_than_one_contact(
    drawn: Drawn,
) -> None:
    told = drawn.chosen()
    assert told.bound == pytest.approx(_highs(drawn, whole=False), abs=1e-6)
    assert told.gap * told.bound == pytest.approx(told.bound - _earned(told), abs=1e-9)
    best = _highs(drawn, whole=True)
    assert _earned(told) <= best + 1e-6
    assert _earned(told) >= best - max(drawn.gain.max(), 0.0) - 1e-6


@settings(max_examples=100, deadline=None)
@given(drawn=rounds())
def test_neither_budget_nor_capacity_nor_a_bar_is_ever_broken(drawn: Drawn) -> None:
    told = drawn.chosen()
    who = np.flatnonzero(told.index != NO_CONTACT)
    cost = drawn.cost[who, told.index[who]]
    assert cost.sum() <= drawn.budget + 1e-9
    assert np.array_equal(told.cost[who], cost)
    assert drawn.capacity is None or len(who) <= drawn.capacity
    assert drawn.allowed[who, told.index[who]].all()
    assert (drawn.gain[who, told.index[who]] > 0).all()


@settings(max_examples=60, deadline=None)
@given(drawn=rounds(), more=st.lists(st.floats(0, 20), min_size=3, max_size=3))
def test_a_larger_budget_never_earns_less(drawn: Drawn, more: list[float]) -> None:
    earned = [_earned(drawn.chosen(budget=drawn.budget + step)) for step in [0.0, *np.cumsum(more)]]
    assert all(late >= early - 1e-9 for early, late in pairwise(earned))


@settings(max_examples=60, deadline=None)
@given(drawn=rounds(), seed=st.integers(0, 2**32))
def test_the_order_of_the_customers_changes_nothing(drawn: Drawn, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(drawn.gain))
    assert np.array_equal(drawn.chosen(order=order).index, drawn.chosen().index[order])


@settings(max_examples=60, deadline=None)
@given(drawn=rounds())
def test_without_a_budget_it_is_the_best_offers_in_order_of_gain(drawn: Drawn) -> None:
    told = drawn.chosen(budget=1e9)
    index, expected = best_offer(drawn.gain, drawn.allowed)
    order = [row for row in np.lexsort((drawn.ties, -expected)) if expected[row] > 0]
    best = np.full(len(index), NO_CONTACT)
    best[order[: drawn.capacity]] = index[order[: drawn.capacity]]
    assert told.index.tolist() == best.tolist()
    assert told.gap == 0.0


def test_among_equals_the_keyed_hash_decides_whom_the_budget_reaches() -> None:
    told = allocate(np.full((4, 1), 5.0), np.full((4, 1), 2.0), None, Policy(budget_amount=4), 0.0,
                    np.array([30, 10, 40, 20]))  # fmt: skip
    assert told.index.tolist() == [NO_CONTACT, 0, NO_CONTACT, 0]
    assert told.gap == 0.0


def test_everybody_and_nobody_keep_to_the_budget_too() -> None:
    gain, cost = np.array([[-3.0], [4.0], [-1.0]]), np.ones((3, 1))
    for tau, contacted in ((-np.inf, [False, True, True]), (np.inf, [False] * 3)):
        told = allocate(gain, cost, None, Policy(budget_amount=2), tau, np.arange(3))
        assert (told.index != NO_CONTACT).tolist() == contacted


def test_under_a_budget_tau_is_tuned_by_the_choice_that_is_made() -> None:
    """A score that overstates the small risks: the budget is better kept for the large ones."""
    rng = np.random.default_rng(1)
    p = rng.beta(1.5, 5, 4000)
    truth = Truth(
        (rng.random(4000) < np.where(p > 0.3, p, 0.0)).astype(float), np.full(4000, 200.0)
    )
    coupon = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)
    terms, ties = Terms((coupon,), policy=Policy(budget_amount=8000)), np.arange(4000)
    tau = tune_tau(p, truth.value, truth, terms, ties)
    earned = [
        per_1000(realised(choose(p, truth.value, terms, t, ties), truth, terms)) for t in (0, tau)
    ]
    assert earned[1] > earned[0]
