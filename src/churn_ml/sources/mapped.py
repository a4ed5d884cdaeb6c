"""Rows under their names to rows under ours: mapped, computed, chosen and grouped.

Enters: the pieces of one lot under the shop's names, and the entry that maps them. Leaves: the
same rows under our names with `lot`, `lot_row`, `drop_on` and `entry` beside them. `where` leaves
rows out (they are counted); `group_by` makes one row of each group, numbered as its first line.

What an expression cannot read is not passed over: a number leaves as NaN, a time as infinity, and
`cast` puts the row aside. Worked example: `number(price)` of `12,x0` is NaN; the row breaks
`order_lines.net_amount.parse`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import duckdb
import numpy as np
import pyarrow as pa

from churn_ml.sources.computing import connect, statement
from churn_ml.sources.mapping import expressions_of, theirs, where_of
from churn_ml.sources.native import plain
from churn_ml.sources.nodes import raw
from churn_ml.sources.protocol import ROW, Entry, Lot

_PART_ROWS = 100_000


class Mapped:
    """One entry, ready to map lots; `left_out` counts the rows that `where` left out."""

    def __init__(self, entry: Entry, zone: str = "UTC") -> None:
        """Take `entry`; `zone` is where its times are local. Raises BadConfig as `expressions`."""
        self.entry, self.left_out = entry, 0
        self._zone = entry.told.time_zone or zone
        self._computed = expressions_of(entry.table, entry.told)
        self._where = where_of(entry.table, entry.told)

    @property
    def wanted(self) -> list[str]:
        """The columns of theirs that the entry reads, sorted."""
        told, prepared = self.entry.told, self.entry.prepared
        used = {*theirs(told).values(), *told.group_by}
        used.update(*(one.columns for one in self._computed.values()))
        used.update(self._where.columns if self._where else ())
        return sorted((used - {*prepared.gives}) | {*prepared.reads} if prepared else used)

    def rows(self, lot: Lot, parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The rows of `lot` under our names; `parts` are its pieces, with the columns `wanted`.

        Raises BadInput where an expression cannot be computed, or a column cannot be read.
        """
        told, pieces = self.entry.told, _numbered(parts)
        if told.group_by or self.entry.prepared:
            pieces = self._whole(lot, pieces)
        elif self._computed or self._where:
            pieces = self._by_piece(lot, pieces)
        for rows in pieces:
            yield self._ours(rows, lot)

    def _ours(self, rows: pa.Table, lot: Lot) -> pa.Table:
        mapped = theirs(self.entry.told)
        own = {ours: plain(rows[raw(name)], ours, lot, name) for ours, name in mapped.items()}
        own |= {name: rows[f"x_{name}"] for name in self._computed}
        count = rows.num_rows
        stamps = {
            "lot": pa.repeat(lot.id, count),
            "lot_row": rows[ROW],
            "drop_on": pa.repeat(pa.scalar(lot.known_on or lot.drop_on, pa.date32()), count),
            "entry": pa.repeat(lot.entry, count),
        }
        return pa.table(own | stamps)

    @cached_property
    def _con(self) -> duckdb.DuckDBPyConnection:
        return connect(self.entry.told, self._zone)

    def _statement(self, schema: pa.Schema) -> str:
        return statement(self.entry.table, self.entry.told, schema, self._computed, self._where)

    def _by_piece(self, lot: Lot, parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """Row by row: nothing of the lot is held but the piece at hand."""
        for part in parts:
            self._con.register("rows", part)
            with _told(lot):
                picked = self._con.sql(self._statement(part.schema)).to_arrow_table()
            self.left_out += part.num_rows - picked.num_rows
            yield picked

    def _whole(self, lot: Lot, parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """Groups may lie anywhere in the lot: it is held in DuckDB, on disk where it is large."""
        con, started = self._con, False
        for part in parts:
            con.register("piece", part)
            into = "insert into lines" if started else "create or replace temp table lines as"
            con.execute(f"{into} select * from piece")
            started = True
        if not started:
            return
        prepared = self.entry.prepared.sql if self.entry.prepared else "from lines"
        with _told(lot):
            con.execute(f"create or replace temp view rows as {prepared}")
            schema = con.sql("from rows limit 0").to_arrow_table().schema
            if self._where:
                self.left_out += self._count_left_out(schema)
            for batch in con.sql(self._statement(schema)).to_arrow_reader(_PART_ROWS):
                yield pa.Table.from_batches([batch])
        con.unregister("piece")
        # the session lives as long as its source: without its lines, others have that memory
        con.execute("drop view rows; drop table lines")

    def _count_left_out(self, schema: pa.Schema) -> int:
        told = self.entry.told.model_copy(update={"group_by": ()})
        kept = statement(self.entry.table, told, schema, {}, self._where)
        counts = f"select (select count(*) from rows) - (select count(*) from ({kept}))"
        return int(self._con.sql(counts).fetchall()[0][0])


def _numbered(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The pieces with their rows' numbers, under names that are safe in SQL."""
    start = 1
    for part in parts:
        numbers = pa.array(np.arange(start, start + part.num_rows))
        start += part.num_rows
        yield part.rename_columns([raw(name) for name in part.column_names]).append_column(
            ROW, numbers
        )


@contextmanager
def _told(lot: Lot) -> Iterator[None]:
    """DuckDB's errors in the house's words: its own quote values."""
    try:
        yield
    except duckdb.OutOfRangeException:
        raise lot.refused(
            "a result of an expression has more digits than fit",
            got="more than 38 digits: every factor number(...) has six of them behind its point",
            expected="at most six such factors in one product, and sums that fit",
            next_step=f"round in between in [sources.{lot.table}.expressions] and where, such as"
            " round(number(a) * number(b), 4) * number(c)",
        ) from None
    except duckdb.Error as error:
        raise lot.refused(
            "an expression cannot be computed",
            got=type(error).__name__,
            expected="numbers and times where the expression counts with them",
            next_step=f"columns of text files are texts: write number(column) or time(column) in"
            f" [sources.{lot.table}.expressions] and where",
        ) from None
