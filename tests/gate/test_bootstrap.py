"""Means with intervals: coverage, clusters, seasons, and known values."""

from __future__ import annotations

import numpy as np
import pytest

from churn_ml.gate.bootstrap import Resampling, Rows, mean_per_row, means_per_row, normal_mean

ONE_SIDED = 0.025


def _skewed_null(seed: int) -> tuple[np.ndarray, Rows]:
    """2,000 customers, 200 of whom differ: a rare large gain, a frequent small loss, mean 0."""
    rng = np.random.default_rng(seed)
    x = np.zeros(2000)
    gains = rng.random(200) < 0.2
    x[:200] = rng.lognormal(3, 0.8, 200) * np.where(gains, 4.0, -1.0)
    return x, Rows.of(list(range(2000)))


def test_bounds_of_a_skewed_difference_miss_zero_as_often_as_they_say() -> None:
    """Of 400 populations without a difference, 10 are expected above; 18 is the 99 % point."""
    found = [mean_per_row(*_skewed_null(s), Resampling(ONE_SIDED, 800, s)) for s in range(400)]
    assert sum(e.low > 0 for e in found) <= 18
    assert sum(e.high < 0 for e in found) <= 25


def test_a_smaller_alpha_gives_wider_bounds() -> None:
    x, rows = _skewed_null(1)
    wide, narrow = (mean_per_row(x, rows, Resampling(a, 800, 1)) for a in (0.0038, ONE_SIDED))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high


def test_customers_that_repeat_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    x = np.repeat(rng.normal(1.0, 1.0, 100), 9)
    apart = mean_per_row(x, Rows.of(list(range(900))), Resampling(ONE_SIDED, 800, 1))
    together = mean_per_row(
        x, Rows.of(list(np.repeat(np.arange(100), 9))), Resampling(ONE_SIDED, 800, 1)
    )
    assert together.se == pytest.approx(3 * apart.se, rel=0.02)


def test_identical_customers_drawn_as_one_sum_change_nothing() -> None:
    """The mean of a few differing among many: known by hand, and its se as the plain formula's."""
    x = np.zeros(1000)
    x[:40] = 25.0
    found = normal_mean(x, Rows.of(list(range(1000))), ONE_SIDED)
    assert found.value == 1.0
    assert found.se == pytest.approx(x.std(ddof=1) / np.sqrt(1000))


def test_four_seasons_add_their_variance_by_dersimonian_laird() -> None:
    """Means 1, 2, 3, 6 with variance 1 each: Q = 14, tau^2 = 11/3, t(3) = 3.182 at .025."""
    x = np.array([0.0, 2.0, 1.0, 3.0, 2.0, 4.0, 5.0, 7.0])
    seasons = np.repeat(np.arange(4), 2)
    found = mean_per_row(x, Rows.of(list(range(8)), list(seasons)), Resampling(ONE_SIDED, 2000, 1))
    within = 36 * 8 / 7 / 64
    assert found.se == pytest.approx(np.sqrt(within + 11 / 3 / 4))
    assert found.critical >= 3.182


def test_three_seasons_add_nothing() -> None:
    x = np.array([0.0, 2.0, 1.0, 3.0, 5.0, 7.0])
    rows = Rows.of(list(range(6)), [0, 0, 1, 1, 2, 2])
    assert mean_per_row(x, rows, Resampling(ONE_SIDED, 800, 1)).se == pytest.approx(
        normal_mean(x, rows, ONE_SIDED).se
    )


def test_a_gain_in_one_season_only_is_not_shown_for_the_next() -> None:
    """A thousand customers each season: overall surely positive, between seasons not."""
    rng = np.random.default_rng(5)
    season = np.repeat(np.arange(4), 1000)
    x = rng.normal(0.0, 1.0, 4000) + np.where(season == 2, 1.0, 0.0)
    one = mean_per_row(x, Rows.of(list(range(4000))), Resampling(ONE_SIDED, 800, 1))
    four = mean_per_row(x, Rows.of(list(range(4000)), list(season)), Resampling(ONE_SIDED, 800, 1))
    assert one.low > 0 > four.low


def test_the_order_of_rows_changes_nothing() -> None:
    x, _ = _skewed_null(2)
    ids = [f"c{i}" for i in range(2000)]
    turned = np.random.default_rng(1).permutation(2000)
    how = Resampling(ONE_SIDED, 800, 7)
    shuffled = mean_per_row(x[turned], Rows.of([ids[i] for i in turned]), how)
    assert mean_per_row(x, Rows.of(ids), how) == shuffled


def test_columns_drawn_together_have_the_bounds_they_have_alone() -> None:
    """Which customers differ is the same in both, and so are the draws."""
    x, rows = _skewed_null(4)
    how = Resampling(ONE_SIDED, 800, 3)
    both = means_per_row([x, 2.0 * x, 0.0 * x], rows, how)
    assert both[0] == mean_per_row(x, rows, how)
    assert both[1].low == pytest.approx(2 * both[0].low)
    assert (both[2].low, both[2].se) == (0.0, 0.0)
