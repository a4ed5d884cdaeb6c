"""What the rules of the named segments read: one row per customer, gathered from the shop's tables.

Enters: canonical tables cut at an as_of, and the frames that the day's score made. Leaves: one
frame, with the columns that the shop has tables for. Age and gender are never read here. Worked
example: h1's largest spend of the last 365 days was on fruit, so `top_category` is fruit.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from churn_ml.events import attributes, days_ago, days_since, placed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis
    import pandas as pd

    from churn_ml.config import Segments
    from churn_ml.events import Canonical

YEAR_DAYS, QUARTER_DAYS, VISIT_DAYS = 365, 91, 90
SOCIAL = ("share", "invite", "group_join", "live_view", "video_view", "comment", "forum_post")
SIGNS = {
    "order_days_ratio": r"order_days_ratio_(\d+)d",
    "spend": r"spend_(\d+)d",
    "unsatisfied": r"is_unsatisfied_or_neutral_(\d+)d",
    "days_past_due_max": r"days_past_due_max()",
}
"""Column of the material -> the feature it is, of its longest window."""


def gathered(
    tables: Canonical,
    as_of: date,
    segments: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
    settings: Segments,
) -> pd.DataFrame:
    """One row per customer of `segments` with everything that a rule may read, as far as known.

    `tables`: canonical, cut at `as_of`. `frames`: by customer_id, each with columns of its own
    (cohort, main causes, attributes, ...); what one lacks of a customer is missing.
    """
    rows = segments
    for frame in (*frames.values(), *_told(tables, as_of, settings)):
        further = [name for name in frame if name == "customer_id" or name not in rows]
        rows = rows.merge(frame[further], on="customer_id", how="left")
    if "first_order_at" in rows:
        rows["first_month"] = rows["first_order_at"].dt.strftime("%Y_%m")
    return rows


def signs(features: pd.DataFrame) -> pd.DataFrame:
    """The features that rules read, by the names they have there, each of its longest window.

    >>> import pandas as pd
    >>> signs(pd.DataFrame({"customer_id": ["h1"], "spend_30d": [1.0], "spend_90d": [2.0]}))
      customer_id  spend
    0          h1    2.0
    """
    found = {}
    for name, pattern in SIGNS.items():
        fits = [(m[1], column) for column in features if (m := re.fullmatch(pattern, str(column)))]
        if fits:
            found[name] = max(fits, key=lambda one: int(one[0] or 0))[1]
    chosen = features[["customer_id", *found.values()]]
    return chosen.rename(columns={column: name for name, column in found.items()})


def _told(tables: Canonical, as_of: date, settings: Segments) -> list[pd.DataFrame]:
    """What the shop's tables say, a frame by customer_id from each that is there."""
    queries = [_quarters(tables, as_of)]
    if "customers" in tables:
        queries.append(_people(tables))
    if {"order_lines", "products"} <= tables.keys():
        queries.append(top_categories(tables, as_of))
    if "web_events" in tables:
        queries.append(_visits(tables, as_of))
    if "subscriptions" in tables:
        queries.append(_renewals(tables, as_of, settings.renewal_days))
    return [query.to_pyarrow().to_pandas() for query in queries]


def _people(tables: Canonical) -> ibis.Table:
    rows = attributes(tables)
    return rows.select(
        "customer_id", "business", "channel", country=rows.country.coalesce(rows.market)
    )


def _quarters(tables: Canonical, as_of: date) -> ibis.Table:
    """In how many of the last four quarters of a year each customer ordered."""
    orders = placed(tables)
    orders = orders.mutate(ago=days_ago(orders, as_of))
    recent = orders.filter(orders.ago <= 4 * QUARTER_DAYS)
    quarter = ((recent.ago - 1) / QUARTER_DAYS).floor()
    return recent.group_by("customer_id").aggregate(quarters=quarter.nunique())


def top_categories(tables: Canonical, as_of: date) -> ibis.Table:
    """The category of the largest spend of each customer in the last 365 days: `top_category`.

    >>> from churn_ml.in_memory import canonical
    >>> said = {"customer_id": "h1", "occurred_at": "2017-09-01"}
    >>> shop = canonical(
    ...     order_lines=[said | {"product_id": "p1"}, said | {"product_id": "p2"},
    ...                  said | {"product_id": "p2"}],
    ...     products=[{"product_id": "p1", "category": "fruit", "occurred_at": "2017-01-01"},
    ...               {"product_id": "p2", "category": "wine", "occurred_at": "2017-01-01"}])
    >>> top_categories(shop, date(2017, 10, 1)).to_pyarrow().to_pylist()
    [{'customer_id': 'h1', 'top_category': 'wine'}]
    """
    import ibis

    lines, products = tables["order_lines"], tables["products"]
    newest = ibis.window(group_by="product_id", order_by=ibis.desc("occurred_at"))
    ranked = products.mutate(age=ibis.row_number().over(newest))
    known = ranked.filter(ranked.age == 0, ranked.category.notnull())  # noqa: PD004 (ibis)
    recent = lines.filter(days_ago(lines, as_of) <= YEAR_DAYS)
    bought = recent.inner_join(known.select("product_id", "category"), "product_id")
    spent = bought.group_by("customer_id", "category").aggregate(
        cents=(bought.net_amount * 100).cast("int64").sum()
    )
    first = ibis.window(group_by="customer_id", order_by=[ibis.desc("cents"), ibis.asc("category")])
    best = spent.mutate(place=ibis.row_number().over(first))
    return best.filter(best.place == 0).select("customer_id", top_category="category")


def _visits(tables: Canonical, as_of: date) -> ibis.Table:
    """The device of most events of 90 days, and whether anything social was among them."""
    import ibis

    events = tables["web_events"]
    recent = events.filter(days_ago(events, as_of) <= VISIT_DAYS)
    counted = recent.group_by("customer_id").aggregate(
        social=recent.kind.isin(SOCIAL).any(),
        small=recent.device.isin(["mobile", "tablet"]).sum(),
        large=(recent.device == "desktop").sum(),
    )
    device = ibis.cases(
        (counted.small > counted.large, "mobile"), (counted.large > counted.small, "desktop")
    )
    return counted.select("customer_id", "social", device=device)


def _renewals(tables: Canonical, as_of: date, within_days: int) -> ibis.Table:
    """Who has a subscription that ends soon and was neither renewed nor cancelled."""
    import ibis

    rows = tables["subscriptions"]
    ahead = -days_since(rows.due_at, as_of)
    due = rows.filter(
        ahead.between(0, within_days),
        rows.renewed_at.isnull(),  # noqa: PD003 (ibis)
        rows.cancelled_at.isnull(),  # noqa: PD003 (ibis)
    )
    return due.select("customer_id").distinct().mutate(renewal_due=ibis.literal(value=True))
