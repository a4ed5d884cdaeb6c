"""What the assortment holds for the customer: what is new in their categories, what they look at.

Worked example, as of 2017-10-01: two coffees launched on 2017-08-01 give somebody who bought coffee
on 2017-06-01 a row of `launches` with launched 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago, days_since
from churn_ml.features.views.shopping import lines, products

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day

MILLION = 1_000_000
"""Shares become whole numbers of these before they are added."""


def own_categories(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer and known category bought in the last `days` days."""
    kinds = products(tables).select("product_id", "category")
    bought = lines(tables, as_of, days).inner_join(
        kinds.filter(kinds.category.notnull()), "product_id"
    )
    return bought.select("customer_id", "category").distinct()


def launches(tables: Canonical, as_of: Day, days: int, bought_days: int) -> ibis.Table:
    """One row per customer and category bought in the last `bought_days` days with something new.

    `launched` counts its products first sold in the last `days` days.
    """
    rows = products(tables)
    new = rows.filter(days_since(rows.launched_at, as_of).between(1, days))
    found = new.group_by("category").aggregate(launched=new.count())
    return own_categories(tables, as_of, bought_days).inner_join(found, "category")


def viewed(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per look at a product in the last `days` days.

    `completeness` is the share of the product's details that are filled in, in whole millionths, as
    valid at as_of; null where it is not known.
    """
    events = tables["web_events"]
    looks = events.filter(events.kind == "page_view", days_ago(events, as_of) <= days)
    rows = products(tables)
    told = rows.select(
        "product_id",
        completeness=(rows.description_completeness * MILLION).round().cast("int64"),
    )
    return looks.select("customer_id", "product_id").inner_join(told, "product_id")
