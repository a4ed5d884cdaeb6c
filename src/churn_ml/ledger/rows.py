"""Writing many rows, or a row that may be there already: the same on SQLite and PostgreSQL.

Worked example: 100,000 plan rows of 2017-10-01 are inserted in one call; the token row of (score,
2017-10-01) is inserted unless it is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Select, Table

_CHUNK = 5000


def chunks(values: Sequence[str]) -> Iterator[list[str]]:
    """The values in parts that are small enough for any database's limit on bound values.

    >>> [len(part) for part in chunks(["h1"] * 12_000)]
    [5000, 5000, 2000]
    """
    for start in range(0, len(values), _CHUNK):
        yield list(values[start : start + _CHUNK])


def insert_columns(
    connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]
) -> None:
    """Insert many rows that are given as `columns` of one length, by name.

    On SQLite the driver gets them directly: SQLAlchemy's own work per row takes twice as long as
    the database's. Drivers of PostgreSQL batch through SQLAlchemy and only through it; it turns all
    rows that it is given before it sends the first, so that it is given some at a time: nothing
    stands still for long within a transaction.
    """
    names = list(columns)
    if connection.dialect.name != "sqlite":
        rows = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
        while some := list(islice(rows, _CHUNK)):
            connection.execute(table.insert(), some)
        return
    names = [column.name for column in table.columns if column.name in columns]
    statement = str(table.insert().compile(dialect=connection.dialect, column_keys=names))
    told = [_bound(connection, table.c[name], columns[name]) for name in names]
    connection.exec_driver_sql(statement, list(zip(*told, strict=True)))


def _bound(connection: Connection, column: Column[Any], values: Sequence[Any]) -> Sequence[Any]:
    """The values as the driver binds them; what repeats is turned once."""
    process = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return values if process is None else list(map(cache(process), values))


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    update: Iterable[str],
) -> int:
    """Insert `rows`; where the primary key exists, overwrite the columns `update`.

    Without columns to update an existing row stays as it was.

    Returns: how many rows were inserted or overwritten, for a single row.
    """
    if not rows:
        return 0
    statement = _on_conflict(_insert(connection, table), table, update)
    return connection.execute(statement, list(rows)).rowcount


def upsert_from(
    connection: Connection,
    table: Table,
    rows: Select[Any],
    update: Iterable[str],
) -> int:
    """Insert what `rows` selects, by the names of its columns; see `upsert`.

    Returns: how many rows were inserted or overwritten.
    """
    statement = _insert(connection, table).from_select(rows.selected_columns.keys(), rows)
    return connection.execute(_on_conflict(statement, table, update)).rowcount


def _insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT; SQLite and PostgreSQL spell it alike."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def _on_conflict(statement: Any, table: Table, update: Iterable[str]) -> Any:
    key = [column.name for column in table.primary_key]
    overwritten = {name: statement.excluded[name] for name in update}
    if not overwritten:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(index_elements=key, set_=overwritten)
