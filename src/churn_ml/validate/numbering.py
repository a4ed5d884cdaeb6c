"""Orders without a number: each row of a lot is an order of its own.

Enters: typed orders whose `order_id` was made of customer and time, batch by batch in the order of
their lots. Leaves: the same rows; of those equal in customer and time within a lot, the second and
further ones have an `order_id` of their own, made of the first's and their place. The same rows in
the same order get the same numbers in every delivery. Across lots customer and time are all there
is: the n-th row of a customer and time in a later lot is an update of the n-th before.

Worked example: a shop that knows days only delivers two purchases of one customer on 2017-09-30:
two orders. The file of the next day holds them again: the two are repeats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from churn_ml.config import SourceTable
    from churn_ml.tables import Table

_COUNTS = pa.schema([("lot", pa.string()), ("order_id", pa.string()), ("before", pa.int64())])
_NUMBERED = """
    select case when place = 1 then order_id
                else left(sha256(order_id || '@' || place), 24) end as order_id
    from (select t.row, t.order_id, coalesce(c.before, 0)
              + row_number() over (partition by t.lot, t.order_id order by t.row) as place
          from typed t left join counts c using (lot, order_id))
    order by row
"""
# a lot that goes on in the next batch is the last of this one
_COUNTED = """
    select lot, order_id, sum(before)::bigint as before
    from (from counts union all by name select lot, order_id, 1 as before from typed)
    where lot = ? group by lot, order_id
"""


def are_numberless(source: SourceTable, spec: Table, raw: pa.Table) -> bool:
    """True where the rows of `raw` are orders whose number no source says."""
    return spec.key == ("order_id",) and not {"order_id"} & {*raw.column_names, *source.constants}


class Numbering:
    """How often each order was met in the lot that the last batch ended with."""

    def __init__(self) -> None:
        """Nothing met yet."""
        self._counts = _COUNTS.empty_table()

    def numbered(self, typed: pa.Table) -> pa.Table:
        """`typed` (with `row`, `lot` and `order_id`) with one `order_id` a row of a lot.

        >>> rows = pa.table({"row": [0, 1, 2], "lot": ["a", "a", "b"], "order_id": ["x"] * 3})
        >>> Numbering().numbered(rows)["order_id"].to_pylist()
        ['x', 'c7c385bd0a7d6fd003df1177', 'x']
        """
        if not typed.num_rows:
            return typed
        with duckdb.connect() as con:
            con.register("typed", typed)
            con.register("counts", self._counts)
            numbers = con.sql(_NUMBERED).to_arrow_table()["order_id"]
            counted = con.sql(_COUNTED, params=[typed["lot"][-1].as_py()]).to_arrow_table()
        self._counts = counted.cast(_COUNTS)
        return typed.set_column(typed.schema.get_field_index("order_id"), "order_id", numbers)
