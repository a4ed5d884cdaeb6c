"""The lake: what a partition promises, where the world is cut, what a hash says, who may write."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_ml.errors import BadConfig, BadInput, BrokenPromise, NotReady, StaleAttempt
from churn_ml.in_memory import arrow
from churn_ml.tables import Table
from churn_ml.tables import table as table_named
from churn_ml.warehouse import Warehouse, content_hash, latest
from churn_ml.warehouse.handle import open_handle

OCT, NOV = date(2017, 10, 1), date(2017, 11, 1)
Seen = tuple[str, datetime, datetime, str]


def orders(rows: Sequence[Seen]) -> pa.Table:
    """Orders from (order_id, occurred_at, known_at, net_amount)."""
    said: list[dict[str, Any]] = [
        {
            "order_id": order_id,
            "customer_id": f"h-{order_id}",
            "net_amount": Decimal(amount),
            "currency": "USD",
            "status": "completed",
            "channel": None,
            "store_id": "s1",
            "occurred_at": occurred,
            "day": occurred.date(),
            "known_at": known,
            "known_from": "drop",
            "lot": "5d1c",
            "lot_row": number,
        }
        for number, (order_id, occurred, known, amount) in enumerate(rows, start=1)
    ]
    schema = table_named("orders").schema()
    return pa.Table.from_pylist(
        said, schema=pa.schema([f for f in schema if f.name != "ingest_key"])
    )


def order(order_id: str = "o1", amount: str = "12.50") -> pa.Table:
    return orders([(order_id, datetime(2017, 9, 30, 17), datetime(2017, 10, 1), amount)])


def write(warehouse: Warehouse, partition: date, rows: pa.Table, table: str = "orders") -> int:
    return warehouse.replace(warehouse.handle(table), partition, rows).version


def seen(warehouse: Warehouse, versions: dict[str, int], as_of: date) -> dict[str, Decimal]:
    """order_id -> net_amount as of a date; no order comes twice."""
    rows = warehouse.read("orders", versions, as_of=as_of).to_pyarrow()
    found = dict(zip(rows["order_id"].to_pylist(), rows["net_amount"].to_pylist(), strict=True))
    assert len(found) == rows.num_rows
    return found


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(str(tmp_path / "lake"), threads=2)


# Partitions


def test_a_replaced_partition_is_read_at_the_version_that_was_asked_for(
    warehouse: Warehouse,
) -> None:
    first = write(warehouse, OCT, order(amount="12.50"))
    second = write(warehouse, OCT, order(amount="99.00"))
    assert seen(warehouse, {"2017-10-01": first}, NOV) == {"o1": Decimal("12.50")}
    assert seen(warehouse, {"2017-10-01": second}, NOV) == {"o1": Decimal("99.00")}


def test_replacing_one_partition_leaves_the_others(warehouse: Warehouse) -> None:
    october = write(warehouse, OCT, order("o1"))
    november = write(warehouse, NOV, order("o2"))
    write(warehouse, OCT, order("o3"))
    published = {"2017-10-01": october, "2017-11-01": november}
    assert set(seen(warehouse, published, NOV)) == {"o1", "o2"}


def test_an_empty_partition_is_a_partition(warehouse: Warehouse) -> None:
    version = write(warehouse, OCT, order().slice(0, 0))
    rows = warehouse.read("orders", {"2017-10-01": version}, as_of=NOV).to_pyarrow()
    assert rows.num_rows == 0
    assert rows.schema.field("net_amount").type == pa.decimal128(18, 2)
    assert warehouse.read_partition("orders", OCT, version).num_rows == 0


def test_emptying_a_partition_hides_its_rows(warehouse: Warehouse) -> None:
    full = write(warehouse, OCT, order())
    empty = write(warehouse, OCT, order().slice(0, 0))
    assert seen(warehouse, {"2017-10-01": empty}, NOV) == {}
    assert set(seen(warehouse, {"2017-10-01": full}, NOV)) == {"o1"}


def test_no_versions_give_an_empty_typed_table(warehouse: Warehouse) -> None:
    from churn_ml.tables import TABLES

    for table in TABLES:
        rows = warehouse.read(table.name, {}).to_pyarrow()
        assert rows.num_rows == 0
        assert rows.schema.names == list(table.names)
        assert rows.schema.types == table.schema().types


def test_what_is_read_has_the_declared_types(warehouse: Warehouse) -> None:
    version = write(warehouse, OCT, order())
    read = warehouse.read("orders", {"2017-10-01": version}).to_pyarrow()
    assert read.schema.names == list(table_named("orders").names)
    assert read.schema.types == table_named("orders").schema().types
    assert read["ingest_key"].to_pylist() == [OCT]


def test_a_partition_the_lake_does_not_hold_is_not_ready(warehouse: Warehouse) -> None:
    with pytest.raises(NotReady, match="anything of table orders"):
        warehouse.read("orders", {"2017-10-01": 1})
    version = write(warehouse, OCT, order())
    for partition, wrong in (("2017-11-01", version), ("2017-10-01", 7), ("2017-10-01", 0)):
        with pytest.raises(NotReady, match=f"partition {partition} at version {wrong}"):
            warehouse.read("orders", {partition: wrong})


def test_features_of_two_specifications_are_read_each_with_its_own_columns(
    warehouse: Warehouse,
) -> None:
    customers = pa.array(["h1", "h2"])
    old = pa.table({"customer_id": customers, "recency": [1.0, 2.0], "returns": [0.5, None]})
    new = pa.table({"customer_id": customers, "recency": [3.0, 4.0], "tickets": [None, None]})
    first = write(warehouse, OCT, old, "features")
    new = new.set_column(2, "tickets", new["tickets"].cast(pa.float64()))
    second = write(warehouse, NOV, new, "features")
    assert warehouse.read_partition("features", OCT, first).column_names == [
        *("customer_id", "as_of", "recency", "returns")
    ]
    assert warehouse.read_partition("features", NOV, second).column_names == [
        *("customer_id", "as_of", "recency", "tickets")
    ]
    both = warehouse.read("features", {"2017-10-01": first, "2017-11-01": second})
    assert both.to_pyarrow().num_rows == 4


def test_of_a_partition_some_columns_can_be_read_alone(warehouse: Warehouse) -> None:
    rows = pa.table({"customer_id": ["h2", "h1"], "recency": [2.0, 1.0], "returns": [0.5, 0.0]})
    version = write(warehouse, OCT, rows, "features")
    read = warehouse.read_partition("features", OCT, version, ("customer_id", "recency"))
    assert read.to_pydict() == {"customer_id": ["h1", "h2"], "recency": [1.0, 2.0]}


def older(name: str, *without: str) -> Table:
    """A table as it was before it got some of its columns."""
    now = table_named(name)
    columns = tuple(c for c in now.columns if c.name not in without)
    return replace(now, columns=columns, key=tuple(k for k in now.key if k not in without))


def of_before(warehouse: Warehouse, shape: Table, partition: date, *rows: dict[str, Any]) -> int:
    """A partition written when the table had the columns of `shape`."""
    handle = open_handle(f"{warehouse.uri}/{shape.name}", shape, None)
    told = arrow(shape.name, list(rows)).select(shape.names).drop_columns([shape.partition])
    return warehouse.replace(handle, partition, told).version


JOINED = {"customer_id": "h1", "promo_id": "p", "occurred_at": datetime(2017, 9, 1)}


def test_a_lake_of_before_is_read_and_written_with_the_columns_of_today(
    warehouse: Warehouse,
) -> None:
    """Promotions were joined only, before there were offers with a depth."""
    old = of_before(warehouse, older("promo_events", "kind", "depth"), OCT, JOINED)
    read = warehouse.read("promo_events", {"2017-10-01": old}, as_of=NOV).to_pyarrow()
    assert read.schema.names == list(table_named("promo_events").names)
    assert (read["kind"].to_pylist(), read["depth"].to_pylist()) == (["joined"], [None])
    assert warehouse.read_partition("promo_events", OCT, old).num_rows == 1

    offered = arrow("promo_events", [JOINED | {"kind": "offered", "depth": 0.2}])
    new = write(warehouse, NOV, offered.drop_columns(["ingest_key"]), "promo_events")
    both = warehouse.read("promo_events", {"2017-10-01": old, "2017-11-01": new}, as_of=NOV)
    rows = both.order_by("kind").to_pyarrow().to_pylist()
    assert [(row["kind"], row["depth"]) for row in rows] == [("joined", None), ("offered", 0.2)]


def test_a_column_that_every_row_must_fill_is_asked_for_in_words(warehouse: Warehouse) -> None:
    old = of_before(warehouse, older("reviews", "rating"), OCT, {"occurred_at": "2017-09-01"})
    with pytest.raises(NotReady, match=r"without its column rating.*churn-ml ingest --as-of DAY"):
        warehouse.read("reviews", {"2017-10-01": old})


def test_an_empty_partition_of_features_keeps_their_names(warehouse: Warehouse) -> None:
    none = pa.table({"customer_id": pa.array([], pa.string()), "recency": pa.array([], "f8")})
    version = write(warehouse, OCT, none, "features")
    read = warehouse.read("features", {"2017-10-01": version}).to_pyarrow()
    assert read.schema.names == ["customer_id", "as_of", "recency"]


def test_what_was_written_comes_back_with_the_same_content_hash(warehouse: Warehouse) -> None:
    rows = pa.table({"customer_id": ["h2", "h1"], "recency": [float("nan"), -0.0]})
    written = warehouse.replace(warehouse.handle("features"), OCT, rows)
    read = warehouse.read_partition("features", OCT, written.version)
    assert content_hash(read, ["customer_id"]) == written.content_hash
    assert read["recency"].null_count == 1


def test_a_name_with_quotes_is_a_name(tmp_path: Path) -> None:
    warehouse = Warehouse(str(tmp_path / 'it\'s "my" lake ü 王 ;{a}'))
    column = "days \"since\" 'x'; drop table a"
    rows = pa.table({"customer_id": ["h1"], column: [1.0]})
    version = write(warehouse, OCT, rows, "features")
    assert warehouse.read_partition("features", OCT, version)[column].to_pylist() == [1.0]


def test_a_lake_can_be_named_by_a_file_uri(tmp_path: Path) -> None:
    lake = tmp_path / "my lake"
    version = write(Warehouse(lake.as_uri()), OCT, order())
    assert set(seen(Warehouse(str(lake)), {"2017-10-01": version}, NOV)) == {"o1"}
    assert set(seen(Warehouse(lake.as_uri()), {"2017-10-01": version}, NOV)) == {"o1"}


def test_old_versions_stay_readable_after_years(warehouse: Warehouse) -> None:
    """Delta's log entries expire after 30 days, once checkpoints stand in for them; ours never."""
    handle = warehouse.handle("orders")
    log = Path(handle.uri, "_delta_log")
    versions = []
    for number in range(12):
        rows = order(amount=f"{number}.00")
        versions.append(warehouse.replace(handle, OCT, rows).version)
        if number in {4, 8}:
            DeltaTable(handle.uri).create_checkpoint()
            for entry in log.iterdir():
                os.utime(entry, (0, 0))
    DeltaTable(handle.uri).create_checkpoint()
    DeltaTable(handle.uri).cleanup_metadata()
    for number, version in enumerate(versions):
        published = {"2017-10-01": version}
        assert seen(Warehouse(warehouse.uri), published, NOV) == {"o1": Decimal(number)}


@pytest.mark.parametrize("name", ["a%20b", "a#b", "a[b", "a*", "a?b", "a\\b", "a\nb", "a|b"])
def test_a_folder_that_delta_cannot_store_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadConfig, match="characters that Delta cannot store"):
        Warehouse(str(tmp_path / name))


def test_a_relative_folder_stays_where_it_was_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    warehouse = Warehouse("lake")
    version = write(warehouse, OCT, order())
    monkeypatch.chdir("/")
    assert set(seen(warehouse, {"2017-10-01": version}, NOV)) == {"o1"}


# Promises


def broken(change: str) -> pa.Table:
    rows = order()
    match change:
        case "a missing column":
            return rows.drop_columns(["currency"])
        case "an unknown column":
            return rows.append_column("secret", pa.array(["x"]))
        case "a required value missing":
            return rows.set_column(1, "customer_id", pa.array([None], pa.string()))
        case "a repeated key":
            return pa.concat_tables([rows, rows])
        case "another partition":
            return rows.append_column("ingest_key", pa.array([NOV], pa.date32()))
        case "no partition":
            return rows.append_column("ingest_key", pa.array([None], pa.date32()))
        case "money with three decimals":
            amount = pa.array([Decimal("1.005")], pa.decimal128(18, 3))
            return rows.set_column(2, "net_amount", amount)
    raise AssertionError(change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("a missing column", "no column currency"),
        ("an unknown column", "unknown column secret"),
        ("a required value missing", "column customer_id is empty in 1 rows"),
        ("a repeated key", "1 rows repeat a key"),
        ("another partition", "1 rows belong to another partition"),
        ("no partition", "1 rows belong to another partition"),
        ("money with three decimals", "column net_amount is decimal128"),
    ],
)
def test_rows_that_break_the_promise_are_refused(
    warehouse: Warehouse, change: str, message: str
) -> None:
    handle = warehouse.handle("orders")
    with pytest.raises(BrokenPromise, match=message) as refused:
        warehouse.replace(handle, OCT, broken(change))
    assert "h-o1" not in str(refused.value)
    assert DeltaTable(handle.uri).version() == 0


def test_an_infinite_feature_is_refused(warehouse: Warehouse) -> None:
    rows = pa.table({"customer_id": ["h1"], "ratio": [float("inf")]})
    with pytest.raises(BrokenPromise, match="ratio is infinite in 1 rows"):
        warehouse.replace(warehouse.handle("features"), OCT, rows)


def test_a_feature_that_is_no_double_is_refused(warehouse: Warehouse) -> None:
    rows = pa.table({"customer_id": ["h1"], "segment": ["gold"]})
    with pytest.raises(BrokenPromise, match="segment is string and does not fit"):
        warehouse.replace(warehouse.handle("features"), OCT, rows)


# The cut


def test_a_row_exactly_at_as_of_is_future(warehouse: Warehouse) -> None:
    midnight = datetime(2017, 10, 1)
    rows = [
        ("before", midnight - timedelta(microseconds=1), midnight, "1"),
        ("at", midnight, midnight, "1"),
    ]
    version = write(warehouse, NOV, orders(rows))
    assert set(seen(warehouse, {"2017-11-01": version}, OCT)) == {"before"}


def test_a_row_known_exactly_at_as_of_is_known_and_one_known_later_is_not(
    warehouse: Warehouse,
) -> None:
    midnight, when = datetime(2017, 10, 1), datetime(2017, 9, 1)
    rows = [("known", when, midnight, "1"), ("later", when, midnight + timedelta.resolution, "1")]
    version = write(warehouse, NOV, orders(rows))
    assert set(seen(warehouse, {"2017-11-01": version}, OCT)) == {"known"}


def test_a_late_row_of_july_changes_november_and_not_october(warehouse: Warehouse) -> None:
    july = datetime(2017, 7, 14, 9)
    first = write(warehouse, OCT, orders([("o1", july, datetime(2017, 7, 15), "5")]))
    late = write(warehouse, NOV, orders([("o2", july, datetime(2017, 10, 20), "7")]))
    alone, both = {"2017-10-01": first}, {"2017-10-01": first, "2017-11-01": late}
    for as_of in (date(2017, 8, 1), OCT):
        assert seen(warehouse, both, as_of) == seen(warehouse, alone, as_of) == {"o1": 5}
    assert seen(warehouse, both, NOV) == {"o1": 5, "o2": 7}


def test_what_a_row_tells_of_later_is_not_there_yet(warehouse: Warehouse) -> None:
    """A first load of history brings every row in its final form; the cut takes the rest out."""
    opened, answered, solved = (datetime(2017, 9, 30, h) for h in (9, 11, 23))
    ticket = {"ticket_id": "t1", "customer_id": "h1", "occurred_at": opened, "topic": "late"}
    later = {"first_response_at": answered, "resolved_at": solved, "csat": 2.0, "reopened": True}
    rows = arrow("tickets", [{**ticket, **later, "known_at": opened, "known_from": "lag"}])
    rows = rows.drop_columns(["ingest_key"])
    seen = written_and_read(warehouse, "tickets", rows, OCT)
    assert (seen["csat"], seen["resolved_at"]) == (2.0, solved)
    midnight = datetime(2017, 10, 1)
    rows = rows.set_column(
        rows.schema.get_field_index("resolved_at"),
        "resolved_at",
        pa.array([midnight], "timestamp[us]"),
    )
    seen = written_and_read(warehouse, "tickets", rows, OCT)
    assert (seen["csat"], seen["resolved_at"], seen["reopened"]) == (None, None, None)
    assert (seen["topic"], seen["first_response_at"]) == ("late", answered)


def test_an_order_is_cancelled_when_it_was_and_not_before(warehouse: Warehouse) -> None:
    cancelled = {"status": "cancelled", "cancel_reason": "too late"}
    known = {"occurred_at": datetime(2017, 9, 20), "known_at": datetime(2017, 9, 21)}
    rows = arrow("orders", [{**cancelled, **known, "cancelled_at": datetime(2017, 10, 20)}])
    rows = rows.drop_columns(["ingest_key"])
    before = written_and_read(warehouse, "orders", rows, OCT)
    assert (before["status"], before["cancel_reason"], before["cancelled_at"]) == (
        "completed",
        None,
        None,
    )
    after = written_and_read(warehouse, "orders", rows, NOV)
    assert (after["status"], after["cancel_reason"]) == ("cancelled", "too late")


@pytest.mark.parametrize(
    ("table", "row", "as_told"),
    [
        ("tickets", {"contacts": 4, "reopened": True, "csat": 1.0, "handle_minutes": 9.0}, False),
        ("returns", {"refund_amount": Decimal("12.50")}, False),
        ("orders", {"cancel_reason": "too late"}, False),
        ("payments", {"status": "failed"}, True),
        ("orders", {"status": "cancelled"}, True),
    ],
)
def test_what_waits_for_a_time_that_is_empty_is_not_there_but_a_status_is(
    warehouse: Warehouse, table: str, row: dict[str, Any], as_told: bool
) -> None:
    """A first load of history shows what an open ticket comes to later; nobody solved it yet."""
    known = {"occurred_at": datetime(2017, 9, 20), "known_at": datetime(2017, 9, 21)}
    rows = arrow(table, [row | known]).drop_columns(["ingest_key"])
    seen = written_and_read(warehouse, table, rows, OCT)
    assert {name: seen[name] for name in row} == (row if as_told else dict.fromkeys(row))


def written_and_read(
    warehouse: Warehouse, name: str, rows: pa.Table, as_of: date
) -> dict[str, Any]:
    """The one row of a table, as it is seen at `as_of`."""
    written = warehouse.replace(warehouse.handle(name), OCT, rows)
    read = warehouse.read(name, {OCT.isoformat(): written.version}, as_of=as_of)
    (row,) = read.to_pyarrow().to_pylist()
    return dict(row)


def test_of_two_rows_with_one_key_the_one_known_latest_counts(warehouse: Warehouse) -> None:
    july = datetime(2017, 7, 14)
    first = write(warehouse, OCT, orders([("o1", july, datetime(2017, 7, 15), "5")]))
    second = write(warehouse, NOV, orders([("o1", july, datetime(2017, 10, 20), "7")]))
    published = {"2017-10-01": first, "2017-11-01": second}
    assert seen(warehouse, published, OCT) == {"o1": 5}
    assert seen(warehouse, published, NOV) == {"o1": 7}


def test_a_correction_inside_one_ingest_does_not_reach_back(warehouse: Warehouse) -> None:
    july = datetime(2017, 7, 14)
    rows = [("o1", july, datetime(2017, 7, 15), "5"), ("o1", july, datetime(2017, 9, 20), "7")]
    version = write(warehouse, OCT, orders(rows))
    assert seen(warehouse, {"2017-10-01": version}, date(2017, 8, 1)) == {"o1": 5}
    assert seen(warehouse, {"2017-10-01": version}, OCT) == {"o1": 7}


def test_a_correction_that_moves_a_row_past_the_cut_leaves_the_former(
    warehouse: Warehouse,
) -> None:
    known = [datetime(2017, 7, 15), datetime(2017, 9, 20)]
    rows = [
        ("o1", datetime(2017, 7, 14), known[0], "5"),
        ("o1", datetime(2017, 10, 2), known[1], "5"),
    ]
    version = write(warehouse, NOV, orders(rows))
    assert seen(warehouse, {"2017-11-01": version}, OCT) == {"o1": 5}


def test_a_tie_in_known_at_goes_to_the_later_ingest(warehouse: Warehouse) -> None:
    row = ("o1", datetime(2017, 7, 14), datetime(2017, 7, 15))
    first = write(warehouse, OCT, orders([(*row, "5")]))
    second = write(warehouse, NOV, orders([(*row, "7")]))
    published = {"2017-11-01": second, "2017-10-01": first}
    assert seen(warehouse, published, NOV) == {"o1": 7}


def test_a_derived_table_is_not_cut(warehouse: Warehouse) -> None:
    with pytest.raises(BadInput, match="table scores has no time to cut at"):
        warehouse.read("scores", {}, as_of=OCT)


def test_latest_takes_the_version_valid_at_as_of(warehouse: Warehouse) -> None:
    stamp = {"known_from": "drop", "lot": "5d1c", "lot_row": 1, "customer_id": "h1"}
    moves = [("basic", datetime(2017, 1, 1)), ("gold", datetime(2017, 10, 10))]
    rows = [
        {**stamp, "tier": tier, "occurred_at": at, "day": at.date(), "known_at": at}
        for tier, at in moves
    ]
    schema = pa.schema([f for f in table_named("customers").schema() if f.name != "ingest_key"])
    version = write(warehouse, NOV, pa.Table.from_pylist(rows, schema=schema), "customers")
    for as_of, tier in ((OCT, "basic"), (NOV, "gold")):
        cut = warehouse.read("customers", {"2017-11-01": version}, as_of=as_of)
        assert latest(cut, ["customer_id"]).to_pyarrow()["tier"].to_pylist() == [tier]


# Each order is seen up to three times; the n-th sighting is known n * 20 days after it occurred.
sightings = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 60), st.integers(0, 2), st.integers(1, 9)),
    min_size=1,
    max_size=12,
    unique_by=lambda row: (row[0], row[1] + 20 * row[2]),
)


def _orders(rows: Sequence[tuple[int, int, int, int]]) -> pa.Table:
    start = datetime(2017, 8, 1, 12)
    return orders(
        [
            (
                f"o{number}",
                start + timedelta(days=day),
                start + timedelta(days=day + 20 * sighting),
                f"{amount}.00",
            )
            for number, day, sighting, amount in rows
        ]
    )


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=sightings, seed=st.randoms(use_true_random=False))
def test_neither_the_future_nor_the_order_nor_the_ingest_of_rows_changes_what_is_seen(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], seed: Any
) -> None:
    as_of = date(2017, 9, 10)
    warehouse = Warehouse(str(tmp_path_factory.mktemp("lake")))
    cut = datetime(2017, 9, 10) - datetime(2017, 8, 1, 12)
    past = [r for r in rows if timedelta(days=r[1] + 20 * r[2]) <= cut]
    known = {"2017-10-01": write(warehouse, OCT, _orders(past or rows))}
    expected = seen(warehouse, known, as_of) if past else {}
    shuffled = seed.sample(rows, len(rows))
    half = len(shuffled) // 2
    mixed = {"2017-11-01": write(warehouse, NOV, _orders(shuffled[half:]))}
    if half:
        december = date(2017, 12, 1)
        mixed["2017-12-01"] = write(warehouse, december, _orders(shuffled[:half]))
    assert seen(warehouse, mixed, as_of) == expected


# The content hash


values = st.fixed_dictionaries(
    {
        "text": st.none() | st.text(max_size=4),
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "real": st.none() | st.floats(),
        "money": st.none() | st.decimals(-1000, 1000, places=2),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(),
        "at": st.none() | st.datetimes(),
    }
)
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("text", pa.string()),
        ("whole", pa.int64()),
        ("real", pa.float64()),
        ("money", pa.decimal128(18, 2)),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us")),
    ]
)


def numbered(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{"id": i} | r for i, r in enumerate(rows)], schema=SCHEMA)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(values, max_size=8), seed=st.randoms(use_true_random=False), at=st.integers(0))
def test_the_hash_knows_no_order_of_rows_or_columns_and_no_chunks(
    rows: list[dict[str, Any]], seed: Any, at: int
) -> None:
    table = numbered(rows)
    order = seed.sample(range(len(rows)), len(rows))
    moved = table.take(pa.array(order, pa.int64())).select(sorted(table.column_names))
    cut = at % (len(rows) + 1)
    moved = pa.concat_tables([moved.slice(0, cut), moved.slice(cut)])
    moved = moved.set_column(
        moved.column_names.index("text"), "text", moved["text"].cast(pa.large_string())
    )
    assert content_hash(moved, ["id"]) == content_hash(table, ["id"])


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(values, min_size=1, max_size=4), other=values, at=st.integers(0))
def test_the_hash_knows_every_value(
    rows: list[dict[str, Any]], other: dict[str, Any], at: int
) -> None:
    table = numbered(rows)
    at %= len(rows)
    for name, value in other.items():
        changed = numbered([*rows[:at], rows[at] | {name: value}, *rows[at + 1 :]])
        same = table[name][at].as_py() == changed[name][at].as_py()
        same |= name == "real" and {str(table[name][at]), str(changed[name][at])} <= {"nan", "None"}
        equal = content_hash(table, ["id"]) == content_hash(changed, ["id"])
        assert equal == same, name


def test_the_hash_tells_null_from_blank_and_text_from_text() -> None:
    tables = [
        pa.table({"a": ["x", None], "b": [0, 0]}),
        pa.table({"a": ["x", ""], "b": [0, 0]}),
        pa.table({"a": ["", "x"], "b": [0, 1]}),
        pa.table({"a": ["x", "x"], "b": [0, 0]}),
        pa.table({"b": ["x", "x"], "a": [0, 0]}),
        pa.table({"a": ["x"], "b": [0]}),
        pa.table({"a": ["x", "x"], "b": [0.0, 0.0]}),
        pa.table({"a": ["x", "x"], "b": [False, False]}),
    ]
    hashes = [content_hash(table, ["a"]) for table in tables]
    assert len(set(hashes)) == len(tables)


def test_minus_zero_is_zero_and_nan_is_null() -> None:
    for one, other in ((0.0, -0.0), (float("nan"), None)):
        tables = [pa.table({"a": [1], "b": pa.array([x], pa.float64())}) for x in (one, other)]
        assert content_hash(tables[0], ["a"]) == content_hash(tables[1], ["a"])


def test_the_hash_of_a_known_table_never_changes() -> None:
    """A change of this value makes every publication look changed: it needs a new version."""
    rows = [{"text": "ü", "whole": 1, "real": 0.1, "money": Decimal("12.50"), "flag": True}]
    rows[0] |= {"day": OCT, "at": datetime(2017, 9, 30, 17, 5)}
    assert content_hash(numbered(rows), ["id"]) == HASH


HASH = "c4eae42b28485966847ea87ae72c3331203cde4271b337657c836b758433dd94"


def test_the_hash_of_an_aggregate_is_the_same_with_one_thread_and_with_two(tmp_path: Path) -> None:
    many = [
        (f"o{n}", datetime(2017, 9, 1), datetime(2017, 9, 2), f"{n % 997}.{n % 90 + 10}")
        for n in range(20_000)
    ]
    version = write(Warehouse(str(tmp_path)), OCT, orders(many))
    hashes = set()
    for threads in (1, 2):
        read = Warehouse(str(tmp_path), threads=threads).read("orders", {"2017-10-01": version})
        grouped = read.group_by(customer_id=read.order_id.right(2)).agg(spend=read.net_amount.sum())
        hashes |= {
            content_hash(read.to_pyarrow(), ["order_id"]),
            content_hash(grouped.to_pyarrow(), ["customer_id"]),
        }
    assert len(hashes) == 2


# The fence


def test_a_second_handle_on_the_same_partition_is_refused(warehouse: Warehouse) -> None:
    one, other = warehouse.handle("orders"), warehouse.handle("orders")
    warehouse.replace(one, OCT, order(amount="1"))
    with pytest.raises(StaleAttempt, match="partition 2017-10-01, was written by another attempt"):
        warehouse.replace(other, OCT, order(amount="2"))


def test_a_second_handle_on_another_partition_is_not_disturbed(warehouse: Warehouse) -> None:
    one, other = warehouse.handle("orders"), warehouse.handle("orders")
    warehouse.replace(one, OCT, order())
    assert warehouse.replace(other, NOV, order()).version == 2


def test_the_fence_holds_for_empty_partitions_too(warehouse: Warehouse) -> None:
    one, other = warehouse.handle("orders"), warehouse.handle("orders")
    warehouse.replace(one, OCT, order().slice(0, 0))
    with pytest.raises(StaleAttempt):
        warehouse.replace(other, OCT, order().slice(0, 0))


def test_writing_one_partition_does_not_renew_a_handle_for_the_others(
    warehouse: Warehouse,
) -> None:
    one, other = warehouse.handle("orders"), warehouse.handle("orders")
    warehouse.replace(other, OCT, order())
    warehouse.replace(one, NOV, order())
    with pytest.raises(StaleAttempt):
        warehouse.replace(one, OCT, order())


def test_a_handle_may_write_its_own_partition_again(warehouse: Warehouse) -> None:
    handle = warehouse.handle("orders")
    warehouse.replace(handle, OCT, order(amount="1"))
    again = warehouse.replace(handle, OCT, order(amount="2"))
    assert seen(warehouse, {"2017-10-01": again.version}, NOV) == {"o1": 2}


def test_an_older_attempt_that_writes_first_does_not_stop_the_newer_one(
    warehouse: Warehouse,
) -> None:
    older, newer = warehouse.handle("orders", token=1), warehouse.handle("orders", token=2)
    warehouse.replace(older, OCT, order(amount="1"))
    written = warehouse.replace(newer, OCT, order(amount="2"))
    assert seen(warehouse, {"2017-10-01": written.version}, NOV) == {"o1": 2}
    with pytest.raises(StaleAttempt, match="by token 2"):
        warehouse.replace(older, OCT, order(amount="1"))


def test_of_many_writers_at_once_on_one_partition_exactly_one_wins(warehouse: Warehouse) -> None:
    handles = [warehouse.handle("orders") for _ in range(6)]

    def attempt(number: int) -> str:
        try:
            warehouse.replace(handles[number], OCT, order(amount=str(number + 1)))
        except StaleAttempt:
            return "refused"
        return "won"

    with ThreadPoolExecutor(6) as pool:
        told = sorted(pool.map(attempt, range(6)))
    assert told == ["refused"] * 5 + ["won"]


def test_many_writers_at_once_on_many_partitions_all_succeed(warehouse: Warehouse) -> None:
    days = [OCT + timedelta(days=day) for day in range(8)]

    def attempt(day: date) -> tuple[str, int]:
        amount = str(day.day)
        return day.isoformat(), write(warehouse, day, order(f"o-{day.isoformat()}", amount))

    with ThreadPoolExecutor(8) as pool:
        published = dict(pool.map(attempt, days))
    assert sorted(published.values()) == list(range(1, 9))
    expected = {f"o-{day.isoformat()}": day.day for day in days}
    assert seen(warehouse, published, date(2018, 1, 1)) == expected
    for day in days:
        alone = {day.isoformat(): published[day.isoformat()]}
        assert seen(warehouse, alone, date(2018, 1, 1)) == {f"o-{day}": day.day}


def test_features_that_change_while_others_write_do_not_refuse_them(warehouse: Warehouse) -> None:
    handles = [warehouse.handle("features") for _ in range(5)]

    def attempt(number: int) -> int:
        rows = pa.table({"customer_id": ["h1"], f"feature_{number}": [1.0]})
        day = OCT + timedelta(days=number)
        return warehouse.replace(handles[number], day, rows).version

    with ThreadPoolExecutor(5) as pool:
        versions = list(pool.map(attempt, range(5)))
    for number, version in enumerate(versions):
        read = warehouse.read_partition("features", OCT + timedelta(days=number), version)
        assert read.column_names == ["customer_id", "as_of", f"feature_{number}"]


CREATE = """
import sys, time
from datetime import date
from churn_ml.warehouse import Warehouse
warehouse = Warehouse(sys.argv[1])
while time.time() < float(sys.argv[2]): pass
for table in ("orders", "scores", "features", "cohort"): warehouse.handle(table)
"""


def test_processes_that_create_a_table_at_once_all_open_it(tmp_path: Path) -> None:
    import time

    start = str(time.time() + 2)
    command = [sys.executable, "-W", "error", "-c", CREATE, str(tmp_path), start]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    told = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    for table in ("orders", "scores"):
        assert DeltaTable(str(tmp_path / table)).version() == 0


# Speed


def test_a_year_of_partitions_is_looked_up_once(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = warehouse.handle("orders")
    days = [OCT + timedelta(days=day) for day in range(30)]
    published = {
        day.isoformat(): warehouse.replace(handle, day, order(f"o{day}")).version for day in days
    }
    warehouse.replace(handle, days[3], order("overtaken"))
    opened = itertools.count()
    init = DeltaTable.__init__

    def counted(self: DeltaTable, *args: Any, **kwargs: Any) -> None:
        next(opened)
        init(self, *args, **kwargs)

    monkeypatch.setattr(DeltaTable, "__init__", counted)
    reader = Warehouse(warehouse.uri)
    for _ in range(3):
        assert len(seen(reader, published, date(2018, 1, 1))) == 30
    # the newest state, the first one's columns, and the one version that was overtaken
    assert next(opened) == 3


def test_no_bar_is_drawn_where_answers_are(tmp_path: Path) -> None:
    told = (
        "from churn_ml.warehouse import Warehouse\n"
        "import sys; found = Warehouse(sys.argv[1]).connection\n"
        "print(found.raw_sql(\"select current_setting('enable_progress_bar')\").fetchall())"
    )
    # Without a file of its own a process passes for interactive.
    done = subprocess.run(
        [sys.executable, "-c", told, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[(False,)]\n"


def test_c16_a_query_that_does_not_fit_into_memory_spills_below_the_lake(tmp_path: Path) -> None:
    connection = Warehouse(str(tmp_path), memory_limit="30MB", threads=1).connection
    query = "select md5(i::varchar) as told from range(800000) as every(i) order by told"
    rows = connection.raw_sql(f"select count(*) from ({query} limit 700000)").fetchall()
    assert rows == [(700_000,)]
