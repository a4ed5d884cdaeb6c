"""How fast, and in how much memory, one large drop is ingested.

    python benchmarks/ingest.py --rows 50_000_000 --folder /tmp/large

The real lines of Complete Journey are repeated with new order numbers into one Parquet file, which
is then ingested as any drop is: read, validated, staged, sorted, written to the lake. Printed are
rows a second, the peak of the process's memory, and the bytes per row on disk. The rows are real;
that there are so many of them is made up.
"""

from __future__ import annotations

import argparse
import resource
import time
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from churn_ml import flow
from churn_ml.config import load
from churn_ml.house import open_house
from churn_ml.sources import complete_journey

CHURN_TOML = """
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
DROP = date(2018, 1, 2)


def lay_out(folder: Path, rows: int) -> Path:
    """One Parquet file of `rows` lines; every repetition has order numbers of its own."""
    place = folder / f"drops/order_lines/drop={DROP.isoformat()}"
    place.mkdir(parents=True, exist_ok=True)
    (folder / "churn.toml").write_text(CHURN_TOML, encoding="utf-8")
    lines = complete_journey.package_data() / "transactions.parquet"
    file = place / "lines.parquet"
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.from_parquet(str(lines)).create_view("lines")
        real = con.sql(
            "select basket_id::varchar as basket_id, product_id::varchar as product_id,"
            " household_id::varchar as household_id, transaction_timestamp, quantity, sales_value,"
            " retail_disc, coupon_disc from lines"
        ).to_arrow_table()
    left, repetition = rows, 0
    with pq.ParquetWriter(file, real.schema) as writer:
        while left > 0:
            part = real.slice(0, left)
            numbers = pa.array([f"-{repetition}"]).take(pa.array([0] * part.num_rows))
            new = pc.binary_join_element_wise(part["basket_id"], numbers, "")
            writer.write_table(part.set_column(0, "basket_id", new), row_group_size=250_000)
            left, repetition = left - part.num_rows, repetition + 1
    return file


def main() -> None:
    """Lay out, ingest, print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=50_000_000)
    asked.add_argument("--folder", type=Path, required=True)
    told = asked.parse_args()
    file = lay_out(told.folder, told.rows)
    house = open_house(load(told.folder / "churn.toml"), say=print)
    start = time.perf_counter()
    receipt = flow.ingest(house, DROP)
    seconds = time.perf_counter() - start
    counted = receipt.tables[0]
    lake = sum(f.stat().st_size for f in (told.folder / "lake/order_lines").rglob("*.parquet"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{counted.rows_in} rows in, {counted.rows_out} accepted, {counted.quarantined} aside")
    print(f"{seconds:.0f} s, {counted.rows_in / seconds:.0f} rows/s, peak {peak:.2f} GiB")
    print(f"{file.stat().st_size / told.rows:.1f} bytes/row in, {lake / told.rows:.1f} in the lake")


if __name__ == "__main__":
    main()
