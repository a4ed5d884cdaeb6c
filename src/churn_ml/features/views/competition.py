"""Who else courts the customer: what competitors do in the market, their shares and prices.

Worked example, as of 2017-10-01: a competitor's promotion in the market DE from 2017-09-20 to
2017-09-24 gives every customer of DE 5 promotion_days in `competitors` of 30 days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago, days_since
from churn_ml.features.views.assortment import MILLION, own_categories
from churn_ml.features.views.market import of_market
from churn_ml.features.views.shopping import products

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day


def competitors(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer: what competitors did in the market in the last `days` days.

    `launches` and `acquisitions` are counted; `promotion_days` are the days with a promotion, two
    promotions on a day being two. A promotion runs from its first day to its last; without a known
    end, on its first.
    """
    import ibis

    rows = tables["competitor_events"]
    rows = rows.mutate(days_ago=days_ago(rows, as_of))
    last = ibis.greatest(days_since(rows.ends_at, as_of).fill_null(rows.days_ago), 1)
    run_days = (ibis.least(rows.days_ago, days) - last + 1).clip(lower=0)
    recent = rows.days_ago <= days
    counts = {
        "promotion_days": run_days.sum(where=rows.kind == "promotion"),
        "launches": rows.count(where=recent & (rows.kind == "launch")),
        "acquisitions": rows.count(where=recent & (rows.kind == "acquisition")),
    }
    found = of_market(tables, rows.group_by("market").aggregate(**counts))
    return found.mutate(**{name: found[name].fill_null(0) for name in counts})


def competitor_shares(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer: the competitors' shares of the market, added, in whole millionths.

    `now` adds the shares published last in the last `days` days, `before` those of as many days
    before; only of competitors with both. Null where there is no such competitor.
    """
    rows = tables["competitor_events"]
    rows = rows.filter(rows.kind == "share")
    rows = rows.mutate(
        days_ago=days_ago(rows, as_of), part=(rows.value * MILLION).round().cast("int64")
    )
    rows = rows.filter(rows.days_ago <= 2 * days, rows.part.notnull())
    each = rows.group_by("market", "competitor").aggregate(
        now=rows.part.argmax(rows.occurred_at, where=rows.days_ago <= days),
        before=rows.part.argmax(rows.occurred_at, where=rows.days_ago > days),
    )
    each = each.filter(each.now.notnull(), each.before.notnull())
    return of_market(
        tables, each.group_by("market").aggregate(now=each.now.sum(), before=each.before.sum())
    )


def competitor_prices(tables: Canonical, as_of: Day, days: int, bought_days: int) -> ibis.Table:
    """One row per customer and category bought in the last `bought_days` days that others sell.

    `own_cents` adds our list prices, valid at as_of, of the category's products that a competitor
    was seen with in the last `days` days; `rival_cents` adds the lowest price seen of each.
    """
    seen = tables["competitor_prices"]
    seen = seen.filter(days_ago(seen, as_of) <= days)
    lowest = seen.group_by("product_id").aggregate(amount=seen.amount.min())
    ours = products(tables).select("product_id", "category", "list_amount")
    both = ours.filter(ours.list_amount.notnull()).inner_join(lowest, "product_id")
    compared = both.group_by("category").aggregate(
        own_cents=(both.list_amount * 100).cast("int64").sum(),
        rival_cents=(both.amount * 100).cast("int64").sum(),
    )
    return own_categories(tables, as_of, bought_days).inner_join(compared, "category")
