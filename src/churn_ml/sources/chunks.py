"""One landed file: rows up to the end of a tie, on disk whole or not at all.

Enters: pieces of rows, sorted by the cursor, which each carries as text in the column `_cursor`.
Leaves: a Parquet file without that column, with the range of the cursor in its metadata. It is
written under a name that begins with a dot, flushed, and renamed. Worked example: at 2 rows a file,
the rows with cursor a, b, b and c become one file of three rows that ends at b, and one of c.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

CURSOR = "_cursor"
"""The column of a piece that holds the cursor as text; it is not landed."""
_RANGE = "churn_ml.cursor_to"


def cursor_to(path: Path) -> str:
    """The highest cursor in the file at `path`."""
    return str(pq.read_metadata(path).metadata[_RANGE.encode()].decode())


def following(pieces: Iterator[pa.Table]) -> pa.Table | None:
    """The next piece that holds a row."""
    return next((piece for piece in pieces if piece.num_rows), None)


def write(
    target: Path, piece: pa.Table, pieces: Iterator[pa.Table], chunk_rows: int
) -> tuple[int, pa.Table | None]:
    """Write `target`: rows up to the end of the tie at `chunk_rows`, from `piece` on.

    Returns their count, and the piece to go on with, None where nothing is left.
    """
    schema = piece.schema.remove(piece.schema.get_field_index(CURSOR))
    with renamed(target) as part, pq.ParquetWriter(part, schema, compression="zstd") as out:
        return _fill(out, piece, pieces, chunk_rows)


def _fill(
    out: pq.ParquetWriter, piece: pa.Table, pieces: Iterator[pa.Table], chunk_rows: int
) -> tuple[int, pa.Table | None]:
    """Write rows up to the end of the tie at `chunk_rows`; returns their count and what is left."""
    first, last, rows = piece[CURSOR][0].as_py(), "", 0
    left: pa.Table | None = piece
    while left is not None:
        taken = _taken(left, chunk_rows - rows, last)
        if taken:
            out.write_table(left.slice(0, taken).drop_columns([CURSOR]))
            last = left[CURSOR][taken - 1].as_py()
        rows += taken
        if taken < left.num_rows:
            left = left.slice(taken)
            break
        left = following(pieces)
    out.add_key_value_metadata({"churn_ml.cursor_from": first, _RANGE: last})
    return rows, left


def _taken(piece: pa.Table, room: int, last: str) -> int:
    """How many rows of `piece` go into the file: `room`, then those that tie with the last one."""
    at = min(max(room, 0), int(piece.num_rows))
    if at == piece.num_rows:
        return at
    tied = piece[CURSOR][at - 1].as_py() if at else last
    other = compute.not_equal(piece[CURSOR].slice(at), tied)
    end = compute.index(other, True).as_py()
    return int(piece.num_rows) if end < 0 else at + int(end)


@contextmanager
def renamed(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` at the end: flushed to disk first."""
    part = target.with_name(f".{target.name}.part")
    yield part
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    flush(target.parent)


def flush(folder: Path) -> None:
    """Bring the names in `folder` to disk."""
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
