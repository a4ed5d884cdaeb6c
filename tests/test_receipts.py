"""Receipts: what they add up and what survives the way to JSON and back."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.errors import BadInput
from churn_ml.receipts import Receipt, TableCount

counts = st.builds(
    TableCount,
    st.sampled_from(["orders", "order_lines", "scores"]),
    *[st.integers(0, 10**9)] * 4,
)
receipts = st.builds(
    Receipt,
    st.sampled_from(["ingest", "score", "train"]),
    st.dates(),
    st.sampled_from(["done", "unchanged", "no_champion", "no_data"]),
    st.lists(counts, max_size=3).map(tuple),
    st.floats(0, 1e6, allow_nan=False),
    st.just({"orders": {"2017-10-01": 7}}),
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3),
)


@settings(max_examples=50, deadline=None)
@given(receipts)
def test_a_receipt_survives_json(receipt: Receipt) -> None:
    assert Receipt.from_json(receipt.to_json()) == receipt


def test_a_receipt_adds_up_its_tables() -> None:
    tables = (TableCount("orders", 10, 8, 1, 1), TableCount("order_lines", 5, 5))
    receipt = Receipt("ingest", date(2017, 10, 1), "done", tables)
    assert (receipt.rows_in, receipt.rows_out, receipt.quarantined) == (15, 13, 1)


def test_a_scoring_counts_customers_and_not_the_rows_of_its_five_tables() -> None:
    """Of 2,452 households 2,035 were scored as of 2017-11-01; all five tables hold 11,009 rows."""
    rows = {"cohort": 2452, "features": 2035, "scores": 2035, "segments": 2452, "actions": 2035}
    tables = tuple(TableCount(name, count, count) for name, count in rows.items())
    receipt = Receipt("score", date(2017, 11, 1), "done", tables)
    assert (receipt.rows_in, receipt.rows_out, receipt.excluded) == (2452, 2035, 417)
    assert "2,452 customers, 2,035 scored, 417 outside the contract" in receipt.in_words()


def test_a_step_that_counts_no_rows_says_nothing_of_rows() -> None:
    for step in ("judge", "log", "promote", "score"):
        told = Receipt(step, date(2017, 10, 1), "done", seconds=0.4).in_words()
        assert told == f"{step} as of 2017-10-01: done, 0.4 s"


def test_an_export_counts_the_changes_of_each_destination() -> None:
    tables = (TableCount("crm_file", 2035, 1877), TableCount("crm_sql", 2035, 3))
    told = Receipt("export", date(2017, 11, 1), "done", tables).in_words()
    assert "done, 1,877 changed in crm_file, 3 changed in crm_sql, " in told


def test_rows_set_aside_are_told_where_there_are_any() -> None:
    tables = (TableCount("orders", 10, 8, 1, 1), TableCount("order_lines", 5, 5))
    told = Receipt("ingest", date(2017, 10, 1), "done", tables).in_words()
    assert "done, 15 rows in, 13 out, 1 quarantined, 1 excluded, " in told
    whole = Receipt("ingest", date(2017, 10, 1), "done", tables[1:]).in_words()
    assert "done, 5 rows in, 5 out, 0.0 s" in whole


def test_the_same_receipt_is_the_same_text() -> None:
    one = Receipt("score", date(2017, 10, 1), "done", details={"b": 1, "a": 2})
    other = Receipt("score", date(2017, 10, 1), "done", details={"a": 2, "b": 1})
    assert one.to_json() == other.to_json()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"as_of": "yesterday"}', '{"as_of": 1}'])
def test_text_that_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="this is not a receipt"):
        Receipt.from_json(text)
