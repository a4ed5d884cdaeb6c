"""One key, one thing: repeats are excluded, conflicts quarantined, updates kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from churn_ml.tables import table
from churn_ml.validate import double_keys

ORDERS = table("orders")
AT = ORDERS.names.index("net_amount")


def orders(*rows: tuple[str, int, str]) -> pa.Table:
    """Orders as (order_id, day known, amount), each row of a lot of its own."""
    made = [
        {
            "order_id": order,
            "customer_id": "h1",
            "net_amount": Decimal(amount),
            "currency": "EUR",
            "status": "completed",
            "occurred_at": datetime(2017, 9, 30),
            "known_at": datetime(2017, 10, 1) + timedelta(days=day),
            "known_from": "drop",
            "lot": f"lot{i}",
            "lot_row": 1,
        }
        for i, (order, day, amount) in enumerate(rows)
    ]
    typed = pa.Table.from_pylist(made, schema=ORDERS.schema())
    return typed.append_column("row", [np.arange(len(made))])


@pytest.mark.parametrize(
    ("rows", "repeated", "conflict"),
    [
        ([("1", 0, "5"), ("2", 0, "5")], [], []),
        ([("1", 0, "5"), ("1", 0, "5")], [1], []),
        ([("1", 0, "5"), ("1", 0, "6")], [], [0, 1]),
        ([("1", 0, "5"), ("1", 0, "5"), ("1", 0, "6")], [], [0, 1, 2]),
        ([("1", 0, "5"), ("1", 1, "6")], [], []),
        ([("1", 0, "5"), ("1", 1, "5")], [1], []),
        # Known later, delivered first: the one known first is the one that stays.
        ([("1", 1, "5"), ("1", 0, "5")], [0], []),
        # There and back again: the third says something new, it revokes the second.
        ([("1", 0, "5"), ("1", 1, "6"), ("1", 2, "5")], [], []),
        ([("1", 0, "5"), ("1", 0, "6"), ("1", 1, "5")], [], [0, 1]),
    ],
)
def test_repeats_conflicts_and_updates(
    rows: list[tuple[str, int, str]], repeated: list[int], conflict: list[int]
) -> None:
    found = double_keys(orders(*rows), ORDERS, rejected=np.empty(0, np.int64))
    by_rule = {r.rule.removeprefix("orders.key."): r for r in found}
    assert [r.rows.tolist() for r in found] == [rows for rows in (conflict, repeated) if rows]
    if repeated:
        assert by_rule["repeated"].verdict == "excluded"
    if conflict:
        assert by_rule["conflict"].verdict == "quarantined"


def test_a_row_that_another_judge_rejected_takes_no_part() -> None:
    rows = orders(("1", 0, "5"), ("1", 0, "-6"))
    assert double_keys(rows, ORDERS, rejected=np.array([1])) == []


def test_a_missing_value_is_content_too() -> None:
    rows = orders(("1", 0, "5"), ("1", 0, "5"))
    with_null = rows.set_column(AT, "net_amount", pa.array([None, None], pa.decimal128(18, 2)))
    half = rows.set_column(AT, "net_amount", pa.array([None, Decimal(5)], pa.decimal128(18, 2)))
    none = np.empty(0, np.int64)
    assert [r.rule for r in double_keys(with_null, ORDERS, rejected=none)] == [
        "orders.key.repeated"
    ]
    assert [r.rule for r in double_keys(half, ORDERS, rejected=none)] == ["orders.key.conflict"]
