"""The curves of a candidate, counted by hand on eight customers."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from churn_ml import curves
from churn_ml.metrics import auc
from churn_ml.models.example import ORIGIN, by_hand
from churn_ml.registry import artifacts, pictures
from churn_ml.registry.trained import Fitted, Panel, Trained

Y = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
P = np.array([0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1, 0.1])
VALUE = np.full(8, 100.0)
EXPECTED = P * 20 - 5
EARNED = Y * 20 - 5


def counted(tau: float = 0.0) -> dict[str, object]:
    found = curves.of(Y, P, VALUE, (EXPECTED, EARNED), tau)
    return found | {"drivers": [{"feature": "recency_days", "size": 0.5, "signed": 0.1}]}


def test_the_area_below_the_roc_is_the_auc() -> None:
    roc = curves.of(Y, P, VALUE, (EXPECTED, EARNED), 0.0)["roc"]
    area = np.trapezoid(roc["hit_share"], roc["wrong_share"])
    assert area == pytest.approx(auc(Y, P), abs=1e-6)


def test_the_what_if_table_counts_who_is_hit_and_how_many_wrong() -> None:
    row = curves.of(Y, P, VALUE, (EXPECTED, EARNED), 0.0)["what_if"][-1]
    assert row == {
        "share": 0.5,
        "score": 0.6,
        "customers": 4,
        "churners": 3,
        "wrong": 1,
        "hit_share": 1.0,
        "value_at_risk": 300.0,
        "profit_per_1000": 5000.0,  # 3 x 15 - 5 of 8 customers
    }


def test_the_profit_curve_marks_the_threshold_and_the_best_in_hindsight() -> None:
    told = curves.of(Y, P, VALUE, (EXPECTED, EARNED), 10.5)["profit"]
    assert told["at_tau"] == {"share": 0.25, "per_1000": 3750.0}
    assert told["best"] == {"share": 0.5, "per_1000": 5000.0}
    assert (told["share"][0], told["per_1000"][0]) == (0.0, 0.0)


def test_who_may_not_be_contacted_is_on_no_profit_curve() -> None:
    barred = np.where(P > 0.75, -np.inf, EXPECTED)
    told = curves.of(Y, P, VALUE, (barred, EARNED), 0.0)["profit"]
    assert told["share"][-1] == 0.75
    nobody = curves.of(Y, P, VALUE, (np.full(8, -np.inf), EARNED * 0), 0.0)["profit"]
    assert (nobody["share"], nobody["per_1000"]) == ([0.0], [0.0])


def test_a_curve_of_many_rows_has_few_points_and_its_ends() -> None:
    score = np.linspace(1, 0, 5000)
    told = curves.of((score > 0.5) * 1.0, score, score, (score, score), 0.0)
    assert len(told["roc"]["hit_share"]) <= curves.POINTS + 1
    assert (told["gains"]["contacted"][0], told["gains"]["contacted"][-1]) == (0.0, 1.0)
    assert sum(row["rows"] for row in told["reliability"]) == 5000


def test_the_profile_tells_missing_shares_and_quantiles_and_no_single_row() -> None:
    rows = pd.DataFrame({"recency_days": [*range(100), None], "spend_30d": [None] * 101})
    told = curves.profile(rows.astype(float).assign(customer_id="h1", label=1))
    assert list(told) == ["recency_days", "spend_30d"]
    assert told["recency_days"]["quantiles"]["0.5"] == 49.5
    assert told["recency_days"]["missing"] == pytest.approx(1 / 101, abs=1e-6)
    assert (told["spend_30d"]["missing"], told["spend_30d"]["mean"]) == (1.0, None)
    assert not {"0", "1"} & set(told["recency_days"]["quantiles"])


def trained(**change: object) -> Trained:
    """A training of the rule and a challenger that earned more."""
    figures = {"auc": [0.75, 0.7, 0.8], "calibration_slope": [0.5, 0.4, 0.6]}
    rule = Fitted("rule", "rule-1", "0a", figures | {"profit_per_1000": 100.0}, counted())
    other = Fitted("xgboost", "xgboost-1", "0b", figures | {"profit_per_1000": 200.0}, counted())
    layer = {"rows": 800, "churners": 80, "treated": 0, "immature": 3, "cut_offs": ["2017-09-01"]}
    return Trained(
        as_of=ORIGIN.trained_as_of,
        contract=ORIGIN.contract,
        currency="EUR",
        fitted=(rule, replace(other, **change)),
        challenger="xgboost-1",
        layers={"train": layer, "choose": layer},
        panel=Panel("lake/panel", 3, "5bec", 2400),
        read={"orders": {"2017-10-01": 7}},
        receipt="train/2017-10-01/1",
        started_at=None,  # type: ignore[arg-type]  # no picture or card reads the clock
        ended_at=None,  # type: ignore[arg-type]
        config_hash="c0ff",
        profile={"recency_days": {"rows": 4}},
    )


def test_the_card_says_in_words_what_a_manager_asks() -> None:
    told = artifacts.of_model(one := trained(), one.fitted[1], by_hand().manifest)
    card = told["model_card.md"].decode()
    for words in (
        "The challenger of the training as of 2017-10-01",
        "Not graded yet",
        "| 50% | 0.600 | 4 | 3 | 1 | 100.0% | 300 | 5,000 |",
        "contacted 62.5% and earned 4,375 EUR per 1,000",
        "too sure of itself (calibration slope 0.50)",
        "Wait for the gate",
    ):
        assert words in card, words
    graded = trained(grade="B")
    card = artifacts.of_model(graded, graded.fitted[1], by_hand().manifest)[
        "model_card.md"
    ].decode()
    assert "Grade **B**: use it" in card
    assert told["what_if.csv"].decode().splitlines()[-1] == "0.5,0.6,4,3,1,1.0,300.0,5000.0"


def test_the_same_curves_give_the_same_pictures_byte_for_byte() -> None:
    once, again = (pictures.drawn(counted(), "xgboost", "EUR") for _ in range(2))
    assert once == again
    assert {f"{name}.png" for name in pictures.PICTURES} == set(once)
    for data in once.values():
        width, height = struct.unpack(">II", data[16:24])
        assert (data[:4], width > 400, height > 300) == (b"\x89PNG", True, True)


def test_a_training_without_curves_is_shown_by_its_record_alone() -> None:
    one = trained(curves={})
    told = artifacts.of_model(one, one.fitted[1], by_hand().manifest)
    assert list(told) == ["record.json"]
    record = json.loads(told["record.json"])
    assert record["manifest"]["versions"] == dict(ORIGIN.versions)
    assert (record["config_hash"], record["contract"]) == ("c0ff", ORIGIN.contract)
    assert record["tables"] == {"orders": {"2017-10-01": 7}}
    assert record["models"] == {"rule-1": "0a", "xgboost-1": "0b"}
