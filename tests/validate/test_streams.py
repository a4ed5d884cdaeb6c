"""Batches instead of one table: the same verdicts however they are cut, and what has no column."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from churn_ml.config import SourceTable, Validation
from churn_ml.errors import BrokenPromise
from churn_ml.validate import Validated, check_tolerance, outcomes, together
from churn_ml.validate.cast import OTHER

from .judging import judge, rows


def raw(lot: str = "a", drop: int = 1, **columns: list[Any]) -> pa.Table:
    """Raw rows of one lot, dropped on a day of October 2017."""
    count = len(next(iter(columns.values())))
    texts = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    stamps = {
        "lot": [lot] * count,
        "lot_row": list(range(1, count + 1)),
        "drop_on": [date(2017, 10, drop)] * count,
    }
    return pa.table(texts | stamps)


def orders(lot: str = "a", drop: int = 1) -> pa.Table:
    """Good and bad orders: repeats, conflicts, guests, dates that do not read."""
    return raw(
        lot,
        drop,
        order_id=["3", "1", "1", "2", "2", "4", "5", "6"],
        customer_id=["h1", "h1", "h1", "h1", "h1", None, "h2", "h2"],
        occurred_at=["2017-09-30"] * 6 + ["?", "2017-09-29"],
        net_amount=["1", "2", "2", "3", "4", "5", "6", "7"],
    )


def said(result: Validated) -> tuple[Any, ...]:
    accepted, aside = rows(result.accepted), rows(result.quarantine)
    counts = (result.rows_in, result.quarantined, result.excluded)
    return accepted, aside, counts, sorted(result.broken, key=lambda b: (b.rule, b.lot))


def test_the_verdict_does_not_depend_on_how_batches_are_cut() -> None:
    whole = pa.concat_tables([orders("a", 1), orders("b", 2).slice(0, 3)])
    told = said(judge(whole, "orders"))
    for size in (1, 5):  # each row alone; a cut between repeats, and one inside each lot
        pieces = [whole.slice(i, size) for i in range(0, whole.num_rows, size)]
        assert said(judge(pieces, "orders")) == told


def test_accepted_rows_stream_in_the_order_of_their_key_and_again_and_again() -> None:
    accepted = judge(orders(), "orders").accepted
    keys = rows(accepted)["order_id"].to_pylist()
    assert keys == sorted(keys) == rows(accepted)["order_id"].to_pylist() == ["1", "3", "6"]
    assert accepted.rows == 3


def test_a_row_that_another_judge_rejected_takes_no_part_in_the_search_for_double_keys() -> None:
    batch = raw(order_id=["1", "1"], customer_id=["h", "h"], net_amount=["5", "-6"])
    assert list(judge(batch, "orders").rules) == ["orders.net_amount.not_negative"]


def test_each_batch_is_read_as_its_entry_says() -> None:
    old = raw("a", order_id=["1"], customer_id=["h"], net_amount=["1.234,50"])
    new = raw("b", order_id=["2"], customer_id=["h"], net_amount=["1234.50"])
    batches = [t.append_column("entry", [[i]]) for i, t in enumerate((old, new))]
    result = judge(batches, "orders", SourceTable(decimal=","), SourceTable())
    assert len(set(rows(result.accepted)["net_amount"].to_pylist())) == 1


def visits(lot: str = "a", drop: int = 1) -> pa.Table:
    """Five purchases without numbers: of one customer and day two are equal, one is not."""
    return raw(
        lot,
        drop,
        customer_id=["h1", "h1", "h2", "h1", "h1"],
        occurred_at=["2017-09-29"] * 4 + ["2017-09-30"],
        net_amount=["5", "5", "5", "7", "5"],
    )


@pytest.mark.parametrize("size", [1, 5])
def test_each_row_of_a_lot_without_numbers_is_an_order_however_batches_are_cut(size: int) -> None:
    result = judge([visits().slice(i, size) for i in range(0, 5, size)], "orders")
    found = rows(result.accepted)
    bought = zip(found["customer_id"].to_pylist(), found["net_amount"].to_pylist(), strict=True)
    assert sorted(bought) == [("h1", 5), ("h1", 5), ("h1", 5), ("h1", 7), ("h2", 5)]
    assert result.rules == {}
    assert len(set(found["order_id"].to_pylist())) == 5
    assert set(found["status"].to_pylist()) == {"completed"}
    assert set(found["currency"].to_pylist()) == {"USD"}
    assert not any("h1" in number for number in found["order_id"].to_pylist())


@pytest.mark.parametrize("size", [3, 10])
def test_orders_without_numbers_that_come_again_are_repeats(size: int) -> None:
    whole = pa.concat_tables([visits("a", 1), visits("b", 2)])
    result = judge([whole.slice(i, size) for i in range(0, 10, size)], "orders")
    assert (result.accepted.rows, result.rules) == (5, {"orders.key.repeated": 5})


def test_of_orders_without_numbers_none_that_reads_is_numbered() -> None:
    result = judge(raw(customer_id=["h1", "h2"], occurred_at=["?", "?"]), "orders")
    assert (result.accepted.rows, result.rules) == (0, {"orders.occurred_at.parse": 2})


def test_rows_of_one_order_number_in_a_lot_stay_one_order() -> None:
    twice = raw(order_id=["1", "1"], customer_id=["h1"] * 2, occurred_at=["2017-09-29"] * 2)
    assert judge(twice, "orders").rules == {"orders.key.repeated": 1}


def test_an_order_and_its_lines_without_numbers_find_each_other() -> None:
    order = raw(customer_id=["h1"], occurred_at=["2017-09-29 10:00"])
    line = raw(
        customer_id=["h1"], occurred_at=["2017-09-29 10:00"], product_id=["7"], quantity=["1"]
    )
    one = rows(judge(order, "orders").accepted)
    other = rows(judge(line, "order_lines").accepted)
    assert one["order_id"].to_pylist() == other["order_id"].to_pylist()
    assert other["line_id"].to_pylist() == ["1"]


def test_a_new_word_of_an_optional_column_is_counted_and_stays_as_another() -> None:
    """D7: the row is kept, the word is not believed."""
    batch = raw(return_id=["1", "2", "3"], customer_id=["h"] * 3, kind=["return", "swap", None])
    result = judge(batch, "returns")
    assert rows(result.accepted)["kind"].to_pylist() == ["return", OTHER, None]
    assert [(b.rule, b.verdict, b.severity, b.rows) for b in result.broken] == [
        ("returns.kind.known", "warned", "soft", 1)
    ]
    assert (result.quarantined, result.excluded, result.quarantine.rows) == (0, 0, 0)
    check_tolerance(result, Validation(tolerance=0))
    whole, rule = outcomes(result, Validation(tolerance=0))
    assert (whole.passed, rule.passed, rule.tolerance) == (True, True, None)


def test_a_new_word_of_a_required_column_is_quarantined() -> None:
    result = judge(raw(order_id=["1"], customer_id=["h"], status=["odd"]), "orders")
    assert [(b.rule, b.severity) for b in result.broken] == [("orders.status.known", "hard")]


@pytest.mark.parametrize(
    ("known", "rules"),
    [
        ("2017-10-02 23:59", []),
        ("2017-10-03 00:00", []),
        ("2017-10-03 00:01", ["orders.known_at.not_future"]),
        ("2098-01-01", ["orders.known_at.not_future"]),
    ],
)
def test_nobody_knows_of_a_row_long_before_its_file_is_there(known: str, rules: list[str]) -> None:
    """D15: the clock of a source is believed up to a day."""
    batch = raw(
        order_id=["1"], customer_id=["h"], occurred_at=["2017-09-30"], known_at=[known], drop=1
    )
    assert list(judge(batch, "orders", SourceTable(known_at="exported")).rules) == rules


def test_a_file_without_a_drop_date_is_held_to_when_it_was_first_seen() -> None:
    batch = raw(
        order_id=["1"], customer_id=["h"], occurred_at=["2017-09-30"], known_at=["2017-10-09"]
    )
    batch = batch.set_column(
        batch.schema.get_field_index("drop_on"), "drop_on", pa.nulls(1, pa.date32())
    )
    for day, rules in ((8, []), (7, ["orders.known_at.not_future"])):
        seen = {"a": datetime(2017, 10, day)}
        assert list(judge(batch, "orders", seen=seen).rules) == rules


def test_no_batches_are_no_rows() -> None:
    empty = judge([], "orders")
    assert (empty.rows_in, rows(empty.accepted).num_rows, rows(empty.quarantine).num_rows) == (
        0,
        0,
        0,
    )


def test_what_several_tables_set_aside_is_one_quarantine_in_order() -> None:
    parts = [judge(orders(), "orders"), judge(raw(customer_id=[None]), "customers")]
    whole = together([part.quarantine for part in parts])
    found = rows(whole)
    assert found.num_rows == whole.rows == sum(part.quarantine.rows for part in parts)
    assert found["table"].to_pylist() == sorted(found["table"].to_pylist())


def test_a_row_that_gets_lost_is_a_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    from churn_ml.validate.staging import Stage

    monkeypatch.setattr(Stage, "add", lambda *_: None)
    with pytest.raises(BrokenPromise, match="do not add up"):
        judge(raw(order_id=["1"], customer_id=["h"]), "orders")
