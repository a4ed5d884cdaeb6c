"""The rates by hand on a tiny shop; their laws on any shop."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.config import Contract
from churn_ml.flow.learn import known_segments
from churn_ml.in_memory import canonical
from churn_ml.rates import rates

CONTRACT = Contract(lookback_days=60, horizon_days=30, settle_days=1)
AS_OF = date(2017, 10, 15)
DAYS = {
    "anna": ("2017-07-03", "2017-08-03", "2017-08-20", "2017-09-03", "2017-10-03"),
    "ben": ("2017-07-10",),
    "cleo": ("2017-08-15", "2017-08-16"),
    "dora": ("2017-07-20", "2017-09-25"),
}
TIERS = (
    ("anna", "basic", "2017-01-01"),
    ("anna", "gold", "2017-08-15"),
    ("ben", "basic", "2017-01-01"),
    ("cleo", "gold", "2017-01-01"),
)


def shop(**more: Any) -> dict[str, Any]:
    orders = [{"customer_id": c, "occurred_at": day} for c, days in DAYS.items() for day in days]
    return canonical(orders=orders, **more)


def told(found: Any, month: str, word: str = "all") -> dict[str, Any]:
    rows = found.rates
    (row,) = rows[(rows.month.astype(str) == month) & (rows.word == word)].to_dict("records")
    return dict(row)


def test_the_rates_of_a_tiny_shop_are_those_counted_by_hand() -> None:
    """August: anna, ben, dora are active; in [08-01, 08-31) only anna orders. September:
    everybody is; in [09-01, 10-01) anna and dora order. July began with nobody."""
    found = rates(shop(), AS_OF, CONTRACT)
    names = ("customers", "churned", "buyers", "repeat_buyers")
    assert [told(found, "2017-07-01")[n] for n in names] == [0, 0, 3, 0]
    assert [told(found, "2017-08-01")[n] for n in names] == [3, 2, 2, 2]
    # of September's buyers anna ordered thrice in the 60 days before 10-01, dora once
    assert [told(found, "2017-09-01")[n] for n in names] == [4, 2, 2, 1]
    august = told(found, "2017-08-01")
    assert (august["churn_rate"], august["retention_rate"]) == (0.666666667, 0.333333333)
    assert told(found, "2017-09-01")["repurchase_rate"] == 0.5


def test_a_month_whose_window_is_not_over_has_no_churn_rate_yet() -> None:
    found = rates(shop(), date(2017, 10, 1), CONTRACT)  # the window of 09-01 settles on 10-02
    row = told(found, "2017-09-01")
    assert row["customers"] == 4
    assert pd.isna(row["churned"])
    assert pd.isna(row["churn_rate"])


def test_a_slice_reads_the_attribute_valid_at_the_months_start() -> None:
    """anna is basic on 08-01 and gold on 09-01; dora is in no row of customers."""
    people = [{"customer_id": c, "tier": t, "occurred_at": day} for c, t, day in TIERS]
    found = rates(shop(customers=people), AS_OF, CONTRACT)
    assert told(found, "2017-08-01", "basic")["customers"] == 2
    assert told(found, "2017-09-01", "gold")["customers"] == 2
    assert told(found, "2017-09-01", "basic")["customers"] == 1
    assert told(found, "2017-09-01", "unknown")["customers"] == 1
    assert set(found.rates["slice"]) == {"all", "tier"}


def test_age_gender_and_income_are_slices_of_the_report() -> None:
    told_of = {"age_band": "18-34", "gender": "f", "income_band": "high"}
    people = [{"customer_id": "anna", "occurred_at": "2017-01-01"} | told_of]
    found = rates(shop(customers=people), AS_OF, CONTRACT)
    assert set(found.rates["slice"]) == {"all", *told_of}
    for word in told_of.values():
        row = told(found, "2017-09-01", word)
        assert (row["customers"], row["churned"], row["repeat_buyers"]) == (1, 0, 1)


def test_a_segment_counts_from_the_month_whose_start_it_was_known_at() -> None:
    """Scored on 09-01: September is told by it, dora was not scored yet; August is not."""
    scored = pd.DataFrame({"customer_id": ["anna", "ben", "cleo"], "segment": ["A", "B", "B"]})
    asked: list[date] = []

    def segments(day: date) -> pd.DataFrame | None:
        asked.append(day)
        return scored if day >= date(2017, 9, 1) else None

    found = rates(shop(), AS_OF, CONTRACT, segments=segments)
    assert asked == [date(2017, 7, 1), date(2017, 8, 1), date(2017, 9, 1)]
    rows = found.rates[found.rates["slice"] == "segment"]
    assert {(r.month.isoformat(), r.word): (r.customers, r.churned) for r in rows.itertuples()} == {
        ("2017-09-01", "A"): (1, 0),
        ("2017-09-01", "B"): (2, 2),
        ("2017-09-01", "unknown"): (1, 0),
    }


def test_the_segment_of_a_day_is_the_last_one_scored_by_then_and_no_later_one() -> None:
    held = {
        "2017-08-01": pd.DataFrame({"customer_id": ["h1"], "segment": ["OLD"]}),
        "2017-08-31": pd.DataFrame({"customer_id": ["h1", "h5"], "segment": ["NOW", "GONE"]}),
        "2017-09-02": pd.DataFrame({"customer_id": ["h1"], "segment": ["LATER"]}),
    }
    at = known_segments(dict.fromkeys(held, 1), lambda day: held[day.isoformat()], {"h5": "h1"})
    told = {day: at(date(2017, *day)) for day in ((7, 31), (8, 31), (9, 1), (10, 3))}
    found = {day: None if rows is None else rows.to_numpy().tolist() for day, rows in told.items()}
    assert found == {
        (7, 31): None,
        (8, 31): [["h1", "NOW"]],
        (9, 1): [["h1", "NOW"]],
        (10, 3): None,
    }


def test_cohorts_hold_who_began_when_and_who_came_back() -> None:
    found = rates(shop(), AS_OF, CONTRACT).cohorts
    rows = found.assign(first_month=found.first_month.astype(str)).to_numpy().tolist()
    assert rows == [
        ["2017-07-01", 0, 3, 3, Decimal("30.00")],
        ["2017-07-01", 1, 3, 1, Decimal("20.00")],
        ["2017-07-01", 2, 3, 2, Decimal("20.00")],
        ["2017-08-01", 0, 1, 1, Decimal("20.00")],
    ]


def test_transitions_count_everybody_once_a_month() -> None:
    found = rates(shop(), AS_OF, CONTRACT).transitions
    by_month = found.groupby(found.month.astype(str))["customers"].sum()
    assert by_month.to_dict() == {"2017-07-01": 3, "2017-08-01": 4, "2017-09-01": 4}
    september = found[found.month.astype(str) == "2017-09-01"]
    # ben was last seen 83 days ago; dora came back after 67 days; anna's own median gap is 17 days
    # and she is 28 silent, cleo 46
    assert {(r.stage_from, r.stage_to): r.customers for r in september.itertuples()} == {
        ("silent", "lost"): 1,
        ("silent", "returning"): 1,
        ("active", "silent"): 1,
        ("new", "silent"): 1,
    }


@pytest.mark.parametrize("as_of", [date(2017, 7, 1), date(2017, 7, 31)])
def test_before_a_month_has_ended_there_is_nothing_to_tell(as_of: date) -> None:
    orders = [{"customer_id": "anna", "occurred_at": "2017-07-03"}] if as_of.day > 3 else []
    found = rates(canonical(orders=orders), as_of, CONTRACT)
    assert (len(found.rates), len(found.cohorts), len(found.transitions)) == (0, 0, 0)


shops = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.dates(date(2017, 6, 1), date(2017, 9, 30)), min_size=1)
)


@settings(max_examples=10, deadline=None)
@given(shops)
def test_retention_is_one_minus_churn_and_every_part_is_within_its_whole(
    days: dict[str, list[date]],
) -> None:
    orders = [{"customer_id": c, "occurred_at": d} for c, found in days.items() for d in found]
    found = rates(canonical(orders=orders), AS_OF, CONTRACT)
    for row in found.rates.dropna(subset=["churn_rate"]).itertuples():
        assert row.retention_rate == pytest.approx(1 - row.churn_rate, abs=1e-9)
        assert 0 <= row.churned <= row.customers
    assert (found.rates.repeat_buyers <= found.rates.buyers).all()
    assert (found.cohorts.active <= found.cohorts.customers).all()
    began = found.transitions[found.transitions.stage_from == "none"].customers.sum()
    assert began == len({c for c, each in days.items() if each})
