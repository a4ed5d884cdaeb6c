"""What comes in: where the files of each canonical table are, how they read, how bad they may be.

Enters: the sections [sources.TABLE] and [validation]. Leaves: a `SourceTable` for each table that
the shop has, and `Validation`. Worked example: the file `drops/orders/drop=2017-10-01/orders.csv`
is found by the glob below; its column `basket_id` is our `order_id`.

>>> orders = SourceTable(files="drops/orders/**/*.csv", columns={"order_id": "basket_id"})
>>> orders.columns["order_id"], orders.lag_days, Validation().tolerance
('basket_id', 1, 0.01)
"""

from __future__ import annotations

from pydantic import Field

from churn_ml.config.section import Days, Section, Share


class SourceTable(Section):
    """How the files of one canonical table are found and read.

    `files` is a glob below churn.toml; a path part `drop=YYYY-MM-DD` dates the lot. `columns` maps
    our column to theirs, `constants` fills columns with one value, `values` translates their values
    of one of our columns (`[sources.orders.values.status] paid = "completed"`). `known_at` names
    their column with the time the row became known; without one the drop date counts, and without
    that `occurred_at` plus `lag_days`.
    """

    files: str
    columns: dict[str, str]
    constants: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    known_at: str | None = None
    lag_days: Days = 1


class Validation(Section):
    """The share of bad rows a lot may hold: one default, and one per rule by name."""

    tolerance: Share = 0.01
    rules: dict[str, Share] = Field(default_factory=dict)
