"""Bytes of one file to rows: CSV, CSV.gz and Parquet, whole or not at all.

Enters: the bytes of a lot and the names of the columns wanted. Leaves: an Arrow table with exactly
these columns. What cannot be read surely is refused with `BadInput`: half a gzip, a gzip bomb, a
damaged Parquet file, a missing column, a value above 128 KiB (and for CSV what `delimited` lists).
Messages carry places, never values: a file may hold personal data.

Worked example: `orders.csv.gz` of 2017-09-30 was cut off by a full disk. The gzip stream has no
end, so the lot is refused with "the gzip is cut off" although most of its rows could be read.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from churn_ml.errors import BadInput
from churn_ml.sources import delimited
from churn_ml.sources.protocol import Lot

MAX_UNPACKED_BYTES = 2 * 2**30
"""A file may unpack to this much at most."""
MAX_GZIP_RATIO = 200
"""A gzip may unpack to this multiple of its size (checked above 64 MiB): more is a bomb."""
_BOMB_FLOOR_BYTES = 64 * 2**20


def read_bytes(data: bytes, lot: Lot, columns: list[str]) -> pa.Table:
    """The `columns` (their names) of a lot's bytes; the format follows the file's name.

    CSV values leave as text, an empty one as null; Parquet values as they are stored. Raises
    BadInput where the file is not whole or lacks a column.

    >>> from pathlib import Path
    >>> lot = Lot("products", Path("products.csv"), None, "0" * 64)
    >>> read_bytes(b"sku;kind\\n7;tea\\n", lot, ["kind", "sku"]).to_pylist()
    [{'kind': 'tea', 'sku': '7'}]
    """
    name = lot.path.name.lower()
    if not data:
        raise lot.refused("the file is empty", expected="a header line at least")
    if name.endswith(".parquet"):
        rows = _parquet(data, lot, columns)
    elif name.endswith((".csv", ".csv.gz")):
        rows = _csv(gunzip(data, lot) if name.endswith(".gz") else data, lot, columns)
    else:
        raise lot.refused(
            "the format of the file is not known",
            got=lot.path.suffix or "no suffix",
            expected=".csv, .csv.gz or .parquet",
            next_step=f"narrow the glob of [sources.{lot.table}] files, or convert the file",
        )
    _check_lengths(lot, rows)
    return rows


def gunzip(data: bytes, lot: Lot) -> bytes:
    """The unpacked bytes, read in pieces so that a bomb is stopped at its limit.

    >>> from pathlib import Path
    >>> gunzip(gzip.compress(b"sku\\n7\\n"), Lot("products", Path("p.csv.gz"), None, "0" * 64))
    b'sku\\n7\\n'
    """
    limit = min(MAX_UNPACKED_BYTES, max(_BOMB_FLOOR_BYTES, MAX_GZIP_RATIO * len(data)))
    out = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while piece := stream.read(2**20):
                out.write(piece)
                if out.tell() > limit:
                    raise _too_large(lot, f"more than {limit} bytes from {len(data)}")
    except EOFError:
        got = f"{len(data)} bytes without the stream's end"
        raise lot.refused("the gzip is cut off", got=got) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise lot.refused("the gzip is damaged", got=str(error)) from None
    return out.getvalue()


def _too_large(lot: Lot, got: str) -> BadInput:
    return lot.refused(
        "the file unpacks to more than is allowed",
        got=got,
        expected=f"at most {MAX_UNPACKED_BYTES} bytes, and {MAX_GZIP_RATIO} times the file",
        next_step="have it split into smaller files",
    )


def _parquet(data: bytes, lot: Lot, columns: list[str]) -> pa.Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _check_columns(lot, file.schema_arrow.names, columns)
        meta = file.metadata
        size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        if size > MAX_UNPACKED_BYTES:
            raise _too_large(lot, f"{size} bytes")
        return file.read(columns=columns).select(columns)
    except (pa.ArrowException, OSError) as error:
        what = "the Parquet file is cut off or damaged"
        raise lot.refused(what, got=type(error).__name__) from None


def _csv(data: bytes, lot: Lot, columns: list[str]) -> pa.Table:
    text = delimited.as_utf8(data, lot)
    form = delimited.form_of(text, columns)
    _check_columns(lot, form.header, columns)
    return delimited.rows_of(text, lot, form, columns)


def _check_columns(lot: Lot, header: list[str], columns: list[str]) -> None:
    """Refuse a file in which a wanted column is missing or ambiguous."""
    counts = Counter(header)
    for name in columns:
        if counts[name] == 1:
            continue
        fault = "is missing" if counts[name] == 0 else "is there more than once"
        raise lot.refused(
            f"column {name!r} {fault}",
            column=name,
            got=", ".join(header)[:300],
            expected=name,
            next_step=f"deliver the file with it, or map it in [sources.{lot.table}.columns]",
        )


def _check_lengths(lot: Lot, rows: pa.Table) -> None:
    """Refuse a value longer than any text of a shop: a broken export, or somebody's attack."""
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        if (compute.max(compute.binary_length(column)).as_py() or 0) > delimited.MAX_VALUE_BYTES:
            raise delimited.too_long(lot, name)
