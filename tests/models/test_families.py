"""Laws that hold for every family of models."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_ml.errors import BadInput
from churn_ml.metrics import auc
from churn_ml.models import FAMILIES, Bundle, Family, family
from churn_ml.models.example import SETTING

LEAST_AUC = {"threshold": 0.65, "cadence": 0.65, "rfm": 0.65, "bgnbd": 0.55, "pareto": 0.55}
"""Customers churn by silence and few orders: habit and places tell a part, all others 0.8."""
anything = st.one_of(
    st.none(), st.floats(allow_nan=True, allow_infinity=True), st.integers(-5, 1000).map(float)
)


def test_every_row_of_the_catalogue_names_the_family_of_its_class(
    bundles: dict[str, Bundle],
) -> None:
    assert [bundles[each.name].model.family for each in FAMILIES] == [e.name for e in FAMILIES]


def test_better_than_chance_on_rows_with_a_known_cause(
    bundle: Bundle, rows: pd.DataFrame, label: np.ndarray
) -> None:
    assert auc(label, bundle.model.predict(rows)) > LEAST_AUC.get(bundle.model.family, 0.8)


def test_reasons_and_base_add_up_to_the_logit_of_the_score(
    bundle: Bundle, rows: pd.DataFrame
) -> None:
    some = rows.head(100)
    p = bundle.model.predict(some)
    total = bundle.model.base() + bundle.model.contributions(some).sum(axis=1)
    # a forest's rates are told in float32
    atol = 5e-5 if bundle.model.family == "forest" else 2e-5
    np.testing.assert_allclose(total, np.log(p / (1 - p)), atol=atol)


def test_contributions_have_one_column_per_feature(bundle: Bundle, rows: pd.DataFrame) -> None:
    some = rows.head(100)
    assert bundle.model.contributions(some).shape == (len(some), len(bundle.model.features))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(st.lists(anything, min_size=8, max_size=8), min_size=1, max_size=5))
def test_d10_whatever_stands_in_a_feature_the_score_is_a_probability(
    bundle: Bundle, rows: pd.DataFrame, values: list[list[float | None]]
) -> None:
    wild = pd.DataFrame(values, columns=rows.columns, dtype=float)
    p = bundle.model.predict(wild)
    assert ((p >= 0) & (p <= 1)).all()
    assert np.isfinite(bundle.model.contributions(wild)).all()


def test_columns_are_found_by_name_and_others_ignored(bundle: Bundle, rows: pd.DataFrame) -> None:
    turned = rows[rows.columns[::-1]].assign(customer_id="h1")
    np.testing.assert_array_equal(bundle.model.predict(turned), bundle.model.predict(rows))


def test_the_order_of_the_rows_changes_no_score(bundle: Bundle, rows: pd.DataFrame) -> None:
    backwards = bundle.model.predict(rows.iloc[::-1])[::-1]
    np.testing.assert_array_equal(backwards, bundle.model.predict(rows))


def test_no_rows_give_no_scores(bundle: Bundle, rows: pd.DataFrame) -> None:
    assert bundle.model.predict(rows.iloc[:0]).shape == (0,)
    assert bundle.model.contributions(rows.iloc[:0]).shape == (0, len(bundle.model.features))


def test_m10_a_missing_feature_column_is_named(bundle: Bundle, rows: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="recency_days"):
        bundle.model.predict(rows.drop(columns="recency_days"))


def test_text_in_a_feature_column_is_named(bundle: Bundle, rows: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="recency_days"):
        bundle.model.predict(rows.assign(recency_days="often"))


@pytest.mark.parametrize("each", FAMILIES, ids=lambda each: each.name)
def test_d14_labels_of_one_class_are_refused_before_fitting(
    each: Family, rows: pd.DataFrame
) -> None:
    with pytest.raises(BadInput, match="degenerate label: all 800 rows are 0"):
        each.model.fit(rows, np.zeros(len(rows), dtype=int), SETTING)


@pytest.mark.parametrize("each", FAMILIES, ids=lambda each: each.name)
def test_d14_features_without_spread_or_without_a_value_teach_nothing(
    each: Family, label: np.ndarray
) -> None:
    columns = dict.fromkeys(("recency_days", *each.needs), np.full(len(label), 7.0))
    still = pd.DataFrame(columns | {"void": np.nan})
    p = each.model.fit(still, label, SETTING).predict(still)
    np.testing.assert_allclose(p, label.mean(), atol=0.01)


@pytest.mark.parametrize("each", FAMILIES, ids=lambda each: each.name)
def test_files_give_the_same_model_back(
    each: Family, bundles: dict[str, Bundle], rows: pd.DataFrame
) -> None:
    model = bundles[each.name].model
    again = each.model.from_files(model.files())
    assert again.files() == model.files()
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))


TRAIN = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from conftest import shop
from churn_ml.models import FAMILIES
from churn_ml.models.example import SETTING
rows, label = shop(1500, seed=2)
for each in FAMILIES:
    files = each.model.fit(rows, label, SETTING).files()
    print(hashlib.sha256(b"".join(files.values())).hexdigest())
"""


def test_m6_one_thread_or_two_give_the_same_bytes() -> None:
    told = []
    for threads in ("1", "2"):
        env = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", TRAIN, str(Path(__file__).parent)]
        told.append(subprocess.run(command, env=env, capture_output=True, check=True).stdout)
    assert told[0] == told[1]
    assert len(told[0].split()) == len(FAMILIES)


def test_another_seed_gives_another_booster(
    bundles: dict[str, Bundle], rows: pd.DataFrame, label: np.ndarray
) -> None:
    other = family("xgboost").model.fit(rows, label, replace(SETTING, seed=18))
    assert other.files() != bundles["xgboost"].model.files()


@pytest.mark.parametrize("name", ["rule", "threshold", "cadence", "rfm", "bgnbd", "logistic"])
def test_a_row_of_the_weight_2_teaches_what_the_same_row_twice_would(
    name: str, rows: pd.DataFrame, label: np.ndarray
) -> None:
    weight = np.where(rows.index % 3 == 0, 2.0, 1.0)
    twice = np.repeat(rows.index, weight.astype(int))
    fit = family(name).model.fit
    once = fit(rows, label, replace(SETTING, weight=weight)).predict(rows)
    again = fit(rows.loc[twice], label[twice], SETTING).predict(rows)
    np.testing.assert_allclose(once, again, atol=1e-6)
    assert np.abs(once - fit(rows, label, SETTING).predict(rows)).max() > 1e-4


@pytest.mark.parametrize("name", ["xgboost", "forest", "ensemble"])
def test_trees_draw_rows_at_random_and_so_keep_to_the_rate_of_weighted_rows(
    name: str, rows: pd.DataFrame, label: np.ndarray
) -> None:
    weight = np.where(label == 1, 4.0, 1.0)
    told = family(name).model.fit(rows, label, replace(SETTING, weight=weight)).predict(rows)
    rate = np.average(label, weights=weight)
    assert np.average(told, weights=weight) == pytest.approx(rate, abs=0.06)
    assert rate > label.mean() + 0.1


@pytest.mark.parametrize("weight", [[1.0], [np.nan] * 800, [-1.0] * 800, [0.0] * 800])
def test_weights_that_are_none_are_refused(
    weight: list[float], rows: pd.DataFrame, label: np.ndarray
) -> None:
    with pytest.raises(BadInput, match="weights of the rows"):
        family("rule").model.fit(rows, label, replace(SETTING, weight=np.array(weight)))
