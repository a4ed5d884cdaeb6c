"""How much studies differ, by the numbers of the literature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from churn_ml.config import Gate
from churn_ml.gate.judging import verdict
from churn_ml.gate.seasons import tau_squared
from churn_ml.gate.trial import Trial
from churn_ml.simulate import contest

BCG = """4 119 11 128|6 300 29 274|3 228 11 209|62 13536 248 12619|33 5036 47 5761
|180 1361 372 1079|8 2537 10 619|505 87886 499 87892|29 7470 45 7232|17 1699 65 1600
|186 50448 141 27197|5 2493 3 2338|27 16886 29 17825"""
"""Thirteen trials of the BCG vaccine (Colditz et al. 1994): ill and well, vaccinated and not."""


def test_tau_squared_of_the_bcg_trials_is_that_of_viechtbauer_2010() -> None:
    """Table of dat.bcg in metafor: by DerSimonian & Laird tau^2 of the log risk ratio is .3088."""
    ill, well, ill_c, well_c = np.array([r.split() for r in BCG.split("|")], dtype=float).T
    n, n_c = ill + well, ill_c + well_c
    ratio = np.log((ill / n) / (ill_c / n_c))
    variance = 1 / ill - 1 / n + 1 / ill_c - 1 / n_c
    assert tau_squared(ratio, variance) == pytest.approx(0.3088, abs=5e-5)


def test_studies_that_agree_differ_by_nothing_and_one_alone_says_nothing() -> None:
    assert tau_squared(np.array([1.0, 1.1, 0.9]), np.ones(3)) == 0.0
    assert tau_squared(np.array([1.0, 9.0]), np.array([1.0, 0.0])) == 0.0


def over(seasons: int) -> Trial:
    """A contest whose customers are spread over so many cut-offs, 30 days apart."""
    gate = Gate(alpha_year=0.025, looks_per_year=1, resamples=800, min_disagreements=1)
    trial = contest(2, 1000, 600, (1, 5), gate)
    place = np.arange(len(trial.evidence.cut_off)) % seasons
    evidence = replace(trial.evidence, cut_off=trial.evidence.cut_off + place * 30)
    names = ("champion", "challenger", "reference", "rule")
    sides = {name: replace(getattr(trial, name), rows_hash=evidence.rows_hash) for name in names}
    return replace(trial, evidence=evidence, **sides)


def test_a_verdict_says_how_many_cut_offs_it_stands_on_and_which() -> None:
    one, three, four = (verdict(over(seasons)) for seasons in (1, 3, 4))
    assert (one.cut_offs, one.evaluated_on, one.between_se) == (1, ("2017-10-01",), 0.0)
    days = ("2017-10-01", "2017-10-31", "2017-11-30", "2017-12-30")
    assert (four.cut_offs, four.evaluated_on) == (4, days)
    assert four.interval[0] == one.interval[0]
    assert four.interval[1] < three.interval[1]
    assert any(why.startswith("one season: 3 cut-off(s) (2017-10-01, ") for why in three.reasons)
    (said,) = (why for why in four.reasons if why.startswith("4 cut-offs (2017-10-01, "))
    assert f"{four.between_se:,.2f} is how much they differ" in said
