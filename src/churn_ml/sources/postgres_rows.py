"""Rows of a PostgreSQL database, in the order of their cursor, piece by piece.

Enters: an open connection, a table or one SELECT, and the cursor: the column by which rows are new.
Leaves: Arrow tables of at most 10,000 rows. Values leave as PostgreSQL itself writes them, in UTC
and ISO 8601: numerics and times as text, exact to the last digit; whole numbers, floats and bools
as what they are. Names are quoted and must be columns of what is read; values are bound. The
session can only read.

Worked example: on 2017-10-01 `orders` is read by `created_at`, a timestamptz. The rows before
2017-10-01 00:00 of the shop leave, with `_known_at`: what was created at 17:05 was known from then
on; what turned up after the drop of 2017-09-30 although it is older was not known before this drop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from churn_ml.errors import BadInput
from churn_ml.sources.chunks import CURSOR
from churn_ml.sources.session import told
from churn_ml.timeline import instant

if TYPE_CHECKING:
    from psycopg2.extensions import connection

KNOWN_AT = "_known_at"
"""The landed column that says when a row became known, by its cursor."""
PIECE_ROWS = 10_000
_TYPES = {
    16: "bool",
    20: "int64",
    21: "int64",
    23: "int64",
    25: "text",
    700: "float64",
    701: "float64",
    1042: "text",
    1043: "text",
    1082: "date",
    1114: "timestamp",
    1184: "timestamptz",
    1700: "numeric",
    2950: "uuid",
}
"""PostgreSQL's number of a type -> what it is called here. Enums and citext are text, too."""
_ARROW = {"bool": pa.bool_(), "int64": pa.int64(), "float64": pa.float64()}
_TIMES = ("timestamptz", "timestamp", "date")
_READABLE = "text, a number, bool, date, time or uuid; of json the query takes the parts it needs"


@dataclass(frozen=True)
class Read:
    """What is read of a database for `[sources.NAME]`, and by which cursor."""

    name: str
    relation: str
    """A quoted table, or a SELECT in brackets; % is doubled in it."""
    columns: tuple[str, ...]
    cursor: str
    zone: str
    """The zone of times that have none."""
    overlap: int = 0


@dataclass(frozen=True)
class Span:
    """The rows of one drop: after `after` (None: from the first), before the as_of in the shop."""

    after: str | None
    as_of: date
    before: date | None
    shop_zone: str
    resumed: bool = False
    """True where `after` is where this very drop was cut off: nothing overlaps there."""


def quoted(*names: str) -> str:
    """A name for a statement: whatever it holds, it stays a name.

    >>> quoted("public", 'or"ders')
    '"public"."or""ders"'
    """
    doubled = [name.replace('"', '""').replace("%", "%%") for name in names]
    return ".".join(f'"{name}"' for name in doubled)


def _input(column: str) -> str:
    """A column of what is read: by its bare name ORDER BY would take the text that leaves."""
    return f"r.{quoted(column)}"


def types_of(open_: connection, read: Read) -> dict[str, str]:
    """The type of every column of `read`, the cursor's too; sorted by name.

    Raises BadInput for a column that is not there or of a type that no table of ours can hold.
    """
    with told(f"[sources.{read.name}]"), open_.cursor() as cursor:
        cursor.execute(f"select * from {read.relation} as r limit 0", ())
        found = [(column.name, column.type_code) for column in cursor.description or ()]
        named = _named(cursor, [oid for _, oid in found if oid not in _TYPES])
    kinds: dict[str, str] = {}
    for column in sorted({*read.columns, read.cursor}):
        oids = [oid for name, oid in found if name == column]
        if len(oids) != 1:
            fault = "is there more than once" if oids else "is not there"
            got = ", ".join(name for name, _ in found)[:300]
            raise _refused(read, column, fault, got, "one column of that name")
        kinds[column] = _TYPES.get(oids[0]) or named[oids[0]]
        if kinds[column] not in _TYPES.values():
            got = f"type {kinds[column]}"
            raise _refused(read, column, "holds more than one value", got, _READABLE)
    if kinds[read.cursor] not in ("int64", *_TIMES):
        got = kinds[read.cursor]
        raise _refused(read, read.cursor, "is no cursor", got, "a whole number or a time")
    return kinds


def pieces(
    open_: connection, read: Read, kinds: dict[str, str], span: Span, *, most: int | None = None
) -> Iterator[pa.Table]:
    """The rows of `span`, sorted by the cursor, each piece with `_cursor` as text.

    `most`: only that many, the first. Raises BadInput where a row has no cursor: it would never be
    read, and nobody would know; the first rows alone are read without that look at all of them.
    """
    if most is None:
        _check_nulls(open_, read)
    where, bound = _bounds(read, kinds[read.cursor], span)
    known, stamps = _known(read, kinds[read.cursor], span)
    by = _input(read.cursor)
    texts = [f"{name}::text" for name in (*map(_input, kinds), by, *known)]
    query = f"select {', '.join(texts)} from {read.relation} as r {where} order by {by}"
    query += "" if most is None else f" limit {int(most)}"
    names = [*kinds, CURSOR, *([KNOWN_AT] if known else [])]
    schema = pa.schema([(name, _ARROW.get(kinds.get(name, ""), pa.string())) for name in names])
    with told(f"[sources.{read.name}]"), open_.cursor(name="churn_ml") as cursor:
        cursor.execute(query, (*stamps, *bound))
        while rows := cursor.fetchmany(PIECE_ROWS):
            yield _arrow(rows, schema)


def about(open_: connection, read: Read, kinds: dict[str, str], span: Span) -> int:
    """How many rows `span` has: counted, or as the planner expects where that takes too long."""
    import psycopg2

    where, bound = _bounds(read, kinds[read.cursor], span)
    rows = f"from {read.relation} as r {where}"
    with told(f"[sources.{read.name}]"), open_.cursor() as cursor:
        cursor.execute(f"explain (format json) select {rows}", bound)
        (((plan,),),) = cursor.fetchall()
        try:
            cursor.execute(f"select count(*) {rows}", bound)
        except psycopg2.errors.QueryCanceled:
            return int(plan["Plan"]["Plan Rows"])
        ((counted,),) = cursor.fetchall()
    return int(counted)


def _arrow(rows: Sequence[Sequence[str | None]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
    typed = [column.cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(typed, schema=schema)


def _bounds(read: Read, kind: str, span: Span) -> tuple[str, list[object]]:
    """The WHERE of `span`, and the values it binds."""
    parts: list[str] = []
    bound: list[object] = []
    cursor, whole = _input(read.cursor), kind == "int64"
    type_ = "bigint" if whole else kind
    if span.after is not None:
        parts.append(f"{cursor} > %s::{type_}")
        bound.append(span.after)
        if read.overlap and not span.resumed:
            parts[0] += " - %s" if whole else " - %s * interval '1 minute'"
            bound.append(read.overlap)
    if not whole:
        parts.append(f"{cursor} < %s::{type_}")
        bound.append(_end(kind, span, read.zone))
    return (f"where {' and '.join(parts)}" if parts else ""), bound


def _end(kind: str, span: Span, zone: str) -> str:
    """00:00 of the as_of in the shop, as the cursor's type says it."""
    end = instant(span.as_of, span.shop_zone).replace(tzinfo=UTC)
    if kind == "timestamptz":
        return end.isoformat()
    local = end.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return local.isoformat() if kind == "timestamp" else local.date().isoformat()


def _known(read: Read, kind: str, span: Span) -> tuple[list[str], list[str]]:
    """SQL for when a row became known, and the values it binds; none for a whole number.

    A day is known when it is over. A row older than the drop before was not known to that drop.
    """
    by, zone = _input(read.cursor), [read.zone]
    forms: dict[str, tuple[str, list[str]]] = {
        "timestamptz": (by, []),
        "timestamp": (f"timezone(%s, {by})", zone),
        "date": (f"timezone(%s, ({by} + 1)::timestamp)", zone),
    }
    if kind not in forms:
        return [], []
    at, bound = forms[kind]
    before = _utc(span.before, span.shop_zone) if span.before else "-infinity"
    late = f"(case when {at} < %s::timestamptz then %s::timestamptz else {at} end)"
    return [late], [*bound, before, _utc(span.as_of, span.shop_zone), *bound]


def _utc(day: date, zone: str) -> str:
    return f"{instant(day, zone).isoformat()}+00"


def _check_nulls(open_: connection, read: Read) -> None:
    by = _input(read.cursor)
    with told(f"[sources.{read.name}]"), open_.cursor() as cursor:
        cursor.execute(f"select exists (select from {read.relation} as r where {by} is null)", ())
        found = cursor.fetchone()
    if found and found[0]:
        fault = "is empty in some rows: they would never be read"
        raise _refused(read, read.cursor, fault, "null", "a value in every row")


def _named(cursor: Any, oids: list[int]) -> dict[int, str]:
    """The names of types that are not on the list; an enum or citext is text."""
    cursor.execute("select oid, typname, typtype from pg_type where oid = any(%s::oid[])", (oids,))
    return {
        oid: "text" if kind == "e" or name == "citext" else str(name) for oid, name, kind in cursor
    }


def _refused(read: Read, column: str, fault: str, got: str, expected: str) -> BadInput:
    return BadInput(
        f"column {column!r} of the database {fault}",
        where=f"table {read.name}, [sources.{read.name}]",
        got=got,
        expected=expected,
        next_step=f"correct [sources.{read.name}], or let its query select what can be read",
    )
