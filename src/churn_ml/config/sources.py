"""What comes in: where the rows of each canonical table are, how they read, how bad they may be.

Enters: the sections [sources.TABLE] and [validation]. Leaves: `SourceTable`s for each table that
the shop has, and `Validation`. Worked example: the file `drops/orders/drop=2017-10-01/orders.csv`
is found by the glob below; its column `basket_id` is our `order_id`.

>>> orders = SourceTable(files="drops/orders/**/*.csv", columns={"order_id": "basket_id"})
>>> orders.columns["order_id"], orders.lag_days, Validation().tolerance
('basket_id', 1, 0.01)
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from churn_ml.config.section import ConnectionName, Days, Section, Share, Zone


class SourceTable(Section):
    """Where the rows of one canonical table come from, and how they read.

    `kind` names an adapter: `files`, `postgres`, or a public data set that brings its own mapping.
    `files` is a glob below churn.toml, or of any object store (`s3://bucket/drops/*.parquet`); a
    path part `drop=YYYY-MM-DD` dates the lot. `columns` maps our column to theirs, `constants`
    fills columns with one value, `expressions` computes columns from theirs, `values` translates
    their values of one of our columns (`[sources.orders.values.status] paid = "completed"`).
    `where` keeps only the rows that are this table's; `group_by` makes one row of each group of
    theirs. `known_at` names their column with the time the row became known; without one the drop
    date counts, and without that `occurred_at` plus `lag_days`.

    How text reads: times without a zone are in `time_zone` (the shop's, unless told), in ISO 8601
    or as `dates` says (strptime, "%d.%m.%Y %H:%M"); `decimal` is the mark before the fraction, the
    other one may group thousands.

    A database: `url` (may hold `${NAME}`) or `connection` (an Airflow connection's name), `table`
    or `query`, and the column `cursor` by which rows are new; read in pieces of `chunk_rows`. What
    is committed late is found by reading `overlap` again: minutes, or numbers of a whole one.
    """

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "files"
    files: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    expressions: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    where: str | None = None
    group_by: tuple[str, ...] = ()
    known_at: str | None = None
    lag_days: Days = 1
    time_zone: Zone | None = None
    dates: str | None = None
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    url: str | None = Field(default=None, repr=False)
    connection: ConnectionName | None = None
    table: str | None = None
    query: str | None = None
    cursor: str | None = None
    chunk_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000
    overlap: Annotated[int, Field(ge=0)] = 0


class Validation(Section):
    """The share of bad rows a lot may hold: one default, and one per rule by name.

    `rate_days` is how old an exchange rate may be when an amount is converted with it.
    """

    tolerance: Share = 0.01
    rules: dict[str, Share] = Field(default_factory=dict)
    rate_days: Days = 7
