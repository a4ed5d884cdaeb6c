"""The newest row of each key: what a table with validity says at an as_of.

Enters: a table that is cut at an as_of already. Leaves: one row per key. Worked example: h1 was
basic from 2017-01-01 and is gold since 2017-06-01; as of 2017-10-01 the row left says gold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis


def latest(table: ibis.Table, key: Sequence[str]) -> ibis.Table:
    """One row per `key`: the one that occurred last.

    For tables with validity (customers, products, consents), already cut at an as_of: what is
    left is the row valid then. `table` holds one row per `key` and occurred_at.

    >>> import ibis, pyarrow as pa
    >>> from datetime import date
    >>> moved = ibis.memtable(pa.table({"customer_id": ["h1", "h1"], "tier": ["basic", "gold"],
    ...     "occurred_at": [date(2017, 1, 1), date(2017, 6, 1)]}))
    >>> latest(moved, ["customer_id"]).to_pyarrow()["tier"].to_pylist()
    ['gold']
    """
    import ibis

    newest_first = ibis.window(group_by=list(key), order_by=table.occurred_at.desc())
    ranked = table.mutate(_rank=ibis.row_number().over(newest_first))
    return ranked.filter(ranked._rank == 0).drop("_rank")
