"""DeLong's AUC: published figures, every pair by hand, and customers that repeat."""

from __future__ import annotations

import numpy as np
import pytest

from churn_ml.gate.bootstrap import Estimate, Rows
from churn_ml.gate.delong import area, gain, p_value
from churn_ml.metrics import auc

OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""
"""Albumin, total protein, K-G score and survival of 43 patients with ovarian cancer: the example of
DeLong, DeLong & Clarke-Pearson (1988), as printed in SAS/STAT's "Comparing ROC Curves"."""


def _ovarian() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    albumin, protein, kg, y = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4).T
    return y, {"albumin": albumin, "protein": protein, "kg": -kg}


def _apart(size: int) -> Rows:
    return Rows.of(list(range(size)))


@pytest.mark.parametrize(
    ("marker", "value", "se"),
    [("albumin", 0.7366, 0.0927), ("kg", 0.7258, 0.1028), ("protein", 0.6478, 0.1000)],
)
def test_areas_of_delong_1988_as_printed_by_sas(marker: str, value: float, se: float) -> None:
    y, scores = _ovarian()
    found = area(y, scores[marker], _apart(len(y)))
    assert (found.value, found.se) == (
        pytest.approx(value, abs=5e-5),
        pytest.approx(se, abs=5e-5),
    )


@pytest.mark.parametrize(
    ("marker", "value", "se", "p"),
    [("albumin", 0.0108, 0.0953, 0.9102), ("protein", -0.0780, 0.1046, 0.4561)],
)
def test_differences_to_kg_of_delong_1988_as_printed_by_sas(
    marker: str, value: float, se: float, p: float
) -> None:
    y, scores = _ovarian()
    found = gain(y, (scores["kg"], scores[marker]), _apart(len(y)))
    assert found.value == pytest.approx(value, abs=5e-5)
    assert found.se == pytest.approx(se, abs=5e-5)
    assert p_value(found) == pytest.approx(p, abs=5e-5)


def _by_pairs(y: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Difference and standard error of DeLong (1988), every pair compared."""
    kernels = [
        (p[y == 1][:, None] > p[y == 0]) + 0.5 * (p[y == 1][:, None] == p[y == 0])
        for p in (first, second)
    ]
    differ = kernels[1] - kernels[0]
    churners, stayers = differ.mean(axis=1), differ.mean(axis=0)
    variance = churners.var(ddof=1) / len(churners) + stayers.var(ddof=1) / len(stayers)
    return float(differ.mean()), float(np.sqrt(variance))


def test_the_fast_form_agrees_with_every_pair_compared_ties_included() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        y = (rng.random(60) < 0.4).astype(float)
        first, second = rng.integers(0, 12, (2, 60)) + 2.0 * y
        value, se = _by_pairs(y, first, second)
        found = gain(y, (first, second), _apart(60))
        assert (found.value, found.se) == (pytest.approx(value, abs=1e-9), pytest.approx(se))


def test_customers_that_repeat_are_one_piece_of_evidence() -> None:
    """Every row nine times: the area is the same, and so is its standard error over customers."""
    rng = np.random.default_rng(2)
    y = (rng.random(200) < 0.3).astype(float)
    p = rng.random(200) + 0.5 * y
    once = area(y, p, _apart(200))
    together = area(np.repeat(y, 9), np.repeat(p, 9), Rows.of(list(np.repeat(range(200), 9))))
    apart = area(np.repeat(y, 9), np.repeat(p, 9), _apart(1800))
    assert together.value == pytest.approx(once.value)
    assert together.se == pytest.approx(once.se)
    assert apart.se == pytest.approx(once.se / 3, rel=0.01)


def test_a_churner_row_and_a_stayer_row_of_one_customer_belong_together() -> None:
    """Two cut-offs, a score of the customer's own added to both rows: it cancels in the area."""
    rng = np.random.default_rng(3)
    areas, told = [], []
    for _ in range(300):
        own = rng.normal(size=60)
        y = np.concatenate([np.ones(60), np.zeros(60)])
        p = np.concatenate([own + 1.0, own]) + rng.normal(size=120) * 0.3
        found = area(y, p, Rows.of([*range(60), *range(60)]))
        areas.append(found.value)
        told.append(found.se)
    assert np.mean(told) == pytest.approx(np.std(areas), rel=0.15)


def test_one_class_has_no_area() -> None:
    assert area(np.ones(3), np.arange(3.0), _apart(3)) == Estimate(0.0, 0.0, 0.0, 0.0, 0.0)


def test_nothing_that_differs_is_no_evidence_of_a_difference() -> None:
    y, scores = _ovarian()
    same = gain(y, (scores["kg"], scores["kg"]), _apart(len(y)))
    assert (same.value, same.se, p_value(same)) == (0.0, 0.0, 1.0)


def test_100_000_rows_are_ranked_not_compared_in_pairs() -> None:
    """The area of every pair is the metrics room's, which counts them by another way."""
    rng = np.random.default_rng(4)
    y = (rng.random(100_000) < 0.1).astype(float)
    p = np.clip(rng.normal(0.3, 0.1, 100_000) + 0.05 * y, 0, 1)
    assert area(y, p, _apart(100_000)).value == pytest.approx(auc(y, p))


def test_the_gain_misses_zero_as_often_as_it_says() -> None:
    """Of 300 pairs of equally noisy scores 7.5 are expected above zero; 14 is the 99 % point."""
    above = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=400)
        y = (rng.random(400) < 1 / (1 + np.exp(1.0 - truth))).astype(float)
        first, second = truth + rng.normal(size=(2, 400))
        above += gain(y, (first, second), _apart(400)).low > 0
    assert 1 <= above <= 14
