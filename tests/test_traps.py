"""The traps of this field, each of them planted: what would be reported, and what stops it here.

The nine of a study on public data, and five defects of published churn projects. Where a test
beside the room that refuses it proves a trap already, `ELSEWHERE` names it, and is checked to.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Contract, Gate
from churn_ml.economics import NO_CONTACT, Terms
from churn_ml.gate.diagnosis import diagnosis
from churn_ml.gate.policies import decide
from churn_ml.in_memory import canonical
from churn_ml.labels import labels
from churn_ml.metrics import auc
from churn_ml.models.boosting import XGBoost
from churn_ml.models.btyd import BgNbd
from churn_ml.models.example import SETTING
from churn_ml.models.histories import Histories
from churn_ml.models.logistic import Logistic
from churn_ml.models.rule import Rfm, Rule
from churn_ml.models.value import ValueModel
from churn_ml.models.value_quality import judge
from churn_ml.simulate import contest, spending_panel, spending_recipe

ROOT = Path(__file__).parent
ELSEWHERE = {
    "trap 1, a label computed from a feature": (
        "flow/test_train.py::a_flag_of_recency",
        "test_training.py::test_trap_1_a_churn_flag_computed_from_a_feature_is_a_leak",
        "test_training.py::test_trap_1_a_churn_flag_that_features_give_away_together_is_a_leak",
    ),
    "trap 2, a random split of a panel": (
        "flow/test_train.py::a_random_split",
        "test_training.py::test_a_random_split_of_one_cut_off_is_a_leak",
    ),
    "trap 3, label windows that overlap": (
        "flow/test_train.py::an_overlap",
        "test_training.py::test_a_day_too_late_in_the_training_layer_is_a_leak",
        "test_training.py::test_choosing_on_rows_that_reach_the_evaluation_is_a_leak",
        "gate/test_trial.py::test_a_model_trained_on_the_evaluation_window_is_refused",
    ),
    "trap 8, an effect read from contacts that nobody drew": (
        "test_training.py::test_only_mature_untreated_rows_of_the_train_layer_teach",
        "gate/test_evidence.py::"
        "test_once_customers_were_contacted_there_is_no_evidence_without_a_holdout",
    ),
    "trap 9, a gate that prefers a model that flags nobody": (
        "gate/test_trial.py::test_no_trivial_policy_replaces_a_model",
        "gate/test_trial.py::test_a_model_replaces_every_trivial_policy",
        "gate/test_evaluation.py::test_profit_per_1000_by_hand",
    ),
    "a champion's figure from another test set": (
        "gate/test_evaluation.py::test_a_policy_scored_on_another_evaluation_set_is_refused",
        "gate/test_trial.py::test_m4_a_model_scored_on_another_evaluation_set_is_refused",
    ),
    "features stamped with the clock of the run": (
        "properties/test_features_laws.py::"
        "test_a_late_row_changes_a_later_as_of_and_moving_all_by_whole_weeks_nothing",
    ),
}


@pytest.mark.parametrize("trap", ELSEWHERE)
def test_the_tests_that_prove_a_trap_are_there(trap: str) -> None:
    for place in ELSEWHERE[trap]:
        file, name = place.split("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), place


def _shop(customers: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Three features of the silent and the frequent, and labels that they tell but little."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "recency_days": rng.exponential(20, customers).round(),
            "order_days_90d": rng.poisson(3, customers).astype(float),
            "spend_90d": rng.lognormal(3, 1, customers),
        }
    )
    logit = 0.02 * rows["recency_days"] - 0.2 * rows["order_days_90d"] - 1
    return rows, (rng.random(customers) < 1 / (1 + np.exp(-logit))).astype(int).to_numpy()


def test_trap_4_no_holdout_drawn_at_random_decides_how_far_trees_grow() -> None:
    """AutoML chose 759 leaves by one. The recipe is set by hand: 300 trees of 16 leaves at most.

    Labels of pure chance, at which a holdout would stop the first tree, do not change that.
    """
    import xgboost as xgb

    rows, label = _shop(400, seed=1)
    chance = np.random.default_rng(2).permutation(label)
    booster = xgb.Booster(model_file=bytearray(XGBoost.fit(rows, chance, SETTING).ubj))
    leaves = [tree.count("leaf=") for tree in booster.get_dump()]
    assert len(leaves) == 300
    assert max(leaves) <= 2**4


@pytest.fixture(scope="module")
def cdnow() -> tuple[Histories, dict[int, np.ndarray]]:
    """A tenth of CDNOW to 1997-09-30, and the purchase days of the 13 and 39 weeks after it."""
    file = Path(os.environ.get("CHURN_ML_TEST_DATA", "")) / "CDNOW_sample.txt"
    if not file.is_file():
        pytest.skip("CHURN_ML_TEST_DATA names no folder with CDNOW_sample.txt")
    bought = pd.read_csv(file, sep=r"\s+", header=None, usecols=[1, 2], names=["id", "day"])
    bought["day"] = pd.to_datetime(bought["day"].astype(str))
    until = pd.Timestamp("1997-09-30")
    seen = bought[bought["day"] <= until].groupby("id")["day"].agg(["min", "max", "nunique"])
    weeks = [((late - seen["min"]).dt.days / 7).to_numpy(float) for late in (seen["max"], until)]
    counts = {}
    for ahead in (13, 39):
        window = bought["day"].between(until, until + pd.Timedelta(weeks=ahead), inclusive="right")
        found = bought[window].groupby("id")["day"].nunique().reindex(seen.index, fill_value=0)
        counts[ahead] = found.to_numpy(float)
    x = (seen["nunique"] - 1).to_numpy(float)
    return Histories(x, *weeks, np.ones(len(x))), counts


BG = BgNbd(0.243, 4.414, 0.793, 2.426)
"""The parameters that Fader, Hardie & Lee (2005) published for this tenth."""


def test_trap_5_being_alive_is_not_buying(cdnow: tuple[Histories, dict[int, np.ndarray]]) -> None:
    """P(alive) is the chance of buying ever: who bought once has 1. It ranks below a coin."""
    seen, counts = cdnow
    buys = (counts[39] > 0).astype(float)
    alive = 1 - BG.silent(seen, 1e12)
    assert auc(buys, alive) < 0.4
    assert auc(buys, 1 - BG.silent(seen, 39.0)) > 0.7


def test_trap_6_nothing_for_everybody_wins_by_the_mean_error_of_counts(
    cdnow: tuple[Histories, dict[int, np.ndarray]],
) -> None:
    """And so no model is chosen by it: of a value model the totals are asked first."""
    seen, counts = cdnow
    assert np.abs(counts[13]).mean() < np.abs(counts[13] - BG.expected(seen, 13.0)).mean()
    panel = spending_panel(2000, seed=1)
    model = ValueModel.fit(panel, spending_recipe())
    later = spending_panel(2000, seed=2)
    found, nothing = (
        judge(each, later, "spend_90d")
        for each in (model, replace(model, intercept=model.intercept - 20.0))
    )
    assert nothing.total_ratio < 0.01
    assert found.passes
    assert not nothing.passes


def test_trap_7_knowing_the_season_is_not_knowing_who() -> None:
    """Two cut-offs with churn of a tenth and a half, a score that tells them apart and nobody."""
    trial = contest(1, 1000, 2000, (1, 1), Gate())
    first = np.arange(2000) < 1000
    rng = np.random.default_rng(1)
    y = (rng.random(2000) < np.where(first, 0.1, 0.5)).astype(float)
    days = np.where(first, np.datetime64("2017-09-01"), np.datetime64("2017-10-01"))
    evidence = replace(trial.evidence, cut_off=days, truth=replace(trial.evidence.truth, y=y))
    score = np.where(first, 0.1, 0.5)
    sides = {
        name: replace(getattr(trial, name), p=score, rows_hash=evidence.rows_hash)
        for name in ("champion", "challenger")
    }
    told = diagnosis(replace(trial, evidence=evidence, terms=Terms(()), **sides))["challenger"]
    assert told["auc"][1] > 0.6
    assert told["auc_mean_per_cut_off"] == 0.5


AS_OF, MATURE = date(2017, 10, 1), date(2017, 11, 1)
GONE30 = Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1)


def _labelled(contract: Contract = GONE30, watermark: date = MATURE, **orders: list[str]) -> dict:
    """The label of each customer at 2017-10-01, from his order days."""
    rows = [{"customer_id": c, "occurred_at": day} for c, days in orders.items() for day in days]
    found = labels(canonical(orders=rows), pd.Series(list(orders)), AS_OF, contract, watermark)
    return dict(zip(found["customer_id"], found["label"], strict=True))


def test_who_never_came_back_is_a_churner_and_who_came_once_is_none() -> None:
    """A published propensity query says the reverse: whose last event lies near the first one of
    the window churned, and who had none at all is left NULL and set to 0."""
    told = _labelled(came=["2017-09-20", "2017-10-02"], never=["2017-09-20"])
    assert told == {"came": 0, "never": 1}


def test_what_is_not_known_yet_is_missing_and_never_no_churn() -> None:
    told = _labelled(watermark=date(2017, 10, 31), never=["2017-09-20"], came=["2017-10-02"])
    assert pd.isna(told["never"])
    assert pd.isna(told["came"])


def test_who_lapses_and_returns_between_two_months_has_churned() -> None:
    """Active in September and in November: by two adjacent months he never left. He was silent
    for the horizon, which is what the contract asks, and what a campaign in October could move."""
    told = _labelled(lapsed=["2017-09-25", "2017-11-02"], watermark=date(2017, 12, 1))
    assert told == {"lapsed": 1}


def test_nobody_is_contacted_by_a_score_above_one_half() -> None:
    """At a base rate of a tenth hardly anybody has one. Money decides: .3 of 200 pays, .1 not."""
    trial = contest(1, 500, 200, (1, 1), Gate())
    p = np.where(np.arange(200) < 20, 0.3, 0.1)
    policy = replace(trial.champion, p=p, value=np.full(200, 200.0))
    chosen = decide(policy, trial.evidence, trial.terms) != NO_CONTACT
    assert chosen.tolist() == (p == 0.3).tolist()


@pytest.mark.parametrize("family", [Rule, Rfm, Logistic])
def test_a_score_is_no_percentile_that_moves_when_others_do(family: type) -> None:
    rows, label = _shop(400, seed=3)
    model = family.fit(rows, label, SETTING)
    riskiest = np.argsort(model.predict(rows))[-40:]
    assert model.predict(rows.iloc[riskiest]) == pytest.approx(model.predict(rows)[riskiest])
