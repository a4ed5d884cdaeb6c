"""How causes are scored, by hand; the twelve named customers are in test_twelve.py."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.causes import CAUSES, LISTS, causes, main_causes
from churn_ml.causes.catalogue import read
from churn_ml.causes.scoring import LEAST, WEIGHT, follow
from churn_ml.config import Features
from churn_ml.errors import BrokenPromise
from churn_ml.features import CATALOGUE, catalogue
from churn_ml.tables import CAUSES as TABLE


def frame(**customers: dict[str, float]) -> pd.DataFrame:
    rows = [{"customer_id": name, "as_of": "2017-10-01"} | told for name, told in customers.items()]
    return pd.DataFrame(rows)


def test_the_score_adds_signs_up_as_if_each_were_right_in_seven_of_ten() -> None:
    found = causes(frame(h1={"late_share_180d": 0.3, "transit_days_3": 14.0}))
    assert found["score"][0] == pytest.approx(1 - (1 - WEIGHT / 2) * (1 - WEIGHT))
    strengths = [sign["strength"] for sign in json.loads(found["evidence"][0])]
    assert strengths == [1.0, 0.5]


def test_what_speaks_against_a_cause_takes_its_share_off() -> None:
    calm = {"new_category_share_90d": 0.9}
    found = causes(frame(calm=calm, angry={**calm, "complaints_90d": 2.0}))
    scores = found[found["cause"] == "NEED_CHANGED"].set_index("customer_id")["score"]
    assert scores["calm"] == pytest.approx(0.7)
    assert scores["angry"] == pytest.approx(0.7 * 0.3)


def test_a_stated_reason_stands_first_and_a_strange_code_says_nothing() -> None:
    rows = frame(h1={"late_share_180d": 0.5}, h2={"late_share_180d": 0.5})
    said = pd.Series({"h1": "INTEGRITY", "h2": "the weather"})
    found = causes(rows, said)
    first = found[found["rank"] == 1].set_index("customer_id")
    assert first.loc["h1", ["cause", "score", "stated"]].tolist() == ["INTEGRITY", 1.0, True]
    assert first.loc["h2", ["cause", "stated"]].tolist() == ["LOGISTICS_SLOW", False]


def test_a_parent_is_as_likely_as_the_likeliest_of_its_members() -> None:
    found = causes(frame(h1={"defect_return_rate_180d": 0.3})).set_index("cause")
    for parent in ("PERCEIVED_VALUE", "PRODUCTS_AND_SERVICES"):
        assert found.loc[parent, "score"] == found.loc["PRODUCT_QUALITY", "score"]
    assert found.loc["PRODUCT_QUALITY", "rank"] == 1


def test_who_shows_nothing_has_no_cause() -> None:
    rows = frame(h1={name: np.nan for cause in CAUSES for name in cause.features})
    found = causes(rows)
    assert found.empty
    assert list(found.columns) == list(TABLE.names)
    assert main_causes(found).empty


def test_every_sign_of_the_catalogue_is_a_feature() -> None:
    features = {name for one in CATALOGUE for name in one.names}
    assert {name for cause in CAUSES for name in cause.features} <= features


def test_signs_of_a_shop_with_other_windows_speak_as_those_of_the_house() -> None:
    angry = {"new_category_share_90d": 0.9, "complaints_90d": 2.0}
    usual, other = causes(frame(h1=angry)), {"new_category_share_60d": 0.9, "complaints_28d": 2.0}
    found = causes(frame(h1=other))
    assert found["score"].tolist() == usual["score"].tolist() == [pytest.approx(0.7 * 0.3)]
    assert json.loads(found["evidence"][0])[0]["indicator"] == "new_category_share_60d"


def test_every_sign_is_found_whatever_the_windows() -> None:
    longer = {i.name: tuple(days + 7 for days in i.windows) for i in CATALOGUE if i.windows}
    names = {name for one in catalogue(Features(windows=longer)) for name in one.names}
    followed = [follow(cause, names) for cause in CAUSES]
    assert {name for cause in followed for name in cause.features} <= names
    assert [len(cause.features) for cause in followed] == [len(each.features) for each in CAUSES]


def test_every_cause_of_the_domain_is_there_and_most_can_be_evidenced() -> None:
    assert sorted(cause.source for cause in CAUSES) == [f"D{n:02}" for n in range(1, 42)]
    silent = [cause.code for cause in CAUSES if not cause.evidence and not cause.of]
    assert silent == ["SERVICE_UNEVEN", "INTEGRITY"]


SIGNS = sorted({name for cause in CAUSES for name in cause.features})
told = st.dictionaries(
    st.sampled_from(SIGNS), st.floats(allow_nan=True, allow_infinity=True), max_size=12
)


@settings(deadline=None, max_examples=50)
@given(st.lists(told, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_scores_are_shares_and_the_order_of_rows_changes_nothing(
    customers: list[dict[str, float]], random: Any
) -> None:
    rows = frame(**{f"c{at}": told for at, told in enumerate(customers)})
    found = causes(rows)
    assert found["score"].between(LEAST, 1.0).all()
    assert not found.duplicated(["customer_id", "cause"]).any()
    order = list(range(len(rows)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(found, causes(rows.iloc[order]))


def test_every_list_of_the_domain_names_its_causes_and_what_rolls_up_is_told_alike() -> None:
    listed = {name: [cause for cause in CAUSES if name in cause.lists] for name in LISTS}
    assert min(map(len, listed.values())) >= 2
    # the five groups, the three aspects and two of the three types are each named by a cause
    assert {cause.group for cause in listed["T4a"]} == {cause.group for cause in CAUSES}
    assert [cause.code for cause in listed["T0b"]] == [
        *("PERCEIVED_RISK", "PERCEIVED_VALUE", "EXTERNAL")
    ]
    assert all(cause.of for cause in listed["T0b"])
    assert {cause.type for cause in listed["T3a"]} == {"natural", "competitive", "service"}


def test_a_cause_of_an_unknown_list_is_refused() -> None:
    section = '[[causes]]\ncode = "A"\nsource = "D01"\ntype = "service"\ngroup = "price"\n'
    with pytest.raises(BrokenPromise, match=r"unknown list.*T9"):
        read(section + 'lists = ["T9"]\n')
