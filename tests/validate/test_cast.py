"""Raw values to typed ones: what reads, what does not, and when a row was known."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from churn_ml.config import Shop, SourceTable
from churn_ml.errors import BadConfig, BadInput
from churn_ml.tables import table
from churn_ml.validate import cast

PLAIN = SourceTable(files="*.csv", columns={})
SHOP = Shop(name="s", currency="USD")


def read(name: str, column: str, found: Any, **settings: Any) -> tuple[list[Any], list[int]]:
    """The typed values of one column of table `name`, and the rows that do not read."""
    stored = found if isinstance(found, pa.Array) else pa.array(found, pa.string())
    count = len(stored)
    raw = pa.table(
        {column: stored, "lot": ["a"] * count, "lot_row": range(1, count + 1)}
        | {"drop_on": pa.repeat(pa.scalar(date(2017, 10, 1)), count)}
    )
    typed, bad = cast(raw, table(name), PLAIN.model_copy(update=settings), shop=SHOP)
    assert [rejection.rule for rejection in bad] in ([], [f"{name}.{column}.parse"])
    return typed[column].to_pylist(), bad[0].rows.tolist() if bad else []


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2017-09-30", datetime(2017, 9, 30)),
        ("2017-9-3", datetime(2017, 9, 3)),
        ("2017-09-30 17:05:00", datetime(2017, 9, 30, 17, 5)),
        (" 2017-09-30 17:05 ", datetime(2017, 9, 30, 17, 5)),
        ("2017-09-30T17:05:00Z", datetime(2017, 9, 30, 17, 5)),
        ("2017-09-30T19:05:00+02:00", datetime(2017, 9, 30, 17, 5)),
        ("2017-09-30 19:05:00 Europe/Berlin", datetime(2017, 9, 30, 17, 5)),
        ("2017-10-29 02:30:00 Europe/Berlin", datetime(2017, 10, 29, 1, 30)),  # the hour twice
        ("2017-09-30 24:00:00", datetime(2017, 10, 1)),
        ("2017-09-30T17:05:00.123456", datetime(2017, 9, 30, 17, 5, 0, 123456)),
    ],
)
def test_a_time_in_iso_form_reads_as_utc(text: str, utc: datetime) -> None:
    assert read("orders", "occurred_at", [text]) == ([utc], [])


@pytest.mark.parametrize(
    "text",
    [
        "30.09.2017",
        "9/30/2017",
        "2017-02-30",
        "2017-13-01",
        "20170930",
        "infinity",
        "epoch",
        "now",
        "yesterday",
        "1506787500",
        "2017-09-30 23:59:60",
        "2017-09-30 25:00",
        "NaT",
        "\uff12\uff10\uff11\uff17-09-30",
    ],
)
def test_a_time_in_another_form_does_not_read(text: str) -> None:
    assert read("orders", "occurred_at", [text, "2017-09-30"]) == ([datetime(2017, 9, 30)], [0])


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12.50", "12.50"),
        ("12", "12.00"),
        (" 12.5 ", "12.50"),
        ("-3.10", "-3.10"),
        ("+.5", "0.50"),
        ("-0.0", "0.00"),
        ("1e2", "100.00"),
        ("12.349999999999", "12.35"),  # float noise
        ("1,234.50", "1234.50"),
        ("-12,345,678", "-12345678.00"),
    ],
)
def test_an_amount_with_a_point_reads(text: str, amount: str) -> None:
    assert read("orders", "net_amount", [text]) == ([Decimal(amount)], [])


@pytest.mark.parametrize(
    "text",
    [
        "12,50",
        "1.234",
        "1.234,50",
        "1_000",
        "12,34,567.00",
        "1,2345",
        "$5",
        "5EUR",
        "NaN",
        "inf",
        "-Infinity",
        "1e308",
        "99999999999999999",
        "\uff11\uff12",
        "0x10",
        "ten",
        "--1",
        "null",
    ],
)
def test_an_amount_in_another_form_does_not_read(text: str) -> None:
    assert read("orders", "net_amount", [text, "1"]) == ([Decimal("1.00")], [0])


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("2.0", 2), ("-1", -1), ("+3", 3)])
def test_a_whole_number_reads(text: str, number: int) -> None:
    assert read("order_lines", "quantity", [text]) == ([number], [])


@pytest.mark.parametrize("text", ["1.5", "2,0", "two", "0x2", "1_0", "9" * 20, "NaN", "\uff11"])
def test_a_quantity_that_is_no_whole_number_does_not_read(text: str) -> None:
    assert read("order_lines", "quantity", [text, "1"]) == ([1], [0])


def test_a_rate_reads_to_eight_decimals_in_either_notation_and_nan_and_words_do_not() -> None:
    found = read("fx_rates", "rate", ["0.71234567", "1e-3", "1,000.5", "NaN", "par", "1,2"])
    assert found == ([Decimal("0.71234567"), Decimal("0.001"), Decimal("1000.5")], [3, 4, 5])
    comma = read("fx_rates", "rate", ["0,71234567"], decimal=",")
    assert comma == ([Decimal("0.71234567")], [])


def test_native_numbers_read_and_nan_and_fractions_do_not() -> None:
    nan, inf = float("nan"), float("inf")
    assert read("orders", "net_amount", pa.array([12.5, nan, inf, -inf, 1e308, None])) == (
        [Decimal("12.50"), None],
        [1, 2, 3, 4],
    )
    assert read("order_lines", "quantity", pa.array([2.0, 1.5, nan])) == ([2], [1, 2])
    cents = pa.array([Decimal("1.50"), Decimal("2.00")], pa.decimal128(9, 2))
    assert read("order_lines", "quantity", cents) == ([2], [0])


@pytest.mark.parametrize("stored", [pa.decimal128(20, 4), pa.float64()], ids=str)
def test_a_native_amount_with_a_rest_of_a_cent_does_not_read_as_its_text_does_not(
    stored: pa.DataType,
) -> None:
    told = ["12.3450", "12.3500", "-0.0100", "0.0010"]
    amounts = pa.array([Decimal(text) for text in told], pa.decimal128(20, 4)).cast(stored)
    read_amounts, bad = read("orders", "net_amount", amounts)
    assert (read_amounts, bad) == ([Decimal("12.35"), Decimal("-0.01")], [0, 3])
    assert read("orders", "net_amount", told)[1] == bad


def test_float_noise_in_native_amounts_is_rounded() -> None:
    noise = pa.array([0.1 + 0.2, 123456.78], pa.float64())
    assert read("orders", "net_amount", noise) == ([Decimal("0.30"), Decimal("123456.78")], [])
    short = pa.array([123456.78], pa.float32())
    assert read("orders", "net_amount", short) == ([Decimal("123456.78")], [])


def test_a_computed_amount_is_rounded() -> None:
    computed = pa.array([Decimal("12.3450")], pa.decimal128(20, 4))
    expressions = {"net_amount": "price * quantity"}
    found = read("orders", "net_amount", computed, expressions=expressions)
    assert found == ([Decimal("12.35")], [])


def test_native_times_read_with_and_without_a_zone() -> None:
    noon = datetime(2017, 9, 30, 12)
    berlin = pa.array([noon.replace(tzinfo=UTC)], pa.timestamp("ns", "Europe/Berlin"))
    for stored in (pa.array([noon], pa.timestamp("ms")), berlin):
        assert read("orders", "occurred_at", stored) == ([noon], [])
    day = pa.array([date(2017, 9, 30)], pa.date32())
    assert read("orders", "occurred_at", day) == ([datetime(2017, 9, 30)], [])


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("Yes", True), ("1", True), ("f", False), ("no", False)]
)
def test_consent_reads_from_the_usual_words(text: str, value: bool) -> None:
    assert read("consents", "given", [text]) == ([value], [])


def test_an_empty_value_is_missing_not_unreadable() -> None:
    assert read("orders", "net_amount", ["", " ", None]) == ([None] * 3, [])


def test_references_lose_blanks_and_take_one_unicode_form_and_other_text_stays() -> None:
    assert read("orders", "customer_id", [" Zoe\u0308 ", "王小明 😀"]) == (["Zoë", "王小明 😀"], [])
    assert read("orders", "channel", [" web ", "\u202eabc"]) == ([" web ", "\u202eabc"], [])


def test_status_words_are_translated_and_unknown_ones_left_for_the_suite() -> None:
    values = {"status": {"paid": "completed", "it's off": "cancelled"}}
    read_values, bad = read("orders", "status", ["paid", "it's off", "odd"], values=values)
    assert (read_values, bad) == (["completed", "cancelled", "odd"], [])


def rows(**columns: Any) -> pa.Table:
    count = len(next(iter(columns.values())))
    rest = {"lot": ["a"] * count, "lot_row": range(1, count + 1), "drop_on": [None] * count}
    table = pa.table(rest | columns)
    at = table.schema.get_field_index("drop_on")
    return table.set_column(at, "drop_on", table["drop_on"].cast(pa.date32()))


def known(raw: pa.Table, source: SourceTable = PLAIN, **seen: datetime) -> list[tuple[Any, Any]]:
    typed, _ = cast(raw, table("orders"), source, shop=SHOP, seen=seen)
    return list(zip(typed["known_at"].to_pylist(), typed["known_from"].to_pylist(), strict=True))


def test_known_at_comes_from_the_column_then_the_drop_then_the_lag() -> None:
    raw = rows(
        order_id=["1", "2", "3"],
        occurred_at=["2017-09-30 17:05"] * 3,
        known_at=["2017-09-30 18:00", None, ""],
        drop_on=[date(2017, 10, 1), date(2017, 10, 1), None],
    )
    source = PLAIN.model_copy(update={"known_at": "exported", "lag_days": 2})
    assert known(raw, source) == [
        (datetime(2017, 9, 30, 18), "column"),
        (datetime(2017, 10, 1), "drop"),
        (datetime(2017, 10, 2, 17, 5), "lag"),
    ]


def test_known_at_is_when_the_lot_was_first_seen_where_nothing_else_is_known() -> None:
    seen = datetime(2017, 10, 3, 9)
    assert known(rows(order_id=["1"]), a=seen) == [(seen, "seen")]


def test_without_any_time_and_without_a_first_sight_the_lot_is_refused() -> None:
    with pytest.raises(BadInput, match="nothing says when these rows were known") as error:
        known(rows(order_id=["1"]))
    assert "drop=YYYY-MM-DD" in str(error.value.expected)


def test_rows_without_a_time_of_their_own_are_valid_from_when_they_were_known() -> None:
    raw = rows(customer_id=["h1"], drop_on=[date(2017, 1, 2)])
    typed, _ = cast(raw, table("customers"), PLAIN, shop=SHOP)
    assert typed["occurred_at"].to_pylist() == [datetime(2017, 1, 2)]


def test_constants_fill_their_columns_and_must_read() -> None:
    source = PLAIN.model_copy(update={"constants": {"quantity": "1", "currency": "EUR"}})
    raw = rows(order_id=["1"], drop_on=[date(2017, 10, 1)])
    typed, _ = cast(raw, table("order_lines"), source, shop=SHOP)
    assert typed.select(["quantity", "currency"]).to_pylist() == [
        {"quantity": 1, "currency": "EUR"}
    ]
    wrong = PLAIN.model_copy(update={"constants": {"quantity": "some"}})
    with pytest.raises(BadConfig, match=r"constant for order_lines\.quantity"):
        cast(raw, table("order_lines"), wrong, shop=SHOP)


def test_a_row_with_two_unreadable_values_breaks_two_rules() -> None:
    raw = rows(net_amount=["1", "x"], occurred_at=["2017-09-30", "then"])
    typed, bad = cast(raw, table("orders"), PLAIN, shop=SHOP)
    assert typed["row"].to_pylist() == [0]
    assert {r.rule: r.rows.tolist() for r in bad} == {
        "orders.net_amount.parse": [1],
        "orders.occurred_at.parse": [1],
    }
