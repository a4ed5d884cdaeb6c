"""The engine of the tables: known to it, then asked by text.

Enters: Ibis tables, in memory or not. Leaves: rows as Arrow. Worked example: a shop of a few rows
lies in the memory of this process; before text can ask for its tables the engine is told of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from churn_ml.features.wording import in_words

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa


def knowing(tables: Iterable[ibis.Table], engine: Any) -> Any:
    """The engine, which knows these tables by their names from then on."""
    for rows in tables:
        # the one way to make tables in memory known to the engine before text asks for them
        engine._run_pre_execute_hooks(rows)  # noqa: SLF001
    return engine


def streamed(rows: ibis.Table, batch_rows: int) -> Iterable[pa.RecordBatch]:
    """The rows of an expression, so many at a time; ibis would ask by a call that DuckDB dropped.

    >>> from churn_ml.in_memory import canonical
    >>> days = [{"occurred_at": f"2017-10-0{day}"} for day in (1, 2, 3)]
    >>> [len(batch) for batch in streamed(canonical(orders=days)["orders"], 2)]
    [2, 1]
    """
    engine = knowing([rows], rows.get_backend())
    reader: Iterable[pa.RecordBatch] = engine.con.sql(in_words(rows)).to_arrow_reader(batch_rows)
    return reader
