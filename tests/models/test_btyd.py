"""The buy-till-you-die models against the figures their authors published, and against their story.

CDNOW's tenth, observed to 1997-09-30, is what Fader, Hardie and Lee (2005) fitted.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1

from churn_ml.models.btyd import BgNbd, ParetoNbd, fitted
from churn_ml.models.histories import Floats, Histories

UNTIL = pd.Timestamp("1997-09-30")
BG = BgNbd(0.243, 4.414, 0.793, 2.426)
PARETO = ParetoNbd(0.553, 10.578, 0.606, 11.669)


@pytest.fixture(scope="module")
def sample() -> Histories:
    """Weeks of the 2,357 customers of the tenth."""
    file = Path(os.environ.get("CHURN_ML_TEST_DATA", "")) / "CDNOW_sample.txt"
    if not file.is_file():
        pytest.skip("CHURN_ML_TEST_DATA names no folder with CDNOW_sample.txt")
    rows = pd.read_csv(file, sep=r"\s+", header=None, usecols=[1, 2], names=["id", "date"])
    rows["date"] = pd.to_datetime(rows["date"].astype(str))
    seen = rows[rows["date"] <= UNTIL].groupby("id")["date"].agg(["min", "max", "nunique"])
    weeks = [((late - seen["min"]).dt.days / 7).to_numpy(float) for late in (seen["max"], UNTIL)]
    return Histories.of((seen["nunique"] - 1).to_numpy(float), *weeks)


def test_bg_nbd_finds_the_published_parameters(sample: Histories) -> None:
    found = fitted(BgNbd, sample)
    assert isinstance(found, BgNbd)
    told = [found.r, found.alpha, found.a, found.b]
    assert np.round(told, 3).tolist() == [0.243, 4.414, 0.793, 2.426]
    assert (found.log_likelihood(sample) * sample.times).sum() == pytest.approx(-9582.4, abs=0.05)


def test_pareto_nbd_finds_the_published_parameters(sample: Histories) -> None:
    found = fitted(ParetoNbd, sample)
    assert isinstance(found, ParetoNbd)
    told = [found.r, found.alpha, found.s, found.beta]
    assert told == pytest.approx([0.553, 10.578, 0.606, 11.669], rel=1e-3)
    assert (found.log_likelihood(sample) * sample.times).sum() == pytest.approx(-9595.0, abs=0.05)


def test_the_integral_is_the_hypergeometric_form_of_the_paper() -> None:
    x = np.array([0.0, 1.0, 5.0, 26.0])
    seen = Histories.of(x, np.array([0.0, 2.0, 30.0, 38.0]), np.full(4, 38.86))
    n = PARETO.r + PARETO.s + seen.x

    def upto(y: Floats) -> Floats:
        z = (PARETO.beta - PARETO.alpha) / (PARETO.beta + y)
        series: Floats = hyp2f1(n, PARETO.r + seen.x, n + 1, z)
        return series / (PARETO.beta + y) ** n

    odds = PARETO.s / n * (upto(seen.t_x) - upto(seen.T))
    odds *= (PARETO.alpha + seen.T) ** (PARETO.r + seen.x) * (PARETO.beta + seen.T) ** PARETO.s
    alive = -(PARETO.r + seen.x) * np.log(PARETO.alpha + seen.T)
    stays = PARETO.s * np.log(PARETO.beta / (PARETO.beta + seen.T))
    rest = PARETO.log_likelihood(seen) - alive - stays - np.log1p(odds)
    lone = Histories(seen.x, seen.T, seen.T, seen.times)
    assert rest == pytest.approx(PARETO.log_likelihood(lone) - alive - stays, rel=1e-6)


def simulated(process: BgNbd | ParetoNbd, customers: int, until: float, t: float) -> pd.DataFrame:
    """x, t_x, and the purchases in (until, until + t] of customers who live by the story."""
    rng = np.random.default_rng(7)
    rate = rng.gamma(process.r, 1 / process.alpha, customers)
    if isinstance(process, ParetoNbd):
        ends = rng.exponential(1 / rng.gamma(process.s, 1 / process.beta, customers))
    else:
        leaves = rng.beta(process.a, process.b, customers)
        ends = np.full(customers, np.inf)
    told = pd.DataFrame({"x": 0.0, "t_x": 0.0, "later": 0.0}, index=range(customers))
    clock, here = np.zeros(customers), np.ones(customers, dtype=bool)
    while here.any():
        clock = clock + rng.exponential(1 / rate)
        here &= (clock <= ends) & (clock <= until + t)
        early = here & (clock <= until)
        told.loc[early, "x"] += 1
        told.loc[early, "t_x"] = clock[early]
        told.loc[here & ~early, "later"] += 1
        if isinstance(process, BgNbd):
            here &= rng.random(customers) >= leaves
    return told


@pytest.mark.parametrize("process", [BG, PARETO], ids=["bg", "pareto"])
def test_what_is_foretold_happens_to_customers_who_live_by_the_story(
    process: BgNbd | ParetoNbd,
) -> None:
    told = simulated(process, 100_000, 39.0, 39.0)
    seen = Histories(*told[["x", "t_x"]].to_numpy().T, np.full(len(told), 39.0), np.ones(len(told)))
    told["silent"], told["expected"] = process.silent(seen, 39.0), process.expected(seen, 39.0)
    for _, group in told.groupby(np.minimum(told["x"], 3)):
        error = 4 * group["later"].std() / len(group) ** 0.5
        assert (group["later"] == 0).mean() == pytest.approx(group["silent"].mean(), abs=0.02)
        assert group["later"].mean() == pytest.approx(group["expected"].mean(), abs=error)
