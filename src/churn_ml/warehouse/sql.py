"""The SQL of a read: Parquet files, the cut in time, one row per key.

Pure text. Enters: a table of the house, file names, column names, dates. Leaves: a `Scan`, which
is a query with the names of its columns. Every name and path is quoted.

Worked example: orders as of 2017-10-01 keeps rows that occurred before that instant and were known
at it.

>>> from churn_ml.tables import table
>>> cut_at(table("orders"), datetime(2017, 10, 1))[:54]
"occurred_at < timestamp '2017-10-01 00:00:00' and know"
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from churn_ml.clock import literal
from churn_ml.errors import BadInput, NotReady
from churn_ml.tables import Column, Table

# Types as DuckDB and as Ibis call them; a column that no table declares is a float64 feature.
_SQL = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "float64": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "decimal(18,2)": "DECIMAL(18,2)",
    "decimal(18,8)": "DECIMAL(18,8)",
}
_IBIS = {"bool": "boolean", "timestamp": "timestamp(6)"}


@dataclass(frozen=True)
class Scan:
    """A query that reads one table, and the names of the columns it returns."""

    table: Table
    query: str
    names: tuple[str, ...]

    def types(self) -> dict[str, str]:
        """Column name to Ibis type, in order."""
        declared = {column.name: column.type for column in self.table.columns}
        told = {name: declared.get(name, "float64") for name in self.names}
        return {name: _IBIS.get(kind, kind) for name, kind in told.items()}

    def having(self, clause: str) -> Scan:
        """The same scan with one more clause."""
        return Scan(self.table, f"{self.query} {clause}", self.names)


def parquet(table: Table, files: Sequence[str], *, union: bool) -> str:
    """The call that reads `files` of `table`, the partition column taken from their paths.

    With `union` the files may have different columns: what one lacks is null in its rows.
    """
    listed = ", ".join(literal(file) for file in files)
    options = f"hive_partitioning = true, hive_types = {{{literal(table.partition)}: DATE}}"
    return f"read_parquet([{listed}], {options}{', union_by_name = true' if union else ''})"


def completed(table: Table, source: str, held: Sequence[str], later: Collection[str]) -> str:
    """`source`, which has the columns `held`, with those that the table got `later`.

    Where a file is older than a column, its rows say nothing of it: the column's default holds,
    else null. Raises NotReady where every row has to fill it and none does.

    >>> from churn_ml.tables import table
    >>> print(completed(table("ad_events"), "old", ["event_id"], ["kind"]))
    (select *, cast('click' as VARCHAR) as "kind" from old)
    """
    columns = [column for column in table.columns if column.name in later]
    for column in columns:
        if column.required and column.default is None and column.name not in held:
            raise _too_old(table, column)
    told = [_defaulted(c) for c in columns if c.name in held]
    replaced = f" replace ({', '.join(told)})" if told else ""
    added = [f", {_absent(c)} as {_name(c.name)}" for c in columns if c.name not in held]
    return f"(select *{replaced}{''.join(added)} from {source})"


def scan(table: Table, source: str, names: Sequence[str]) -> Scan:
    """The columns `names` of `source`."""
    return Scan(table, f"select {', '.join(_name(n) for n in names)} from {source}", tuple(names))


def no_rows(table: Table, further: Sequence[str] = ()) -> Scan:
    """A scan of no row with the declared columns of `table`, then `further` doubles."""
    columns = [f"cast(null as {_SQL[c.type]}) as {_name(c.name)}" for c in table.columns]
    columns += [f"cast(null as DOUBLE) as {_name(name)}" for name in further]
    query = f"select * from (select {', '.join(columns)} limit 0)"
    return Scan(table, query, (*table.names, *further))


def cut_at(table: Table, end: datetime) -> str:
    """The law of time: occurred before `end` (UTC without a zone), known by then.

    Raises: BadInput for a table without time, which is published per as_of already.
    """
    if "occurred_at" not in table.names:
        raise BadInput(
            f"table {table.name} has no time to cut at",
            got=f"as_of={end.isoformat()}",
            expected="a canonical table with occurred_at and known_at",
            next_step="name the partition in versions instead",
        )
    at = f"timestamp '{end.isoformat(sep=' ')}'"
    return f"occurred_at < {at} and known_at <= {at}"


def as_known(rows: Scan, end: datetime) -> Scan:
    """The same rows with what happens after `end` taken out of them; see `tables.Column.after`.

    >>> from churn_ml.tables import table
    >>> told = as_known(no_rows(table("returns")), datetime(2017, 10, 1)).query
    >>> 'case when "closed_at" < timestamp' in told, 'case when "reason"' in told
    (True, False)
    """
    waits = {c.name: c for c in rows.table.columns if c.after}
    if not waits:
        return rows
    at = f"timestamp '{end.isoformat(sep=' ')}'"
    told = [_known(waits[name], at) if name in waits else _name(name) for name in rows.names]
    return Scan(rows.table, f"select {', '.join(told)} from ({rows.query})", rows.names)


def _known(column: Column, at: str) -> str:
    """`column` as it was known at `at`: nothing computes when an undated status came about."""
    name, after = _name(column.name), _name(str(column.after))
    if column.until_then is None:
        return f"case when {after} < {at} then {name} end as {name}"
    before = literal(column.until_then)
    return f"case when {after} >= {at} then {before} else {name} end as {name}"


def is_unique(rows: Scan) -> str:
    """A query that is true where no key occurs twice."""
    return f"select count(*) = count(distinct ({_key(rows.table)})) from ({rows.query})"


def newest_per_key(table: Table) -> str:
    """The clause that keeps, of each key, the row known latest; every tie has an order.

    >>> from churn_ml.tables import table
    >>> newest_per_key(table("products"))
    'qualify row_number() over (partition by "product_id", "occurred_at" order by ...) = 1'
    """
    order = ("known_at", "ingest_key", "lot", "lot_row")
    by = ", ".join(f"{n} desc" for n in order if n in table.names and n not in table.key)
    return f"qualify row_number() over (partition by {_key(table)} order by {by}) = 1"


def _absent(column: Column) -> str:
    """What `column` is where a file does not have it."""
    value = "null" if column.default is None else literal(column.default)
    return f"cast({value} as {_SQL[column.type]})"


def _defaulted(column: Column) -> str:
    name = _name(column.name)
    return f"coalesce({name}, {_absent(column)}) as {name}"


def _too_old(table: Table, column: Column) -> NotReady:
    return NotReady(
        f"the lake holds table {table.name} without its column {column.name}",
        where=f"warehouse, table {table.name}",
        got="files that an earlier version of churn_ml wrote",
        expected=f"{column.name} ({column.meaning}) in every row",
        next_step=f"write each of its days anew: churn-ml {table.owner} --as-of DAY --repin",
    )


def _key(table: Table) -> str:
    return ", ".join(_name(name) for name in table.key)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
