"""Indicators of the basket: how much is in it, how varied it is, and what help it needed.

All read order lines of the last 90 days; "recent" is the later half of them. Worked example, as of
2017-10-01: somebody who bought milk, bread and soap between 2017-07-03 and 2017-08-16 and only milk
since has categories_90d 3, categories_ratio_45d 1 / 3 and categories_lost_share_45d 2 / 3.

Degenerate cases: lines without a known product or category count as one category of their own.
A discount or coupon that is missing is 0. Shares are taken of the amount before that discount.
"""

from __future__ import annotations

from churn_ml.features.activity import order_days
from churn_ml.features.indicator import Indicator, Measure, plain, ratio, since, within
from churn_ml.features.rhythm import TENURE

LINES = Measure("lines_90", "lines", lambda t: t.count())
LINES_45 = Measure("lines_45", "lines", lambda t: t.count(where=within(45)(t)))
LINE_NET = Measure("line_net_90", "lines", lambda t: t.net_cents.sum())
DISCOUNT = Measure("discount_90", "lines", lambda t: t.discount_cents.sum())
COUPON = Measure("coupon_90", "lines", lambda t: t.coupon_cents.sum())

CATEGORIES = Measure("categories_90d", "categories", lambda t: t.count())
RECENT = Measure("categories_recent", "categories", lambda t: (t.recent_lines > 0).sum())
EARLIER = Measure("categories_earlier", "categories", lambda t: (t.earlier_lines > 0).sum())
DROPPED = Measure(
    "categories_dropped",
    "categories",
    lambda t: ((t.earlier_lines > 0) & (t.recent_lines == 0)).sum(),
)
TOP_NET = Measure("top_net", "categories", lambda t: t.net_cents.max())
ALL_NET = Measure("all_net", "categories", lambda t: t.net_cents.sum())
LAST_CATEGORIES = Measure(
    "last_categories", "categories", lambda t: (t.days_ago == t.last_days_ago).sum()
)
FIRST_SEEN = Measure(
    "first_seen_categories", "categories", lambda t: (t.first_days_ago == t.last_days_ago).sum()
)

BASKET_SIZE = Indicator(
    name="basket_size",
    meaning="Products in the basket of an order day.",
    unit="lines per order day",
    direction="down",
    window="90 days",
    needs=("orders", "order_lines"),
    source="C03",
    measures=(LINES, order_days(90)),
    columns=ratio("lines_per_day_90d", lambda t: t.lines_90, lambda t: t.days_90),
)
BASKET_TREND = Indicator(
    name="basket_trend",
    meaning="Products bought against the 45 days before.",
    unit="ratio",
    direction="down",
    window="45 days against the 45 before",
    needs=("orders", "order_lines"),
    source="C01",
    measures=(TENURE, LINES, LINES_45),
    columns=ratio(
        "lines_ratio_45d", lambda t: t.lines_45, lambda t: t.lines_90 - t.lines_45, since(90)
    ),
)
PRICE_HELP = Indicator(
    name="price_help",
    meaning="Discounts and coupons as a share of what the goods cost before them.",
    unit="share",
    direction="either",
    window="90 days",
    needs=("orders", "order_lines"),
    source="C51",
    filled=("order_lines.net_amount",),
    measures=(LINE_NET, DISCOUNT, COUPON),
    columns=(
        *ratio(
            "discount_share_90d", lambda t: t.discount_90, lambda t: t.line_net_90 + t.discount_90
        ),
        *ratio("coupon_share_90d", lambda t: t.coupon_90, lambda t: t.line_net_90 + t.coupon_90),
    ),
)
BREADTH = Indicator(
    name="breadth",
    meaning="Different categories bought from.",
    unit="categories",
    direction="down",
    window="90 days",
    needs=("orders", "order_lines", "products"),
    source="C57",
    filled=("products.category",),
    measures=(CATEGORIES,),
    columns=(plain("categories_90d"),),
)
BREADTH_TREND = Indicator(
    name="breadth_trend",
    meaning="Categories bought from against the 45 days before.",
    unit="ratio",
    direction="down",
    window="45 days against the 45 before",
    needs=("orders", "order_lines", "products"),
    source="C57",
    filled=("products.category",),
    measures=(TENURE, RECENT, EARLIER),
    columns=ratio(
        "categories_ratio_45d",
        lambda t: t.categories_recent,
        lambda t: t.categories_earlier,
        since(90),
    ),
)
CATEGORIES_LOST = Indicator(
    name="categories_lost",
    meaning="Share of the categories of the 45 days before that are no longer bought.",
    unit="share",
    direction="up",
    window="45 days against the 45 before",
    needs=("orders", "order_lines", "products"),
    source="C57",
    filled=("products.category",),
    measures=(TENURE, DROPPED, EARLIER),
    columns=ratio(
        "categories_lost_share_45d",
        lambda t: t.categories_dropped,
        lambda t: t.categories_earlier,
        since(90),
    ),
)
CONCENTRATION = Indicator(
    name="concentration",
    meaning="Share of the spend that goes to the one category most is spent on.",
    unit="share",
    direction="up",
    window="90 days",
    needs=("orders", "order_lines", "products"),
    source="C57",
    filled=("order_lines.net_amount",),
    measures=(TOP_NET, ALL_NET),
    columns=ratio("top_category_share_90d", lambda t: t.top_net, lambda t: t.all_net),
)
CATEGORY_SHIFT = Indicator(
    name="category_shift",
    meaning="Share of the last order day's categories not bought before in the window.",
    unit="share",
    direction="up",
    window="90 days",
    needs=("orders", "order_lines", "products"),
    source="C34",
    filled=("products.category",),
    measures=(FIRST_SEEN, LAST_CATEGORIES, order_days(90)),
    columns=ratio(
        "new_category_share_90d",
        lambda t: t.first_seen_categories,
        lambda t: t.last_categories,
        lambda t: t.days_90 > 1,
    ),
)

BASKET: tuple[Indicator, ...] = (
    BASKET_SIZE,
    BASKET_TREND,
    PRICE_HELP,
    BREADTH,
    BREADTH_TREND,
    CATEGORIES_LOST,
    CONCENTRATION,
    CATEGORY_SHIFT,
)
