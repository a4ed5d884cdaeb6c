"""The three judges together: counts, the laws, and the golden counts of the demo shop."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.config import SourceTable, load
from churn_ml.sources import open_source, resolved
from churn_ml.tables import QUARANTINE, table
from churn_ml.validate import Validated, check_tolerance

from .judging import judge
from .judging import rows as staged_rows

ORDERS = SourceTable(
    files="*.csv", columns={}, constants={"currency": "USD", "status": "completed"}
)
COLUMNS = ("order_id", "customer_id", "occurred_at", "net_amount")


def judged(rows: list[tuple[Any, ...]], lots: list[str] | None = None) -> Validated:
    """Orders as (order_id, customer_id, occurred_at, net_amount, drop day), in one lot or more."""
    lot = pa.array(lots or ["a"] * len(rows), pa.string())
    drops = pa.array([date(2017, 10, row[4]) for row in rows], pa.date32())
    values = {
        name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(COLUMNS)
    }
    numbers = pa.array(range(1, len(rows) + 1), pa.int64())
    raw = pa.table(values | {"lot": lot, "lot_row": numbers, "drop_on": drops})
    return judge(raw, "orders", ORDERS)


def test_every_kind_of_row_ends_where_the_rules_say() -> None:
    result = judged(
        [
            ("1", "h1", "2017-09-30 17:05", "12.50", 1),  # accepted
            ("2", "h1", "30.09.2017", "1", 1),  # the date does not read
            ("3", "h1", "2017-09-30", "-1", 1),  # below 0
            ("4", None, "2017-09-30", "1", 1),  # a guest: excluded
            ("5", None, "2017-09-30", "-1", 1),  # a guest and below 0: quarantined
            ("6", "h2", "2017-10-02", "1", 1),  # after the drop: from the future
            ("1", "h1", "2017-09-30 17:05", "12.50", 1),  # a repeat: excluded
            ("7", "h2", "2017-09-30", "1", 1),  # a conflict with the next
            ("7", "h2", "2017-09-30", "2", 1),
            ("8", "h2", "1970-01-01", "1", 1),  # a clock that was never set
        ]
    )
    assert staged_rows(result.accepted)["order_id"].to_pylist() == ["1"]
    assert (result.rows_in, result.quarantined, result.excluded) == (10, 7, 2)
    told = [(row["lot_row"], row["rule"]) for row in staged_rows(result.quarantine).to_pylist()]
    assert told == [
        (2, "orders.occurred_at.parse"),
        (3, "orders.net_amount.not_negative"),
        (4, "orders.customer_id.required"),
        (5, "orders.customer_id.required"),
        (5, "orders.net_amount.not_negative"),
        (6, "orders.occurred_at.not_future"),
        (7, "orders.key.repeated"),
        (8, "orders.key.conflict"),
        (9, "orders.key.conflict"),
        (10, "orders.occurred_at.plausible"),
    ]
    assert result.rules["orders.key.conflict"] == 2


def test_the_tables_have_the_declared_columns_without_the_ingest_key() -> None:
    result = judged([("1", "h1", "2017-09-30", "1", 1), ("2", "h1", "?", "1", 1)])
    for found, spec in ((result.accepted, table("orders")), (result.quarantine, QUARANTINE)):
        schema = spec.schema()
        assert staged_rows(found).schema == schema.remove(schema.get_field_index("ingest_key"))


def test_an_update_stays_beside_what_it_updates() -> None:
    result = judged([("1", "h1", "2017-09-30", "5", 1), ("1", "h1", "2017-09-30", "6", 2)])
    assert staged_rows(result.accepted)["net_amount"].to_pylist() == [
        Decimal("5.00"),
        Decimal("6.00"),
    ]
    assert result.quarantine.rows == 0


def test_no_rows_are_valid_rows() -> None:
    result = judged([])
    assert (result.rows_in, result.accepted.rows, result.quarantine.rows) == (0, 0, 0)


ROWS = st.tuples(
    st.sampled_from([*"123456789", None]),
    st.sampled_from(["h1", "h2", None, ""]),
    st.sampled_from(["2017-09-29", "2017-09-30 10:00", "2017-12-01", "??"]),
    st.sampled_from(["1", "1.00", "2", "-1", "nan", None]),
    st.integers(1, 3),
)


def content(result: Validated) -> Counter[tuple[Any, ...]]:
    """What was accepted, whatever lot and row it came from."""
    rows = staged_rows(result.accepted).drop_columns(["lot", "lot_row"]).to_pylist()
    return Counter(tuple(row.values()) for row in rows)


@settings(max_examples=6, deadline=None)
@given(st.lists(ROWS, max_size=60), st.data())
def test_shuffled_and_repeated_rows_give_the_same_accepted_rows(
    rows: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    """D1, D4: order and repetition of rows change nothing, and no row gets lost."""
    more = rows + data.draw(st.lists(st.sampled_from(rows), max_size=20) if rows else st.just([]))
    shuffled = data.draw(st.permutations(more))
    lots = data.draw(st.lists(st.sampled_from("ab"), min_size=len(more), max_size=len(more)))
    first, second = judged(rows), judged(list(shuffled), lots)
    assert content(first) == content(second)
    for result in (first, second):
        accepted = result.accepted.rows
        assert result.rows_in == accepted + result.quarantined + result.excluded
        amounts = [
            a for a in staged_rows(result.accepted)["net_amount"].to_pylist() if a is not None
        ]
        assert all(amount >= 0 for amount in amounts)


@pytest.fixture(scope="module")
def demo(laid_out: Path) -> dict[str, Validated]:
    """Every table of the demo shop's 300 households to 2017-11-01, judged."""
    config = load(laid_out / "churn.toml")
    source = open_source(config)
    lots = source.lots()
    found = {}
    for name, told in config.sources.items():
        raw = list(source.batches([lot for lot in lots if lot.table == name]))
        found[name] = judge(raw, name, *resolved(name, told), shop=config.shop)
        check_tolerance(found[name], config.validation)
    return found


def test_the_demo_shop_has_the_counts_of_its_data_set(demo: dict[str, Validated]) -> None:
    """Rows of the 300 lowest household numbers before 2017-11-01, counted in the Parquet files."""
    assert {n: (v.rows_in, v.accepted.rows, v.rules) for n, v in demo.items()} == {
        "customers": (300, 300, {}),
        "orders": (14_867, 14_867, {}),
        "order_lines": (136_341, 135_508, {"order_lines.quantity.positive": 833}),
        "products": (92_331, 92_331, {}),
        "campaigns": (22, 22, {}),
        "campaign_contacts": (681, 681, {}),
        "coupon_redemptions": (159, 159, {}),
    }


def test_the_demo_shop_keeps_its_money_and_its_dates(demo: dict[str, Validated]) -> None:
    orders, customers = (staged_rows(demo[n].accepted) for n in ("orders", "customers"))
    assert pc.sum(orders["net_amount"]).as_py() == Decimal("413000.53")
    assert len(pc.unique(orders["customer_id"])) == 299
    assert customers["age_band"].null_count == 300 - 104
    assert set(orders["known_from"].to_pylist()) == {"drop"}
    known, happened = orders["known_at"].to_pylist(), orders["occurred_at"].to_pylist()
    assert all(0 < (k - h).total_seconds() <= 86_400 for k, h in zip(known, happened, strict=True))
