"""Synthetic events: orders and lines that are made up, to measure speed on and nothing else.

Enters: how many events. Leaves: one Parquet file of them, and canonical tables over it. A quarter
are orders, three quarters their lines, each known on the day after. Nothing may be learned from
such customers. Worked example: 10 M events are 500,000 customers with 5 orders and 15 lines each
over two years.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml.tables import table as table_named
from churn_ml.warehouse.sql import no_rows

if TYPE_CHECKING:
    import ibis

EVENTS_PER_CUSTOMER = 20
DAYS = 730
ENDS = date(2017, 10, 1)
PRODUCTS = 5_000
ROW_GROUP = 1_000_000

_EVENTS = """
select 'c' || lpad((hash(number, 1) % {customers})::varchar, 9, '0') as customer_id,
       timestamp '{ends}' - to_seconds(1 + hash(number, 2) % {seconds}) as occurred_at,
       kind, 'o' || number as order_id, 'p' || (hash(number, kind, 3) % {products}) as product_id,
       (1 + hash(number, kind, 4) % 9999)::decimal(18, 2) / 100 as net_amount
from (select i // 4 as number, i % 4 as kind from range({events}) as every(i))
"""
_ORDERS = """
select occurred_at, cast(occurred_at as date) as day, known_at, customer_id, order_id, net_amount,
       'completed' as status from events where kind = 0 and occurred_at < timestamp '{end}'
"""
_LINES = """
select occurred_at, cast(occurred_at as date) as day, known_at, customer_id, order_id, net_amount,
       product_id from events where kind > 0 and occurred_at < timestamp '{end}'
"""
_VIEW = """
create view events as select *, date_trunc('day', occurred_at) + interval 1 day as known_at
from read_parquet('{file}')
"""


def lay_out(place: Path, events: int) -> Path:
    """Write `events` events into a file of the folder `place`, sorted by nothing; returns it.

    >>> import tempfile
    >>> lay_out(Path(tempfile.mkdtemp()), 1_000).name
    'events.parquet'
    """
    import duckdb

    file = place / "events.parquet"
    query = _EVENTS.format(
        customers=max(events // EVENTS_PER_CUSTOMER, 1),
        seconds=DAYS * 86_400,
        ends=ENDS.isoformat(),
        products=PRODUCTS,
        events=events,
    )
    options = f"format parquet, compression zstd, row_group_size {ROW_GROUP}"
    with duckdb.connect(config={"memory_limit": "1GB"}) as con:
        con.execute(f"copy ({query}) to '{file}' ({options})")
    return file


def connected(place: Path, file: Path, memory_limit: str) -> Any:
    """A DuckDB that sees the events in `file`, with a view `events`; it spills below `place`.

    >>> import tempfile
    >>> file = lay_out(Path(tempfile.mkdtemp()), 1_000)
    >>> tables(connected(file.parent, file, "1GB"), ENDS)["orders"].count().to_pyarrow().as_py()
    250
    """
    import ibis

    con = ibis.duckdb.connect(memory_limit=memory_limit, temp_directory=str(place / "spill"))
    con.raw_sql("set timezone = 'UTC'")
    con.raw_sql("set enable_progress_bar = false")
    con.raw_sql(_VIEW.format(file=file))
    return con


def tables(con: Any, end: date) -> dict[str, ibis.Table]:
    """The orders and lines that happened before `end`, as canonical tables; see `connected`."""
    told = {"orders": _ORDERS, "order_lines": _LINES}
    return {name: _table(con, name, rows.format(end=end)) for name, rows in told.items()}


def _table(con: Any, name: str, rows: str) -> ibis.Table:
    """A view of `rows` with every column of the table; ibis would ask by a call DuckDB dropped."""
    import ibis
    from ibis.expr import operations

    whole = no_rows(table_named(name))
    con.raw_sql(f"create or replace view {name} as {whole.query} union all by name {rows}")
    return operations.DatabaseTable(
        name=name,
        schema=ibis.schema(whole.types()),
        source=con,
        namespace=operations.Namespace(),
    ).to_expr()


def products() -> list[dict[str, str]]:
    """Made-up products: a hundred categories in ten departments.

    >>> len(products())
    5000
    """
    return [
        {
            "product_id": f"p{n}",
            "category": f"c{n % 100}",
            "department": f"d{n % 10}",
            "occurred_at": "2015-01-01",
        }
        for n in range(PRODUCTS)
    ]
