"""The files below a folder as texts, unpacked: a word in a packed one is not to be overlooked."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def contents_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file below `folder` that is there when its turn comes, with what it says."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                yield path, contents(path)
            except FileNotFoundError:  # a server at work has removed it
                continue


def contents(path: Path) -> str:
    """What a file says: of a Parquet file its schema and every word, of a packed one its text.

    >>> contents(Path(__file__)).count("unpacked") > 0
    True
    """
    if path.suffix == ".parquet":
        table = pq.read_table(path, partitioning=None)
        return f"{table.schema}\n{[words(column) for column in table.columns]}"
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode(errors="replace")


def words(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column, each at least once; none of numbers and days, which are no words.

    >>> words(pa.chunked_array([["no", "no", "yes"]])), words(pa.chunked_array([[1, 2]]))
    (['no', 'yes'], [])
    """
    kind = column.type
    if pa.types.is_primitive(kind) or pa.types.is_decimal(kind):
        return []
    return (column if pa.types.is_nested(kind) else column.unique()).to_pylist()
