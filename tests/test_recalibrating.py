"""Recalibrating: only what was learned before and bettered later data is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_ml.models import store
from churn_ml.models.bundle import Bundle
from churn_ml.models.example import by_hand
from churn_ml.models.protocol import Model, logit
from churn_ml.models.recalibration import FILE, Recalibrated
from churn_ml.recalibrating import where_it_helps

MODEL = by_hand().model
DAYS = (date(2017, 7, 3), date(2017, 8, 2), date(2017, 9, 1))
CUSTOMERS = 3000


def rows(cut_off: date, intercept: float, slope: float) -> pd.DataFrame:
    """Customers of whom the model should say intercept + slope x the logit that it says."""
    rng = np.random.default_rng(cut_off.toordinal())
    found = pd.DataFrame(
        {
            "customer_id": [f"h{i:04}" for i in range(CUSTOMERS)],
            "cut_off": cut_off,
            "recency_days": rng.exponential(20, CUSTOMERS).round(),
        }
    )
    p = Recalibrated(MODEL, intercept, slope).predict(found)
    return found.assign(label=(rng.random(CUSTOMERS) < p).astype(int))


class Fits:
    """A family that always fits the same model, and counts how often."""

    def __init__(self) -> None:
        self.cut_offs: list[set[date]] = []

    def __call__(self, past: pd.DataFrame) -> Model:
        self.cut_offs.append(set(past["cut_off"]))
        return MODEL


def tried(*lines: tuple[float, float]) -> tuple[Model, Fits]:
    """What is kept where those are the lines of the cut-offs, the last the later one."""
    parts = [rows(day, *line) for day, line in zip(DAYS[-len(lines) :], lines, strict=True)]
    fits = Fits()
    return where_it_helps(MODEL, fits, pd.concat(parts[:-1]), parts[-1]), fits


def test_what_was_off_before_and_is_off_later_is_mended_by_what_was_learned_before() -> None:
    found, fits = tried((0.9, 0.6), (0.9, 0.6), (0.9, 0.6))
    assert isinstance(found, Recalibrated)
    assert (found.intercept, found.slope) == pytest.approx((0.9, 0.6), abs=0.15)
    # the family is fitted once more, on the cut-offs whose labels were known on the last of past
    assert fits.cut_offs == [{DAYS[0]}]


def test_what_was_off_before_and_is_off_the_other_way_later_is_left() -> None:
    found, fits = tried((0.9, 1.0), (0.9, 1.0), (-0.9, 1.0))
    assert found is MODEL
    assert len(fits.cut_offs) == 1


def test_a_model_whose_probabilities_hold_is_not_fitted_again() -> None:
    found, fits = tried((0.0, 1.0), (0.9, 1.0), (0.0, 1.0))
    assert (found, fits.cut_offs) == (MODEL, [])


def test_with_one_cut_off_before_there_is_nothing_to_learn_from_and_to_judge_on() -> None:
    found, fits = tried((0.9, 0.6), (0.9, 0.6))
    assert (found, fits.cut_offs) == (MODEL, [])


def test_a_line_that_turns_the_order_round_is_not_kept() -> None:
    assert tried((0.0, -1.0), (0.0, -1.0), (0.0, -1.0))[0] is MODEL


def test_cut_offs_whose_labels_end_after_the_last_one_do_not_teach_for_it() -> None:
    past = [rows(day, 0.9, 0.6) for day in (*DAYS[:2], DAYS[1] - timedelta(days=14))]
    fits = Fits()
    where_it_helps(MODEL, fits, pd.concat(past), rows(DAYS[2], 0.9, 0.6))
    assert fits.cut_offs == [{DAYS[0]}]


def test_a_recalibrated_model_is_stored_and_explains_itself_exactly(tmp_path: Path) -> None:
    some = rows(DAYS[0], 0.0, 1.0).head(50)
    bundle: Bundle = replace(by_hand(), model=Recalibrated(MODEL, 0.2, 0.9))
    again = store.load(tmp_path / store.save(bundle, tmp_path), sha256=bundle.sha256).model
    assert f"model/{FILE}" in bundle.manifest["files"]
    assert bundle.id != by_hand().id
    p = again.predict(some)
    np.testing.assert_allclose(logit(p, 1e-9), 0.2 + 0.9 * logit(MODEL.predict(some), 1e-9))
    total = again.base() + again.contributions(some).sum(axis=1)
    np.testing.assert_allclose(total, logit(p, 1e-9), atol=1e-9)
    assert again.features == MODEL.features
    store.keep(again, tmp_path / "part")
    assert store.kept(tmp_path / "part", MODEL.family) == again
