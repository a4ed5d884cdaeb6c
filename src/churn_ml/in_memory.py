"""Canonical tables in memory: a shop of a few rows, for examples, notebooks and tests.

Enters: rows as dictionaries that say only what matters. Leaves: Ibis tables with every column of
`tables`, the rest filled in: a known time at the next midnight (UTC), 10.00 in EUR, the first of
the words a column may hold. Nothing is cut or deduplicated here: as with the lake, what is passed
to a room is what was known at an as_of.

Worked example: anna's order of 2017-09-26 18:00 is known on 2017-09-27 00:00.

>>> shop = canonical(orders=[{"customer_id": "anna", "occurred_at": "2017-09-26 18:00"}])
>>> order = shop["orders"].to_pyarrow().to_pylist()[0]
>>> order["order_id"], str(order["net_amount"]), order["known_at"].isoformat()
('orders-1', '10.00', '2017-09-27T00:00:00')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from churn_ml.errors import BadInput
from churn_ml.tables import Column, table

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

Row: TypeAlias = Mapping[str, Any]

DEFAULTS: Mapping[str, Any] = {
    "net_amount": Decimal("10.00"),
    "currency": "EUR",
    "quantity": 1,
    "given": True,
    "known_from": "lag",
    "lot": "memory",
}


def canonical(**rows: Sequence[Row]) -> dict[str, ibis.Table]:
    """The tables named, each with the rows given and every other column filled in.

    Args:
        rows: by table name; a row needs occurred_at (naive UTC: a datetime, a date for its noon, or
            either as ISO text) and whatever else the example is about.

    Returns:
        One Ibis table per name; an empty list gives a typed table without rows.

    Raises:
        BadInput: an unknown table or column, or a row without occurred_at.

    >>> canonical(orders=[])["orders"].count().to_pyarrow().as_py()
    0
    """
    import ibis

    return {name: ibis.memtable(arrow(name, given)) for name, given in rows.items()}


def arrow(name: str, rows: Sequence[Row]) -> pa.Table:
    """The Arrow table `name` with `rows`, filled in as `canonical` does.

    >>> arrow("products", [{"product_id": "milk", "occurred_at": "2017-01-01"}]).num_columns
    15
    >>> arrow("products", [{"colour": "red", "occurred_at": "2017-01-01"}])
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: table products has no column 'colour' | got: colour | expected: ...
    """
    import pyarrow as pa

    shape = table(name)
    filled = [_filled(name, number, row) for number, row in enumerate(rows, start=1)]
    for column in {column for row in filled for column in row}:
        shape.column(column)
    columns = {c.name: [row.get(c.name, _missing(c, row)) for row in filled] for c in shape.columns}
    return pa.table(columns, schema=shape.schema())


def _filled(name: str, number: int, row: Row) -> dict[str, Any]:
    """The row with its times and its place in the lot."""
    if "occurred_at" not in row:
        raise BadInput(f"row {number} of {name} has no occurred_at", got=", ".join(row))
    occurred_at = _moment(row["occurred_at"])
    known_at = datetime.combine(occurred_at.date() + timedelta(days=1), time())
    stamps = {"known_at": known_at, "ingest_key": known_at.date(), "lot_row": number}
    stamps["day"] = occurred_at.date()
    return {**stamps, **row, "occurred_at": occurred_at}


def _moment(told: str | date) -> datetime:
    """The instant that an example tells: a time as it is, a date as its noon."""
    when = told
    if isinstance(when, str):
        when = datetime.fromisoformat(when) if ":" in when else date.fromisoformat(when)
    return when if isinstance(when, datetime) else datetime.combine(when, time(12))


def _missing(column: Column, row: Row) -> Any:
    """What stands in a column that the row does not speak of."""
    if column.name in DEFAULTS:
        return DEFAULTS[column.name]
    if column.default is not None or (column.required and column.words):
        return column.default or column.words[0]
    numbered = column.required and column.type == "string"
    return f"{column.name.removesuffix('_id')}s-{row['lot_row']}" if numbered else None
