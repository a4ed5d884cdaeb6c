"""Speed of the features: how much dearer than reading orders is computing all that they tell.

Enters: how many synthetic events, and how many cut-offs. Leaves: a JSON-able result. The events are
made up (fixed seed): a quarter orders, three quarters their lines; the indicators of other tables,
such as visits, messages and tickets, are not measured. Nothing may be learned from such customers.

The bare scan and the real path (`features.build`, then a Parquet file) run in one process, one
after the other, so that their ratio says something where a second does not. Worked example: 10 M
events are 500,000 customers with 5 orders and 15 lines each over two years.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml import features
from churn_ml.bench import synthetic
from churn_ml.config import Contract
from churn_ml.errors import BadInput
from churn_ml.features import purchases
from churn_ml.in_memory import canonical

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.house import Progress

EVERY_DAYS = 30
NAIVE_EVENTS = 1_000_000
FEWEST = 1_000
EVERYBODY = Contract(name="bench", lookback_days=365)

_SCAN = """
select sum(length(customer_id)), sum(epoch(occurred_at)), sum(kind), sum(length(order_id)),
       sum(length(product_id)), sum(net_amount) from events
"""
_NAIVE = "select * from read_parquet('{file}') where kind = 0"


@dataclass(frozen=True)
class Cost:
    """What something took: processor seconds of all threads, and seconds of the clock."""

    cpu: float
    wall: float


def measure(events: int, cut_offs: int, *, memory_limit: str, say: Progress) -> dict[str, Any]:
    """Scan and features of `events` synthetic events at `cut_offs` cut-offs, 30 days apart.

    `memory_limit`: of DuckDB, such as "1GB". Returns `scan_cpu_s, build_cpu_s, ratio, rows,
    rows_per_cpu_s, features, peak_rss_mb`, the clock's seconds beside them, and what a pandas
    groupby of ten such features takes a row at 1 M events. Raises BadInput below 1,000 events.

    >>> told = measure(2_000, 2, memory_limit="1GB", say=lambda line: None)
    >>> told["rows"] > 100, told["features"] >= 66
    (True, True)
    """
    if events < FEWEST or cut_offs < 1:
        raise BadInput("too few to measure", got=f"{events} events", expected="1,000 or more")
    with tempfile.TemporaryDirectory(prefix="churn-ml-speed-") as folder:
        place = Path(folder)
        say(f"writing {events:,} synthetic events")
        file = synthetic.lay_out(place, events)
        con = synthetic.connected(place, file, memory_limit)
        scan = _cost(lambda: con.raw_sql(_SCAN).fetchall())
        days = [synthetic.ENDS - timedelta(days=EVERY_DAYS * k) for k in range(cut_offs)]
        rows, width = 0, 0

        def build() -> None:
            nonlocal rows, width
            features_at = _builder(con, days)
            for day in days:
                say(f"features as of {day.isoformat()}")
                # no name for the frame: the next one is built when it is gone
                count, width = _written(features_at(day), place / f"{day.isoformat()}.parquet")
                rows += count

        spent = _cost(build)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        say("a pandas groupby beside it")
        naive = naive_cost(min(events, NAIVE_EVENTS))
    return {
        "events": events,
        "cutoffs": cut_offs,
        "scan_cpu_s": round(scan.cpu, 2),
        "build_cpu_s": round(spent.cpu, 2),
        "ratio": round(spent.cpu / scan.cpu, 1),
        "rows": rows,
        "rows_per_cpu_s": round(rows / spent.cpu),
        "features": width,
        "peak_rss_mb": round(peak),
        "scan_wall_s": round(scan.wall, 2),
        "build_wall_s": round(spent.wall, 2),
        "naive_rows_per_cpu_s": naive["rows_per_cpu_s"],
        "naive_features": naive["features"],
    }


def _builder(con: Any, days: Sequence[date]) -> Callable[[date], pd.DataFrame]:
    """What builds the features as of a day: for one day as scoring does, for several as training.

    Scoring computes all of them from the tables at its cut; training those that a model may learn
    from, of purchases that are read once.
    """
    described = canonical(products=synthetic.products())
    signs, bought = features.CATALOGUE, None
    if len(days) > 1:
        signs = features.trainable(features.CATALOGUE)
        bought = purchases.read(synthetic.tables(con, synthetic.ENDS) | described, stamped=True)

    def build(day: date) -> pd.DataFrame:
        tables = synthetic.tables(con, day) | described
        return features.build(tables, day, EVERYBODY, indicators=signs, purchases=bought)

    return build


def _written(frame: pd.DataFrame, file: Path) -> tuple[int, int]:
    """Write the frame as Parquet; returns its rows and features.

    Without dictionaries: one of numbers that differ costs more than it saves.
    """
    import pyarrow as pa
    import pyarrow.parquet

    rows = pa.Table.from_pandas(frame, preserve_index=False)
    pyarrow.parquet.write_table(rows, file, compression="snappy", use_dictionary=["as_of"])
    return len(frame), frame.shape[1] - 2


def naive_cost(events: int) -> dict[str, Any]:
    """What ten features of the orders cost, written with pandas as one would in a notebook.

    >>> naive_cost(2_000)["features"]
    10
    """
    import duckdb
    import pandas as pd

    with tempfile.TemporaryDirectory(prefix="churn-ml-speed-") as folder:
        file = synthetic.lay_out(Path(folder), events)
        with duckdb.connect() as con:
            orders = con.sql(_NAIVE.format(file=file)).df()
    told = pd.DataFrame()

    def build() -> None:
        nonlocal told
        ago = (pd.Timestamp(synthetic.ENDS) - orders["occurred_at"]).dt.days + 1
        amount = orders["net_amount"].astype(float)
        kept = orders.assign(ago=ago, amount=amount)
        parts = [kept.groupby("customer_id").agg(recency=("ago", "min"), tenure=("ago", "max"))]
        for days in (30, 60, 90, 180):
            recent = kept[kept["ago"] <= days].groupby("customer_id")
            part = recent.agg(orders=("order_id", "count"), spend=("amount", "sum"))
            parts.append(part.add_suffix(f"_{days}"))
        told = pd.concat(parts, axis=1)

    spent = _cost(build)
    return {"rows_per_cpu_s": round(len(told) / spent.cpu), "features": told.shape[1]}


def _cost(work: Callable[[], object]) -> Cost:
    """What `work` takes."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, time.monotonic() - began)


def table(told: dict[str, Any]) -> str:
    """The result as lines for a reader.

    >>> line = {"scan_cpu_s": 1.0, "build_cpu_s": 9.0, "ratio": 9.0, "rows": 5, "features": 66,
    ...     "rows_per_cpu_s": 3, "peak_rss_mb": 900, "events": 10, "cutoffs": 1,
    ...     "naive_rows_per_cpu_s": 2, "naive_features": 10}
    >>> print(table(line).splitlines()[1])
    features: 9.0 cpu s, 9.0 times the scan; 5 rows of 66 features, 3 a cpu s
    """
    return (
        f"scan of {told['events']:,} events: {told['scan_cpu_s']} cpu s\n"
        f"features: {told['build_cpu_s']} cpu s, {told['ratio']} times the scan;"
        f" {told['rows']:,} rows of {told['features']} features,"
        f" {told['rows_per_cpu_s']:,} a cpu s\n"
        f"peak of memory: {told['peak_rss_mb']:,} MB\n"
        f"pandas groupby of {told['naive_features']} features:"
        f" {told['naive_rows_per_cpu_s']:,} rows a cpu s"
    )
