"""The corpus of bad input: every file ends in a typed error or in quarantine, never in silence.

Each case is one lot of orders, dropped on 2017-10-01, that goes the whole way of an ingest: listed,
read, validated, held against the tolerance. Errors have their five parts; a quarantined row has its
rule; and no message holds a value of the file (`SECRET` stands in every row for what is private).
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml.config import Config, from_text
from churn_ml.errors import BadInput, OverTolerance
from churn_ml.sources import open_source, resolved, text
from churn_ml.validate import Validated, check_tolerance, validate

SHOP = """
[shop]
name = "corpus"
currency = "EUR"
[sources.orders]
files = "drops/*/*"
[sources.orders.columns]
order_id = "no"
customer_id = "client"
occurred_at = "at"
net_amount = "amount"
currency = "currency"
channel = "note"
[sources.orders.constants]
status = "completed"
[validation]
tolerance = 0.1
"""
HEADER = "no,client,at,amount,currency,note"


def order(number: int, at: str = "2017-09-30 17:05", amount: str = "12.50", **more: str) -> str:
    """One line of the shop's file."""
    parts = {"client": "SECRET", "currency": "EUR", "note": "SECRET"} | more
    return f"{number},{parts['client']},{at},{amount},{parts['currency']},{parts['note']}"


def csv(*lines: str, header: str = HEADER, count: int = 20) -> bytes:
    """A file of `count` good orders and `lines`."""
    return "\n".join([header, *(order(i) for i in range(count)), *lines, ""]).encode()


def parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    base = {name: ["1"] for name in HEADER.split(",")} | {"at": ["2017-09-30"], "currency": ["EUR"]}
    pq.write_table(pa.table(base | columns), out)
    return out.getvalue()


def ingest(folder: Path, name: str, data: bytes) -> Validated:
    """What an ingest does with one file, up to the point where it would write."""
    config: Config = from_text(SHOP, root=folder)
    drop = folder / "drops/drop=2017-10-01"
    drop.mkdir(parents=True)
    (drop / name).write_bytes(data)
    source = open_source(config)
    lots = source.lots()
    result = validate(
        source.batches(lots),
        "orders",
        resolved("orders", config.sources["orders"]),
        shop=config.shop,
        staging=folder / "staging",
    )
    check_tolerance(result, config.validation, {lot.id: lot.where for lot in lots})
    return result


REFUSED: dict[str, tuple[str, bytes, str, str | None]] = {
    # name: (file name, bytes, what the message says, the column it names)
    "missing column": (
        "o.csv",
        csv(header="no,client,at,sum,currency,note"),
        "is missing",
        "amount",
    ),
    "column renamed": ("o.csv", csv(header="no,who,at,amount,currency,note"), "missing", "client"),
    "column twice": ("o.csv", csv(header="no,client,at,at,amount,currency"), "more than", "at"),
    "empty file": ("o.csv", b"", "the file is empty", None),
    "only line ends": ("o.csv", b"\n\n\n", "is missing", "amount"),
    "gzip cut off": ("o.csv.gz", gzip.compress(csv())[:-10], "gzip is cut off", None),
    "gzip cut in its header": ("o.csv.gz", gzip.compress(csv())[:5], "gzip is cut off", None),
    "gzip damaged": ("o.csv.gz", gzip.compress(csv())[:60] + b"\xff" * 99, "gzip is damaged", None),
    "no gzip": ("o.csv.gz", csv(), "gzip is damaged", None),
    "empty gzip": ("o.csv.gz", gzip.compress(b""), "is missing", "amount"),
    "parquet cut off": ("o.parquet", parquet()[:-20], "Parquet file is cut off", None),
    "no parquet": ("o.parquet", csv(), "Parquet file is cut off", None),
    "list column": ("o.parquet", parquet(amount=[[1]]), "cannot be read as", "net_amount"),
    "time as a number": ("o.parquet", parquet(at=[1506787500]), "cannot be read as", "occurred_at"),
    "fraction as a key": ("o.parquet", parquet(no=[1.5]), "cannot be read as", "order_id"),
    "unknown format": ("o.xlsx", b"PK\x03\x04", "format of the file is not read", None),
    "UTF-16": ("o.csv", csv().decode().encode("utf-16"), "not UTF-8", None),
    "Latin-1": ("o.csv", csv(order(99, note="Zoë")).decode().encode("latin-1"), "not UTF-8", None),
    "lone surrogate": ("o.csv", csv() + b"\xed\xa0\x80", "not UTF-8", None),
    "NUL byte": ("o.csv", csv(order(99, note="a\0b")), "NUL byte", None),
    "short row": ("o.csv", csv("99,SECRET,2017-09-30"), r"too few values \(first: row 21\)", None),
    "long row": ("o.csv", csv(order(99) + ",SECRET"), r"too many values \(first: row 21\)", None),
    "unquoted comma": ("o.csv", csv(order(99, amount="12,50")), "too many values", None),
    "open quote": ("o.csv", csv(order(98, note='"SECRET'), order(99)), "quote is not closed", None),
    "two open quotes": (
        "o.csv",
        csv(order(97, note='"SECRET'), order(98), order(99, note='"SECRET')),
        "quote is not closed",
        None,
    ),
    "2 MB value": ("o.csv", csv(order(99, note="x" * 2_000_000)), "longer than", "note"),
    "2 MB quoted value": (
        "o.csv",
        csv(order(99, note=f'"{"x" * 2_000_000}"')),
        "longer than",
        None,
    ),
    "20 MB line": ("o.csv", csv(order(99, note="x" * 20_000_000)), "longer than", None),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_read_surely_is_refused_whole(tmp_path: Path, case: str) -> None:
    """D5, D6, D11, C12: nothing is read in part."""
    name, data, told, column = REFUSED[case]
    with pytest.raises(BadInput, match=told) as error:
        ingest(tmp_path, name, data)
    where = str(error.value.where)
    assert "table orders" in where
    assert f"drop=2017-10-01/{name}" in where
    assert column is None or f"column {column}," in where
    assert str(error.value.next_step).endswith("; then: churn-ml check")
    assert "SECRET" not in str(error.value)
    assert error.value.__cause__ is None  # a chained error could carry the row into a log


def every_kib(data: bytes) -> list[int]:
    return [*range(0, len(data), 1024), len(data) - 1]


def json_lines(*lines: str) -> bytes:
    """The good orders as JSON lines, and `lines`."""
    names = HEADER.split(",")
    rows = [dict(zip(names, order(i).split(","), strict=True)) for i in range(20)]
    return "\n".join([*(json.dumps(row) for row in rows), *lines, ""]).encode()


JSON_LINES = {
    "cut off": json_lines()[:-30],
    "an array": b"[" + json_lines() + b"]",
    "a value that is a list": json_lines('{"no": ["1"]}'),
    "deep nesting": json_lines('{"no": ' + "[" * 5000 + "]" * 5000 + "}"),
    "no JSON": json_lines("SECRET"),
    "not UTF-8": json_lines() + b'{"no": "\xff"}',
    "NUL byte": json_lines() + b"\0",
    "empty": b"",
    "gzip cut off": gzip.compress(json_lines())[:-9],
}


@pytest.mark.parametrize("case", JSON_LINES)
def test_json_lines_that_cannot_be_read_surely_are_refused_whole(tmp_path: Path, case: str) -> None:
    name = "o.jsonl.gz" if case.startswith("gzip") else "o.jsonl"
    with pytest.raises(BadInput) as error:
        ingest(tmp_path, name, JSON_LINES[case])
    assert "table orders" in str(error.value.where)
    assert name in str(error.value.where)
    assert error.value.next_step
    assert "SECRET" not in str(error.value).replace(str(tmp_path), "")


@pytest.mark.parametrize("name", ["o.csv.gz", "o.parquet"])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    """C12: truncations at every KiB, and of the last byte."""
    lines = [order(i, amount=f"{i}.25", note=f"{i * 7919 % 10007}") for i in range(2000)]
    whole = gzip.compress(csv(*lines, count=0))
    if name.endswith("parquet"):
        notes = [str(i * 7919 % 10007) for i in range(4000)]
        rest = {c: ["1"] * 4000 for c in HEADER.split(",") if c != "note"}
        whole = parquet(**rest, note=notes)
    for number, size in enumerate(every_kib(whole)):
        with pytest.raises(BadInput):
            ingest(tmp_path / str(number), name, whole[:size])


def test_a_gzip_bomb_is_stopped_while_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D12: 1,000 times its size."""
    monkeypatch.setattr(text, "_BOMB_FLOOR_BYTES", 2**20)
    with pytest.raises(BadInput, match="unpacks to more than is allowed"):
        ingest(tmp_path, "o.csv.gz", gzip.compress(b"0" * 30_000_000))


QUARANTINED = {
    # one row of 21: under the tolerance of 0.1
    "unparsable date": (order(99, at="30.09.2017"), "orders.occurred_at.parse"),
    "no date": (order(99, at=""), "orders.occurred_at.required"),
    "future date": (order(99, at="2017-10-02"), "orders.occurred_at.not_future"),
    "1970": (order(99, at="1970-01-01"), "orders.occurred_at.plausible"),
    "year 20017": (order(99, at="20017-01-01"), "orders.occurred_at.parse"),
    "leap second": (order(99, at="2016-12-31 23:59:60"), "orders.occurred_at.parse"),
    "NaN": (order(99, amount="NaN"), "orders.net_amount.parse"),
    "infinity": (order(99, amount="-inf"), "orders.net_amount.parse"),
    "1e308": (order(99, amount="1e308"), "orders.net_amount.parse"),
    "comma": (order(99, amount='"12,50"'), "orders.net_amount.parse"),
    "three decimals": (order(99, amount="1.234"), "orders.net_amount.parse"),
    "negative": (order(99, amount="-0.01"), "orders.net_amount.not_negative"),
    "unknown currency": (order(99, currency="XXX"), "orders.currency.known"),
    "no currency": (order(99, currency=""), "orders.currency.required"),
    "no order number": (order(99).removeprefix("99"), "orders.order_id.required"),
    "duplicate key, other content": (order(0, amount="99"), "orders.key.conflict"),
    "duplicate key, same content": (order(0), "orders.key.repeated"),
    "guest": (order(99, client=""), "orders.customer_id.required"),
    "endless reference": (order(99, client="k" * 256), "orders.customer_id.length"),
}


@pytest.mark.parametrize("case", QUARANTINED)
def test_a_bad_row_is_set_aside_by_its_rule(tmp_path: Path, case: str) -> None:
    """D2, D9, D10, D15: no row gets lost, and the reason is on record."""
    line, rule = QUARANTINED[case]
    result = ingest(tmp_path, "o.csv", csv(line))
    assert list(result.rules) == [rule]
    conflict = rule == "orders.key.conflict"
    assert result.accepted.rows == (19 if conflict else 20)
    assert result.rows_in == result.accepted.rows + result.quarantined + result.excluded
    assert [row["lot_row"] for row in result.quarantine.batches().read_all().to_pylist()] == (
        [1, 21] if conflict else [21]
    )
    assert result.quarantine.batches().read_all()["reason"][0].as_py()


def test_a_text_that_no_postgresql_holds_is_set_aside(tmp_path: Path) -> None:
    """Parquet and JSON lines can say NUL: the ledger and the CRM could not take the customer."""
    names = HEADER.split(",")
    line = json.dumps(dict(zip(names, order(99, client="SECRET\0").split(","), strict=True)))
    result = ingest(tmp_path, "o.jsonl", json_lines(line))
    assert result.rules == {"orders.customer_id.parse": 1}
    assert result.accepted.rows == 20
    (row,) = result.quarantine.batches().read_all().to_pylist()
    assert row["reason"] == "customer_id does not read as text without a NUL character"


HARMLESS: dict[str, bytes] = {
    "byte order mark": b"\xef\xbb\xbf" + csv(count=21),
    "semicolons": csv(count=21).replace(b",", b";"),
    "tabs": csv(count=21).replace(b",", b"\t"),
    "quoted newline": csv(order(20, note='"a\nb"'), count=19) + order(21).encode(),
    "doubled quotes": csv(order(20, note='"say ""hi"""'), count=19) + order(21).encode(),
    "quote inside a value": csv(order(20, note='12" pipe')),
    "Windows line ends": csv(count=21).replace(b"\n", b"\r\n"),
    "old Mac line ends": csv(count=21).replace(b"\n", b"\r"),
    "empty lines": csv(count=21).replace(b"\n", b"\n\n"),
    "no last line end": csv(count=21).rstrip(b"\n"),
    "emoji and right-to-left": csv(order(20, client="王小明 😀\u202e")),
    "longest reference": csv(order(20, client="é" * 255)),
    "SQL in a value": csv(order(20, client="'; drop table raw; --")),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_only_looks_odd_is_read(tmp_path: Path, case: str) -> None:
    result = ingest(tmp_path, "o.csv", HARMLESS[case])
    assert result.rules == {}
    assert result.accepted.rows == result.rows_in == 21


def content(result: Validated) -> list[dict[str, object]]:
    return result.accepted.batches().read_all().drop_columns(["lot"]).to_pylist()


def test_columns_more_and_in_another_order_change_nothing(tmp_path: Path) -> None:
    """D6: added and reordered columns."""
    plain = ingest(tmp_path / "a", "o.csv", csv())
    lines = [line.split(",") for line in csv().decode().splitlines()]
    turned = "\n".join(",".join([*reversed(parts), "new"]) for parts in lines).encode()
    assert content(ingest(tmp_path / "b", "o.csv", turned)) == content(plain)


@pytest.mark.parametrize(
    "data", [HEADER.encode(), f"{HEADER}\r\n".encode(), f"{HEADER}\n\n".encode()]
)
def test_a_header_alone_is_a_day_without_orders(tmp_path: Path, data: bytes) -> None:
    """D14: nothing happened, and that is no fault."""
    result = ingest(tmp_path, "o.csv", data)
    assert (result.rows_in, result.accepted.rows) == (0, 0)


OVER: dict[str, tuple[Callable[[int], str], str]] = {
    "dates": (lambda i: order(i, at="30/09/2017"), "occurred_at"),
    "amounts": (lambda i: order(i, amount="-5"), "net_amount"),
    "currencies": (lambda i: order(i, currency="USD"), "currency"),
    "conflicts": (lambda i: order(i - 100, amount="5"), "key"),
}


INSTEAD = {
    "dates": '[sources.orders] dates = "',
    "amounts": "delivered again, or raise",
    "currencies": "[sources.fx_rates]",
    "conflicts": "group_by",
}
"""What the next step says of rows that are good and only told in another way."""


@pytest.mark.parametrize("case", OVER)
def test_a_lot_over_the_tolerance_is_refused_with_all_that_a_reader_needs(
    tmp_path: Path, case: str
) -> None:
    line, column = OVER[case]
    with pytest.raises(OverTolerance) as error:
        ingest(tmp_path, "o.csv", csv(*(line(100 + i) for i in range(5))))
    assert re.search(rf"orders\.{column}\.\w+", error.value.what)
    assert str(error.value.where).startswith(f"table orders, column {column}, file /")
    assert re.fullmatch(r"\d+\.\d\d% \(\d+ of 25 rows\)", str(error.value.got))
    assert error.value.expected == "at most 10.00%"
    assert "[validation.rules]" in str(error.value.next_step)
    assert INSTEAD[case] in str(error.value.next_step)
    assert str(error.value.next_step).endswith("; then: churn-ml check")
    assert case == "conflicts" or str(error.value.where).endswith(", row 21")
    assert "SECRET" not in str(error.value)
