"""The suites of expectations/: complete, in the house's words, and never mistaken for data."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from churn_ml.errors import BadConfig
from churn_ml.ledger import schema
from churn_ml.tables import SOURCE_TABLES, table
from churn_ml.tables.shape import LONGEST_REFERENCE
from churn_ml.validate import generate, judge, suites

STAMPS = {"day", "known_from", "lot", "lot_row", "ingest_key"}


@pytest.mark.parametrize("name", SOURCE_TABLES)
def test_every_suite_names_its_rules_and_covers_the_required_columns(name: str) -> None:
    expectations = suites.suite(name)["expectations"]
    metas = [expectation["meta"] for expectation in expectations]
    assert len({meta["rule"] for meta in metas}) == len(metas)
    for meta in metas:
        owner, column, _ = meta["rule"].split(".")
        assert owner == name
        assert column in table(name).names
        assert meta["verdict"] in ("quarantined", "excluded")
        assert meta["reason"]
        assert meta["severity"] in ("hard", "soft")
    required = {c.name for c in table(name).columns if c.required} - STAMPS
    assert {f"{name}.{column}.required" for column in required} <= {meta["rule"] for meta in metas}


@pytest.mark.parametrize("name", SOURCE_TABLES)
def test_every_suite_is_what_the_tables_say_and_what_was_written_by_hand(name: str) -> None:
    """Else: python -m churn_ml.validate.generate."""
    assert generate.written(name) == (suites.folder() / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SOURCE_TABLES)
def test_every_suite_runs_on_its_table_and_finds_the_empty_row(name: str) -> None:
    schema = table(name).schema()
    row = pa.Table.from_pylist([{"lot": "a", "lot_row": 1}], schema=schema)
    broken = judge(name, row.append_column("row", [[0]]))
    required = {c.name for c in table(name).columns if c.required} - STAMPS
    assert {r.rule for r in broken} == {f"{name}.{column}.required" for column in required}
    assert all(r.rows.tolist() == [0] for r in broken)


def test_a_currency_is_a_code_of_iso_4217() -> None:
    when = pa.array([datetime(2017, 9, 30)] * 3, pa.timestamp("us"))
    schema = table("orders").schema()
    rows = [
        {"order_id": str(i), "customer_id": "h", "currency": currency, "status": "completed"}
        for i, currency in enumerate(("EUR", "XXX", "eur"))
    ]
    typed = pa.Table.from_pylist(rows, schema=schema).append_column("row", [[10, 11, 12]])
    for name in ("occurred_at", "known_at"):
        typed = typed.set_column(typed.schema.get_field_index(name), name, when)
    broken = judge("orders", typed)
    assert [(r.rule, r.rows.tolist()) for r in broken] == [("orders.currency.known", [11, 12])]


REFERENCES = [
    (name, column.name)
    for name in SOURCE_TABLES
    for column in table(name).columns
    if column.name in ("customer_id", "old_id")
]


@pytest.mark.parametrize(("name", "column"), REFERENCES)
def test_a_reference_that_the_ledger_could_not_hold_is_quarantined(name: str, column: str) -> None:
    texts = ["k" * 256, "k" * 255, None]
    rows = pa.Table.from_pylist([{column: text} for text in texts], table(name).schema())
    found = {r.rule: r for r in judge(name, rows.append_column("row", [[4, 5, 6]]))}
    broken = found[f"{name}.{column}.length"]
    assert (broken.verdict, broken.rows.tolist()) == ("quarantined", [4])
    assert broken.reason == f"{column} is longer than 255 characters"


def test_every_column_of_the_ledger_holds_the_longest_reference() -> None:
    held = [t.c.customer_id for t in schema.METADATA.tables.values() if "customer_id" in t.c]
    assert held
    assert {getattr(c.type, "length", None) for c in held} == {LONGEST_REFERENCE}


@pytest.fixture
def broken_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of suites of one's own, in place of the shipped one."""
    monkeypatch.setattr(suites, "folder", lambda: tmp_path)
    suites.suite.cache_clear()
    yield tmp_path / "products.json"
    suites.suite.cache_clear()


@pytest.mark.parametrize(
    "expectation",
    [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "nowhere"}},
        {"type": "expect_no_such_thing", "kwargs": {"column": "brand"}},
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "brand", "min_value": 0},
        },
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "brand", "value_set": 5},
        },
    ],
)
def test_a_broken_expectation_is_bad_configuration_not_bad_data(
    broken_suite: Path, expectation: dict[str, object]
) -> None:
    meta = {"rule": "products.brand.odd", "reason": "odd", "verdict": "quarantined"}
    suite = {"name": "products", "expectations": [expectation | {"meta": meta}]}
    broken_suite.write_text(json.dumps(suite))
    typed = pa.table({"row": [0], "brand": ["own"], "product_id": ["7"]})
    with pytest.raises(BadConfig) as error:
        judge("products", typed)
    assert "products" in str(error.value.where)


@pytest.mark.parametrize("text", [None, "{not json"])
def test_a_missing_or_damaged_suite_is_bad_configuration(
    broken_suite: Path, text: str | None
) -> None:
    if text is not None:
        broken_suite.write_text(text)
    with pytest.raises(BadConfig, match="no readable suite for table products"):
        judge("products", pa.table({"row": [0]}))


def test_where_no_suite_is_there_every_one_is_written_from_the_tables_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "folder", lambda: tmp_path)
    generate.main()
    assert {path.stem for path in tmp_path.glob("*.json")} == set(SOURCE_TABLES)
    made = json.loads((tmp_path / "order_lines.json").read_text(encoding="utf-8"))["expectations"]
    assert {each["meta"]["origin"] for each in made} == {"tables"}


def test_no_row_is_kept_once_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref[Any]] = []
    frame = suites._frame

    def watched(loaded: dict[str, Any], typed: pa.Table) -> Any:
        made = frame(loaded, typed)
        held.append(weakref.ref(made))
        return made

    monkeypatch.setattr(suites, "_frame", watched)
    row = pa.Table.from_pylist([{"product_id": "7"}], schema=table("products").schema())
    judge("products", row.append_column("row", [[0]]))
    gc.collect()
    assert [ref() for ref in held] == [None]


def test_rows_are_told_by_their_numbers_though_some_were_set_aside_before() -> None:
    when = {"occurred_at": datetime(2017, 9, 30), "known_at": datetime(2017, 9, 30)}
    rows = pa.Table.from_pylist(
        [when | {"market": market} for market in ("US", None, None)], table("markets").schema()
    )
    broken = judge("markets", rows.append_column("row", [[3, 7, 8]]))
    assert {r.rule: r.rows.tolist() for r in broken}["markets.market.required"] == [7, 8]
