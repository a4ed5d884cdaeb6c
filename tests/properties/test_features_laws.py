"""The laws of time and order, on the real catalogue with the warehouse's own cut and dedupe.

Rows of every table go into DuckDB as they lie in the lake; views cut them at 2017-10-01 and keep
one row per key with the SQL of warehouse/sql.py; the query of the whole catalogue runs on the
views. Frames are compared to the last bit.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_ml.config import Contract
from churn_ml.features import available, names, query
from churn_ml.features.fulfilment import CANCELLATION
from churn_ml.in_memory import arrow
from churn_ml.tables import table
from churn_ml.timeline import instant
from churn_ml.warehouse import sql

AS_OF = date(2017, 10, 1)
LATER = date(2017, 11, 5)  # 35 days: whole weeks, so that weekdays stay what they are
CONTRACT = Contract(lookback_days=90, min_orders=1)
READ = ("orders", "order_lines", "products", "campaign_contacts", "coupon_redemptions")
TOLD = names(available(dict.fromkeys(READ)))

Row = dict[str, Any]
Rows = Mapping[str, list[Row]]
Frame = dict[str, tuple[Any, ...]]


class Lake:
    """The raw rows, and the query of the catalogue over the cut views of each as_of."""

    # Not a dataclass: Hypothesis would print every query of 40,000 characters.
    def __init__(self, connection: duckdb.DuckDBPyConnection, *as_ofs: date) -> None:
        self.connection = connection
        for name in READ:
            connection.register("shape", arrow(name, []))
            connection.execute(f"create table raw_{name} as select * from shape")
        self.queries = {as_of: _query(connection, as_of) for as_of in as_ofs}

    def frame(self, rows: Rows, as_of: date = AS_OF) -> Frame:
        """The features at `as_of` of a lake that holds `rows`: customer to values, in order."""
        for name in READ:
            self.connection.execute(f"delete from raw_{name}")
            self.connection.register("given", arrow(name, rows.get(name, [])))
            self.connection.execute(f"insert into raw_{name} select * from given")
        return {row[0]: row[1:] for row in self.connection.sql(self.queries[as_of]).fetchall()}


def _query(connection: duckdb.DuckDBPyConnection, as_of: date) -> str:
    tables = {}
    for name in READ:
        shape, view = table(name), f"{name}_{as_of:%Y%m%d}"
        cut = sql.scan(shape, f"raw_{name}", shape.names)
        cut = cut.having(f"where {sql.cut_at(shape, instant(as_of))}").having(
            sql.newest_per_key(shape)
        )
        connection.execute(f"create view {view} as {cut.query}")
        tables[name] = ibis.table(cut.types(), name=view)
    return query(tables, as_of, CONTRACT)


@pytest.fixture(scope="module")
def lake() -> Iterator[Lake]:
    with duckdb.connect(config={"threads": 2}) as connection:
        yield Lake(connection, AS_OF, LATER)


# One customer's whole story, in minutes before as_of. Most of it near the edges that matter.
minutes = st.one_of(
    st.integers(1, 200 * 1440),
    st.sampled_from([14, 30, 45, 60, 90, 180]).flatmap(
        lambda w: st.sampled_from([w * 1440 - 1, w * 1440, w * 1440 + 1])
    ),
)
cents = st.integers(0, 5000).map(lambda c: Decimal(c) / 100)
order = st.fixed_dictionaries(
    {
        "ago": minutes,
        "net_amount": cents,
        "status": st.sampled_from(["completed", "completed", "completed", "returned", "cancelled"]),
        "store_id": st.sampled_from(["s1", "s2", None]),
        "goods": st.dictionaries(st.sampled_from(["milk", "bread", "soap"]), cents, max_size=3),
    }
)
story = st.fixed_dictionaries(
    {
        "orders": st.lists(order, min_size=1, max_size=7),
        "contacts": st.lists(minutes, max_size=2),
        "redemptions": st.lists(minutes, max_size=2),
    }
)
# Many customers in one shop: a query costs the same for one as for twelve.
shops = st.dictionaries(st.sampled_from("abcdefghijkl"), story, min_size=1)
LAWS = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def rows_of(shop: dict[str, Any], as_of: date = AS_OF) -> dict[str, list[Row]]:
    """The rows that a shop's story leaves in the tables."""

    def at(ago: int) -> dict[str, Any]:
        return {"occurred_at": instant(as_of) - timedelta(minutes=ago)}

    rows: dict[str, list[Row]] = {name: [] for name in READ}
    for customer, life in shop.items():
        me = {"customer_id": customer}
        for number, told in enumerate(life["orders"]):
            on = me | at(told["ago"]) | {"order_id": f"{customer}-{number}"}
            facts = {k: told[k] for k in ("net_amount", "status", "store_id")}
            rows["orders"].append(on | facts)
            rows["order_lines"] += [
                on | {"product_id": p, "net_amount": c, "discount_amount": c * 3}
                for p, c in told["goods"].items()
            ]
        rows["campaign_contacts"] += [
            me | at(ago) | {"campaign_id": f"c{n}"} for n, ago in enumerate(life["contacts"])
        ]
        rows["coupon_redemptions"] += [
            me | at(ago) | {"coupon_id": f"k{n}", "campaign_id": "c0"}
            for n, ago in enumerate(life["redemptions"])
        ]
    started = {"occurred_at": instant(as_of) - timedelta(days=300)}
    rows["products"] = [
        started | {"product_id": "milk", "category": "dairy", "department": "food"},
        started | {"product_id": "bread", "category": "bakery", "department": "food"},
    ]
    return rows


def merged(*parts: Rows) -> dict[str, list[Row]]:
    return {name: [row for part in parts for row in part.get(name, [])] for name in READ}


def mirrored(row: Row) -> datetime:
    """As long after as_of as the row was before it; the last minute before becomes as_of itself."""
    return instant(AS_OF) + (instant(AS_OF) - row["occurred_at"]) - timedelta(minutes=1)


def known_later(rows: Rows, by: timedelta) -> dict[str, list[Row]]:
    """The same rows, as a lot that reached us `by` after as_of brings them."""
    known = {"known_at": instant(AS_OF) + by, "ingest_key": AS_OF, "lot": "late"}
    return {name: [row | known for row in each] for name, each in rows.items()}


@LAWS
@given(shops, shops)
def test_a_row_that_happens_at_or_after_as_of_changes_no_feature(
    lake: Lake, shop: dict[str, Any], more: dict[str, Any]
) -> None:
    now = rows_of(shop)
    future = {
        name: [row | {"occurred_at": mirrored(row), "known_at": known} for row in each]
        for name, each in rows_of(more).items()
        if (known := instant(AS_OF) - timedelta(days=1))  # even if it was known beforehand
    }
    for number, row in enumerate(future["orders"]):
        row["order_id"] = f"future-{number}"
    assert lake.frame(merged(now, future)) == lake.frame(now)


@LAWS
@given(shops, shops, st.integers(1, 90 * 1440 * 60))
def test_a_row_known_later_changes_no_feature_even_where_it_corrects_one(
    lake: Lake, shop: dict[str, Any], more: dict[str, Any], seconds: int
) -> None:
    now = rows_of(shop)
    late = known_later(rows_of(more), timedelta(seconds=seconds))
    assert lake.frame(merged(now, late)) == lake.frame(now)


@LAWS
@given(shops)
def test_a_row_known_exactly_at_as_of_counts(lake: Lake, shop: dict[str, Any]) -> None:
    now = rows_of(shop)
    assert lake.frame(known_later(now, timedelta(0))) == lake.frame(now)


@LAWS
@given(shops, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_exact_repetition_change_nothing(
    lake: Lake, shop: dict[str, Any], luck: random.Random
) -> None:
    now = rows_of(shop)
    again = {name: [row | {"lot": "again"} for row in each] for name, each in now.items()}
    mixed = merged(now, again)
    for each in mixed.values():
        luck.shuffle(each)
    assert lake.frame(mixed) == lake.frame(now)


@LAWS
@given(shops)
def test_a_customers_features_do_not_depend_on_other_customers(
    lake: Lake, shop: dict[str, Any]
) -> None:
    together = lake.frame(rows_of(shop))
    for customer, life in sorted(shop.items())[:2]:
        alone = lake.frame(rows_of({customer: life}))
        assert alone == {c: row for c, row in together.items() if c == customer}


@LAWS
@given(shops)
def test_moving_everything_by_whole_weeks_moves_nothing_else(
    lake: Lake, shop: dict[str, Any]
) -> None:
    assert lake.frame(rows_of(shop, LATER), LATER) == lake.frame(rows_of(shop))


@LAWS
@given(shops)
def test_a_cancelled_order_is_as_if_it_had_never_been_but_for_the_signs_of_cancelling(
    lake: Lake, shop: dict[str, Any]
) -> None:
    def others(rows: Rows) -> dict[str, list[Any]]:
        return {
            customer: [v for n, v in zip(TOLD, row, strict=True) if n not in CANCELLATION.names]
            for customer, row in lake.frame(rows).items()
        }

    without = {
        customer: life | {"orders": [o for o in life["orders"] if o["status"] != "cancelled"]}
        for customer, life in shop.items()
    }
    assert others(rows_of(without)) == others(rows_of(shop))


@LAWS
@given(shops)
def test_every_feature_is_finite_or_missing_and_a_ratio_is_missing_without_base(
    lake: Lake, shop: dict[str, Any]
) -> None:
    for row in lake.frame(rows_of(shop)).values():
        told = dict(zip(TOLD, row, strict=True))
        assert all(value is None or abs(value) < 1e15 for value in told.values())
        for name in TOLD:
            if name.endswith("_has_base"):
                assert told[name] in {0.0, 1.0}
                assert (told[name.removesuffix("_has_base")] is None) == (told[name] == 0.0)


def test_the_laws_are_tested_on_shops_that_have_features(lake: Lake) -> None:
    shop = {
        "anna": {
            "orders": [
                {"ago": 1440 * d, "net_amount": Decimal(9), "status": "completed", "store_id": "s1"}
                | {"goods": {"milk": Decimal(4), "bread": Decimal(5)}}
                for d in (1, 5, 20, 35, 50, 70, 88, 120, 200, 370, 500)
            ],
            "contacts": [5 * 1440],
            "redemptions": [3 * 1440],
        }
    }
    (row,) = lake.frame(rows_of(shop)).values()
    assert not [name for name, value in zip(TOLD, row, strict=True) if value is None]
