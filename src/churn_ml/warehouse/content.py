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
    running = Digest()
    running.add(rows)
    return running.hexdigest(rows.schema)


class Digest:
    """The digest of rows that come in pieces: the same, however they are cut.

    >>> import pyarrow as pa
    >>> whole, pieces = pa.table({"a": ["x", None, "yz"]}), Digest()
    >>> pieces.add(whole.slice(0, 2))
    >>> pieces.add(whole.slice(2))
    >>> pieces.hexdigest(whole.schema) == digest(whole)
    True
    """

    def __init__(self) -> None:
        """No rows yet."""
        self.rows = 0
        self._columns: dict[str, tuple[Any, ...]] = {}

    def add(self, rows: pa.Table) -> None:
        """Take the next rows; raises BrokenPromise as `digest` does."""
        self.rows += rows.num_rows
        for name in rows.column_names:
            for sha, part in zip(self._running(name), _parts(rows[name], name), strict=True):
                sha.update(part)

    def hexdigest(self, schema: pa.Schema) -> str:
        """The sha256 of everything added; `schema` names the columns and their types."""
        total = hashlib.sha256(f"rows={self.rows}".encode())
        for name in sorted(schema.names):
            told = "|".join(sha.hexdigest() for sha in self._running(name))
            total.update(f"|{name}|{_kind(schema.field(name).type, name)}|{told}".encode())
        return total.hexdigest()

    def _running(self, name: str) -> tuple[Any, ...]:
        """The hashes of one column: which values are missing, how long they are, what they say."""
        if name not in self._columns:
            self._columns[name] = tuple(hashlib.sha256() for _ in range(3))
        return self._columns[name]


def _parts(column: pa.ChunkedArray, name: str) -> tuple[Any, Any, Any]:
    """One column as a byte a row for null, the lengths of texts, and the values, nulls blanked."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = _kind(column.type, name)
    plain = _plain(column, kind)
    absent = pc.is_null(plain, nan_is_null=True)
    nulls = absent.to_numpy().astype(np.bool_)
    if kind == "string":
        filled = pc.fill_null(plain, "")
        joined = pc.binary_join(_as_one_list(filled), pa.scalar("", plain.type))[0].as_buffer()
        return nulls, pc.binary_length(filled).to_numpy().astype(np.int64), joined
    if kind.startswith("decimal"):
        values = _sixteen_bytes(plain)
        values[nulls] = 0
        return nulls, b"", values
    filled = pc.if_else(absent, pa.scalar(0, plain.type), plain)
    # adding 0 turns -0.0 into 0.0: the two are equal and must hash alike
    return nulls, b"", np.ascontiguousarray(filled.to_numpy()) + 0


def _sixteen_bytes(column: pa.ChunkedArray) -> Any:
    """The values of a decimal128 column, one row of two 64-bit words each."""
    import numpy as np
    import pyarrow as pa

    if not len(column):
        return np.empty((0, 2), np.int64)
    flat = pa.concat_arrays(column.chunks)
    words = np.frombuffer(flat.buffers()[1], np.int64).reshape(-1, 2)
    return words[flat.offset : flat.offset + len(flat)].copy()


def _as_one_list(text: pa.ChunkedArray) -> pa.Array:
    """All strings of a column as one list, so that they can be joined without a copy in Python."""
    import pyarrow as pa

    flat = pa.concat_arrays(text.chunks) if text.num_chunks else pa.array([], text.type)
    return pa.LargeListArray.from_arrays(pa.array([0, len(flat)], pa.int64()), flat)


def _kind(stored: pa.DataType, name: str) -> str:
    """What the values of a type say, whatever their width or layout."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(stored):
        return _kind(stored.value_type, name)
    if types.is_decimal(stored):
        return f"decimal{stored.scale}"
    families = {
        "string": types.is_string(stored)
        or types.is_large_string(stored)
        or types.is_string_view(stored),
        "float": types.is_floating(stored),
        "bool": types.is_boolean(stored),
        "int": types.is_integer(stored),
        "date": types.is_date32(stored),
        "timestamp": types.is_timestamp(stored),
    }
    for kind, fits in families.items():
        if fits:
            return kind
    raise BrokenPromise(
        f"column {name!r} has a type that no table of the house has",
        where="content hash",
        got=str(stored),
        expected="string, integer, float, bool, date, timestamp or decimal",
    )


def _plain(column: pa.ChunkedArray, kind: str) -> pa.ChunkedArray:
    """The values of a column as large strings, decimal128, 64-bit integers or doubles."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    match kind:
        case "string":
            return column.cast(pa.large_string())
        case "float":
            return column.cast(pa.float64())
        case "date":
            return column.cast(pa.int32()).cast(pa.int64())
        case "timestamp":
            return column.cast(pa.timestamp("us")).cast(pa.int64())
        case "int" | "bool":
            return column.cast(pa.int64())
        case _:
            return column.cast(pa.decimal128(38, column.type.scale))
