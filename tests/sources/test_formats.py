"""Formats: what a file may be, where its limits are, and that a long one is read in pieces."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml.checks import check
from churn_ml.config import SourceTable, from_text
from churn_ml.errors import BadConfig, BadInput
from churn_ml.sources import BATCH_ROWS, Entry, Lot, formats, open_source, packing
from churn_ml.sources import text as limits

SHOP = """
[shop]
name = "s"
currency = "EUR"
[sources.products]
files = "*"
{more}
[sources.products.columns]
product_id = "sku"
category = "kind"
"""


def read(folder: Path, name: str, data: bytes, more: str = "") -> pa.Table:
    place = folder / "files"
    place.mkdir(exist_ok=True)
    (place / name).write_bytes(data)
    source = open_source(from_text(SHOP.format(more=more), root=place))
    return pa.concat_tables(source.batches(source.lots()))


def values(rows: pa.Table) -> list[tuple[Any, Any]]:
    return [(row["product_id"], row["category"]) for row in rows.to_pylist()]


@pytest.mark.parametrize("name", ["p.jsonl", "p.ndjson", "P.JSONL", "p.jsonl.gz", "p.ndjson.gz"])
def test_json_lines_are_read_as_written(tmp_path: Path, name: str) -> None:
    data = (
        b'{"sku": 7, "kind": "t\\u00e9a"}\n\n{"kind": 1.50, "sku": "8"}\r\n'
        b'{"sku": true}\n{"sku": "9", "kind": ""}'
    )
    rows = read(tmp_path, name, gzip.compress(data) if name.endswith("gz") else data)
    assert values(rows) == [("7", "téa"), ("8", "1.50"), ("true", None), ("9", None)]
    assert rows["lot_row"].to_pylist() == [1, 2, 3, 4]


DEEP = b'{"sku": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"sku": 1, "kind": {"a": 1}}\n', r"nested \(row 1\)"),
        (b'{"sku": 1, "kind": "a"}\n{"sku": [1], "kind": "a"}\n', r"nested \(row 2\)"),
        (DEEP, r"not JSON \(row 1\)"),
        (b'{"sku": 1, "kind": "a"}\n{"sku": 2, "ki', r"not JSON \(row 2\)"),
        (b'[{"sku": 1, "kind": "a"}]\n', r"is no object \(row 1\)"),
        (b"7\n", r"is no object \(row 1\)"),
        (b'{"sku": NaN, "kind": "a"}\n', r"not JSON \(row 1\)"),
        (b'{"sku": 1, "sku": 2, "kind": "a"}\n', r"a key stands twice in one object \(row 1\)"),
        (b'{"sku": "\\ud800", "kind": "a"}\n', "half a surrogate pair"),
        (b'{"sku": 1}\n', "column 'kind' is missing"),
        (b'{"sku": 1, "kind": "a\0"}\n', "NUL byte"),
        (b'{"sku": 1, "kind": "' + b"a" * 140_000 + b'"}\n', "longer than is allowed"),
        (b'{"sku": 1, "kind": "' + b"a" * 9_000_000 + b'"}\n', "longer than is allowed"),
        (
            json.dumps({f"c{i}": 1 for i in range(2100)} | {"sku": 1, "kind": 1}).encode(),
            "more columns than is allowed",
        ),
        (b"", "the file is empty"),
    ],
    ids=range(15),
)
def test_json_that_is_not_flat_objects_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(BadInput, match=told) as error:
        read(tmp_path, "p.jsonl", data)
    assert "products" in str(error.value.where)
    assert error.value.next_step


def test_json_lines_without_a_line_are_a_day_without_rows(tmp_path: Path) -> None:
    place = tmp_path / "files"
    place.mkdir()
    (place / "p.jsonl").write_bytes(b"\n")
    source = open_source(from_text(SHOP.format(more=""), root=place))
    assert list(source.batches(source.lots())) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("p.zip", "unpack the archive"),
        ("p.tar", "unpack the archive"),
        ("p.xlsx", "save the sheet as CSV"),
        ("p.xls", "save the sheet as CSV"),
        ("p.txt", "narrow the glob"),
        ("products", "narrow the glob"),
    ],
)
def test_a_format_that_is_not_read_says_what_to_do(tmp_path: Path, name: str, told: str) -> None:
    with pytest.raises(BadInput, match="the format of the file is not read") as error:
        read(tmp_path, name, b"PK\x03\x04")
    assert told in str(error.value.next_step)


@pytest.mark.parametrize(
    ("encoding", "stored"),
    [("cp1252", "cp1252"), ("utf-16", "utf-16"), ("gb18030", "gb18030"), ("utf-8", "utf-8-sig")],
)
def test_text_is_read_in_the_encoding_that_is_told(
    tmp_path: Path, encoding: str, stored: str
) -> None:
    data = "sku,kind\n1,thé\n".encode(stored)
    assert values(read(tmp_path, "p.csv", data, f'encoding = "{encoding}"')) == [("1", "thé")]


def test_text_in_another_encoding_is_refused_with_its_byte(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not UTF-8") as error:
        read(tmp_path, "p.csv", b"sku,kind\n1,th\xe9\n")
    assert error.value.got == "byte 13"
    with pytest.raises(BadInput, match="is not UTF-8") as error:
        read(tmp_path, "p.csv", "sku,kind\n1,a\n".encode("utf-16"))
    assert "encoding" in str(error.value.next_step)


def test_an_encoding_that_there_is_not_is_refused() -> None:
    for name in ("klingon", "base64"):
        with pytest.raises(BadConfig, match="no encoding"):
            check(from_text(SHOP.format(more=f'encoding = "{name}"')))


def test_a_file_of_too_many_columns_is_refused(tmp_path: Path) -> None:
    names = ["sku", "kind", *(f"c{i}" for i in range(100_000))]
    line = ",".join(names).encode()
    with pytest.raises(BadInput, match="more columns than is allowed"):
        read(tmp_path, "p.csv", line + b"\n")
    (tmp_path / "files/p.csv").unlink()
    out = io.BytesIO()
    pq.write_table(pa.table({name: ["1"] for name in names[:2500]}), out)
    with pytest.raises(BadInput, match="more columns than is allowed"):
        read(tmp_path, "p.parquet", out.getvalue())


def test_a_gzip_bomb_is_stopped_at_its_limit(tmp_path: Path) -> None:
    bomb = gzip.compress(b"sku,kind\n" + b"1,a\n" * 30_000_000)
    with pytest.raises(BadInput, match="unpacks to more than is allowed"):
        read(tmp_path, "p.csv.gz", bomb)


def test_a_parquet_bomb_is_stopped_before_a_row_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    ones = pa.repeat(pa.scalar(1, pa.int8()), 40_000_000)
    rows = pa.table({"sku": ones, "kind": ones})
    pq.write_table(rows, out)
    with pytest.raises(BadInput, match="unpacks to more than is allowed"):
        read(tmp_path, "p.parquet", out.getvalue())
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 10)
    out = io.BytesIO()
    pq.write_table(rows.slice(0, 100), out)
    with pytest.raises(BadInput, match="unpacks to more than is allowed"):
        read(tmp_path, "p.parquet", out.getvalue())


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
def test_a_long_file_comes_in_batches_and_its_rows_keep_their_numbers(
    tmp_path: Path, name: str
) -> None:
    count = 2 * BATCH_ROWS + 7
    rows = pa.table({"sku": pa.array(range(count)).cast("string"), "kind": pa.repeat("a", count)})
    out = io.BytesIO()
    if name.endswith("csv"):
        out.write(b"sku,kind\n" + b"".join(b"%d,a\n" % i for i in range(count)))
    else:
        pq.write_table(rows, out, row_group_size=300_000)
    place = tmp_path / "files"
    place.mkdir()
    (place / name).write_bytes(out.getvalue())
    source = open_source(from_text(SHOP.format(more=""), root=place))
    batches = list(source.batches(source.lots()))
    assert len(batches) >= 3
    assert max(batch.num_rows for batch in batches) <= BATCH_ROWS
    whole = pa.concat_tables(batches)
    assert whole["lot_row"].to_pylist() == list(range(1, count + 1))
    assert whole["product_id"].to_pylist() == list(map(str, range(count)))


def test_a_row_broken_far_down_is_refused_by_its_number(tmp_path: Path) -> None:
    line = b"1," + b"a" * 90 + b"\n"
    data = b"sku,kind\n" + line * 400_000 + b"7\n" + line
    with pytest.raises(BadInput, match=r"too few values \(first: row 400001\)"):
        read(tmp_path, "p.csv", data)


def test_wide_rows_are_handed_on_before_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "BATCH_BYTES", 10)
    place = tmp_path / "files"
    place.mkdir()
    for name in "abc":
        (place / f"{name}.csv").write_text(f"sku,kind\n{name},x\n")
    source = open_source(from_text(SHOP.format(more=""), root=place))
    assert [batch.num_rows for batch in source.batches(source.lots())] == [1, 1, 1]


def test_a_column_without_a_value_in_any_file_leaves_as_text(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"sku": [1, 2], "kind": pa.nulls(2)}), out)
    rows = read(tmp_path, "p.parquet", out.getvalue())
    assert values(rows) == [("1", None), ("2", None)]
    assert rows.schema.field("category").type == pa.string()


ENTRIES = """
[shop]
name = "s"
currency = "EUR"
[[sources.products]]
files = "old/*.csv"
decimal = ","
columns = { product_id = "nr" }
[[sources.products]]
files = "new/*.csv"
columns = { product_id = "sku" }
"""


def test_several_entries_of_one_table_never_share_a_batch(tmp_path: Path) -> None:
    for folder, name in (("old", "nr"), ("new", "sku")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "p.csv").write_text(f"{name}\n{folder}\n")
    source = open_source(from_text(ENTRIES, root=tmp_path))
    lots = source.lots()
    assert sorted(lot.entry for lot in lots) == [0, 1]
    found = [(b["entry"].to_pylist(), b["product_id"].to_pylist()) for b in source.batches(lots)]
    assert sorted(found) == [([0], ["old"]), ([1], ["new"])]


def test_one_file_that_two_entries_read_is_two_lots(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("nr,sku\n1,2\n")
    text = ENTRIES.replace("old/", "").replace("new/", "")
    lots = open_source(from_text(text, root=tmp_path)).lots()
    assert len({lot.sha256 for lot in lots}) == 2


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("p.csv", b'sku,kind\n1,"a\n2,b\n', "a quote is not closed"),
        ("p.csv", b'sku,kind\n1,"a"\n2\n', r"too few values \(first: row 2\)"),
        ("p.csv", b'sku,kind\n1,"' + b"a" * 140_000 + b'"\n', "longer than is allowed"),
        ("p.csv", b"sku,kind\n1," + b"a" * 140_000 + b"\n", "longer than is allowed"),
        ("p.csv", b"sku,kind\n1," + b"a" * 40_000_000 + b"\n", "longer than is allowed"),
        ("p.csv", b"sku,kind\n1,a,b\n", r"too many values \(first: row 1\)"),
        ("p.csv", b"sku,kind,sku\n1,a,2\n", "'sku' is there more than once"),
        ("p.csv.gz", gzip.compress(b"sku,kind\n1,a\n")[:-9], "the gzip is cut off"),
        ("p.csv.gz", b"no gzip at all", "the gzip is damaged"),
        ("p.parquet", b"PAR1 no parquet PAR1", "cut off or damaged"),
        ("p.csv", b"sku,kind\n1,a\0\n", "NUL byte"),
    ],
    ids=range(11),
)
def test_a_file_that_is_not_whole_is_refused(
    tmp_path: Path, name: str, data: bytes, told: str
) -> None:
    with pytest.raises(BadInput, match=told) as error:
        read(tmp_path, name, data)
    assert name in str(error.value.where)
    assert error.value.next_step


def test_quoted_line_breaks_and_old_line_ends_are_no_fault(tmp_path: Path) -> None:
    assert values(read(tmp_path, "p.csv", b'sku,kind\r1,"a\nb"\r')) == [("1", "a\nb")]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pa.array([["a"]]), "cannot be read as category"),
        (pa.array([1.5]), "cannot be read as category"),
        (pa.array([b"a"]), "cannot be read as category"),
    ],
    ids=["list", "fraction", "bytes"],
)
def test_a_stored_type_that_cannot_be_meant_is_refused(
    tmp_path: Path, column: pa.Array, told: str
) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"sku": ["1"], "kind": column}), out)
    with pytest.raises(BadInput, match=told):
        read(tmp_path, "p.parquet", out.getvalue())


def test_words_stored_by_number_leave_as_words(tmp_path: Path) -> None:
    out = io.BytesIO()
    words = pa.array(["a", "b"]).dictionary_encode()
    pq.write_table(pa.table({"sku": pa.array(["1", "2"], pa.large_string()), "kind": words}), out)
    assert values(read(tmp_path, "p.parquet", out.getvalue())) == [("1", "a"), ("2", "b")]


def test_lots_of_no_table_or_of_two_are_not_read_together(tmp_path: Path) -> None:
    source = open_source(from_text(SHOP.format(more=""), root=tmp_path))
    with pytest.raises(BadInput, match="one table"):
        next(source.batches([]))


def test_of_a_large_parquet_file_only_the_piece_at_hand_is_held(tmp_path: Path) -> None:
    path, prices = tmp_path / "p.parquet", np.random.default_rng(1).random(2_000_000)
    stored = pa.table({"price": prices})
    pq.write_table(stored, path, row_group_size=100_000, use_dictionary=False)
    lot, entry = Lot("products", "p.parquet", None, "0" * 64), Entry("products", 0, SourceTable())
    with path.open("rb") as file:
        tracemalloc.start()
        rows = sum(part.num_rows for part in formats.read(file, lot, entry, ["price"]))
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert rows == 2_000_000
    assert held < path.stat().st_size / 2


def test_a_file_of_blank_lines_has_no_groups(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_bytes(b"\n\n")
    text = SHOP.format(more='group_by = ["sku", "kind"]')
    source = open_source(from_text(text, root=tmp_path))
    assert list(source.batches(source.lots())) == []


def test_blank_lines_of_cdnows_file_are_no_purchases(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(
        b"\n 00001 19970101  1   11.77\n\n 00002 19970112  1   12.00\n\n"
    )
    text = (
        '[shop]\nname = "s"\ncurrency = "USD"\n[sources.orders]\nkind = "cdnow"\nfiles = "c.txt"\n'
    )
    source = open_source(from_text(text, root=tmp_path))
    rows = pa.concat_tables(source.batches(source.lots())).to_pylist()
    assert [(r["customer_id"], r["lot_row"]) for r in rows] == [("00001", 1), ("00002", 2)]
