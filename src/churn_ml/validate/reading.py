"""How a stored value becomes a typed one: one SQL expression per type.

Enters: a column of tables.py, the Arrow type a file stored it with, and how its text reads (zone,
decimal mark, form of dates). Leaves: DuckDB SQL that is the typed value, or null where the value is
empty or cannot be read; the caller tells the two apart by `given`. Nothing is guessed.

Worked example: `2017-09-30T19:05:00+02:00` reads as 2017-09-30 17:05 UTC, and so does
`2017-09-30 19:05` of a source in Europe/Berlin; `30.09.2017` reads only where `dates` says so.
`12.50` is an amount, `1,234.50` too; `12,50` only where the decimal mark is a comma; `1.234` is
none, for money has two decimals. `1.5` is no whole number, `2.0` is one. A text with a NUL does not
read: no PostgreSQL holds one. See clock.py for zones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import types

from churn_ml import clock, figures
from churn_ml.clock import literal
from churn_ml.tables import Column, Table, Type

if TYPE_CHECKING:
    from churn_ml.config import Shop, SourceTable

READS_AS: dict[Type, str] = {
    "timestamp": "a time in ISO 8601, such as 2017-09-30 17:05:00",
    "decimal(18,2)": "an amount with a decimal point and at most two decimals",
    "decimal(18,8)": "a rate with a decimal point and at most eight decimals",
    "int64": "a whole number",
    "float64": "a finite number",
    "bool": "true or false",
    "date": "a date, YYYY-MM-DD",
    "string": "text without a NUL character",
}
"""What a value of each type must look like, in words."""

SQL_TYPES: dict[Type, str] = {
    "timestamp": "timestamp",
    "decimal(18,2)": "decimal(18,2)",
    "decimal(18,8)": "decimal(18,8)",
    "int64": "bigint",
    "float64": "double",
    "bool": "boolean",
    "date": "date",
    "string": "varchar",
}


@dataclass(frozen=True)
class Form:
    """How a source writes: the zone of its naive times, their form, its decimal mark."""

    zone: str = "UTC"
    dates: str | None = None
    decimal: str = "."


def form_of(source: SourceTable, shop: Shop) -> Form:
    """How `source` writes; its times are the shop's, unless it says otherwise.

    >>> from churn_ml.config import Shop, SourceTable
    >>> form_of(SourceTable(decimal=","), Shop(name="s", currency="EUR", time_zone="Asia/Shanghai"))
    Form(zone='Asia/Shanghai', dates=None, decimal=',')
    """
    return Form(source.time_zone or shop.time_zone, source.dates, source.decimal)


def reads_as(column: Column, form: Form) -> str:
    """What a value of `column` must look like, in words.

    >>> from churn_ml.tables import table
    >>> reads_as(table("orders").column("occurred_at"), Form("Europe/Berlin", "%d.%m.%Y"))
    'a time written as %d.%m.%Y (%y where years have two digits), which exists in Europe/Berlin'
    """
    words = READS_AS[column.type]
    if column.type == "timestamp":
        two_digits = " (%y where years have two digits)" if "%Y" in (form.dates or "") else ""
        words = f"a time written as {form.dates}{two_digits}" if form.dates else words
        return words if form.zone == "UTC" else f"{words}, which exists in {form.zone}"
    return words.replace("point", "comma") if form.decimal == "," else words


def value(column: Column, table: Table, source: SourceTable, schema: pa.Schema, form: Form) -> str:
    """SQL for the typed value of a raw column; null where it is empty or cannot be read.

    `schema` says how the files stored it. Keys and customer ids lose surrounding blanks and take
    Unicode's form NFC, so that one reference is one text; other text stays as it is.

    >>> from churn_ml.config import SourceTable
    >>> from churn_ml.tables import table
    >>> orders, source = table("orders"), SourceTable(files="", columns={})
    >>> schema = pa.schema([("channel", pa.string())])
    >>> value(orders.column("channel"), orders, source, schema, Form())
    'case when not contains(nullif("channel", \\'\\'), chr(0)) then nullif("channel", \\'\\') end'
    """
    name, stored = f'"{column.name}"', schema.field(column.name).type
    if types.is_string(stored):
        text = _translated(_text(column, table), source.values.get(column.name, {}))
        return from_text(column.type, text, form)
    if column.type == "timestamp":
        return clock.from_native(name, stored, form.zone)
    fits = ["true"]
    if types.is_floating(stored):
        fits.append(f"isfinite({name})")
    if column.type == "int64" and not types.is_integer(stored):
        fits.append(f"{name} = trunc({name})")
    # what is computed is rounded; a float32 holds no cents of large amounts
    exact = types.is_decimal(stored) or types.is_float64(stored)
    if column.type == "decimal(18,2)" and exact and column.name not in source.expressions:
        fits.append(_whole_cents(f"try_cast({name} as decimal(38,12))"))
    return f"try_cast(case when {' and '.join(fits)} then {name} end as {SQL_TYPES[column.type]})"


def _text(column: Column, table: Table) -> str:
    """SQL for the text to read: without blanks where it is not free text, null where empty."""
    name = f'"{column.name}"'
    if column.type != "string":
        return f"nullif(trim({name}), '')"
    if column.name in table.key or column.name == "customer_id":
        return f"nfc_normalize(nullif(trim({name}), ''))"
    return f"nullif({name}, '')"


def from_text(type_: Type, text: str, form: Form) -> str:
    """SQL that reads `text` (an SQL expression) as `type_`; null where it does not read.

    >>> import duckdb
    >>> comma = Form(decimal=",")
    >>> duckdb.sql(f"select {from_text('decimal(18,2)', literal('1.234,50'), comma)}").fetchall()
    [(Decimal('1234.50'),)]
    >>> duckdb.sql(f"select {from_text('decimal(18,2)', literal('12,50'), Form())}").fetchall()
    [(None,)]
    """
    if type_ == "timestamp":
        return clock.from_text(text, form.zone, form.dates)
    exact = f"try_cast({figures.plain(text, form.decimal)}"
    number = f"{exact} as decimal(38,12))"
    match type_:
        case "decimal(18,2)":
            return f"case when {_whole_cents(number)} then try_cast({number} as decimal(18,2)) end"
        case "int64":
            return f"case when {number} = trunc({number}) then try_cast({number} as bigint) end"
        case "float64" | "decimal(18,8)":
            return f"{exact} as {SQL_TYPES[type_]})"
        case "string":
            return f"case when not contains({text}, chr(0)) then {text} end"
        case _:
            return f"try_cast({text} as {SQL_TYPES[type_]})"


def _whole_cents(number: str) -> str:
    """SQL that is true of an amount; a rest of a cent below .0001 is float noise, and none above.

    A larger rest is another notation, or money that would be rounded in silence.
    """
    return f"abs({number} - round({number}, 2)) < 0.0001"


def _translated(text: str, values: Mapping[str, str]) -> str:
    """SQL that replaces their values by ours; others stay, for the suite to judge."""
    if not values:
        return text
    cases = " ".join(f"when {literal(a)} then {literal(b)}" for a, b in sorted(values.items()))
    return f"case {text} {cases} else {text} end"


def given(column: Column, schema: pa.Schema) -> str:
    """SQL that is true where the file holds a value at all: not null, not blank.

    >>> from churn_ml.tables import table
    >>> given(table("orders").column("net_amount"), pa.schema([("net_amount", pa.float64())]))
    '"net_amount" is not null'
    """
    name = f'"{column.name}"'
    is_text = types.is_string(schema.field(column.name).type)
    return f"{name} is not null" + (f" and trim({name}) <> ''" if is_text else "")
