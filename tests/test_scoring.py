"""Scoring: every customer once, a probability, a value, and reasons that can be read."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_ml import scoring
from churn_ml.errors import BadInput, BrokenPromise
from churn_ml.models import Bundle
from churn_ml.models.example import ORIGIN, worth
from churn_ml.models.logistic import Logistic, Standard
from churn_ml.reasons import explained
from churn_ml.scoring import score
from churn_ml.tables import SCORES

FEATURES = ("basket_amount", "order_count", "recency_days", "tenure_days")
STILL = (0.0,) * 4
ONE = (1.0,) * 4


@pytest.fixture
def bundle() -> Bundle:
    standard = Standard(median=STILL, low=(-1e9,) * 4, high=(1e9,) * 4, mean=STILL, scale=ONE)
    model = Logistic(FEATURES, intercept=0.0, coef=(0.0, -0.5, 0.1, 0.001), standard=standard)
    return Bundle(model, worth(200.0), 0.0, ORIGIN)


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["h3", "h1", "h2"],
            "as_of": date(2017, 10, 1),
            "basket_amount": [10.0, 20.0, np.nan],
            "order_count": [8.0, 1.0, 3.0],
            "recency_days": [2.0, 30.0, np.nan],
            "tenure_days": [100.0, 200.0, 300.0],
        }
    )


def scored(bundle: Bundle, customers: pd.DataFrame, **change: Any) -> pd.DataFrame:
    told = {"contract_stamp": "gone30-0f1e2d3c", "spec_hash": "5bec"} | change
    return score(bundle, customers, **told)


def told_why(bundle: Bundle, customers: pd.DataFrame, **segment: str) -> list[list[dict[str, Any]]]:
    """The reasons of the customers in their order; all are of one segment but those named."""
    every = pd.Series({c: segment.get(c, "LOST") for c in customers["customer_id"]})
    rows = explained(bundle, customers, scored(bundle, customers), every)
    assert tuple(rows.columns) == SCORES.names
    return [json.loads(text) for text in rows["reasons"]]


def test_has_the_columns_of_the_table_sorted_by_customer(
    bundle: Bundle, customers: pd.DataFrame
) -> None:
    rows = scored(bundle, customers)
    assert {*rows.columns} == {*SCORES.names} - {"reasons"}
    assert rows["customer_id"].tolist() == ["h1", "h2", "h3"]
    assert set(rows["model"]) == {bundle.id}
    assert set(rows["contract"]) == {"gone30-0f1e2d3c"}


def test_score_value_and_value_at_risk_by_hand(bundle: Bundle, customers: pd.DataFrame) -> None:
    first = scored(bundle, customers).iloc[0]
    # the logit of h1 is one order at -.5, 30 days at .1 and 200 days at .001, together 2.7
    assert first["score"] == pytest.approx(1 / (1 + np.exp(-2.7)), abs=1e-9)
    assert first["value"] == 200
    assert first["value_at_risk"] == pytest.approx(200 * first["score"], abs=1e-6)


def test_reasons_by_hand_strongest_first_with_direction_value_and_average(
    bundle: Bundle, customers: pd.DataFrame
) -> None:
    told = told_why(bundle, customers)[0]
    assert told == [
        {
            "indicator": "recency_days",
            "direction": "up",
            "value": 30.0,
            "average": 16.0,
            "effect": 3.0,
        },
        {
            "indicator": "order_count",
            "direction": "down",
            "value": 1.0,
            "average": 4.0,
            "effect": -0.5,
        },
        {
            "indicator": "tenure_days",
            "direction": "up",
            "value": 200.0,
            "average": 200.0,
            "effect": 0.2,
        },
    ]


def test_indicators_without_effect_are_no_reasons(bundle: Bundle, customers: pd.DataFrame) -> None:
    # h2: recency is missing and counts as the median 0, basket_amount has a coefficient of 0
    told = told_why(bundle, customers)[1]
    assert [each["indicator"] for each in told] == ["order_count", "tenure_days"]


def test_an_unknown_value_is_null_beside_its_effect(
    bundle: Bundle, customers: pd.DataFrame
) -> None:
    standard = dataclasses.replace(bundle.model.standard, median=(0.0, 0.0, 9.0, 0.0))
    model = dataclasses.replace(bundle.model, standard=standard)
    told = told_why(dataclasses.replace(bundle, model=model), customers)[1]
    (recency,) = [each for each in told if each["indicator"] == "recency_days"]
    assert (recency["value"], recency["effect"]) == (None, 0.9)


def test_shuffled_rows_give_byte_equal_scores(bundle: Bundle, customers: pd.DataFrame) -> None:
    shuffled = customers.iloc[[2, 0, 1]]
    pd.testing.assert_frame_equal(scored(bundle, shuffled), scored(bundle, customers))
    assert told_why(bundle, shuffled) == told_why(bundle, customers)


def test_no_customers_give_an_empty_table(bundle: Bundle, customers: pd.DataFrame) -> None:
    rows = scored(bundle, customers.iloc[:0])
    assert len(rows) == 0
    assert told_why(bundle, customers.iloc[:0]) == []


@pytest.mark.parametrize("change", [{"contract_stamp": "gone90-aa"}, {"spec_hash": "other"}])
def test_m10_another_contract_or_catalogue_is_refused(
    bundle: Bundle, customers: pd.DataFrame, change: dict[str, str]
) -> None:
    with pytest.raises(BadInput, match="trained under another"):
        scored(bundle, customers, **change)


def test_m10_a_missing_feature_is_named(bundle: Bundle, customers: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="expected: order_count"):
        scored(bundle, customers.drop(columns="order_count"))


def test_a_customer_who_comes_twice_is_refused(bundle: Bundle, customers: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="stands twice"):
        scored(bundle, pd.concat([customers, customers.iloc[:1]]))


def test_d10_a_value_that_is_no_number_is_never_handed_on(
    bundle: Bundle, customers: pd.DataFrame
) -> None:
    broken = dataclasses.replace(bundle, value=worth(float("nan")))
    with pytest.raises(BrokenPromise, match="not a number"):
        scored(broken, customers)


def test_reasons_are_written_as_json_writes_them(bundle: Bundle) -> None:
    rng = np.random.default_rng(1)
    wild = np.concatenate([rng.normal(size=300), 10.0 ** rng.integers(-9, 18, 100), [0.1, -0.0]])
    rows = pd.DataFrame({name: rng.choice(wild, 500) for name in FEATURES})
    rows = rows.assign(customer_id=[f"h{n:03d}" for n in range(500)], as_of=date(2017, 10, 1))
    every = pd.Series("LOST", index=rows["customer_id"])
    told = explained(bundle, rows, scored(bundle, rows), every)["reasons"].tolist()
    assert sum(len(text) > 2 for text in told) > 400
    assert [json.dumps(json.loads(text), sort_keys=True) for text in told] == told


def test_the_average_is_that_of_the_customers_own_segment(
    bundle: Bundle, customers: pd.DataFrame
) -> None:
    h1, h2, h3 = told_why(bundle, customers, h1="HIGH_RISK_LOW_VALUE_ACTIVE")
    orders = [
        one["average"] for each in (h1, h2, h3) for one in each if "order" in one["indicator"]
    ]
    # 8 and 3 orders of those who are lost, and h1's single one alone
    assert orders == [1.0, 5.5, 5.5]
    # of the lost only h3's last order is known
    assert [one["average"] for one in h3 if one["indicator"] == "recency_days"] == [2.0]


@pytest.mark.parametrize(("sign", "directions"), [(1.0, "uuud"), (-1.0, "dddu")])
def test_where_the_strongest_reasons_point_one_way_the_strongest_of_the_other_follows(
    bundle: Bundle, customers: pd.DataFrame, sign: float, directions: str
) -> None:
    # effects of h1: 20, 5, 3 and -.2, and all of them turned round
    model = dataclasses.replace(bundle.model, coef=tuple(sign * x for x in (1, 5, 0.1, -0.001)))
    told = told_why(dataclasses.replace(bundle, model=model), customers)[0]
    assert [one["direction"][0] for one in told] == list(directions)
    assert told[-1]["indicator"] == "tenure_days"


def test_features_scores_and_segments_of_other_customers_are_refused(
    bundle: Bundle, customers: pd.DataFrame
) -> None:
    rows, some = scored(bundle, customers), pd.Series({"h1": "LOST", "h2": "LOST"})
    with pytest.raises(BadInput, match="1 of them without a segment"):
        explained(bundle, customers, rows, some)
    with pytest.raises(BadInput, match="3 with features, 2 with scores"):
        explained(bundle, customers, rows.iloc[:2], pd.Series("LOST", index=["h1", "h2", "h3"]))


def test_customers_scored_in_blocks_get_the_scores_of_one_block(
    bundle: Bundle, customers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, why = scored(bundle, customers), told_why(bundle, customers, h1="NEW")
    monkeypatch.setattr(scoring, "BLOCK", 2)
    pd.testing.assert_frame_equal(scored(bundle, customers), whole)
    assert told_why(bundle, customers, h1="NEW") == why
