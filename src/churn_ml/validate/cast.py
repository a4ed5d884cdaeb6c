"""Raw rows to typed rows: text to numbers, money and times, or the row's number and the reason.

Enters: the raw table of `sources` (our column names, text or native types, `lot`, `lot_row`,
`drop_on`). Leaves: the same rows typed as `tables` says, with `occurred_at`, `known_at` and
`known_from`, and for each column the rows whose value cannot be read (rule
`TABLE.COLUMN.parse`). Nothing is guessed: a time is ISO 8601 (without a zone it is UTC, with one
it is converted), an amount has a decimal point and at most two decimals, `1.5` is no quantity.

`known_at`, in this order: the source's own column; the drop date; `occurred_at` plus `lag_days`;
the time the lot was first seen. Worked example: the order of 2017-09-30 17:05 that was dropped on
2017-10-01 leaves with `known_at` 2017-10-01 00:00 and `known_from` drop. A table without a time of
its own (products) is valid from when it was known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import compute

from churn_ml.errors import BadConfig, BadInput
from churn_ml.tables import Column, Table
from churn_ml.validate.reading import READS_AS, SQL_TYPES, from_text, given, literal, value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from churn_ml.config import Shop, SourceTable

Verdict = Literal["quarantined", "excluded"]


@dataclass(frozen=True)
class Rejection:
    """One rule with the rows (positions in the raw table, from 0) that broke it."""

    rule: str
    reason: str
    verdict: Verdict
    rows: NDArray[np.int64]


def cast(
    raw: pa.Table,
    table: Table,
    source: SourceTable,
    *,
    shop: Shop,
    seen: Mapping[str, datetime] | None = None,
) -> tuple[pa.Table, list[Rejection]]:
    """`raw` typed as `table` says, and the rows that cannot be read.

    Returns the readable rows, with `row` (position in `raw`, from 0) before the declared columns
    without `ingest_key`; and one `Rejection` per column with unreadable values. `seen` maps a lot
    id to when it was first seen (naive UTC): it dates lots that have no own column, no drop date
    and no `occurred_at`. Raises BadInput where such a lot is not in it, BadConfig where a constant
    does not fit its column.

    >>> import pyarrow as pa
    >>> from datetime import date
    >>> from churn_ml.config import Shop, SourceTable
    >>> from churn_ml.tables import table
    >>> shop = Shop(name="s", currency="EUR")
    >>> raw = pa.table({"product_id": ["7", "8"], "lot": ["a", "a"], "lot_row": [1, 2],
    ...                 "drop_on": [date(2017, 1, 2)] * 2})
    >>> typed, bad = cast(raw, table("products"), SourceTable(files=""), shop=shop)
    >>> typed["known_at"][0].as_py(), typed["known_from"][0].as_py(), bad
    (datetime.datetime(2017, 1, 2, 0, 0), 'drop', [])
    """
    dated = _with_seen(raw, source, seen or {})
    read = [c for c in _columns(table) if c.name in dated.column_names]
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("raw", dated.append_column("row", [np.arange(dated.num_rows)]))
        _check_constants(con, table, source)
        typed = con.sql(_statement(table, source, shop, dated.schema, read)).to_arrow_table()
    return _split(typed, table, read)


def _columns(table: Table) -> list[Column]:
    """What a source may bring: everything but the stamps, and `known_at` last."""
    return [*table.mapped, table.column("known_at")]


def _statement(
    table: Table, source: SourceTable, shop: Shop, schema: pa.Schema, read: list[Column]
) -> str:
    """One SELECT over the raw rows: values as `t_NAME` inside, flags and stamps outside."""
    values = [f"{value(c, table, source, schema)} as t_{c.name}" for c in read]
    names = {c.name for c in read}
    own = "t_known_at" if "known_at" in names else "null::timestamp"
    happened = "t_occurred_at" if "occurred_at" in names else "null::timestamp"
    zone = literal(shop.time_zone)
    # 00:00 of the shop's day, as UTC without a zone
    dropped = f"timezone('UTC', timezone({zone}, drop_on::timestamp))"
    known = f"coalesce({own}, {dropped}, {happened} + interval {source.lag_days} day, seen_at)"
    picked = [_picked(c, table, names, source, shop) for c in table.mapped]
    flags = [
        f"case when {given(c, schema)} and t_{c.name} is null then {1 << i} else 0 end"
        for i, c in enumerate(read)
    ]
    return f"""
        select *, timezone({zone}, timezone('UTC', occurred_at))::date as day
        from (select row, {", ".join(picked)},
            {known} as known_at,
            case when {own} is not null then 'column' when drop_on is not null then 'drop'
                 when {happened} is not null then 'lag' else 'seen' end as known_from,
            lot, lot_row, {" + ".join(flags) or "0"} as flags
        from (select {", ".join(["*", *values])} from raw))
    """.replace("$known", known)


def _picked(column: Column, table: Table, read: set[str], source: SourceTable, shop: Shop) -> str:
    """Where a declared column comes from: the file, a constant, a default, known_at or nowhere."""
    name = column.name
    if name in read:
        return f"t_{name} as {name}"
    if name in source.constants:
        return f"{from_text(column.type, literal(source.constants[name]))} as {name}"
    if name == "currency" and name not in table.key:
        return f"{literal(shop.currency)} as {name}"
    if column.default is not None:
        return f"{literal(column.default)} as {name}"
    if name == "occurred_at":
        return f"$known as {name}"
    return f"null::{SQL_TYPES[column.type]} as {name}"


def _check_constants(con: duckdb.DuckDBPyConnection, table: Table, source: SourceTable) -> None:
    for name, text in source.constants.items():
        column = table.column(name)
        found = con.execute(f"select {from_text(column.type, literal(text))}").fetchall()
        if found == [(None,)]:
            raise BadConfig(
                f"the constant for {table.name}.{name} cannot be read",
                where=f"[sources.{table.name}.constants] {name}",
                got=repr(text),
                expected=READS_AS[column.type],
                next_step="correct the constant",
            )


def _with_seen(raw: pa.Table, source: SourceTable, seen: Mapping[str, datetime]) -> pa.Table:
    """`raw` with `seen_at`, null where the lot's first sight is not known and not needed."""
    times = pa.array([*seen.values(), None], pa.timestamp("us"))
    places = compute.index_in(raw["lot"], pa.array(seen, pa.string()))
    seen_at = times.take(compute.fill_null(places, len(seen)).combine_chunks())
    undated = compute.and_(raw["drop_on"].is_null(), seen_at.is_null())
    dated = {"known_at", "occurred_at"} & set(raw.column_names)
    if not dated and compute.any(undated).as_py():
        raise BadInput(
            "nothing says when these rows were known",
            where=f"lot {raw.filter(undated)['lot'][0].as_py()}",
            got=f"files {source.files} without drop date, without a time of their own",
            expected="known_at or occurred_at mapped, or a path part drop=YYYY-MM-DD",
            next_step="put the file into a folder drop=YYYY-MM-DD",
        )
    return raw.append_column("seen_at", seen_at)


def _split(typed: pa.Table, table: Table, read: list[Column]) -> tuple[pa.Table, list[Rejection]]:
    """The readable rows, and the others by the column that could not be read."""
    flags = typed["flags"].to_numpy()
    rows = typed["row"].to_numpy()
    found = [(c, rows[(flags >> i) & 1 == 1]) for i, c in enumerate(read)]
    rejections = [
        Rejection(
            f"{table.name}.{c.name}.parse",
            f"{c.name} does not read as {READS_AS[c.type]}",
            "quarantined",
            bad,
        )
        for c, bad in found
        if len(bad)
    ]
    readable = typed.drop_columns(["flags"])
    return (readable.filter(flags == 0) if rejections else readable), rejections
