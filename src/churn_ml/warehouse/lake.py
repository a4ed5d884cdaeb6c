"""Warehouse: handle, replace, read. See the package for what it promises.

Reads are views on Parquet files, so nothing is loaded until an expression is executed. One
Warehouse owns one in-memory DuckDB with UTC as its time zone; it is not for use by two threads at
once, but DuckDB itself uses `threads`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml.tables import Table
from churn_ml.tables import table as table_named
from churn_ml.timeline import instant
from churn_ml.warehouse import sql
from churn_ml.warehouse.commits import Commits
from churn_ml.warehouse.conform import Conformed, InMemory, Rows, sorting
from churn_ml.warehouse.content import sort
from churn_ml.warehouse.handle import Handle, Written, commit, open_handle
from churn_ml.warehouse.place import checked, folder
from churn_ml.warehouse.spill import opened, scratch
from churn_ml.warehouse.sql import Scan

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

Versions = Mapping[str, Mapping[str, int]]
"""table -> partition "YYYY-MM-DD" -> version of the table that wrote the partition."""


class Warehouse:
    """The lake below one URI: a folder, or a prefix on an object store."""

    def __init__(
        self,
        uri: str,
        *,
        zone: str = "UTC",
        threads: int | None = None,
        memory_limit: str | None = None,
    ) -> None:
        """Nothing is opened or created yet.

        `zone` is the shop's time zone, in which an as_of begins. `threads` bounds DuckDB's
        threads, `memory_limit` its memory ("2GB"); both default to what DuckDB takes by itself.
        Raises BadConfig for a folder that Delta cannot store.
        """
        self.uri = checked(uri)
        self._zone = zone
        self._settings = {"threads": threads, "memory_limit": memory_limit}
        self._commits: dict[str, Commits] = {}
        self._unique: dict[str, bool] = {}

    @cached_property
    def connection(self) -> ibis.backends.duckdb.Backend:
        """The DuckDB that every table read from here lives on."""
        return opened(folder(self.uri), self._settings)

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for what an attempt must put aside, gone with it; see spill.py.

        >>> import tempfile
        >>> with Warehouse(tempfile.mkdtemp()).scratch() as folder:
        ...     folder.is_dir()
        True
        """
        return scratch(folder(self.uri))

    def handle(self, table: str, *, token: int | None = None) -> Handle:
        """An attempt's right to write `table`, opened now; see handle.py for the fence.

        `token` is the number of the attempt's token in the ledger. The table is created where
        the lake does not hold it yet.

        Raises: BadInput for a table the house does not know.

        >>> import tempfile
        >>> Warehouse(tempfile.mkdtemp()).handle("scores").table.partition
        'as_of'
        """
        shape = table_named(table)
        return open_handle(self._uri(table), shape, token)

    def replace(self, handle: Handle, partition: date, rows: pa.Table | Rows) -> Written:
        """Make `rows` the whole content of `partition`, in one commit.

        `rows` follow the table's schema: a table in any order, or a stream in the order of the key,
        of which only a batch at a time is held. The partition column may be left out. No rows are a
        partition without rows. Nothing is visible to a reader before the
        ledger publishes the version that is returned.

        Returns: what was written, with its version and content hash.
        Raises: BrokenPromise where the rows do not fit the table, StaleAttempt where another
        attempt wrote the partition since the handle was opened.

        >>> import pyarrow as pa, tempfile
        >>> warehouse = Warehouse(tempfile.mkdtemp())
        >>> rows = pa.table({"customer_id": ["h1"], "orders_30d": [2.0]})
        >>> written = warehouse.replace(warehouse.handle("features"), date(2017, 10, 1), rows)
        >>> written.version, written.rows
        (1, 1)
        """
        import pyarrow as pa

        shape = handle.table
        stream = InMemory(rows, sorting(shape)) if isinstance(rows, pa.Table) else rows
        fitted = Conformed(stream, shape, partition)
        version = commit(handle, partition, fitted)
        count = fitted.digest.rows
        return Written(shape.name, partition, version, count, fitted.content_hash)

    def read(
        self,
        table: str,
        versions: Mapping[str, int],
        *,
        as_of: date | None = None,
        updates: bool = False,
    ) -> ibis.Table:
        """The rows of the named partitions of `table`, each at its published version.

        `versions` maps "YYYY-MM-DD" to a version; none gives a table without rows. With
        `as_of` only rows with occurred_at < as_of and known_at <= as_of (00:00 of the shop) remain:
        this is the one place where the world is cut; what a row tells of later (an arrival, a
        cancellation) is not there yet. A canonical table has one row per key, the
        one known latest; what is known by `as_of` decides, not what came later. With `updates` it
        has every row that was told of a key, too.

        Returns: an expression on DuckDB; the declared columns first, the partition column too.
        Raises: NotReady where the lake does not hold a version, BadInput where `as_of` is given
        for a derived table.

        >>> import tempfile
        >>> warehouse = Warehouse(tempfile.mkdtemp())
        >>> warehouse.read("orders", {}, as_of=date(2017, 10, 1)).count().to_pyarrow().as_py()
        0
        """
        shape = table_named(table)
        whole = rows = self._scan(shape, versions)
        if as_of is not None:
            rows = rows.having(f"where {sql.cut_at(shape, instant(as_of, self._zone))}")
        if shape.layer == "canonical" and not updates and not self._is_unique(whole):
            rows = rows.having(sql.newest_per_key(shape))
        if as_of is not None:
            rows = sql.as_known(rows, instant(as_of, self._zone))
        return self._view(rows)

    def is_told_once(self, table: str, versions: Mapping[str, int]) -> bool:
        """Whether no key of `table` occurs twice in the named partitions, whenever it was known.

        >>> import tempfile
        >>> Warehouse(tempfile.mkdtemp()).is_told_once("orders", {})
        True
        """
        return self._is_unique(self._scan(table_named(table), versions))

    def read_partition(
        self, table: str, partition: date, version: int, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """One partition at one version, every row as it was written, sorted by key.

        `columns`: those that are read, the key among them; every one where None.
        Raises: NotReady where the lake does not hold it.

        >>> import pyarrow as pa, tempfile
        >>> warehouse = Warehouse(tempfile.mkdtemp())
        >>> rows = pa.table({"customer_id": ["h1"], "orders_30d": [2.0]})
        >>> written = warehouse.replace(warehouse.handle("features"), date(2017, 10, 1), rows)
        >>> warehouse.read_partition("features", date(2017, 10, 1), 1)["orders_30d"].to_pylist()
        [2.0]
        """
        import pyarrow as pa

        shape = table_named(table)
        found = self._scan(shape, {partition.isoformat(): version})
        view = self._view(found) if columns is None else self._view(found).select(*columns)
        declared = shape.schema()
        types = [declared.field(n) if n in shape.names else (n, pa.float64()) for n in view.columns]
        return sort(view.to_pyarrow().cast(pa.schema(types)), sorting(shape))

    def _uri(self, table: str) -> str:
        return f"{self.uri}/{table}"

    def _scan(self, table: Table, versions: Mapping[str, int]) -> Scan:
        """Every row of the named partitions of `table`."""
        if not versions:
            return sql.no_rows(table)
        newest = max(versions.values())
        commits = self._commits_upto(table, newest)
        files = commits.files(versions)
        if not files:
            # An empty partition has no file to ask for its features; its version has.
            return sql.no_rows(table, _further(table, commits.columns(newest)))
        # Features come and go between versions of an open table, a declared column came once.
        later = [name for name in table.names if name not in commits.first_columns]
        if not later and not table.open:
            return sql.scan(table, sql.parquet(table, files, union=False), table.names)
        source = sql.parquet(table, files, union=True)
        held = [row[0] for row in self._rows(f"describe select * from {source}")]
        if later:
            source = sql.completed(table, source, held, later)
        return sql.scan(table, source, [*table.names, *_further(table, held)])

    def _commits_upto(self, table: Table, version: int) -> Commits:
        """What is known of the table's commits, looked up again where `version` is newer."""
        known = self._commits.get(table.name)
        if known is None or known.version < version:
            known = self._commits[table.name] = Commits(self._uri(table.name), table)
        return known

    def _is_unique(self, rows: Scan) -> bool:
        """True where no key occurs twice, so that the newest row per key need not be sought."""
        if rows.query not in self._unique:
            self._unique[rows.query] = bool(self._rows(sql.is_unique(rows))[0][0])
        return self._unique[rows.query]

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return list(self.connection.raw_sql(query).fetchall())

    def _view(self, rows: Scan) -> ibis.Table:
        """A view named by what it says, so that the same read twice is one view."""
        import ibis
        from ibis.expr import operations

        # the table of a further contract has an @ in its name
        base = rows.table.name.partition("@")[0]
        name = f"{base}_{hashlib.sha256(rows.query.encode()).hexdigest()[:16]}"
        self.connection.raw_sql(f"create or replace temp view {name} as {rows.query}")
        # `connection.table(name)` would ask DuckDB for the schema by a call it has deprecated.
        view = operations.DatabaseTable(
            name=name,
            schema=ibis.schema(rows.types()),
            source=self.connection,
            namespace=operations.Namespace(),
        )
        return view.to_expr()


def _further(table: Table, names: Sequence[str]) -> list[str]:
    """The columns of an open table that it does not declare."""
    return [name for name in names if name not in table.names] if table.open else []
