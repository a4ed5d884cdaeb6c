"""The tables of Shapley values against XGBoost's own, on every depth they know."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from churn_ml.models.boosting import Forest, Trees, XGBoost
from churn_ml.models.example import SETTING
from churn_ml.models.shapley import BITS, DEEPEST, Tabled
from churn_ml.models.spend import Floats


def _rows(count: int, seed: int) -> Floats:
    """Steps, amounts and flags, a fifth of them missing."""
    rng = np.random.default_rng(seed)
    kinds = [rng.integers(0, 6, count), rng.lognormal(0, 1, count), rng.random(count) < 0.3]
    values = np.column_stack([*kinds, rng.normal(size=(count, 3))]).astype(float)
    values[rng.random(values.shape) < 0.2] = np.nan
    return values


def _grown(depth: int, trees: int = 12) -> xgb.Booster:
    values = _rows(600, seed=depth)
    known = np.nan_to_num(values, nan=1.0)
    label = (known[:, 0] + known[:, 1] * known[:, 3] + known[:, 4] > 2).astype(int)
    told = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.3, "nthread": 1}
    table = xgb.DMatrix(values, label, nthread=1)
    return xgb.train({**told, "min_child_weight": 0.1}, table, trees)


def _tabled(booster: xgb.Booster) -> Tabled | None:
    return Tabled.of(bytes(booster.save_raw("json")))


def _at_the_thresholds(booster: xgb.Booster, rows: Floats) -> Floats:
    """The rows, and rows whose values lie on thresholds or just beside them, in float64."""
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    splits = [
        (f, t)
        for tree in trees
        for f, t, left in zip(
            tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
        )
        if left != -1
    ]
    edge = np.repeat(rows[:1], 3 * len(splits), axis=0)
    for place, (feature, told) in enumerate(splits):
        near = (np.float32(told), np.nextafter(told, np.inf), np.nextafter(told, -np.inf))
        edge[3 * place : 3 * place + 3, feature] = near
    return np.concatenate([rows, edge])


@pytest.mark.parametrize("depth", range(1, DEEPEST + 1))
def test_equals_pred_contribs_at_every_depth_on_missing_values_and_on_thresholds(
    depth: int,
) -> None:
    booster = _grown(depth)
    tabled = _tabled(booster)
    assert tabled is not None
    rows = _at_the_thresholds(booster, _rows(200, seed=99))
    theirs = booster.predict(xgb.DMatrix(rows, nthread=1), pred_contribs=True)[:, :-1]
    np.testing.assert_allclose(tabled.contributions(rows), theirs, atol=1e-5)
    assert all(len(table.conditions) <= BITS for _, tables in tabled.trees for table in tables)


def test_deeper_trees_are_left_to_xgboost() -> None:
    assert _tabled(_grown(DEEPEST + 2, trees=3)) is None


def test_one_split_by_hand() -> None:
    """60 of 100 rows go left to -1, the others right to 1: the mean is -.2."""
    tree = {
        "split_type": [0, 0, 0],
        "split_indices": [0, 0, 0],
        "split_conditions": [2.0, -1.0, 1.0],
        "default_left": [1, 0, 0],
        "left_children": [1, -1, -1],
        "right_children": [2, -1, -1],
        "sum_hessian": [100.0, 60.0, 40.0],
    }
    model = {"learner": {"gradient_booster": {"model": {"trees": [tree]}}}}
    tabled = Tabled.of(json.dumps(model).encode())
    assert tabled is not None
    told = tabled.contributions(np.array([[1.0, 7], [2.0, 7], [np.nan, 7]]))
    np.testing.assert_allclose(told, [[-0.8, 0], [1.2, 0], [-0.8, 0]], rtol=1e-12)


def test_a_row_gets_the_same_bits_alone_as_among_others() -> None:
    tabled, rows = _tabled(_grown(4)), _rows(50, seed=5)
    assert tabled is not None
    alone = np.concatenate([tabled.contributions(rows[i : i + 1]) for i in range(len(rows))])
    assert np.array_equal(alone, tabled.contributions(rows))


@pytest.mark.parametrize("family", [XGBoost, Forest])
def test_what_the_families_grow_is_told_by_tables(family: type[Trees]) -> None:
    rows = pd.DataFrame(_rows(150, seed=3)).add_prefix("f")
    label = (rows["f3"].fillna(0) > 0).to_numpy().astype(np.int64)
    trees = family.fit(rows, label, SETTING)
    assert trees._tabled is not None
    theirs = trees.explained(rows.to_numpy())[:, :-1]
    np.testing.assert_allclose(trees._tabled.contributions(rows.to_numpy()), theirs, atol=1e-5)


def test_a_stored_forest_of_deeper_trees_is_told_by_xgboost() -> None:
    rows = pd.DataFrame(_rows(20, seed=3)).add_prefix("f")
    deep = Forest(tuple(rows.columns), bytes(_grown(DEEPEST + 2, trees=3).save_raw("ubj")))
    assert deep._tabled is None
    assert deep.contributions(rows).shape == rows.shape
