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


def test_the_same_receipt_is_the_same_text() -> None:
    one = Receipt("score", date(2017, 10, 1), "done", details={"b": 1, "a": 2})
    other = Receipt("score", date(2017, 10, 1), "done", details={"a": 2, "b": 1})
    assert one.to_json() == other.to_json()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"as_of": "yesterday"}', '{"as_of": 1}'])
def test_text_that_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="this is not a receipt"):
        Receipt.from_json(text)
