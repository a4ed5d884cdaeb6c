"""Rows made to fit the schema of their table, or refused: the promise every partition keeps.

Enters: an Arrow table as a room returned it. Leaves: the same rows with the declared columns in
the declared order and type, the partition column filled, NaN turned into null, sorted by key. A
refusal is a BrokenPromise, because by now validation has taken out what a shop can get wrong.

Worked example: scores of two households as of 2017-10-01, one row each. The same household twice
would be refused, and the message would hold counts only.
"""

from __future__ import annotations

from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

from churn_ml.errors import BrokenPromise
from churn_ml.warehouse.content import sort

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.tables import Table


def conform(rows: pa.Table, table: Table, partition: date) -> pa.Table:
    """`rows` as `table` declares them: columns, types, order of columns and rows.

    The partition column may be missing in `rows`; where present it must say `partition`
    throughout. Only open tables take further columns, all of them float64.

    Returns: the rows sorted by key (canonical tables: by key and known_at), unique in it.
    Raises: BrokenPromise naming table, column and count.

    >>> import pyarrow as pa
    >>> from churn_ml.tables import table
    >>> rows = pa.table({"customer_id": ["h2", "h1"], "orders_30d": [2.0, float("nan")]})
    >>> conform(rows, table("features"), date(2017, 10, 1)).to_pylist()[0]
    {'customer_id': 'h1', 'as_of': datetime.date(2017, 10, 1), 'orders_30d': None}
    """
    rows = _with_partition(rows, table, partition)
    rows = _with_types(rows, table)
    for column in table.columns:
        if column.required and (missing := rows[column.name].null_count):
            raise _broken(table, f"column {column.name} is empty in {missing} rows", "a value")
    rows = sort(rows, sorting(table))
    if repeated := _repeated(rows, sorting(table)):
        raise _broken(table, f"{repeated} rows repeat a key", f"one row per {', '.join(table.key)}")
    return rows


def sorting(table: Table) -> tuple[str, ...]:
    """The columns in which a partition is unique and sorted.

    A canonical partition may hold a row and its later correction, so known_at counts there.

    >>> from churn_ml.tables import table
    >>> sorting(table("orders")), sorting(table("scores"))
    (('order_id', 'known_at'), ('customer_id',))
    """
    return (*table.key, "known_at") if "known_at" in table.names else table.key


def _with_partition(rows: pa.Table, table: Table, partition: date) -> pa.Table:
    """`rows` with the partition column filled, or refused where it says something else."""
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = pa.repeat(pa.scalar(partition, pa.date32()), rows.num_rows)
    if table.partition not in rows.column_names:
        return rows.append_column(table.partition, filled)
    named = rows[table.partition]
    other = pc.sum(pc.not_equal(named, pa.scalar(partition, pa.date32()))).as_py()
    if other or named.null_count:
        raise _broken(
            table,
            f"{(other or 0) + named.null_count} rows belong to another partition",
            f"{table.partition} = {partition.isoformat()}",
        )
    return rows.set_column(rows.column_names.index(table.partition), table.partition, filled)


def _with_types(rows: pa.Table, table: Table) -> pa.Table:
    """The declared columns in order and type, then the further columns of an open table."""
    import pyarrow as pa

    absent = [name for name in table.names if name not in rows.column_names]
    if absent:
        raise _broken(table, f"no column {', '.join(absent)}", "every declared column")
    extra = [name for name in rows.column_names if name not in table.names]
    if extra and not table.open:
        raise _broken(table, f"unknown column {', '.join(extra)}", ", ".join(table.names))
    fields = [*table.schema(), *(pa.field(name, pa.float64()) for name in extra)]
    columns = [_typed(rows[field.name], field, table) for field in fields]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _typed(column: pa.ChunkedArray, field: pa.Field, table: Table) -> pa.ChunkedArray:
    """One column in its declared type; NaN becomes null, an infinite number is refused."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        typed = column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        message = f"column {field.name} is {column.type} and does not fit"
        raise _broken(table, message, str(field.type)) from error
    if not pa.types.is_floating(field.type):
        return typed
    if infinite := pc.sum(pc.is_inf(typed)).as_py():
        raise _broken(table, f"column {field.name} is infinite in {infinite} rows", "finite")
    return pc.if_else(pc.is_nan(typed), pa.scalar(None, field.type), typed)


def _repeated(rows: pa.Table, key: tuple[str, ...]) -> int:
    """How many rows repeat the key of the row before them; `rows` are sorted by `key`."""
    import pyarrow.compute as pc

    if not rows.num_rows:
        return 0
    before, after = rows.slice(0, rows.num_rows - 1), rows.slice(1)
    same = [pc.equal(before[name], after[name]) for name in key]
    return int(pc.sum(reduce(pc.and_, same)).as_py() or 0)


def _broken(table: Table, what: str, expected: str) -> BrokenPromise:
    return BrokenPromise(
        f"rows do not fit table {table.name}: {what}",
        where=f"warehouse, table {table.name}",
        expected=expected,
        next_step="a defect in the step that made the rows: please report it with its receipt",
    )
