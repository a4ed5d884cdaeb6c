"""Columns, and rows, that are brought without the time they wait for, in words.

Enters: the entries of a table in churn.toml. Leaves: a line for each such column; what waits for
what is `tables.Column.after`. Worked example: an order of 2017-09-28 was cancelled on 2017-10-05.
Brought with its status alone, it is a cancelled one from 2017-09-28 on, and no model of 2017-10-01
ever learns that somebody ordered.

>>> from churn_ml.config import SourceTable
>>> [line] = untimed("orders", [SourceTable(columns={"status": "state", "occurred_at": "at"})])
>>> line.partition(":")[0]
'orders.status counts as told from the first day of a row'
>>> ours = {"status": "state", "cancelled_at": "voided", "occurred_at": "at"}
>>> untimed("orders", [SourceTable(columns=ours)])
[]
>>> [line] = untimed("products", [SourceTable(files="p.csv", columns={"product_id": "sku"})])
>>> line.partition(":")[0]
'products are known from the day their file is first read on, and no earlier as_of sees them'
>>> "constants" in untimed("order_lines", [SourceTable(files="lines.csv")])[0]  # events
False
"""

from __future__ import annotations

from collections.abc import Sequence

from churn_ml.config import SourceTable
from churn_ml.sources.kinds import resolved
from churn_ml.tables import Column, table


def untimed(name: str, sources: Sequence[SourceTable]) -> list[str]:
    """A line for each column of table `name` that an entry fills and the time of which it does not.

    A constant is no news of later, so a status that is one everywhere waits for nothing. One line
    more where nothing dates the rows of an entry: no column, no constant, no drop folder.
    """
    entries = resolved(name, sources)
    undated = [_undated(name)] if any(_is_undated(entry) for entry in entries) else []
    return undated + [
        _in_words(name, column)
        for column in table(name).columns
        if column.after not in (None, column.name)
        and any(_told(e, column.name) and not _told(e, column.after) for e in entries)
    ]


def _told(entry: SourceTable, column: str | None) -> bool:
    return column in entry.columns or column in entry.expressions


def _is_undated(entry: SourceTable) -> bool:
    dated = _told(entry, "occurred_at") or "occurred_at" in entry.constants
    return not (dated or entry.known_at or "drop=" in (entry.files or ""))


def _undated(name: str) -> str:
    told = (
        f"{name} are known from the day their file is first read on, and no earlier as_of sees"
        " them: map occurred_at, or put files into drop= folders"
    )
    if "occurred_at" not in table(name).key:
        return told
    constant = 'constants = { occurred_at = "2017-01-01" }'
    return f"{told}, or, where the rows have always held, say [sources.{name}] {constant}"


def _in_words(name: str, column: Column) -> str:
    time = f"{name}.{column.after}"
    if column.until_then is None:
        return f"{name}.{column.name} is not used: it is there from {time} on; map that too"
    return (
        f"{name}.{column.name} counts as told from the first day of a row: map {time} too, unless "
        "each drop holds the rows as they were on its day; else models learn from the future"
    )
