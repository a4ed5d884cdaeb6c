"""Asking an engine: what the kernel does not know, or all of it, computed from text.

Enters: the canonical tables already cut at `as_of`. Leaves: rows as the engine of the tables gives
them. The query is put into words once: it names the tables, and asks the day of the cut of the
function `as_of_date()`. What changes from cut to cut stands before it: the tables as read at this
cut, and who is eligible.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from churn_ml import cohort
from churn_ml.errors import BrokenPromise
from churn_ml.events import needed
from churn_ml.features.engine import knowing
from churn_ml.features.numbers import Numbers
from churn_ml.features.query import FRAME, JOINED, parts
from churn_ml.features.wording import declared, in_words

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

    from churn_ml.config import Contract
    from churn_ml.events import Canonical
    from churn_ml.features.grouped import Ints
    from churn_ml.features.indicator import Indicator
    from churn_ml.features.plan import Plan

QUERIES = 8
"""Queries that a process keeps; one is some hundred thousand characters."""
ELIGIBLE = "eligible"


def frame(
    tables: Canonical,
    as_of: date,
    contract: Contract,
    indicators: tuple[Indicator, ...],
    zone: str,
) -> pa.Table:
    """The whole frame, in no order, not rounded."""
    who = cohort.eligible(declared(tuple(tables)).tables, as_of, contract, zone=zone)
    told = {ELIGIBLE: in_words(who)} | _parts(tuple(tables), indicators)
    return _told(tables, as_of, told, FRAME)


def measured(tables: Canonical, as_of: date, ids: pa.Array, plan: Plan) -> dict[str, Numbers]:
    """The measures that the `plan` asks for, of the customers `ids`, in their order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    con = needed(tables, "orders", "cohort").get_backend().con
    con.register("asked_of", pa.table({"customer_id": ids}))
    try:
        told = {ELIGIBLE: "SELECT customer_id FROM asked_of"} | dict(plan.asked)
        rows = _told(tables, as_of, told, JOINED)
    finally:
        con.unregister("asked_of")
    rows = rows.take(pc.sort_indices(rows["customer_id"]))
    if len(rows) != len(ids):
        raise BrokenPromise("a customer has two rows of features", where="features")
    return {name: _numbers(rows[name], kind) for name, kind in plan.types.items()}


def eligible(tables: Canonical, as_of: date, contract: Contract, zone: str, ids: pa.Array) -> Ints:
    """The places among `ids` of who is eligible, ascending."""
    import pyarrow.compute as pc

    found = cohort.eligible(tables, as_of, contract, zone=zone).to_pyarrow()["customer_id"]
    return np.sort(pc.index_in(found, value_set=ids).to_numpy().astype(np.int64))


def _numbers(column: pa.ChunkedArray, kind: str) -> Numbers:
    """A measure as numbers; the engine may tell whole ones as decimals."""
    import pyarrow as pa
    import pyarrow.compute as pc

    told = column.cast({"int64": pa.int64(), "boolean": pa.bool_()}.get(kind, pa.float64()))
    if not told.null_count:
        return Numbers(told.to_numpy())
    known = pc.is_valid(told).to_numpy()
    return Numbers(told.fill_null(False if kind == "boolean" else 0).to_numpy(), known)


def _told(tables: Canonical, as_of: date, told: Mapping[str, str], last: str) -> pa.Table:
    """The rows of the subquery `last`, each of the others run before it into a table of its own.

    So only one of them is at work in memory at a time.
    """
    engine = knowing(tables.values(), needed(tables, "orders", "cohort").get_backend())
    engine.raw_sql(f"create or replace temp macro as_of_date() as date '{as_of.isoformat()}'")
    read = ", ".join(f"{name} AS ({in_words(rows)})" for name, rows in tables.items())
    before = [name for name in told if name != last]
    try:
        for name in before:
            engine.raw_sql(
                f"create or replace temp table {name} as WITH {read} FROM ({told[name]})"
            )
        return engine.con.sql(told[last]).to_arrow_table()
    finally:
        for name in before:
            engine.raw_sql(f"drop table if exists temp.{name}")


@functools.lru_cache(maxsize=QUERIES)
def _parts(tables: tuple[str, ...], indicators: tuple[Indicator, ...]) -> dict[str, str]:
    """The subqueries of these indicators, over tables by name at the day of `as_of_date()`."""
    return parts(declared(tables), indicators)
