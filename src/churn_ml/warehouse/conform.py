"""Rows made to fit the schema of their table, or refused: the promise every partition keeps.

Enters: rows as a room returned them, a table or a stream sorted by key. Leaves: the same rows with
the declared columns in the declared order and type, the partition column filled, NaN turned into
null, sorted by key, as a stream that is checked and hashed while it passes: a partition need not
fit into memory. A refusal is a BrokenPromise, because by now validation has taken out what a shop
can get wrong.

Worked example: scores of two households as of 2017-10-01, one row each. The same household twice
would be refused, and the message would hold counts only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from churn_ml.errors import BrokenPromise
from churn_ml.warehouse.content import Digest, sort

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.tables import Table


class Rows(Protocol):
    """Rows that can be read again and again, sorted by the key of their table."""

    @property
    def schema(self) -> pa.Schema:
        """The columns of every batch."""
        ...

    def batches(self) -> Iterable[pa.RecordBatch]:
        """The rows in their order, from the first on."""
        ...


@dataclass(frozen=True)
class InMemory:
    """A table as `Rows`: sorted when it is read."""

    rows: pa.Table
    order: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """The columns of the table."""
        return self.rows.schema

    def batches(self) -> Iterable[pa.RecordBatch]:
        """The rows in the order of their key."""
        known = [name for name in self.order if name in self.rows.column_names]
        batches: list[pa.RecordBatch] = sort(self.rows, known).to_batches()
        return batches


class Conformed:
    """Rows on their way into a partition: each batch fitted, checked and counted as it passes.

    The partition column may be missing in `rows`; where present it must say `partition`
    throughout. Only open tables take further columns, all of them float64. The rows leave sorted by
    key (canonical tables: by key and known_at) and unique in it, or not at all: reading raises
    BrokenPromise, naming table, column and count.

    >>> import pyarrow as pa
    >>> from churn_ml.tables import table
    >>> rows = pa.table({"customer_id": ["h2", "h1"], "orders_30d": [2.0, float("nan")]})
    >>> fitted = Conformed(InMemory(rows, ("customer_id",)), table("features"), date(2017, 10, 1))
    >>> fitted.reader().read_all().to_pylist()[0]
    {'customer_id': 'h1', 'as_of': datetime.date(2017, 10, 1), 'orders_30d': None}
    """

    def __init__(self, rows: Rows, table: Table, partition: date) -> None:
        """Nothing is read yet; raises BrokenPromise where the columns are not the table's."""
        self._rows, self._table, self._partition = rows, table, partition
        self.schema = _fitted_schema(rows.schema, table)
        self.digest = Digest()
        self.error: BaseException | None = None
        """What stopped the last reading: a reader in another language tells it in its own words."""

    def reader(self) -> pa.RecordBatchReader:
        """The rows as a stream, from the first on; `digest` follows what is read."""
        import pyarrow as pa

        self.digest, self.error = Digest(), None
        return pa.RecordBatchReader.from_batches(self.schema, self._fitted())

    @property
    def content_hash(self) -> str:
        """The hash of what was read."""
        return self.digest.hexdigest(self.schema)

    def _fitted(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        last: pa.Table | None = None
        try:
            for batch in self._rows.batches():
                fitted = self._fit(pa.Table.from_batches([batch]))
                if not fitted.num_rows:
                    continue
                _check_order(
                    fitted if last is None else pa.concat_tables([last, fitted]), self._table
                )
                self.digest.add(fitted)
                last = fitted.slice(fitted.num_rows - 1)
                yield from fitted.to_batches()
        except Exception as error:
            self.error = error
            raise

    def _fit(self, rows: pa.Table) -> pa.Table:
        """The rows of one batch as the table declares them."""
        rows = _with_partition(rows, self._table, self._partition)
        rows = _with_types(rows, self._table, self.schema)
        for column in self._table.columns:
            if column.required and (missing := rows[column.name].null_count):
                what = f"column {column.name} is empty in {missing} rows"
                raise _broken(self._table, what, "a value")
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


def _fitted_schema(schema: pa.Schema, table: Table) -> pa.Schema:
    """The declared columns in order and type, then the further columns of an open table."""
    import pyarrow as pa

    given = [*schema.names, table.partition]
    absent = [name for name in table.names if name not in given]
    if absent:
        raise _broken(table, f"no column {', '.join(absent)}", "every declared column")
    extra = [name for name in schema.names if name not in table.names]
    if extra and not table.open:
        raise _broken(table, f"unknown column {', '.join(extra)}", ", ".join(table.names))
    return pa.schema([*table.schema(), *(pa.field(name, pa.float64()) for name in extra)])


def _with_types(rows: pa.Table, table: Table, schema: pa.Schema) -> pa.Table:
    """The columns of `schema`, in its types."""
    import pyarrow as pa

    columns = [_typed(rows[field.name], field, table) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


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


def _check_order(rows: pa.Table, table: Table) -> None:
    """Raise BrokenPromise where a key comes twice, or before a lesser one; nulls come last."""
    import pyarrow as pa
    import pyarrow.compute as pc

    before, after = rows.slice(0, rows.num_rows - 1), rows.slice(1)
    less = pa.chunked_array([pa.repeat(False, before.num_rows)])
    same = repeated = pc.invert(less)
    for name in sorting(table):
        one, other = before[name], after[name]
        last = pc.and_(pc.is_valid(one), pc.is_null(other))
        less = pc.or_(less, pc.and_(same, pc.or_(last, pc.fill_null(pc.less(one, other), False))))
        equal = pc.fill_null(pc.equal(one, other), False)
        repeated = pc.and_(repeated, equal)
        same = pc.and_(same, pc.or_(equal, pc.and_(pc.is_null(one), pc.is_null(other))))
    if count := pc.sum(repeated).as_py():
        raise _broken(table, f"{count} rows repeat a key", f"one row per {', '.join(table.key)}")
    if count := pc.sum(pc.invert(pc.or_(less, same))).as_py():
        raise _broken(table, f"{count} rows are out of order", f"sorted by {', '.join(table.key)}")


def _broken(table: Table, what: str, expected: str) -> BrokenPromise:
    return BrokenPromise(
        f"rows do not fit table {table.name}: {what}",
        where=f"warehouse, table {table.name}",
        expected=expected,
        next_step="a defect in the step that made the rows: please report it with its receipt",
    )
