"""Indicators of competition: what competitors ask, promise and gain where the customer lives.

Worked example, as of 2017-10-01: of two coffees that we list at 6.00 and 5.00, competitors sold the
first for 4.00 and 4.50 and the second for 6.00 in September; whoever bought coffee lately sees
price_gap_ratio_30d 11.00 / 10.00 = 1.1: 10 % dearer than elsewhere.

Degenerate cases: whose market is not known has null promotions, launches and shares; a market in
which nothing was seen has 0 promotions and launches, but no change of shares.
"""

from __future__ import annotations

from churn_ml.features.columns import delta, plain, ratio
from churn_ml.features.indicator import Indicator, Measure, Parts, View
from churn_ml.features.market import of_market
from churn_ml.features.views.assortment import MILLION


def _price_gap(days: int, bought_days: int) -> Parts:
    def cents(whose: str) -> Measure:
        return Measure(
            f"{whose}_list_cents_{days}_{bought_days}",
            View("competitor_prices", (days, bought_days)),
            lambda t: t[f"{whose}_cents"].sum(),
        )

    own, rival = cents("own"), cents("rival")
    columns = ratio(f"price_gap_ratio_{days}d", lambda t: t[own.name], lambda t: t[rival.name])
    return Parts((own, rival), columns)


def _seen(name: str, column: str, days: int) -> Parts:
    found = of_market(f"{name}_{days}d", View("competitors", (days,)), column)
    return Parts((found,), (plain(found.name),))


def _shares(days: int) -> Parts:
    now, before = (
        of_market(f"comp_share_{name}_{days}", View("competitor_shares", (days,)), name)
        for name in ("now", "before")
    )
    pushes = of_market(f"comp_acquisitions_{days}d", View("competitors", (days,)), "acquisitions")
    change = delta(
        f"comp_share_delta_{days}d",
        lambda t: t[now.name] / MILLION,
        lambda t: t[before.name] / MILLION,
    )
    return Parts((now, before, pushes), (*change, plain(pushes.name)))


PRICE_GAP = Indicator(
    name="price_gap",
    meaning="Our list prices against the lowest of competitors seen in the first window, in the "
    "categories bought in the second.",
    unit="ratio",
    direction="up",
    windows=(30, 180),
    needs=("orders", "order_lines", "products", "competitor_prices"),
    source="C30",
    owner="product",
    filled=("products.category", "products.list_amount"),
    of=_price_gap,
)
COMPETITOR_PROMOTIONS = Indicator(
    name="competitor_promotions",
    meaning="Days on which competitors ran a promotion in the market, each promotion by itself.",
    unit="days",
    direction="up",
    windows=(30,),
    needs=("orders", "customers", "competitor_events"),
    source="C30",
    owner="marketing",
    filled=("customers.market",),
    of=lambda days: _seen("comp_promo_days", "promotion_days", days),
)
COMPETITOR_LAUNCHES = Indicator(
    name="competitor_launches",
    meaning="Products that competitors launched in the market.",
    unit="launches",
    direction="up",
    windows=(90,),
    needs=("orders", "customers", "competitor_events"),
    source="C30",
    owner="product",
    filled=("customers.market",),
    of=lambda days: _seen("comp_launches", "launches", days),
)
COMPETITOR_SHARE = Indicator(
    name="competitor_share",
    meaning="Change of the competitors' share of the market, and their drives for new customers.",
    unit="change of the share; drives",
    direction="up",
    windows=(91,),
    against="the share against as many days before",
    needs=("orders", "customers", "competitor_events"),
    source="C31",
    owner="marketing",
    filled=("customers.market",),
    of=_shares,
)

COMPETITION: tuple[Indicator, ...] = (
    PRICE_GAP,
    COMPETITOR_PROMOTIONS,
    COMPETITOR_LAUNCHES,
    COMPETITOR_SHARE,
)
