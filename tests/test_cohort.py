"""Who is in the cohort, at which stage, and who is scored: customers and dates made by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml import features
from churn_ml.cohort import cohort, eligible
from churn_ml.config import Contract
from churn_ml.errors import BadInput
from churn_ml.in_memory import canonical
from churn_ml.labels import labels
from churn_ml.tables import COHORT

AS_OF = date(2017, 10, 1)
CONTRACT = Contract(lookback_days=90, new_days=30, silent_gap_ratio=1.5, min_orders=1)
Days = dict[str, list[date | str]]

NAMED: Days = {
    "anna": ["2017-09-12", "2017-09-19", "2017-09-26", "2017-09-30"],
    "ben": ["2017-06-01"],
    "cleo": ["2017-05-01", "2017-09-20"],
    "dora": ["2017-08-01", "2017-08-08", "2017-08-15"],
    "emil": ["2017-08-01", "2017-08-31", "2017-09-25"],
}


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


def of(orders: Days, contract: Contract = CONTRACT, as_of: date = AS_OF) -> pd.DataFrame:
    rows = [
        {"customer_id": name, "occurred_at": day} for name, days in orders.items() for day in days
    ]
    return cohort(canonical(orders=rows), as_of, contract).set_index("customer_id")


def stage(*days_ago: int, contract: Contract = CONTRACT) -> str:
    return str(of({"x": [ago(d) for d in days_ago]}, contract).stage["x"])


def test_each_named_customer_has_the_stage_of_the_module_docstring() -> None:
    assert of(NAMED).stage.to_dict() == {
        "anna": "new",
        "ben": "lost",
        "cleo": "returning",
        "dora": "silent",
        "emil": "active",
    }


def lasting(**amounts: list[int]) -> list[dict[str, object]]:
    """Orders 5, 15, 25, ... days ago of each customer, of the amounts given, newest first."""
    return [
        {"customer_id": name, "occurred_at": ago(5 + 10 * place), "net_amount": Decimal(amount)}
        for name, paid in amounts.items()
        for place, amount in enumerate(paid)
    ]


def test_loyal_are_the_active_at_the_top_by_recency_frequency_and_money() -> None:
    """Ten customers at .2, so two. Points: a 3 + 9 + 7, b 3 + 8 + 8, c 3 + 7 + 6, f 3 + 0 + 9."""
    shop = lasting(
        a=[20] * 8, b=[30] * 7, c=[10] * 6, d=[10] * 5, e=[10] * 4, f=[900], g=[10] * 4,
    ) + [
        {"customer_id": name, "occurred_at": ago(day), "net_amount": Decimal(1)}
        for name, first in (("h", 9), ("i", 10), ("j", 11))
        for day in (first, first + 10, first + 60)
    ]  # fmt: skip
    found = cohort(canonical(orders=shop), AS_OF, CONTRACT).set_index("customer_id").stage
    assert sorted(found.index[found == "loyal"]) == ["a", "b"]
    later = [*shop, {"customer_id": "c", "occurred_at": ago(0), "net_amount": Decimal(9000)}]
    orders = canonical(orders=later)["orders"]
    then = cohort({"orders": orders.filter(orders.day < AS_OF)}, AS_OF, CONTRACT)
    assert then.set_index("customer_id").stage.to_dict() == found.to_dict()
    all_ = CONTRACT.model_copy(update={"loyal_share": 1.0})
    everybody = cohort(canonical(orders=shop), AS_OF, all_).set_index("customer_id").stage
    assert set(everybody[found == "active"]) == {"loyal"}


def test_who_bought_much_once_is_not_loyal() -> None:
    one = lasting(f=[900], **{f"c{k}": [1] for k in range(9)})
    old = {"customer_id": "f", "occurred_at": ago(45), "net_amount": Decimal(1)}
    shop = canonical(orders=[*one, old])
    assert (cohort(shop, AS_OF, CONTRACT).set_index("customer_id").stage != "loyal").all()


def test_the_columns_are_those_of_the_cohort_table_with_their_types() -> None:
    shop = canonical(orders=[{"customer_id": "anna", "occurred_at": "2017-09-30 17:05"}])
    found = cohort(shop, AS_OF, CONTRACT)
    assert tuple(found.columns) == COHORT.names
    assert found.iloc[0].to_dict() == {
        "customer_id": "anna",
        "stage": "new",
        "one_time": True,
        "eligible": True,
        "order_count": 1,
        "first_order_at": pd.Timestamp("2017-09-30 17:05"),
        "last_order_at": pd.Timestamp("2017-09-30 17:05"),
        "as_of": AS_OF,
    }
    assert found.dtypes.astype(str).to_dict() | {"as_of": "object", "customer_id": "str"} == {
        "customer_id": "str",
        "stage": "str",
        "one_time": "bool",
        "eligible": "bool",
        "order_count": "int64",
        "first_order_at": "datetime64[us]",
        "last_order_at": "datetime64[us]",
        "as_of": "object",
    }


def test_the_cohort_is_sorted_by_customer() -> None:
    shop = canonical(
        orders=[{"customer_id": c, "occurred_at": ago(3)} for c in ("dora", "anna", "cleo", "ben")]
    )
    assert cohort(shop, AS_OF, CONTRACT).customer_id.tolist() == ["anna", "ben", "cleo", "dora"]


def test_a_shop_without_orders_has_an_empty_cohort_with_every_column() -> None:
    found = cohort(canonical(orders=[]), AS_OF, CONTRACT)
    assert len(found) == 0
    assert tuple(found.columns) == COHORT.names


def test_without_the_orders_table_the_message_names_it_and_the_next_step() -> None:
    with pytest.raises(
        BadInput, match=r"'orders' is missing .* got: products .* \[sources.orders\]"
    ):
        cohort(canonical(products=[]), AS_OF, CONTRACT)


@pytest.mark.parametrize(("last", "expected"), [(90, "active"), (91, "lost")])
def test_lost_begins_one_day_beyond_the_lookback(last: int, expected: str) -> None:
    assert stage(last + 200, last + 100, last) == expected


def test_somebody_new_enough_but_gone_for_the_lookback_is_lost_because_lost_comes_first() -> None:
    assert stage(100, contract=Contract(lookback_days=90, new_days=120)) == "lost"


@pytest.mark.parametrize(("gap", "expected"), [(90, "active"), (91, "returning")])
def test_returning_needs_as_many_whole_days_without_an_order_as_the_lookback(
    gap: int, expected: str
) -> None:
    # A gap of g leaves g - 1 whole days between: 90 of them begin at a gap of 91.
    assert stage(10, 10 + gap) == expected


@pytest.mark.parametrize(("came_back", "expected"), [(30, "returning"), (31, "active")])
def test_returning_ends_new_days_after_the_return(came_back: int, expected: str) -> None:
    assert stage(5, came_back, came_back + 200) == expected


def test_the_latest_return_counts_not_the_first() -> None:
    assert stage(10, 110, 400) == "returning"
    assert stage(10, 50, 400) == "active"


@pytest.mark.parametrize(("first", "expected"), [(30, "new"), (31, "active")])
def test_new_covers_the_last_new_days(first: int, expected: str) -> None:
    assert stage(1, 16, first) == expected


@pytest.mark.parametrize(("last", "expected"), [(15, "active"), (16, "silent")])
def test_silent_begins_beyond_the_ratio_times_the_own_median_gap(last: int, expected: str) -> None:
    # Gaps of 10, 10 and 40 days: the median is 10, and 1.5 x 10 = 15.
    assert stage(last, last + 10, last + 20, last + 60) == expected


def test_with_two_order_days_the_median_of_the_other_customers_medians_decides() -> None:
    orders: Days = {
        "weekly": [ago(d) for d in (2, 9, 16, 60)],  # gaps 7, 7, 44: median 7
        "monthly": [ago(d) for d in (5, 35, 65)],  # median 30
        "two": [ago(d) for d in (28, 60)],  # 1.5 x 18.5 = 27.75
        "other": [ago(d) for d in (27, 60)],
    }
    found = of(orders).stage
    assert (found["two"], found["other"]) == ("silent", "active")


def test_without_anybody_who_has_a_cadence_nobody_is_silent() -> None:
    assert stage(80, 85) == "active"


def test_two_orders_on_one_day_are_one_order_day_and_make_no_gap() -> None:
    found = of({"x": ["2017-09-30 08:00", "2017-09-30 20:00"]})
    assert bool(found.one_time["x"])
    assert found.order_count["x"] == 2
    by_day = of({"x": [ago(1), ago(1)]}, Contract(activity_unit="order_day"))
    assert by_day.order_count["x"] == 1


def test_the_last_microsecond_before_as_of_is_one_day_ago() -> None:
    late = "2017-09-30 23:59:59.999999"
    found = of({"x": [late]}, Contract(lookback_days=1, min_orders=1))
    assert (found.stage["x"], bool(found.eligible["x"])) == ("new", True)


@pytest.mark.parametrize(("unit", "expected"), [("order", True), ("order_day", False)])
def test_min_orders_counts_orders_or_order_days(unit: str, *, expected: bool) -> None:
    contract = Contract(lookback_days=90, min_orders=3, activity_unit=unit)
    found = of({"x": [ago(90), ago(90), ago(1)]}, contract)
    assert bool(found.eligible["x"]) is expected


@pytest.mark.parametrize(("oldest", "expected"), [(90, True), (91, False)])
def test_only_activity_inside_the_lookback_makes_eligible(oldest: int, *, expected: bool) -> None:
    contract = Contract(lookback_days=90, min_orders=2)
    assert bool(of({"x": [ago(oldest), ago(1)]}, contract).eligible["x"]) is expected
    rows = [{"customer_id": "x", "occurred_at": ago(d)} for d in (oldest, 1)]
    listed = eligible(canonical(orders=rows), AS_OF, contract).to_pyarrow()
    assert listed.to_pylist() == ([{"customer_id": "x"}] if expected else [])


def test_a_cancelled_order_makes_nobody_a_customer_and_a_returned_one_does() -> None:
    rows = [
        {"customer_id": "cancelled", "occurred_at": ago(3), "status": "cancelled"},
        {"customer_id": "returned", "occurred_at": ago(3), "status": "returned"},
    ]
    found = cohort(canonical(orders=rows), AS_OF, CONTRACT)
    assert found.customer_id.tolist() == ["returned"]


def test_eligible_lists_exactly_those_the_cohort_calls_eligible() -> None:
    rows = [{"customer_id": n, "occurred_at": day} for n, days in NAMED.items() for day in days]
    contract = Contract(lookback_days=90, min_orders=2)
    listed = eligible(canonical(orders=rows), AS_OF, contract).to_pyarrow()["customer_id"]
    found = of(NAMED, contract)
    assert (
        sorted(listed.to_pylist())
        == found.index[found.eligible].tolist()
        == [
            "anna",
            "dora",
            "emil",
        ]
    )


histories = st.dictionaries(
    st.sampled_from("abcdefghij"),
    st.lists(st.integers(1, 400), min_size=1, max_size=6),
    min_size=1,
)


@settings(max_examples=6, deadline=None)  # many customers in one shop: a query costs the same
@given(histories, st.integers(1, 120), st.integers(1, 60))
def test_every_customer_has_exactly_one_stage_and_the_first_that_fits(
    days: dict[str, list[int]], lookback: int, new: int
) -> None:
    contract = Contract(lookback_days=lookback, new_days=new)
    found = of({c: [ago(d) for d in each] for c, each in days.items()}, contract)
    assert sorted(found.index) == sorted(days)
    assert set(found.stage) <= {"new", "active", "loyal", "silent", "lost", "returning"}
    for customer, each in days.items():
        assert (found.stage[customer] == "lost") == (min(each) > lookback)
        assert not (found.stage[customer] == "lost" and found.eligible[customer])
        if max(each) <= min(new, lookback):
            assert found.stage[customer] == "new"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=2, max_size=5, unique=True), st.integers(1, 90))
def test_who_is_returning_was_lost_on_the_day_of_the_return(days: list[int], lookback: int) -> None:
    contract = Contract(lookback_days=lookback, new_days=60)
    orders: Days = {"x": [ago(d) for d in days]}
    if of(orders, contract).stage["x"] == "returning":
        gaps = list(zip(sorted(days), sorted(days)[1:], strict=False))
        back = min(later for later, earlier in gaps if earlier - later > lookback)
        before: Days = {"x": [ago(d) for d in days if d > back]}
        assert of(before, contract, as_of=ago(back)).stage["x"] == "lost"


SOMEBODY: Days = {
    "once": ["2017-09-20"],
    "twice": ["2017-09-19", "2017-09-20"],
    "same_day": ["2017-09-20 08:00", "2017-09-20 19:00"],
    "came_back": ["2016-01-05", "2017-09-20"],
    "edge": ["2017-07-03"],
    "gone": ["2017-07-02"],
    "long_gone": ["2016-01-05", "2016-01-06"],
}


@pytest.mark.parametrize(
    ("population", "meant"),
    [
        ("active", ["came_back", "edge", "once", "same_day", "twice"]),
        ("one_time", ["edge", "once", "same_day"]),
        ("repeat", ["came_back", "twice"]),
        ("lost", ["gone", "long_gone"]),
    ],
)
def test_a_contract_scores_its_population_and_nobody_else(
    population: Literal["active", "one_time", "repeat", "lost"], meant: list[str]
) -> None:
    found = of(SOMEBODY, CONTRACT.model_copy(update={"population": population}))
    assert sorted(found.index[found.eligible]) == meant
    assert sorted(found.index[found.stage == "lost"]) == ["gone", "long_gone"]


def test_the_lost_need_enough_orders_ever_and_may_be_forgotten() -> None:
    lost = Contract(lookback_days=90, population="lost", min_orders=2)
    assert of(SOMEBODY, lost).eligible["long_gone"]
    assert not of(SOMEBODY, lost).eligible["gone"]
    within = Contract(lookback_days=90, population="lost", lost_within_days=365)
    assert of(SOMEBODY, within).eligible["gone"]
    assert not of(SOMEBODY, within).eligible["long_gone"]


def test_who_returns_is_the_zero_of_a_win_back_label() -> None:
    later: Days = {**SOMEBODY, "gone": ["2017-07-02", "2017-10-05"]}
    shop = canonical(
        orders=[{"customer_id": c, "occurred_at": day} for c, days in later.items() for day in days]
    )
    lost = Contract(lookback_days=90, horizon_days=30, population="lost")
    then = {"orders": shop["orders"].filter(shop["orders"].day < AS_OF)}
    rows = features.build(then, AS_OF, lost)
    assert rows.set_index("customer_id").recency_days.to_dict() == {"gone": 91, "long_gone": 634}
    told = labels(shop, rows["customer_id"], AS_OF, lost, date(2017, 12, 1))
    assert dict(zip(told.customer_id, told.label, strict=True)) == {"gone": 0, "long_gone": 1}
