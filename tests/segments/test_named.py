"""Named segments: every entry of the domain's list, each rule by hand, clusters of like risk."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_ml.config import Segments
from churn_ml.in_memory import canonical
from churn_ml.segments import NAMED, clusters, gathered, named
from churn_ml.segments.named import RULES
from churn_ml.tables import NAMED_SEGMENTS

AS_OF = date(2017, 10, 1)
SLICES_ONLY = {"F13", "F14", "F19"}
"""Age group, gender, young users: never a segment."""


def names(**told: Any) -> list[str]:
    """The named segments of one customer of whom just that is known."""
    rows = pd.DataFrame({"customer_id": ["h1"], "as_of": AS_OF} | {k: [v] for k, v in told.items()})
    return list(named(rows, Segments())["segment"])


def test_every_entry_of_the_domains_list_has_a_name_but_age_and_gender() -> None:
    assert {one.source for one in NAMED} == {f"F{n:02}" for n in range(1, 31)} - SLICES_ONLY


def test_every_name_has_a_rule_and_no_rule_reads_age_or_gender() -> None:
    assert list(RULES) == [one.code for one in NAMED]
    read = {column for needs, _ in RULES.values() for column in needs}
    assert not read & {"age_band", "gender", "income_band"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"value_band": "high"}, ["HIGH_VALUE"]),
        ({"value_band": "high", "order_days_ratio": 0.69}, ["HIGH_VALUE", "HV_DECLINING"]),
        ({"value_band": "high", "order_days_ratio": 0.7}, ["HIGH_VALUE"]),
        ({"value_band": "high", "order_days_ratio": np.nan}, ["HIGH_VALUE"]),
        ({"value_band": "low", "order_days_ratio": 0.1}, []),
        ({"risk_band": "high"}, ["HIGH_RISK"]),
        ({"risk_band": "unscored"}, []),
        ({"stage": "new"}, ["STAGE_NEW"]),
        ({"stage": "active"}, ["STAGE_ACTIVE"]),
        ({"stage": "loyal"}, ["LOYAL", "STAGE_ACTIVE"]),
        ({"stage": "silent"}, ["STAGE_SILENT"]),
        ({"stage": "returning"}, ["RETURNING"]),
        ({"stage": "lost", "best_gain": 0.01}, ["RECOVERABLE", "STAGE_LOST"]),
        ({"stage": "lost", "best_gain": 0.0}, ["STAGE_LOST"]),
        ({"stage": "lost", "best_gain": np.nan}, ["STAGE_LOST"]),
        ({"tier": "Gold plus"}, ["TIER_GOLD_PLUS"]),
        ({"tier": None}, []),
        ({"renewal_due": True}, ["RENEWAL_DUE"]),
        ({"renewal_due": np.nan}, []),
        ({"top_category": "FRZN FRUIT"}, ["TOPCAT_FRZN_FRUIT"]),
        ({"country": "DE"}, ["MKT_DE"]),
        ({"business": True}, ["B2B"]),
        ({"business": False}, ["B2C"]),
        ({"business": None}, []),
        ({"social": True}, ["SOCIAL_CONTENT"]),
        ({"device": "mobile"}, ["DEV_MOBILE"]),
        ({"device": "desktop"}, ["DEV_PC"]),
        ({"channel": "friends"}, ["CH_FRIENDS"]),
        ({"unsatisfied": 1.0}, ["UNSATISFIED"]),
        ({"unsatisfied": 0.0}, []),
        ({"cause": "PRICE_HIGH", "type": "service"}, ["CAUSE_PRICE_HIGH", "TYPE_SERVICE"]),
        ({"quarters": 4}, ["STABLE"]),
        ({"quarters": 3}, []),
        ({"one_time": True, "stage": "silent"}, ["ONE_AND_DONE", "STAGE_SILENT"]),
        ({"one_time": True, "stage": "new"}, ["STAGE_NEW"]),
        ({"first_month": "2017_03"}, ["COHORT_2017_03"]),
        ({"days_past_due_max": 3.0}, ["ARREARS"]),
        ({"days_past_due_max": 0.0}, []),
        ({}, []),
    ],
)
def test_a_customer_is_in_the_segments_whose_rule_holds(
    told: dict[str, Any], expected: list[str]
) -> None:
    assert names(**told) == expected


def test_tenths_of_spend_are_of_equal_size_and_equal_amounts_are_in_one() -> None:
    rows = pd.DataFrame({"customer_id": [f"h{n:02}" for n in range(20)], "as_of": AS_OF})
    found = named(rows.assign(spend=np.arange(20.0)), Segments())["segment"]
    assert found.value_counts().to_dict() == {f"SPEND_D{n}": 2 for n in range(1, 11)}
    assert set(named(rows.assign(spend=7.0), Segments())["segment"]) == {"SPEND_D1"}


def shop() -> dict[str, Any]:
    """h1 and h2, of whom the shop's own tables tell something each."""
    first = {"customer_id": "h1", "occurred_at": "2017-09-20"}
    due = datetime(2017, 10, 20)
    return canonical(
        orders=[first | {"occurred_at": f"{day}"} for day in ("2016-10-20", "2017-01-20")]
        + [first | {"occurred_at": day} for day in ("2017-05-20", "2017-09-20")],
        customers=[first | {"country": None, "market": "EU", "business": True}],
        web_events=[
            first | {"kind": "share", "device": "tablet"},
            {"customer_id": "h2", "occurred_at": "2017-06-01", "device": "desktop"},
        ],
        subscriptions=[
            first | {"due_at": due},
            {"customer_id": "h2", "occurred_at": "2017-09-01", "due_at": due, "renewed_at": due},
        ],
    )


def test_what_the_shops_own_tables_tell_is_gathered_by_customer() -> None:
    placed = pd.DataFrame({"customer_id": ["h1", "h2"], "as_of": AS_OF, "stage": "active"})
    rows = gathered(shop(), AS_OF, placed, {}, Segments())
    found = named(rows, Segments()).groupby("customer_id")["segment"].agg(list)
    assert found["h1"] == [
        *("B2B", "DEV_MOBILE", "MKT_EU", "RENEWAL_DUE", "SOCIAL_CONTENT", "STABLE", "STAGE_ACTIVE")
    ]
    assert found["h2"] == ["STAGE_ACTIVE"]


def test_a_shop_without_the_tables_lacks_the_segments_and_nothing_else() -> None:
    placed = pd.DataFrame({"customer_id": ["h1"], "as_of": AS_OF, "stage": "active"})
    orders = canonical(orders=[{"customer_id": "h1", "occurred_at": "2017-09-01"}])
    out = named(gathered(orders, AS_OF, placed, {}, Segments()), Segments())
    assert tuple(out.columns) == NAMED_SEGMENTS.names
    assert out["segment"].tolist() == ["STAGE_ACTIVE"]


def people(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    ids = [f"h{n:03}" for n in range(count)]
    late = np.arange(count) % 3
    scores = pd.DataFrame(
        {"customer_id": ids, "score": 0.1 + late * 0.4, "reasons": '[{"indicator": "gap_ratio"}]'}
    )
    return scores, pd.DataFrame({"customer_id": ids, "gap_ratio": late * 2.0, "spend_90d": 1.0})


@pytest.mark.parametrize("k", [3, "auto"])
def test_clusters_are_of_like_risk_and_the_first_is_most_at_risk(k: Any) -> None:
    scores, features = people(60)
    found = clusters(scores, features, k).merge(scores)
    assert found.groupby("cluster")["score"].unique().map(list).to_dict() == {
        "1": [0.9],
        "2": [0.5],
        "3": [0.1],
    }


def test_clusters_do_not_depend_on_the_order_of_rows_nor_on_alikes() -> None:
    scores, features = people(60)
    pd.testing.assert_frame_equal(
        clusters(scores, features, 4), clusters(scores[::-1], features[::-1], 4)
    )
    assert clusters(scores, features, 4)["cluster"].nunique() == 3


def test_fewer_customers_than_clusters_and_none_asked_for_make_none() -> None:
    scores, features = people(4)
    assert clusters(scores, features, 4).empty
    assert clusters(*people(60), 0).empty
