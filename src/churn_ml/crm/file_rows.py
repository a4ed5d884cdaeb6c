"""What stands in one file of an export: a plan's rows as CSV or Parquet, and read back.

CSV is for spreadsheets too, so a text cell that a spreadsheet would run as a formula gets a leading
apostrophe (fault S1), and so does one that begins with an apostrophe: two customers stay two.
Numbers, negative ones too, stay numbers. Parquet is for programs: its columns have types, `as_of` a
date's, and no cell is changed. The same rows are the same bytes.

Worked example: a removal of `h2` as of 2017-11-01 is the line `h2,remove,2017-11-01,,,...`, or a
row of Parquet in which all further cells are null.

>>> safe("=HYPERLINK(1)"), safe("-12.50"), safe("-SUM(A1)"), safe(-12.5), safe(130.0)
("'=HYPERLINK(1)", '-12.50', "'-SUM(A1)", '-12.5', '130')
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from churn_ml.crm.payload import FIELDS
from churn_ml.crm.protocol import Batch, Cell

Told: TypeAlias = tuple[str, Mapping[str, Cell]]
"""The operation, and every cell of an export."""

_TOLD = tuple(field.name for field in FIELDS if field.name not in ("customer_id", "as_of"))
HEADER = ("customer_id", "op", "as_of", *_TOLD)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - meant
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_SPECIAL = re.compile(r'[,"\r\n]')
_TYPES = {"text": pa.string(), "number": pa.float64(), "date": pa.date32()}
_SCHEMA = pa.schema([("op", pa.string()), *((field.name, _TYPES[field.type]) for field in FIELDS)])


@dataclass(frozen=True)
class Format:
    """How a batch becomes the bytes of a file, and how they are read."""

    written: Callable[[Batch], bytes]
    read: Callable[[bytes], Iterator[Told]]


def safe(cell: Cell) -> str:
    """The cell as a spreadsheet may open it: nothing, a number, or text that is no formula.

    >>> safe(None), safe("@cmd"), safe("a=b"), safe("'@cmd"), safe(1e16)
    ('', "'@cmd", 'a=b', "''@cmd", '10000000000000000')
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        marked = cell.startswith((*_FORMULA, "'")) and not _NUMBER.fullmatch(cell)
        return f"'{cell}" if marked else cell
    return str(int(cell)) if cell == int(cell) else repr(cell)


def read(cell: str, kind: str) -> Cell:
    """The cell that `safe` wrote, of a field of that type.

    >>> read("'=HYPERLINK(1)", "text"), read("", "number"), read("130", "number")
    ('=HYPERLINK(1)', None, 130.0)
    """
    if kind == "number":
        return float(cell) if cell else None
    # with nothing of that after it, it is from a file that left leading apostrophes alone
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith((*_FORMULA, "'")) else cell


def _csv(batch: Batch) -> bytes:
    """The rows of the batch as RFC 4180 text: header, CR LF, quotes where needed.

    Written here, not by the csv module: many cells are alike, and are then quoted once.
    """
    written, day = cache(_quoted), batch.as_of.isoformat()
    out = io.BytesIO()
    out.write(f"{','.join(HEADER)}\r\n".encode())
    for row in batch.rows:
        told = map(written, map(row.payload.get, _TOLD))
        line = ",".join([_quoted(row.customer_id), row.op, day, *told])
        out.write(f"{line}\r\n".encode())
    return out.getvalue()


def _quoted(cell: Cell) -> str:
    text = safe(cell)
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if _SPECIAL.search(text) else text


def _csv_rows(content: bytes) -> Iterator[Told]:
    for row in csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")):
        yield row["op"], {field.name: read(row[field.name], field.type) for field in FIELDS}


def _parquet(batch: Batch) -> bytes:
    rows = [
        {**row.payload, "customer_id": row.customer_id, "op": row.op, "as_of": batch.as_of}
        for row in batch.rows
    ]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), out)
    return out.getvalue()


def _parquet_rows(content: bytes) -> Iterator[Told]:
    for row in pq.read_table(pa.BufferReader(content)).to_pylist():
        op = row.pop("op")
        yield op, row | {"as_of": row["as_of"].isoformat()}


FORMATS: Mapping[str, Format] = {
    "csv": Format(_csv, _csv_rows),
    "parquet": Format(_parquet, _parquet_rows),
}
