"""Does a key say one thing only: conflicts, repeats and updates among the rows of one ingest.

Enters: the typed rows of one table that passed the other judges. Leaves: the rows whose key
contradicts another row (a conflict) or says nothing new (a repeat). Worked example: order 31 comes
twice on 2017-10-01 with 12.50: the second is a repeat. Order 32 comes with 12.50 and 21.50 on
2017-10-01: nobody knows which is true, so both are a conflict. Order 33 comes with 12.50 on
2017-10-01 and with 10.00 on 2017-10-02: an update, both stay, and a reader at 2017-10-02 sees the
second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa

from churn_ml.tables import STAMPS, Table
from churn_ml.validate.cast import Rejection, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray


def double_keys(typed: pa.Table, spec: Table, *, rejected: NDArray[np.int64]) -> list[Rejection]:
    """Rows of `typed` whose key says more than one thing, or says the same thing again.

    `typed` comes from `cast`; rows whose number is in `rejected` are left out of the comparison.
    Same key and same `known_at` with other content: a conflict, all of them quarantined. Content
    equal to what was known of the key just before: a repeat, excluded. Other content known later
    is an update and stays.

    >>> from datetime import datetime
    >>> import pyarrow as pa
    >>> from churn_ml.tables import table
    >>> when = pa.array([datetime(2017, 1, 2)] * 3, pa.timestamp("us"))
    >>> schema = table("products").schema()
    >>> empty = pa.Table.from_arrays([pa.nulls(3, field.type) for field in schema], schema=schema)
    >>> rows = empty.drop_columns(["product_id", "occurred_at", "known_at", "lot", "lot_row"])
    >>> for name, values in {"row": [0, 1, 2], "product_id": ["7", "7", "8"], "occurred_at": when,
    ...     "known_at": when, "lot": ["a"] * 3, "lot_row": [1, 2, 3]}.items():
    ...     rows = rows.append_column(name, values if name.endswith("at") else pa.array(values))
    >>> [(r.rule, r.rows.tolist()) for r in
    ...     double_keys(rows, table("products"), rejected=np.empty(0, np.int64))]
    [('products.key.repeated', [1])]
    """
    with duckdb.connect() as con:
        con.register("typed", typed)
        con.register("rejected", pa.table({"row": rejected}))
        con.execute(_doubles(spec))
        con.execute(_clashes(spec))
        found = {
            "conflict": con.sql("select row from clashes order by row").fetchnumpy()["row"],
            "repeated": con.sql(_repeats(spec)).fetchnumpy()["row"],
        }
    words = ", ".join(spec.key)
    told: tuple[tuple[str, str, Verdict], ...] = (
        ("conflict", f"the same {words} comes with other content at the same time", "quarantined"),
        ("repeated", f"the same {words} was there already with the same content", "excluded"),
    )
    return [
        Rejection(f"{spec.name}.key.{rule}", reason, verdict, np.asarray(found[rule], np.int64))
        for rule, reason, verdict in told
        if len(found[rule])
    ]


def _doubles(spec: Table) -> str:
    """SQL: the rows whose key's hash is not alone, seldom more than a few, for a closer look."""
    key = ", ".join(spec.key)
    content = ", ".join(c.name for c in spec.columns if c.name not in (*STAMPS, *spec.key))
    return f"""
        create temp table doubles as
        select {key}, row, known_at, lot, lot_row, row({content}) as content
        from typed anti join rejected using (row)
        where hash({key}) in (
            select hash({key}) from typed anti join rejected using (row)
            group by hash({key}) having count(*) > 1)"""


def _clashes(spec: Table) -> str:
    """SQL: the rows of a key that says different things at the same `known_at`."""
    key = ", ".join(spec.key)
    return f"""
        create temp table clashes as
        select row from doubles semi join (
            select {key}, known_at from doubles group by {key}, known_at
            having count(distinct content) > 1) using ({key}, known_at)"""


def _repeats(spec: Table) -> str:
    """SQL: the rows that say what the row before them (by `known_at`) said of the same key."""
    return f"""
        select row from (
            select row, content, lag(content) over known as before, lag(row) over known as former
            from doubles anti join clashes using (row)
            window known as (partition by {", ".join(spec.key)}
                             order by known_at, lot, lot_row, row))
        where former is not null and content is not distinct from before order by row"""
