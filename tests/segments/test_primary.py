"""Bands and segment codes, with customers made by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Offer, Segments
from churn_ml.economics import Terms, gains
from churn_ml.errors import BadInput
from churn_ml.segments import edges, risk_bands, segments, value_bands
from churn_ml.tables import SEGMENTS

AS_OF = date(2017, 10, 1)
SETTINGS = Segments(
    high_risk_score=0.5, medium_risk_score=0.2, high_value_share=0.2, medium_value_share=0.5
)
STAGES = {"a": "silent", "b": "active", "c": "active", "d": "returning", "e": "new", "f": "lost"}


def cohort(stages: dict[str, str] = STAGES) -> pd.DataFrame:
    return pd.DataFrame(
        {"customer_id": list(stages), "stage": list(stages.values()), "as_of": AS_OF}
    )


def scores() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["d", "b", "a", "c", "e"],
            "score": [0.9, 0.3, 0.5, 0.1, 0.2],
            "value": [5.0, 50.0, 100.0, 10.0, 1.0],
            "as_of": AS_OF,
        }
    )


def arms(ids: str = "abcdef") -> pd.Series:
    return pd.Series({i: "holdout" if i == "b" else "open" for i in ids})


def test_every_customer_of_the_cohort_has_one_code_from_bands_and_stage() -> None:
    out = segments(cohort(), scores(), arms(), SETTINGS)
    assert dict(zip(out["customer_id"], out["segment"], strict=True)) == {
        "a": "HIGH_RISK_HIGH_VALUE_SILENT",  # 1st of 5 by value: within the top .2
        "b": "MEDIUM_RISK_MEDIUM_VALUE_ACTIVE",  # 2nd of 5: within the top .5
        "c": "LOW_RISK_LOW_VALUE_ACTIVE",  # 3rd of 5 is beyond 2.5
        "d": "HIGH_RISK_LOW_VALUE_RETURNING",
        "e": "MEDIUM_RISK_LOW_VALUE_NEW",  # .2 lies on the edge: medium
        "f": "LOST",
    }
    assert out.loc[out["customer_id"] == "f", ["risk_band", "value_band"]].to_numpy().tolist() == [
        ["unscored", "unscored"]
    ]


def test_the_frame_is_the_table_of_tables_py() -> None:
    out = segments(cohort(), scores(), arms(), SETTINGS)
    assert tuple(out.columns) == SEGMENTS.names
    assert SEGMENTS.to_arrow(out).num_rows == 6
    assert out["arm"].tolist() == ["open", "holdout", "open", "open", "open", "open"]


def test_the_order_of_rows_changes_nothing() -> None:
    first = segments(cohort(), scores(), arms(), SETTINGS)
    second = segments(cohort()[::-1], scores()[::-1], arms("fedcba"), SETTINGS)
    pd.testing.assert_frame_equal(first, second)


def test_nobody_scored_leaves_the_stages() -> None:
    out = segments(cohort(), scores()[:0], arms(), SETTINGS)
    assert out["segment"].tolist() == ["SILENT", "ACTIVE", "ACTIVE", "RETURNING", "NEW", "LOST"]


def test_an_empty_cohort_gives_an_empty_frame_with_all_columns() -> None:
    out = segments(cohort()[:0], scores()[:0], arms(""), SETTINGS)
    assert (len(out), tuple(out.columns)) == (0, SEGMENTS.names)


def test_equal_values_share_a_band_and_no_band_takes_more_than_its_share() -> None:
    assert value_bands([7.0] * 10, SETTINGS).tolist() == ["low"] * 10
    assert value_bands([9.0, 9.0, 1, 1, 1, 1, 1, 1, 1, 1], SETTINGS).tolist()[:2] == [
        "high",
        "high",
    ]
    assert "high" not in value_bands([9.0, 9.0, 9.0, 1, 1, 1, 1, 1, 1, 1], SETTINGS)


def test_a_rank_exactly_at_the_share_is_inside_in_spite_of_rounding() -> None:
    # .29 * 100 is 28.999999999999996 in floating point.
    bands = value_bands(np.arange(100.0), Segments(high_value_share=0.29, medium_value_share=0.5))
    assert (bands == "high").sum() == 29


def test_scores_on_an_edge_belong_to_the_band_above() -> None:
    assert risk_bands([0.2, 0.19999], SETTINGS).tolist() == ["medium", "low"]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ((cohort({"a": "new"}), scores(), arms()), "4 scored customers are not in the cohort"),
        ((cohort(), scores(), arms("abcde")), "1 customers of the cohort have no arm"),
        ((cohort(), pd.concat([scores(), scores()]), arms()), "scores holds a customer twice"),
        ((cohort(), scores().assign(as_of=date(2017, 11, 1)), arms()), "different as_of"),
    ],
)
def test_frames_that_do_not_belong_together_are_refused(
    frames: tuple[pd.DataFrame, pd.DataFrame, pd.Series], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        segments(*frames, SETTINGS)


COUPON = Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1)


def test_the_profit_edge_is_where_contacting_a_customer_of_median_value_breaks_even() -> None:
    settings = Segments(high_risk_score="profit", medium_risk_score=0.4)
    terms = Terms((COUPON, COUPON.model_copy(update={"code": "DEAR", "cost_amount": 50})))
    found = edges(settings, [100.0, 200.0, 900.0], terms, 2.0)
    edge = found.high_risk_score
    assert isinstance(edge, float)
    assert gains(np.array([edge]), np.array([200.0]), terms).max() == pytest.approx(2, abs=1e-4)
    assert found.medium_risk_score == edge  # never above the high one


def test_without_an_offer_that_pays_nobody_is_of_high_risk() -> None:
    settings = Segments(high_risk_score="profit")
    assert edges(settings, [200.0], Terms(()), 0.0).high_risk_score == 1.0
    assert edges(settings, [], Terms((COUPON,)), 0.0).high_risk_score == 1.0
    assert edges(SETTINGS, [200.0], Terms((COUPON,)), 0.0) is SETTINGS
