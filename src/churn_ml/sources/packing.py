"""Parts of lots to batches: small ones packed together, large ones cut, none of two minds.

Enters: the parts of one table's lots in their order. Leaves: batches of at most `BATCH_ROWS` rows
and about `BATCH_BYTES`. A column that is text in one file and numbers in the next is refused: half
of it would be read by other rules. Worked example: the 304 daily files of ten months are one batch;
a file of 1.2 M rows is three.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from churn_ml.sources.native import kind
from churn_ml.sources.protocol import BATCH_ROWS, LOT_COLUMNS, Lot

BATCH_BYTES = 256 * 2**20
"""A batch is handed on once it holds this much, whatever its rows."""


def packed(parts: Iterable[tuple[Lot, pa.Table]]) -> Iterator[pa.Table]:
    """The rows of `parts` (of one table) in batches; a batch is of one entry.

    Raises BadInput where a column changes its type between two files.
    """
    held: list[pa.Table] = []
    rows = size = 0
    agreed = _Agreed()
    for lot, part in parts:
        agreed.check(lot, part.schema)
        for piece in _cut(part):
            full = rows + piece.num_rows > BATCH_ROWS or size > BATCH_BYTES
            if held and (full or held[0]["entry"][0] != piece["entry"][0]):
                yield _batch(held)
                held, rows, size = [], 0, 0
            held.append(piece)
            rows, size = rows + piece.num_rows, size + piece.nbytes
    if held:
        yield _batch(held)


def _cut(part: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, part.num_rows, BATCH_ROWS):
        yield part.slice(start, BATCH_ROWS)


def _batch(held: list[pa.Table]) -> pa.Table:
    """All pieces below each other; a column without a value in any of them leaves as text."""
    whole = pa.concat_tables(held, promote_options="permissive")
    empty = [pa.types.is_null(field.type) for field in whole.schema]
    schema = pa.schema(
        [
            pa.field(field.name, pa.string() if none else field.type)
            for field, none in zip(whole.schema, empty, strict=True)
        ]
    )
    return whole.cast(schema)


class _Agreed:
    """The family of types that each column of an entry had in the first file that has values."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], tuple[str, Lot]] = {}

    def check(self, lot: Lot, schema: pa.Schema) -> None:
        for field in schema:
            family = kind(field.type)
            if family == "none" or field.name in LOT_COLUMNS:
                continue
            first, before = self._seen.setdefault((lot.entry, field.name), (family, lot))
            numbers = {"whole", "float", "decimal"}
            if family != first and not {family, first} <= numbers:
                raise lot.refused(
                    f"column {field.name!r} changed its type between two files",
                    column=field.name,
                    got=family,
                    expected=f"{first}, as in {before.where}",
                    next_step="export the column with one type in every file",
                )
