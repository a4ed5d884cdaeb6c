"""DuckDB for expressions: a closed session, the language's own functions, and one SELECT.

Enters: an entry's compiled expressions. Leaves: SQL over the relation `rows`, whose columns are
`c_...` (theirs as stored; see `nodes.raw`) and `lot_row`. The session reaches no file and no
network, and its settings are locked. Worked example: `net_amount = "number(price)"` becomes a
column `x_net_amount` of doubles, rounded to cents in decimals before, NaN where a price is there
and does not read. Times and numbers are read by `clock` and `figures`, as in a mapped column.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from churn_ml import clock, figures
from churn_ml.sources.expressions import Compiled
from churn_ml.sources.nodes import raw
from churn_ml.sources.protocol import ROW
from churn_ml.tables import Type, table

if TYPE_CHECKING:
    from churn_ml.config import SourceTable

_INSTANT = "TIMESTAMP WITH TIME ZONE"
_CONVERTED: Mapping[Type, str] = {
    "string": "as_text",
    "bool": "as_text",
    "int64": "as_double",
    "float64": "as_double",
    "decimal(18,2)": "as_money",
    "decimal(18,8)": "as_double",
    "timestamp": "as_time",
    "date": "as_time",
}
_STORED = {"instant": pa.timestamp("us", "UTC"), "day": pa.date32(), "naive": pa.timestamp("us")}
_UNREAD = {"as_text": "null", "as_time": "'infinity'::timestamptz"}
"""What stands for a value that is there and does not read; NaN where it is a number."""


def connect(told: SourceTable, zone: str) -> duckdb.DuckDBPyConnection:
    """A session that knows number() and time() as `told` says them; `zone` is where times are."""
    con = duckdb.connect(
        config={"memory_limit": "1GB", "temp_directory": f"{tempfile.gettempdir()}/churn_ml_duckdb"}
    )
    con.execute(f"set TimeZone = {clock.literal(zone)};{clock.MACROS}")
    for macro in _macros(told, zone):
        con.execute(f"create macro {macro}")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con


def statement(
    name: str,
    told: SourceTable,
    schema: pa.Schema,
    computed: Mapping[str, Compiled],
    where: Compiled | None,
) -> str:
    """One SELECT of table `name` over `rows` of `schema`: kept, grouped, computed, in order."""
    stored = [field.name for field in schema if field.name != ROW]
    grouped = bool(told.group_by)
    keep = f"({where.sql}) or (({where.sql}) is null and ({where.unread}))" if where else "true"
    keys = {raw(key) for key in told.group_by}
    picks = [c for c in stored if c in keys] if grouped else stored
    picks += [
        f"{_typed(table(name).column(ours).type, one, grouped=grouped)} as x_{ours}"
        for ours, one in computed.items()
    ]
    number = f"min({ROW}) as {ROW}" if grouped else ROW
    groups = f" group by {', '.join(sorted(keys))}" if grouped else ""
    values = f"select *, {', '.join(_values(schema))} from rows"
    return f"select {', '.join([number, *picks])} from ({values}) where {keep}{groups} order by 1"


def _values(schema: pa.Schema) -> Iterator[str]:
    """Every stored column as expressions see it: fractions exact to six decimals, and its time."""
    for field in schema:
        if field.name == ROW:
            continue
        exact = pa.types.is_floating(field.type)
        held = f"try_cast({field.name} as decimal(38,6))" if exact else field.name
        yield f"{held} as v_{field.name[2:]}"
        yield f"as_time({held}) as t_{field.name[2:]}"


def _typed(type_: Type, one: Compiled, *, grouped: bool) -> str:
    """SQL for a computed column as its table wants it, marked where it does not read."""
    convert = _CONVERTED[type_]
    held = f"{convert}({one.sql})"
    if convert == "as_text":
        return held
    mark = _UNREAD.get(convert, "'nan'::double")
    lost = f"({one.sql}) is not null and trim(({one.sql})::varchar) <> '' and {held} is null"
    inner = f"({one.unread})" if grouped else f"({held} is null and ({one.unread}))"
    return f"case when {inner} or ({lost}) then {mark} else {held} end"


def _macros(told: SourceTable, zone: str) -> Iterator[str]:
    """number(), time() and how a result becomes text, money or a float.

    A time is an instant: one that was written with an offset keeps it. As a text it is shown in the
    source's zone.
    """
    plain = figures.plain("trim(x::varchar)", told.decimal)
    yield f"read_number(x) as try_cast({plain} as decimal(38,6))"
    yield (
        "as_number(x) as case when typeof(x) = 'VARCHAR' then read_number(x)"
        " else try_cast(x as decimal(38,6)) end"
    )
    yield (
        "as_money(x) as (case when typeof(x) = 'VARCHAR' then round(read_number(x), 2)"
        " else round(try_cast(x as decimal(38,12)), 2) end)::double"
    )
    yield (
        "as_double(x) as case when typeof(x) = 'VARCHAR' then read_number(x)::double"
        " else try_cast(x as double) end"
    )
    yield (
        "as_text(x) as case when (typeof(x) like 'DECIMAL%' or typeof(x) in ('DOUBLE', 'FLOAT'))"
        " and contains(x::varchar, '.')"
        " then rtrim(rtrim(x::varchar, '0'), '.')"
        f" when typeof(x) = '{_INSTANT}' then try_cast(x as timestamp)::varchar"
        " else x::varchar end"
    )
    for type_, stored in _STORED.items():
        yield f"time_{type_}(x) as timezone('UTC', {clock.from_native('x', stored, zone)})"
    # the lambda binds x once: the clock's SQL names a text a hundred times
    text = clock.from_text("trim(t)", zone, told.dates)
    yield f"time_text(x) as list_transform([x::varchar], lambda t: timezone('UTC', {text}))[1]"
    yield (
        f"as_time(x) as case typeof(x) when 'VARCHAR' then time_text(x)"
        f" when '{_INSTANT}' then time_instant(x)"
        f" when 'DATE' then time_day(x) else time_naive(x) end"
    )
