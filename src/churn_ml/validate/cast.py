"""Raw rows to typed rows: text to numbers, money and times, or the row's number and the reason.

Enters: the raw table of `sources` (our column names, text or native types, `lot`, `lot_row`,
`drop_on`). Leaves: the same rows typed as `tables` says, with `occurred_at`, `known_at` and
`known_from`, and for each column the rows whose value cannot be read (rule
`TABLE.COLUMN.parse`). How values read: see `reading` and `clock`.

`known_at`, in this order: the source's own column; the drop date; `occurred_at` plus `lag_days`;
the time the lot was first seen. A source's own column is believed up to a day after the lot was
there (`TABLE.known_at.not_future`): nobody knows of a row before it exists. By `lag_days` a lot is
known no earlier than its floor: a file that grew cannot say when each row came. Worked example: the
order of 2017-09-30 17:05 that was dropped on 2017-10-01 leaves with `known_at` 2017-10-01 00:00 and
`known_from` drop. A table without a time of its own (products) is valid from when it was known.

What no source says: an order without a number gets one made of customer and time, which
`numbering` makes one a row; a word of an optional column that nobody has met becomes `__other__`,
and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import compute

from churn_ml.clock import MACROS, literal, start_of_day
from churn_ml.errors import BadConfig, BadInput
from churn_ml.tables import Column, Table
from churn_ml.validate.reading import (
    SQL_TYPES,
    Form,
    form_of,
    from_text,
    given,
    reads_as,
    value,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from churn_ml.config import Shop, SourceTable

Verdict = Literal["quarantined", "excluded", "warned"]
OTHER = "__other__"
"""What stands for a word of an optional column that tables.py does not know."""


@dataclass(frozen=True)
class Rejection:
    """One rule with the rows (positions in the raw table, from 0) that broke it.

    Rows that are `warned` of stay: their rule is soft.
    """

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
    floors: Mapping[str, date] | None = None,
) -> tuple[pa.Table, list[Rejection]]:
    """`raw` typed as `table` says, and the rows that cannot be read.

    Returns the readable rows, with `row` (position in `raw`, from 0) before the declared columns
    without `ingest_key`; and one `Rejection` per column with unreadable values. `seen` maps a lot
    id to when it was first seen (naive UTC): it dates lots that have no own column, no drop date
    and no `occurred_at`. `floors` maps a lot id to the day before which it was not there. Raises
    BadInput where a lot without a date is not in `seen`, BadConfig where a constant does not fit
    its column.

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
    dated = _with_floor(_with_seen(raw, table, source, seen or {}), floors or {})
    form = form_of(source, shop)
    read = [c for c in _columns(table) if c.name in dated.column_names]
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC';" + MACROS)
        con.register("raw", dated.append_column("row", [np.arange(dated.num_rows)]))
        _check_constants(con, table, source, form)
        typed = con.sql(_statement(table, source, shop, dated.schema, read)).to_arrow_table()
    return _split(typed, table, read, form)


def _columns(table: Table) -> list[Column]:
    """What a source may bring: everything but the stamps, and `known_at` last."""
    return [*table.mapped, table.column("known_at")]


def _statement(
    table: Table, source: SourceTable, shop: Shop, schema: pa.Schema, read: list[Column]
) -> str:
    """One SELECT over the raw rows: values as `t_NAME` inside, flags and stamps outside."""
    form = form_of(source, shop)
    values = [f"{value(c, table, source, schema, form)} as t_{c.name}" for c in read]
    names = {c.name for c in read}
    own = "t_known_at" if "known_at" in names else "null::timestamp"
    happened = "t_occurred_at" if "occurred_at" in names else "null::timestamp"
    dropped = start_of_day("drop_on", shop.time_zone)
    floor = start_of_day("floor_on", shop.time_zone)
    lagged = f"greatest({happened} + interval {source.lag_days} day, {floor})"
    lagged = f"case when {happened} is not null then {lagged} end"
    known = f"coalesce({own}, {dropped}, {lagged}, seen_at)"
    picked = [_picked(c, table, names, source, shop) for c in table.mapped]
    flags = [
        f"case when {given(c, schema)} and t_{c.name} is null then {1 << i} else 0 end"
        for i, c in enumerate(read)
    ]
    there = f"coalesce({start_of_day('(drop_on + 1)', shop.time_zone)}, seen_at)"
    flags += [f"case when {own} > {there} + interval 1 day then {1 << len(read)} else 0 end"]
    return f"""
        select *, timezone({literal(shop.time_zone)}, timezone('UTC', occurred_at))::date as day
        from (select row, {", ".join(picked)},
            {known} as known_at,
            case when {own} is not null then 'column' when drop_on is not null then 'drop'
                 when {happened} is not null then 'lag' else 'seen' end as known_from,
            lot, lot_row, {" + ".join(flags)} as flags
        from (select {", ".join(["*", *values])} from raw))
    """.replace("$known", known)


def _picked(column: Column, table: Table, read: set[str], source: SourceTable, shop: Shop) -> str:
    """Where a declared column comes from: the file, a constant, a default, known_at or nowhere."""
    name = column.name
    told = f"null::{SQL_TYPES[column.type]}"
    if name in read:
        told = _bucketed(column)
    elif name in source.constants:
        told = from_text(column.type, literal(source.constants[name]), form_of(source, shop))
    elif name == "currency" and name not in table.key:
        told = literal(shop.currency)
    elif column.default is not None:
        told = literal(column.default)
    elif name == "occurred_at":
        told = "$known"
    elif name == "order_id" and column.required and {"customer_id", "occurred_at"} <= read:
        told = f"left(sha256({_WHO_AND_WHEN}), 24)"
    return f"{told} as {name}"


_WHO_AND_WHEN = "coalesce(t_customer_id, '') || '@' || coalesce(t_occurred_at::varchar, '')"
"""What makes an order without a number one: hashed, for a number is no customer id."""


def _bucketed(column: Column) -> str:
    """SQL for a value that was read; an unknown word of an optional column is `__other__`."""
    value_ = f"t_{column.name}"
    if column.required or not column.words:
        return value_
    words = ", ".join(literal(word) for word in column.words)
    known = f"{value_} is null or {value_} in ({words})"
    return f"case when {known} then {value_} else {literal(OTHER)} end"


def _check_constants(
    con: duckdb.DuckDBPyConnection, table: Table, source: SourceTable, form: Form
) -> None:
    for name, text in source.constants.items():
        column = table.column(name)
        found = con.execute(f"select {from_text(column.type, literal(text), form)}").fetchall()
        if found == [(None,)]:
            raise BadConfig(
                f"the constant for {table.name}.{name} cannot be read",
                where=f"[sources.{table.name}.constants] {name}",
                got=repr(text),
                expected=reads_as(column, form),
                next_step="correct the constant; then: churn-ml config check",
            )


def _with_seen(
    raw: pa.Table, table: Table, source: SourceTable, seen: Mapping[str, datetime]
) -> pa.Table:
    """`raw` with `seen_at`, null where the lot's first sight is not known and not needed."""
    times = pa.array([*seen.values(), None], pa.timestamp("us"))
    places = compute.index_in(raw["lot"], pa.array(seen, pa.string()))
    seen_at = times.take(compute.fill_null(places, len(seen)).combine_chunks())
    undated = compute.and_(raw["drop_on"].is_null(), seen_at.is_null())
    dated = {"known_at", "occurred_at"} & set(raw.column_names)
    if not dated and compute.any(undated).as_py():
        raise BadInput(
            "nothing says when these rows were known",
            where=f"table {table.name}, lot {raw.filter(undated)['lot'][0].as_py()}",
            got=f"files {source.files} without drop date, without a time of their own",
            expected="known_at or occurred_at mapped, or a path part drop=YYYY-MM-DD",
            next_step="put the file into a folder drop=YYYY-MM-DD; then: churn-ml check",
        )
    return raw.append_column("seen_at", seen_at)


def _with_floor(raw: pa.Table, floors: Mapping[str, date]) -> pa.Table:
    """`raw` with `floor_on`, before which its lot was not there; null where none is told."""
    days = pa.array([*floors.values(), None], pa.date32())
    places = compute.index_in(raw["lot"], pa.array(floors, pa.string()))
    return raw.append_column(
        "floor_on", days.take(compute.fill_null(places, len(floors)).combine_chunks())
    )


def _split(
    typed: pa.Table, table: Table, read: list[Column], form: Form
) -> tuple[pa.Table, list[Rejection]]:
    """The readable rows, and the others by the column that could not be read or believed."""
    flags = typed["flags"].to_numpy()
    rows = typed["row"].to_numpy()
    told = [(f"{c.name}.parse", f"{c.name} does not read as {reads_as(c, form)}") for c in read]
    told += [("known_at.not_future", "known_at lies more than a day after the file was there")]
    rejections = [
        Rejection(f"{table.name}.{rule}", reason, "quarantined", rows[(flags >> i) & 1 == 1])
        for i, (rule, reason) in enumerate(told)
    ]
    readable = typed.drop_columns(["flags"])
    bad = [r for r in rejections if len(r.rows)]
    return (readable.filter(flags == 0) if bad else readable), bad
