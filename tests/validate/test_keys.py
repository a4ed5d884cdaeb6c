"""One key, one thing: repeats are excluded, conflicts quarantined, updates kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml.tables import table
from churn_ml.validate import Stage
from churn_ml.validate.keys import Doubles, double_keys

from .judging import staging

ORDERS = table("orders")


def doubles(*typed: pa.Table, grouped: bool = False) -> list[Doubles]:
    """The double keys of rows that were staged batch by batch."""
    stage = Stage(staging())
    for part in typed:
        stage.add(part)
    return double_keys(stage, ORDERS, grouped=grouped)


def numbers(found: Doubles) -> list[int]:
    return sorted(pq.read_table(found.file)["row"].to_pylist())


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
    whole = orders(*rows)
    found = doubles(*(whole.slice(i, 1) for i in range(len(rows))))
    assert [(d.rule, d.lots) for d in doubles(whole)] == [(d.rule, d.lots) for d in found]
    by_rule = {r.rule.removeprefix("orders.key."): r for r in found}
    assert [numbers(r) for r in found] == [rows for rows in (conflict, repeated) if rows]
    if repeated:
        assert by_rule["repeated"].verdict == "excluded"
    if conflict:
        assert by_rule["conflict"].verdict == "quarantined"


def test_a_group_of_lines_that_two_files_cut_is_no_update() -> None:
    halves = orders(("31", 1, "10.00"), ("31", 2, "5.00"), ("32", 1, "7.00"))
    assert doubles(halves) == []
    (cut,) = doubles(halves, grouped=True)
    assert (cut.rule, cut.verdict, numbers(cut)) == ("orders.key.conflict", "quarantined", [0, 1])
    assert "group_by" in cut.reason


def test_a_missing_value_is_content_too() -> None:
    rows = orders(("1", 0, "5"), ("1", 0, "5"))
    with_null = rows.set_column(AT, "net_amount", pa.array([None, None], pa.decimal128(18, 2)))
    half = rows.set_column(AT, "net_amount", pa.array([None, Decimal(5)], pa.decimal128(18, 2)))
    assert [r.rule for r in doubles(with_null)] == ["orders.key.repeated"]
    assert [r.rule for r in doubles(half)] == ["orders.key.conflict"]
