"""How long one ingest takes, and how much memory: read, validated, sorted, written to the lake.

    python benchmarks/ingest.py --shop complete-journey
    CHURN_ML_TEST_DATA=FOLDER python benchmarks/ingest.py --shop online-retail
    python benchmarks/ingest.py --shop large --rows 50_000_000 --json

`complete-journey`: all drops of the demo shop's year, 1,469,307 lines with their orders, products
and campaigns, at once. `online-retail`: the published file of invoice lines, as five tables.
`large`: one Parquet file of `--rows` lines, Complete Journey's repeated with new order numbers; the
rows are real, that there are so many of them is made up.

The ingest runs in a process of its own, so that its peak of memory is its own. Seconds depend on
the machine and on what else it does: beside them stand the load, and the processor seconds as a
multiple of those that a bare DuckDB takes to read and hash every value of the same files.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

from churn_ml import flow
from churn_ml.config import Config, load
from churn_ml.errors import NotReady
from churn_ml.house import open_house
from churn_ml.sources import complete_journey

ONLINE_RETAIL = """
[shop]
name = "Online Retail"
currency = "GBP"
time_zone = "Europe/London"
[validation]
tolerance = 0.01
"""
LARGE = """
[shop]
name = "one large drop"
currency = "USD"
[sources.order_lines]
files = "drops/order_lines/drop=*/*.parquet"
constants = { currency = "USD" }
[sources.order_lines.columns]
order_id = "basket_id"
product_id = "product_id"
customer_id = "household_id"
occurred_at = "transaction_timestamp"
quantity = "quantity"
net_amount = "sales_value"
discount_amount = "retail_disc"
coupon_amount = "coupon_disc"
[validation]
tolerance = 0.05
"""
LINES = """
    select basket_id::varchar as basket_id, product_id::varchar as product_id,
        household_id::varchar as household_id, transaction_timestamp, quantity, sales_value,
        retail_disc, coupon_disc from lines
"""


@dataclass(frozen=True)
class Shop:
    """A shop to lay out below a folder, the key of its ingest, and what that may take."""

    lay_out: Callable[[Path, int], None]
    as_of: date
    max_seconds: float | None
    max_mb: int = 2000


def lay_out_complete_journey(folder: Path, _rows: int) -> None:
    """Every drop of the year, as the demo lays them out."""
    complete_journey.lay_out(folder, until=SHOPS["complete-journey"].as_of)
    (folder / "churn.toml").write_text(complete_journey.churn_toml(), encoding="utf-8")


def lay_out_online_retail(folder: Path, _rows: int) -> None:
    """A churn.toml that reads the published file where it lies."""
    place = Path(os.environ.get("CHURN_ML_TEST_DATA", "."))
    file = next(place.glob("online_retail_II*.parquet"), None)
    if file is None:
        raise NotReady(
            "there is no file of Online Retail II",
            where=str(place),
            expected="online_retail_II*.parquet",
            next_step="set CHURN_ML_TEST_DATA to the folder that holds it",
        )
    tables = ("customers", "orders", "order_lines", "returns", "products")
    entry = f'kind = "online_retail"\nfiles = "{file.absolute()}"\n'
    entries = "".join(f"[sources.{name}]\n{entry}" for name in tables)
    (folder / "churn.toml").write_text(ONLINE_RETAIL + entries, encoding="utf-8")


def lay_out_large(folder: Path, rows: int) -> None:
    """One Parquet file of `rows` lines; every repetition has order numbers of its own."""
    place = folder / f"drops/order_lines/drop={SHOPS['large'].as_of.isoformat()}"
    place.mkdir(parents=True, exist_ok=True)
    (folder / "churn.toml").write_text(LARGE, encoding="utf-8")
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        file = complete_journey.package_data() / "transactions.parquet"
        con.from_parquet(str(file)).create_view("lines")
        real = con.sql(LINES).to_arrow_table()
    left, repetition = rows, 0
    with pq.ParquetWriter(place / "lines.parquet", real.schema) as writer:
        while left > 0:
            part = real.slice(0, left)
            new = pc.binary_join_element_wise(part["basket_id"], f"-{repetition}", "")
            writer.write_table(part.set_column(0, "basket_id", new), row_group_size=250_000)
            left, repetition = left - part.num_rows, repetition + 1


SHOPS = {
    "complete-journey": Shop(lay_out_complete_journey, date(2018, 1, 2), 40),
    "online-retail": Shop(lay_out_online_retail, date(2011, 6, 10), 20),
    "large": Shop(lay_out_large, date(2018, 1, 2), None),
}


def measured(folder: Path, as_of: date) -> dict[str, Any]:
    """Ingest what is laid out below `folder`; seconds, peak of memory, and what became of it."""
    house = open_house(load(folder / "churn.toml"), say=partial(print, file=sys.stderr))
    clock, cpu = time.perf_counter(), time.process_time()
    receipt = flow.ingest(house, as_of)
    seconds, cpu = time.perf_counter() - clock, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 10**6
    before = time.process_time()
    rows = scanned(house.config)
    scan = time.process_time() - before
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds),
        "peak_mb": round(peak),
        "cpu_seconds": round(cpu, 1),
        "scan_cpu_seconds": round(scan, 2),
        "times_a_scan": round(cpu / scan, 1),
        "load": round(os.getloadavg()[0], 1),
        "accepted": {count.table: count.rows_out for count in receipt.tables},
        "quarantined": {count.table: count.quarantined for count in receipt.tables},
    }


def scanned(config: Config) -> int:
    """Read and hash every value of every file that `config` names; returns the rows."""
    files = {str(config.path(told.files)) for of in config.sources.values() for told in of}
    rows = 0
    with duckdb.connect() as con:
        for pattern in sorted(files):
            read = con.read_parquet if pattern.endswith("parquet") else con.read_csv
            count = read(pattern).query("t", "select count(*), bit_xor(hash(t)) from t")
            rows += count.fetchall()[0][0]
    return rows


def alone(task: Callable[..., Any], *given: Any) -> Any:
    """What `task` returns, from a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as process:
        return process.submit(task, *given).result()


def main() -> None:
    """Lay out, ingest, print."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--shop", choices=SHOPS, default="large")
    asked.add_argument("--rows", type=int, default=50_000_000, help="lines of the large drop")
    asked.add_argument("--folder", type=Path, help="an empty one; else a temporary one")
    asked.add_argument("--json", action="store_true", help="one line of JSON")
    told = asked.parse_args()
    shop = SHOPS[told.shop]
    with tempfile.TemporaryDirectory(prefix="churn_ml-ingest-") as own:
        folder = told.folder or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        alone(shop.lay_out, folder, told.rows)
        found = alone(measured, folder, shop.as_of)
    bounds = {"max_seconds": shop.max_seconds, "max_mb": shop.max_mb}
    found = {"shop": told.shop, **found, **bounds}
    print(json.dumps(found) if told.json else "\n".join(f"{k:18}{v}" for k, v in found.items()))


if __name__ == "__main__":
    main()
