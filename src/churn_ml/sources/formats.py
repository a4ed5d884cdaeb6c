"""One file to rows: CSV, Parquet and JSON lines, whole or refused.

Enters: an open file of a lot and the names of the columns wanted. Leaves: Arrow tables with exactly
these columns, piece by piece, so that a file larger than memory is read, too. What cannot be read
surely is refused with `BadInput`: half a gzip, a gzip bomb, a damaged Parquet file, a missing
column, more than 2,000 columns, a value above 128 KiB, an archive (and for text what `delimited`
and `json_lines` list). Messages carry places, never values: a file may hold personal data.

Worked example: `orders.csv.gz` of 2017-09-30 was cut off by a full disk. The gzip stream has no
end, so the lot is refused with "the gzip is cut off" although most of its rows could be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from churn_ml.errors import BadInput
from churn_ml.sources import delimited, json_lines, text
from churn_ml.sources.header import actual, check_width
from churn_ml.sources.places import spool
from churn_ml.sources.protocol import Entry, Lot

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".parquet")
"""What a file may be; the format follows its name."""
_PART_ROWS = 100_000
_MAX_ROWS_PER_BYTE = 100
_READ_BYTES = 4 * 2**20


def read(file: IO[bytes], lot: Lot, entry: Entry, columns: list[str]) -> Iterator[pa.Table]:
    """The `columns` (their names) of a lot's file in pieces; the format follows its name.

    Text formats leave as text, an empty value as null; Parquet values as they are stored. Raises
    BadInput where the file is not whole or lacks a column.

    >>> import io
    >>> from churn_ml.config import SourceTable
    >>> lot, entry = Lot("products", "p.csv", None, "0" * 64), Entry("products", 0, SourceTable())
    >>> next(read(io.BytesIO(b"sku;kind\\n7;tea\\n"), lot, entry, ["kind", "sku"])).to_pylist()
    [{'kind': 'tea', 'sku': '7'}]
    """
    name = lot.where.lower()
    if not file.read(1):
        raise lot.refused("the file is empty", got="0 bytes", expected="one line at least")
    file.seek(0)
    if name.endswith(".parquet"):
        parts = _parquet(file, lot, columns, entry.aliases)
    elif name.endswith(SUFFIXES) or entry.as_csv:
        parts = _text(file, lot, entry, columns)
    else:
        raise _unknown(lot)
    for rows in parts:
        _check_lengths(lot, rows)
        yield rows


def _unknown(lot: Lot) -> BadInput:
    suffix = PurePosixPath(lot.where).suffix.lower()
    steps = {
        ".zip": "unpack the archive and drop the files in it; gzip is read packed",
        ".tar": "unpack the archive and drop the files in it; gzip is read packed",
        ".xlsx": "save the sheet as CSV (UTF-8)",
        ".xls": "save the sheet as CSV (UTF-8)",
    }
    narrow = f"narrow the glob of [sources.{lot.table}] files, or convert the file"
    return lot.refused(
        "the format of the file is not read",
        got=suffix or "no suffix",
        expected=f"one of {', '.join(SUFFIXES)}",
        next_step=steps.get(suffix, narrow),
    )


def _text(file: IO[bytes], lot: Lot, entry: Entry, columns: list[str]) -> Iterator[pa.Table]:
    with text.utf8(file, lot, entry.told.encoding) as whole:
        if entry.as_csv:
            with spool() as copy:
                copy.writelines(entry.as_csv(iter(whole)))
                copy.seek(0)
                yield from delimited.rows_of(copy, lot, columns, entry.aliases)
        elif ".csv" in PurePosixPath(lot.where.lower()).name[-7:]:
            yield from delimited.rows_of(whole, lot, columns, entry.aliases)
        else:
            yield from json_lines.rows_of(whole, lot, columns, entry.aliases)


def _parquet(
    file: IO[bytes], lot: Lot, columns: list[str], aliases: Mapping[str, tuple[str, ...]]
) -> Iterator[pa.Table]:
    try:
        # read ahead, the library would keep every byte it read until the end
        stored = pq.ParquetFile(file, buffer_size=_READ_BYTES, pre_buffer=False)
        header = stored.schema_arrow.names
        check_width(lot, len(header))
        _check_size(stored.metadata, file, lot)
        names = actual(lot, header, columns, aliases)
        yield stored.schema_arrow.empty_table().select(names).rename_columns(columns)
        for part in stored.iter_batches(_PART_ROWS, columns=names):
            yield pa.Table.from_batches([part]).select(names).rename_columns(columns)
    except (pa.ArrowException, OSError) as error:
        what = "the Parquet file is cut off or damaged"
        size = f"{file.seek(0, 2)} bytes that end or read otherwise ({type(error).__name__})"
        raise lot.refused(what, got=size, expected="a whole Parquet file") from None


def _check_size(meta: pq.FileMetaData, file: IO[bytes], lot: Lot) -> None:
    """Refuse a file that unpacks to far more than it can honestly hold."""
    packed = file.seek(0, 2)
    sizes = [meta.row_group(i).total_byte_size for i in range(meta.num_row_groups)]
    if meta.num_rows > _MAX_ROWS_PER_BYTE * max(packed, 100_000):
        raise text.too_large(lot, f"{meta.num_rows} rows from {packed} bytes")
    if sum(sizes) > text.allowed(packed) or max(sizes, default=0) > text.MAX_UNPACKED_BYTES:
        raise text.too_large(lot, f"{sum(sizes)} bytes from {packed}")


def _check_lengths(lot: Lot, rows: pa.Table) -> None:
    """Refuse a value longer than any text of a shop: a broken export, or somebody's attack."""
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        if (compute.max(compute.binary_length(column)).as_py() or 0) > text.MAX_VALUE_BYTES:
            raise text.too_long(lot, name)
