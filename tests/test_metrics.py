"""Metrics against published numbers, hand counts and the laws of resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from churn_ml import kernels
from churn_ml.errors import BadInput
from churn_ml.metrics import (
    METRICS,
    Interval,
    auc,
    calibration_slope,
    ece,
    ece_null,
    report,
)

SCORES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 8), st.integers(0, 4)), min_size=4, max_size=30
)


def once(metric: kernels.Metric, y: Any, p: Any) -> float:
    """The metric itself: every row counts once."""
    return float(metric(np.array(y, float), np.array(p, float))(np.ones((1, len(y))))[0])


def interval(name: str, y: Any, p: Any, customers: Any, resamples: int, seed: int) -> Interval:
    """One metric alone with its interval."""
    asked = {name: METRICS[name]}
    return report(y, p, customers, resamples=resamples, seed=seed, metrics=asked)[name]


def ratings(stayers: list[int], churners: list[int]) -> tuple[list[int], list[float]]:
    """Labels and scores of a table of ratings: how many of each class got rating 1, 2, ..."""
    y, p = [], []
    for label, counts in ((0, stayers), (1, churners)):
        for rating, count in enumerate(counts, start=1):
            y += [label] * count
            p += [rating / 10] * count
    return y, p


def test_auc_matches_hanley_mcneil_1982_table_1() -> None:
    # 109 CT images rated 1 to 5, many ties: "the area under the curve is .893"
    y, p = ratings(stayers=[33, 6, 6, 11, 2], churners=[3, 2, 2, 11, 33])
    assert auc(y, p) == pytest.approx(0.893, abs=0.0005)


def test_auc_interval_matches_the_standard_error_of_hanley_mcneil_1982() -> None:
    # the same images: "SE .032"
    y, p = ratings(stayers=[33, 6, 6, 11, 2], churners=[3, 2, 2, 11, 33])
    found = interval("auc", y, p, range(len(y)), resamples=4000, seed=1)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(0.032, abs=0.002)


def test_auc_of_scikit_learns_documentation() -> None:
    assert auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75


def test_average_precision_of_scikit_learns_documentation() -> None:
    assert once(METRICS["pr_auc"], [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == pytest.approx(
        0.83, abs=0.005
    )


def test_average_precision_with_tied_scores_by_hand() -> None:
    # at .9: half the churners, precision 1/2; at .5: the rest, precision 2/4
    assert once(METRICS["pr_auc"], [1, 0, 1, 0], [0.9, 0.9, 0.5, 0.5]) == 0.5


def test_average_precision_of_equal_scores_is_the_churn_rate() -> None:
    assert once(METRICS["pr_auc"], [1, 0, 0, 0], [0.3] * 4) == 0.25


def test_brier_of_scikit_learns_documentation() -> None:
    assert once(METRICS["brier"], [0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]) == pytest.approx(0.0375)


def test_log_loss_of_scikit_learns_documentation() -> None:
    assert once(METRICS["log_loss"], [1, 0, 0, 1], [0.9, 0.1, 0.2, 0.65]) == pytest.approx(
        0.21616, abs=1e-5
    )


def test_log_loss_of_a_certain_mistake_is_finite() -> None:
    assert once(METRICS["log_loss"], [1, 0], [0.0, 1.0]) == pytest.approx(-np.log(1e-12), rel=1e-3)


def test_lift_of_ten_customers_by_hand() -> None:
    # 2 churners of 10; the top 30 % hold one of them: (1/3) / (2/10)
    y = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    p = np.linspace(0.9, 0.1, 10)
    assert once(kernels.lift(0.3), y, p) == pytest.approx(5 / 3)
    assert once(kernels.lift(0.1), y, p) == pytest.approx(5)
    assert once(kernels.lift(1.0), y, p) == pytest.approx(1)


def test_lift_takes_its_part_of_rows_that_tie_at_the_cut() -> None:
    # one row wanted, two rows tie on top, one of them churns: half a churner of one
    assert once(kernels.lift(0.25), [1, 0, 0, 1], [0.8, 0.8, 0.2, 0.1]) == pytest.approx(1.0)


def test_ece_by_hand() -> None:
    # 20 rows, ten bins of two: mean score .05 + .1 b; one churner in each bin
    p = np.repeat(np.linspace(0.05, 0.95, 10), 2)
    expected = np.abs(0.5 - np.linspace(0.05, 0.95, 10)).mean()
    assert ece([0, 1] * 10, p) == pytest.approx(expected)


def test_ece_keeps_equal_scores_in_one_bin() -> None:
    assert ece([1] * 5 + [0] * 15, [0.25] * 20) == pytest.approx(0)


def test_calibrated_scores_stay_below_the_null_of_ece_about_95_of_100_times() -> None:
    rng = np.random.default_rng(3)
    p = rng.beta(1, 6, 2000)
    limit = ece_null(p, seed=1)
    below = sum(ece((rng.random(2000) < p).astype(int), p) <= limit for _ in range(400))
    assert 367 <= below <= 393  # binomial(400, .95), central 99.7 %


def test_the_null_of_ece_shrinks_with_the_root_of_the_rows() -> None:
    p = np.random.default_rng(3).beta(1, 6, 1000)
    few, many = ece_null(p, seed=1), ece_null(np.tile(p, 16), seed=1)
    assert few / many == pytest.approx(4, rel=0.15)


def test_calibration_slope_of_two_groups_by_hand() -> None:
    # scores .2 and .8, churn rates .3 and .7: slope = logit(.7) / logit(.8)
    y = [1] * 3 + [0] * 7 + [1] * 7 + [0] * 3
    expected = np.log(0.7 / 0.3) / np.log(0.8 / 0.2)
    assert calibration_slope(y, [0.2] * 10 + [0.8] * 10) == pytest.approx(expected)


def test_doubling_every_logit_halves_the_slope() -> None:
    rng = np.random.default_rng(5)
    p = rng.beta(2, 5, 3000)
    y = (rng.random(3000) < p).astype(int)
    doubled = p**2 / (p**2 + (1 - p) ** 2)
    assert calibration_slope(y, doubled) == pytest.approx(calibration_slope(y, p) / 2)


def test_figures_without_a_churner_or_a_stayer_are_nan_and_the_others_are_not() -> None:
    for y in ([0, 0, 0], [1, 1, 1]):
        found = report(y, [0.2, 0.3, 0.4], ["a", "b", "c"], resamples=10, seed=1)
        assert np.isnan([found["auc"].value, found["auc"].low, found["auc"].high]).all()
        assert np.isnan(found["calibration_slope"].value)
        assert np.isfinite([found["brier"].low, found["log_loss"].high]).all()


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=40, deadline=None)
@given(rows=SCORES, seed=st.integers(0, 9))
def test_the_order_of_the_rows_changes_no_bit(name: str, rows: list[Any], seed: int) -> None:
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    told = []
    for each in (rows, shuffled):
        y, p, customers = zip(*each, strict=True)
        scores = np.array(p) / 10 + 0.1
        told.append(interval(name, y, scores, customers, resamples=20, seed=1))
    assert repr(told[0]) == repr(told[1])


@pytest.mark.parametrize("name", ["auc", "pr_auc", "brier", "log_loss", "lift_at_10"])
def test_rows_repeated_within_their_customer_leave_the_interval_as_it_was(name: str) -> None:
    rng = np.random.default_rng(11)
    p = rng.beta(1, 5, 300)
    y = (rng.random(300) < p).astype(int)
    customers = [f"h{i}" for i in range(300)]
    once = interval(name, y, p, customers, resamples=200, seed=1)
    thrice = interval(name, np.tile(y, 3), np.tile(p, 3), customers * 3, resamples=200, seed=1)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_the_interval_of_auc_covers_the_truth_in_181_to_197_of_200_seeds() -> None:
    # binormal scores one standard deviation apart: AUC = Phi(1 / sqrt 2)
    truth = norm.cdf(1 / np.sqrt(2))
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = np.repeat([0, 1], [150, 100])
        p = norm.cdf(rng.normal(y, 1))
        found = interval("auc", y, p, range(250), resamples=300, seed=seed)
        covered += found.low <= truth <= found.high
    assert 181 <= covered <= 197


def test_the_same_seed_gives_the_same_interval_and_another_another() -> None:
    y, p = [0, 1] * 50, np.tile([0.2, 0.3, 0.4, 0.35], 25)
    found = [interval("auc", y, p, range(100), resamples=100, seed=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_a_report_holds_every_metric_with_the_interval_it_has_alone() -> None:
    y, p = [0, 1] * 50, np.tile([0.2, 0.3, 0.4, 0.35], 25)
    found = report(y, p, range(100), resamples=50, seed=1)
    assert list(found) == list(METRICS)
    assert found["auc"] == interval("auc", y, p, range(100), resamples=50, seed=1)
    assert isinstance(found["ece"], Interval)


def test_more_resamples_than_memory_holds_at_once_give_one_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    y, p = [0, 1] * 50, np.tile([0.2, 0.3, 0.4, 0.35], 25)
    whole = report(y, p, range(100), resamples=50, seed=1)
    monkeypatch.setattr("churn_ml.metrics.CELLS", 700)
    assert report(y, p, range(100), resamples=50, seed=1) == whole


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([0, 1], [0.5]),
        ([0, 2], [0.5, 0.5]),
        ([0, np.nan], [0.5, 0.5]),
        ([0, 1], [0.5, np.nan]),
        ([0, 1], [0.5, 1.5]),
        ([], []),
    ],
)
def test_rows_that_cannot_be_judged_are_refused(y: list[float], p: list[float]) -> None:
    with pytest.raises(BadInput):
        auc(y, p)


def test_a_customer_per_row_is_asked_for() -> None:
    with pytest.raises(BadInput, match="customers and scores"):
        interval("auc", [0, 1], [0.1, 0.2], ["h1"], resamples=10, seed=1)
