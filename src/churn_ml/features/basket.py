"""Indicators of the basket: how much is in it, how varied it is, and what help it needed.

All read order lines of the last 90 days; "recent" is the later half of them. Worked example, as of
2017-10-01: somebody who bought milk, bread and soap between 2017-07-03 and 2017-08-16 and only milk
since has categories_90d 3, categories_ratio_45d 1 / 3 and categories_lost_share_45d 2 / 3.

Degenerate cases: lines without a known product or category count as one category of their own.
A discount or coupon that is missing is 0. Shares are taken of the amount before that discount.
"""

from __future__ import annotations

from functools import partial

from churn_ml.features.activity import order_days
from churn_ml.features.columns import ratio, since, within
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View
from churn_ml.features.rhythm import TENURE


def _of_lines(name: str, days: int, of: Reader) -> Measure:
    """A measure of the lines of `days` days, named after them."""
    return Measure(f"{name}_{days}", View("lines", (days,)), of)


def _lines(days: int) -> Measure:
    return _of_lines("lines", days, lambda t: t.count())


def _of_categories(name: str, days: int, recent: int, of: Reader) -> Measure:
    """A measure of the categories of `days` days, the last `recent` of them apart."""
    return Measure(f"{name}_{days}_{recent}", View("categories", (days, recent)), of)


def _basket_size(days: int) -> Parts:
    columns = ratio(
        f"lines_per_day_{days}d", lambda t: t[f"lines_{days}"], lambda t: t[f"days_{days}"]
    )
    return Parts((_lines(days), order_days(days)), columns)


def _basket_trend(days: int) -> Parts:
    both = _lines(2 * days)
    recent = _of_lines(f"lines_{days}_of", 2 * days, lambda t: t.count(where=within(days)(t)))
    columns = ratio(
        f"lines_ratio_{days}d",
        lambda t: t[recent.name],
        lambda t: t[both.name] - t[recent.name],
        since(2 * days),
    )
    return Parts((TENURE, both, recent), columns)


def _price_help(days: int) -> Parts:
    net = _of_lines("line_net", days, lambda t: t.net_cents.sum())
    discount = _of_lines("discount", days, lambda t: t.discount_cents.sum())
    coupon = _of_lines("coupon", days, lambda t: t.coupon_cents.sum())

    def share(kind: str, help_: Measure) -> tuple[Column, Column]:
        return ratio(
            f"{kind}_share_{days}d",
            lambda t: t[help_.name],
            lambda t: t[net.name] + t[help_.name],
        )

    columns = (*share("discount", discount), *share("coupon", coupon))
    return Parts((net, discount, coupon), columns)


def _recent_and_earlier(days: int) -> tuple[Measure, Measure]:
    """Categories bought in the last `days` days, and in as many before."""
    of = partial(_of_categories, days=2 * days, recent=days)
    return (
        of("categories_recent", of=lambda t: (t.recent_lines > 0).sum()),
        of("categories_earlier", of=lambda t: (t.earlier_lines > 0).sum()),
    )


def _breadth(days: int) -> Parts:
    found = _of_categories("categories", days, days // 2, lambda t: t.count())
    return Parts((found,), (Column(f"categories_{days}d", lambda t: t[found.name]),))


def _breadth_trend(days: int) -> Parts:
    recent, earlier = _recent_and_earlier(days)
    columns = ratio(
        f"categories_ratio_{days}d",
        lambda t: t[recent.name],
        lambda t: t[earlier.name],
        since(2 * days),
    )
    return Parts((TENURE, recent, earlier), columns)


def _categories_lost(days: int) -> Parts:
    _, earlier = _recent_and_earlier(days)
    dropped = _of_categories(
        "categories_dropped",
        2 * days,
        days,
        lambda t: ((t.earlier_lines > 0) & (t.recent_lines == 0)).sum(),
    )
    columns = ratio(
        f"categories_lost_share_{days}d",
        lambda t: t[dropped.name],
        lambda t: t[earlier.name],
        since(2 * days),
    )
    return Parts((TENURE, dropped, earlier), columns)


def _concentration(days: int) -> Parts:
    top = _of_categories("top_net", days, days // 2, lambda t: t.net_cents.max())
    whole = _of_categories("all_net", days, days // 2, lambda t: t.net_cents.sum())
    name = f"top_category_share_{days}d"
    return Parts((top, whole), ratio(name, lambda t: t[top.name], lambda t: t[whole.name]))


def _category_shift(days: int) -> Parts:
    last = _of_categories(
        "last_categories", days, days // 2, lambda t: (t.days_ago == t.last_days_ago).sum()
    )
    first_seen = _of_categories(
        "first_seen_categories",
        days,
        days // 2,
        lambda t: (t.first_days_ago == t.last_days_ago).sum(),
    )
    columns = ratio(
        f"new_category_share_{days}d",
        lambda t: t[first_seen.name],
        lambda t: t[last.name],
        lambda t: t[f"days_{days}"] > 1,
    )
    return Parts((first_seen, last, order_days(days)), columns)


BASKET_SIZE = Indicator(
    name="basket_size",
    meaning="Products in the basket of an order day.",
    unit="lines per order day",
    direction="down",
    windows=(90,),
    needs=("orders", "order_lines"),
    source="C03",
    owner="product",
    of=_basket_size,
)
BASKET_TREND = Indicator(
    name="basket_trend",
    meaning="Products bought against as many days before.",
    unit="ratio",
    direction="down",
    windows=(45,),
    against="against as many days before",
    needs=("orders", "order_lines"),
    source="C01",
    owner="product",
    of=_basket_trend,
)
PRICE_HELP = Indicator(
    name="price_help",
    meaning="Discounts and coupons as a share of what the goods cost before them.",
    unit="share",
    direction="either",
    windows=(90,),
    needs=("orders", "order_lines"),
    source="C51",
    filled=("order_lines.net_amount",),
    owner="product",
    of=_price_help,
)
BREADTH = Indicator(
    name="breadth",
    meaning="Different categories bought from.",
    unit="categories",
    direction="down",
    windows=(90,),
    needs=("orders", "order_lines", "products"),
    source="C57",
    filled=("products.category",),
    owner="product",
    of=_breadth,
)
BREADTH_TREND = Indicator(
    name="breadth_trend",
    meaning="Categories bought from against as many days before.",
    unit="ratio",
    direction="down",
    windows=(45,),
    against="against as many days before",
    needs=("orders", "order_lines", "products"),
    source="C57",
    filled=("products.category",),
    owner="product",
    of=_breadth_trend,
)
CATEGORIES_LOST = Indicator(
    name="categories_lost",
    meaning="Share of the categories of the days before the window that are no longer bought.",
    unit="share",
    direction="up",
    windows=(45,),
    against="against as many days before",
    needs=("orders", "order_lines", "products"),
    source="C57",
    filled=("products.category",),
    owner="product",
    of=_categories_lost,
)
CONCENTRATION = Indicator(
    name="concentration",
    meaning="Share of the spend that goes to the one category most is spent on.",
    unit="share",
    direction="up",
    windows=(90,),
    needs=("orders", "order_lines", "products"),
    source="C57",
    filled=("order_lines.net_amount",),
    owner="product",
    of=_concentration,
)
CATEGORY_SHIFT = Indicator(
    name="category_shift",
    meaning="Share of the last order day's categories not bought before in the window.",
    unit="share",
    direction="up",
    windows=(90,),
    needs=("orders", "order_lines", "products"),
    source="C34",
    filled=("products.category",),
    owner="product",
    of=_category_shift,
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
