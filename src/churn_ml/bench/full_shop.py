"""What all indicators cost on a whole shop: every table, from the lake, at one cut-off.

Enters: how many customers. Leaves: a JSON-able result. The shop is synthetic (`simulate.shop`) and
written into a lake of its own, through the warehouse and with no validation; then a process of its
own reads it as every step does, cut at the day the shop ends, and writes the features as Parquet.
Its peak of memory is that of the features alone. No figure of quality comes from such a shop.

Worked example: 100,000 customers over 540 days are 23 million rows in 33 tables.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml import features
from churn_ml.config import Contract
from churn_ml.simulate.shop import Plan, Shop
from churn_ml.tables import SOURCE_TABLES
from churn_ml.tables import table as table_named
from churn_ml.warehouse import Warehouse
from churn_ml.warehouse.conform import sorting

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from churn_ml.house import Progress

BATCH_ROWS = 100_000
FEATURES = "features.parquet"
VERSION = 1
"""Of every table: each is written once."""


@dataclass(frozen=True)
class Told:
    """One table of a synthetic shop as `Rows` of the warehouse."""

    shop: Shop
    name: str

    @property
    def schema(self) -> pa.Schema:
        """The columns of every batch."""
        return table_named(self.name).schema()

    def batches(self) -> Iterable[pa.RecordBatch]:
        """The rows in the order of their key."""
        rows = self.shop.as_of(self.name, self.shop.plan.ends)
        query = f"{rows.query} order by {', '.join(sorting(rows.table))}"
        yield from self.shop.connection.sql(query).to_arrow_reader(BATCH_ROWS)


def measure(customers: int, *, memory_limit: str, say: Progress) -> dict[str, Any]:
    """Every feature of a synthetic shop of `customers`, as of the day it ends.

    `memory_limit`: of DuckDB, such as "1GB". Returns `rows_in` and `tables`, `rows` and `features`,
    `build_wall_s`, `build_cpu_s`, `peak_rss_mb`, and `silent`: features that say nothing of
    anybody. Raises BadInput below one customer.
    """
    with tempfile.TemporaryDirectory(prefix="churn-ml-full-shop-") as folder:
        plan = Plan(customers)
        say(f"writing a synthetic shop of {customers:,} customers into a lake")
        rows = lay(plan, Path(folder), memory_limit)
        say(f"features of {rows:,} rows in {len(SOURCE_TABLES)} tables")
        # A process of its own has a peak of memory of its own.
        spawned = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawned) as pool:
            spent = pool.submit(build, Path(folder), plan.ends, plan.days, memory_limit).result()
    return {"customers": customers, "rows_in": rows, "tables": len(SOURCE_TABLES)} | spent


def lay(plan: Plan, folder: Path, memory_limit: str) -> int:
    """Write the shop of `plan` into a lake in `folder`; returns its rows."""
    warehouse, total = Warehouse(str(folder / "lake"), memory_limit=memory_limit), 0
    with Shop(plan, memory_limit=memory_limit, spill=str(folder / "spill")) as shop:
        for name in SOURCE_TABLES:
            written = warehouse.replace(warehouse.handle(name), plan.ends, Told(shop, name))
            total += written.rows
    return total


def build(folder: Path, as_of: date, lookback_days: int, memory_limit: str) -> dict[str, Any]:
    """Read the lake in `folder` as of a day and write the features of whoever ordered, measured.

    Everybody with an order in the last `lookback_days` is eligible. What starting the process takes
    is left out.
    """
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    warehouse = Warehouse(str(folder / "lake"), memory_limit=memory_limit)
    versions = {as_of.isoformat(): VERSION}
    tables = {name: warehouse.read(name, versions, as_of=as_of) for name in SOURCE_TABLES}
    frame = features.build(tables, as_of, Contract(name="bench", lookback_days=lookback_days))
    frame.to_parquet(folder / FEATURES)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "rows": len(frame),
        "features": frame.shape[1] - 2,
        "build_wall_s": round(wall, 1),
        "build_cpu_s": round(cpu, 1),
        "peak_rss_mb": round(after.ru_maxrss / 1024),
        "silent": silent(frame),
    }


def silent(frame: pd.DataFrame) -> list[str]:
    """The features that tell no two customers apart, but for flags, which may hold for all.

    >>> import pandas as pd
    >>> silent(pd.DataFrame({"customer_id": ["a", "b"], "as_of": 0, "x": [1, 2], "y": [3, 3],
    ...                      "x_has_base": [1, 1]}))
    ['y']
    """
    told = frame.columns[2:]
    own = [name for name in told if not str(name).endswith("_has_base")]
    return [str(name) for name in own if frame[name].nunique() < 2]  # noqa: PLR2004 - two differ


def table(told: dict[str, Any]) -> str:
    """The result as lines for a reader.

    >>> line = {"customers": 5, "rows_in": 900, "tables": 33, "rows": 4, "features": 215,
    ...     "build_wall_s": 1.5, "build_cpu_s": 2.5, "peak_rss_mb": 900, "silent": []}
    >>> print(table(line).splitlines()[0])
    a synthetic shop of 5 customers: 900 rows in 33 tables
    """
    silent_ones = ", ".join(told["silent"]) or "none"
    return (
        f"a synthetic shop of {told['customers']:,} customers: {told['rows_in']:,} rows in"
        f" {told['tables']} tables\n"
        f"features: {told['build_wall_s']} s, {told['build_cpu_s']} cpu s;"
        f" {told['rows']:,} rows of {told['features']} features\n"
        f"peak of memory: {told['peak_rss_mb']:,} MB\n"
        f"features that tell nobody apart: {silent_ones}"
    )
