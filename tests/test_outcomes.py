"""Outcomes beside their scores, with customers made by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from churn_ml.errors import BadInput, NotReady
from churn_ml.outcomes import by_arm, outcomes, realised
from churn_ml.tables import OUTCOMES

AS_OF = date(2017, 10, 1)
# customer: score, band, arm, offer, would-be offer, label, treated, spend
PEOPLE = {
    "a": (0.8, "high", "open", "COUPON", "COUPON", 1, False, "0.00"),
    "b": (0.6, "high", "open", "COUPON", "COUPON", 0, False, "30.00"),
    "c": (0.7, "high", "holdout", "NONE", "COUPON", 1, False, "0.00"),
    "d": (0.9, "high", "open", "COUPON", "COUPON", 0, True, "12.50"),
    "e": (0.1, "low", "open", "NONE", "NONE", 0, False, "99.99"),
    "f": (0.2, "low", "holdout", "NONE", "NONE", 1, False, "0.00"),
}


def frames(ids: str = "abcdef") -> dict[str, pd.DataFrame]:
    people = [PEOPLE[i] for i in ids]
    base = pd.DataFrame({"customer_id": list(ids), "as_of": AS_OF})

    def column(k: int) -> list[object]:
        return [p[k] for p in people]

    labels = base.drop(columns="as_of").assign(
        label=pd.array(column(5), dtype="Int64"),
        treated=column(6),
        window_net_amount=pd.Series([Decimal(str(x)) for x in column(7)], dtype=object),
    )
    return {
        "labels": labels,
        "scores": base.assign(score=column(0)),
        "segments": base.assign(risk_band=column(1), arm=column(2)),
        "actions": base.assign(offer=column(3), would_be_offer=column(4), experiment=None),
    }


def test_every_scored_customer_has_one_outcome_in_the_table_of_tables_py() -> None:
    out = outcomes(**frames("fedcba"))
    assert OUTCOMES.to_arrow(out).num_rows == 6
    assert out["customer_id"].tolist() == list("abcdef")
    assert out["churned"].tolist() == [1, 0, 1, 0, 0, 1]
    assert out["window_net_amount"].tolist()[3] == Decimal("12.50")


def test_customers_of_the_cohort_who_were_not_scored_have_no_outcome() -> None:
    given = frames()
    given["scores"] = given["scores"][:2]
    assert outcomes(**given)["customer_id"].tolist() == ["a", "b"]


def test_realised_churn_counts_the_untreated_of_each_band() -> None:
    high, low = realised(outcomes(**frames()))
    assert high == {
        "as_of": "2017-10-01",
        "risk_band": "high",
        "customers": 3,  # a, b, c; d was treated
        "treated": 1,
        "mean_score": 0.7,
        "churned": [0.666667, 0.207660, 0.938508],  # Wilson 95 % of 2 in 3
    }
    assert (low["risk_band"], low["customers"], low["churned"][0]) == ("low", 2, 0.5)


def test_arms_are_compared_on_those_the_policy_chose_delivered_or_not() -> None:
    opened, held = by_arm(outcomes(**frames()))
    assert (opened["customers"], opened["treated"], opened["churned"][0]) == (3, 1, 0.333333)
    assert opened["window_net_amount"] == "42.50"
    assert (held["customers"], held["churned"][0], held["window_net_amount"]) == (1, 1.0, "0.00")


def test_a_band_of_treated_customers_only_says_so_without_a_share() -> None:
    (band,) = realised(outcomes(**frames("d")))
    assert (band["customers"], band["treated"]) == (0, 1)
    assert band["mean_score"] is None
    assert band["churned"] == [None, 0.0, 1.0]


def test_nobody_scored_gives_empty_tables() -> None:
    empty = outcomes(**frames(""))
    assert OUTCOMES.to_arrow(empty).num_rows == 0
    assert realised(empty) == []
    assert [row["customers"] for row in by_arm(empty)] == [0, 0]


def test_an_immature_label_is_missing_never_zero() -> None:
    given = frames()
    given["labels"]["label"] = pd.array([pd.NA] * 6, dtype="Int64")
    with pytest.raises(NotReady, match="6 labels have not matured"):
        outcomes(**given)


@pytest.mark.parametrize("name", ["labels", "segments", "actions"])
def test_a_scored_customer_missing_elsewhere_is_refused(name: str) -> None:
    given = frames()
    given[name] = given[name][1:]
    with pytest.raises(BadInput, match=f"1 scored customers are missing in {name}"):
        outcomes(**given)


def test_a_customer_twice_is_refused() -> None:
    given = frames()
    given["actions"] = pd.concat([given["actions"], given["actions"][:1]])
    with pytest.raises(BadInput, match="actions holds a customer twice"):
        outcomes(**given)
