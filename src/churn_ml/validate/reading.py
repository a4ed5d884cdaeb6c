"""How a stored value becomes a typed one: one SQL expression per type.

Enters: a column of `tables` and the Arrow type a file stored it with. Leaves: DuckDB SQL that is
the typed value, or null where the value is empty or cannot be read; the caller tells the two apart
by `given`. Nothing is guessed. Worked example: `2017-09-30T19:05:00+02:00` reads as 2017-09-30
17:05 UTC, `2017-09-30 17:05` as the same, `30.09.2017` does not read; `12.50` is an amount, `12,50`
and `1.234` are not; `1.5` is no whole number, `2.0` is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import types

from churn_ml.tables import Column, Table, Type

if TYPE_CHECKING:
    from churn_ml.config import SourceTable

READS_AS: dict[Type, str] = {
    "timestamp": "a time in ISO 8601, such as 2017-09-30 17:05:00",
    "decimal(18,2)": "an amount with a decimal point and at most two decimals",
    "decimal(18,8)": "a rate with a decimal point and at most eight decimals",
    "int64": "a whole number",
    "float64": "a finite number",
    "bool": "true or false",
    "date": "a date, YYYY-MM-DD",
    "string": "text",
}
"""What a value of each type must look like, in words."""

_ISO = r"^\d{4}-\d{1,2}-\d{1,2}([ T].*)?$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
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


def value(column: Column, table: Table, source: SourceTable, schema: pa.Schema) -> str:
    """SQL for the typed value of a raw column; null where it is empty or cannot be read.

    `schema` says how the files stored it. Keys and customer ids lose surrounding blanks and take
    Unicode's form NFC, so that one reference is one text; other text stays as it is.

    >>> from churn_ml.config import SourceTable
    >>> from churn_ml.tables import table
    >>> orders, source = table("orders"), SourceTable(files="", columns={})
    >>> value(orders.column("channel"), orders, source, pa.schema([("channel", pa.string())]))
    'nullif("channel", \\'\\')'
    """
    name, stored = f'"{column.name}"', schema.field(column.name).type
    if types.is_string(stored):
        text = _text(column, table)
        return from_text(column.type, _translated(text, source.values.get(column.name, {})))
    if types.is_timestamp(stored) and stored.tz is not None:
        return f"({name} at time zone 'UTC')"
    fits = ["true"]
    if types.is_floating(stored):
        fits.append(f"isfinite({name})")
    if column.type == "int64" and not types.is_integer(stored):
        fits.append(f"{name} = trunc({name})")
    return f"try_cast(case when {' and '.join(fits)} then {name} end as {SQL_TYPES[column.type]})"


def _text(column: Column, table: Table) -> str:
    """SQL for the text to read: without blanks where it is not free text, null where empty."""
    name = f'"{column.name}"'
    if column.type != "string":
        return f"nullif(trim({name}), '')"
    if column.name in table.key or column.name == "customer_id":
        return f"nfc_normalize(nullif(trim({name}), ''))"
    return f"nullif({name}, '')"


def from_text(type_: Type, text: str) -> str:
    """SQL that reads `text` (an SQL expression) as `type_`; null where it does not read.

    >>> import duckdb
    >>> duckdb.sql(f"select {from_text('decimal(18,2)', literal('12.50'))}").fetchall()
    [(Decimal('12.50'),)]
    >>> duckdb.sql(f"select {from_text('decimal(18,2)', literal('12,50'))}").fetchall()
    [(None,)]
    """
    exact = f"try_cast(case when regexp_matches({text}, '{_NUMBER}') then {text} end"
    number = f"{exact} as decimal(38,12))"
    match type_:
        case "timestamp":
            iso = f"case when regexp_matches({text}, '{_ISO}') then {text} end"
            return f"(try_cast({iso} as timestamptz) at time zone 'UTC')"
        case "decimal(18,2)":
            # A rest of a cent is float noise below .0001 and another notation above: refuse it.
            rest = f"abs({number} - round({number}, 2)) < 0.0001"
            return f"case when {rest} then try_cast({number} as decimal(18,2)) end"
        case "int64":
            return f"case when {number} = trunc({number}) then try_cast({number} as bigint) end"
        case "float64" | "decimal(18,8)":
            return f"{exact} as {SQL_TYPES[type_]})"
        case "string":
            return text
        case _:
            return f"try_cast({text} as {SQL_TYPES[type_]})"


def _translated(text: str, values: Mapping[str, str]) -> str:
    """SQL that replaces their values by ours; others stay, for the suite to judge."""
    if not values:
        return text
    cases = " ".join(f"when {literal(a)} then {literal(b)}" for a, b in sorted(values.items()))
    return f"case {text} {cases} else {text} end"


def literal(text: str) -> str:
    """`text` as an SQL literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def given(column: Column, schema: pa.Schema) -> str:
    """SQL that is true where the file holds a value at all: not null, not blank.

    >>> from churn_ml.tables import table
    >>> given(table("orders").column("net_amount"), pa.schema([("net_amount", pa.float64())]))
    '"net_amount" is not null'
    """
    name = f'"{column.name}"'
    is_text = types.is_string(schema.field(column.name).type)
    return f"{name} is not null" + (f" and trim({name}) <> ''" if is_text else "")
