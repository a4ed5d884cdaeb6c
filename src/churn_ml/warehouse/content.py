"""The content hash: the identity of a table's rows, whatever file, order or chunk they lie in.

Two runs are the same if their content hashes are: Parquet files differ from run to run (names,
row groups, compression), rows come back from a parallel engine in any order. So rows are sorted by
their key, columns by their name, and the bytes of the values are hashed. A null has one
representation, and a NaN is a null.

Worked example: the score of household `h1` as of 2017-10-01, written twice.

>>> import pyarrow as pa
>>> once = pa.table({"customer_id": ["h1", "h2"], "score": [0.25, None]})
>>> again = pa.table({"score": [float("nan"), 0.25], "customer_id": ["h2", "h1"]})
>>> content_hash(once, ["customer_id"]) == content_hash(again, ["customer_id"])
True
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from churn_ml.errors import BrokenPromise

if TYPE_CHECKING:
    import pyarrow as pa


def content_hash(rows: pa.Table, key: Sequence[str]) -> str:
    """The sha256 of what `rows` say.

    `rows` may come in any order, chunking and string layout; `key` are the columns to sort by.
    Rows with an equal key are put in order by all other columns.

    Returns: 64 hex digits; equal for equal column names, types and sets of rows.

    >>> import pyarrow as pa
    >>> len(content_hash(pa.table({"a": pa.array([], pa.int64())}), ["a"]))
    64
    """
    return digest(sort(rows, key))


def sort(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """`rows` in the order of `key`, then of every other column by name; nulls last.

    >>> import pyarrow as pa
    >>> sort(pa.table({"a": [2, 1], "b": ["x", "y"]}), ["a"])["b"].to_pylist()
    ['y', 'x']
    """
    rest = sorted(set(rows.column_names) - set(key))
    return rows.sort_by([(name, "ascending") for name in [*key, *rest]])


def digest(rows: pa.Table) -> str:
    """The sha256 of `rows` in the order they have; see `content_hash`.

    Raises: BrokenPromise for a column type that no table of the house has.

    >>> import pyarrow as pa
    >>> digest(pa.table({"a": [1, 2]})) == digest(pa.table({"a": [2, 1]}))
    False
    """
    total = hashlib.sha256(f"rows={rows.num_rows}".encode())
    for name in sorted(rows.column_names):
        kind, nulls, values = _parts(rows[name], name)
        total.update(f"|{name}|{kind}|".encode())
        total.update(nulls)
        for buffer in values:
            total.update(buffer)
    return total.hexdigest()


def _parts(column: pa.ChunkedArray, name: str) -> tuple[str, bytes, list[Any]]:
    """One column as its kind, one bit a row for null, and buffers of the values, nulls blanked."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind, plain = _plain(column, name)
    absent = pc.is_null(column, nan_is_null=True)
    nulls = np.packbits(absent.to_numpy().astype(np.bool_)).tobytes()
    blank = "" if kind == "string" or kind.startswith("decimal") else 0
    filled = pc.if_else(absent, pa.scalar(blank, plain.type), plain)
    if blank == "":
        joined = pc.binary_join(_as_one_list(filled), pa.scalar("", plain.type))[0].as_buffer()
        return kind, nulls, [pc.binary_length(filled).to_numpy().astype(np.int64), joined]
    return kind, nulls, [np.ascontiguousarray(filled.to_numpy()) + 0]


def _as_one_list(text: pa.ChunkedArray) -> pa.Array:
    """All strings of a column as one list, so that they can be joined without a copy in Python."""
    import pyarrow as pa

    flat = pa.concat_arrays(text.chunks) if text.num_chunks else pa.array([], text.type)
    return pa.LargeListArray.from_arrays(pa.array([0, len(flat)], pa.int64()), flat)


def _plain(column: pa.ChunkedArray, name: str) -> tuple[str, pa.ChunkedArray]:
    """The kind of a column and its values as large strings, 64-bit integers or doubles.

    Adding 0 afterwards turns -0.0 into 0.0: the two are equal and must hash alike.
    """
    import pyarrow as pa

    types, kind = pa.types, column.type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "string", column.cast(pa.large_string())
    if types.is_decimal(kind):
        return f"decimal{kind.scale}", column.cast(pa.large_string())
    if types.is_floating(kind):
        return "float", column.cast(pa.float64())
    if types.is_integer(kind) or types.is_boolean(kind):
        return "bool" if types.is_boolean(kind) else "int", column.cast(pa.int64())
    if types.is_date32(kind):
        return "date", column.cast(pa.int32()).cast(pa.int64())
    if types.is_timestamp(kind):
        return "timestamp", column.cast(pa.timestamp("us")).cast(pa.int64())
    raise BrokenPromise(
        f"column {name!r} has a type that no table of the house has",
        where="content hash",
        got=str(kind),
        expected="string, integer, float, bool, date, timestamp or decimal",
    )
