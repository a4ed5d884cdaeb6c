"""Indicators of the assortment: what is new in the customer's categories, how well it is described.

Worked example, as of 2017-10-01: two coffees launched on 2017-08-01 give somebody who bought coffee
on 2017-06-01 launches_own_categories_90d 2; two looks at a product whose details are complete and
one at a product with half of them give viewed_completeness_90d 2.5 / 3.

Degenerate cases: whoever bought in no known category has 0 launches; without a look at a product
whose completeness is known there is no mean.
"""

from __future__ import annotations

from churn_ml.features.columns import plain, share
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, View
from churn_ml.features.views.assortment import MILLION


def _newness(days: int, bought_days: int) -> Parts:
    name = f"launches_own_categories_{days}d"
    new = Measure(name, View("launches", (days, bought_days)), lambda t: t.launched.sum())
    return Parts((new,), (plain(name),))


def _description(days: int) -> Parts:
    view = View("viewed", (days,))
    looks = Measure(f"looks_{days}", view, lambda t: t.completeness.count())
    total = Measure(f"completeness_{days}", view, lambda t: t.completeness.sum())
    mean = share(lambda t: t[total.name], lambda t: t[looks.name] * MILLION)
    return Parts((looks, total), (Column(f"viewed_completeness_{days}d", mean),))


NEWNESS = Indicator(
    name="newness",
    meaning="Products launched in the first window in categories bought in the second.",
    unit="launches",
    direction="down",
    windows=(90, 180),
    needs=("orders", "order_lines", "products"),
    source="C55",
    owner="product",
    filled=("products.category", "products.launched_at"),
    of=_newness,
)
DESCRIPTION = Indicator(
    name="description",
    meaning="Share of the details filled in, mean over the products looked at.",
    unit="share",
    direction="down",
    windows=(90,),
    needs=("orders", "products", "web_events"),
    source="C56",
    owner="product",
    filled=("products.description_completeness", "web_events.product_id"),
    of=_description,
)

ASSORTMENT: tuple[Indicator, ...] = (NEWNESS, DESCRIPTION)
