"""Indicators of standing: person in charge, tier and points, leaks of data, taste for the new.

Worked example, as of 2017-10-01: a member who was gold (level 3) on 2017-04-01 and became silver
(level 2) on 2017-06-01 has tier_down_180d 1. Of 500 points that run out on 2017-11-15, with 300
used since, 200 are left: points_expiring_60d 200.

Points are used in the order in which they run out. Degenerate cases: the first person in charge is
no change; who was no customer yet when data leaked was not exposed; without orders in the window
there is no share of new products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features.activity import orders
from churn_ml.features.columns import ratio, within
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View
from churn_ml.features.rhythm import TENURE

if TYPE_CHECKING:
    import ibis

_BREACH = Measure("breach_days_ago", View("breaches"), lambda t: t.days_ago.min(), empty=None)
_SPENT = Measure("points_spent", View("points"), lambda t: -t.points.sum(where=t.points < 0))


def _agent_change(days: int) -> Parts:
    changes = Measure(
        f"agent_changes_{days}",
        View("staff"),
        lambda t: t.count(where=within(days)(t) & t.is_change),
    )
    column = Column(f"agent_changed_{days}d", lambda t: t[changes.name] > 0)
    return Parts((changes,), (column,))


def _breach(days: int) -> Parts:
    def exposed(t: ibis.Table) -> ibis.BooleanValue:
        return (t.breach_days_ago <= days) & (t.breach_days_ago <= t.tenure_days)

    column = Column(f"breach_exposed_{days}d", lambda t: exposed(t).fill_null(False))
    return Parts((TENURE, _BREACH), (column,))


def _tier_down(days: int) -> Parts:
    name = f"tiers_down_{days}"
    lower = Measure(name, View("tiers", (days,)), lambda t: t.count(where=t.level < t.level_before))
    return Parts((lower,), (Column(f"tier_down_{days}d", lambda t: t[name] > 0),))


def _points_expiring(days: int) -> Parts:
    def earned(name: str, of: Reader) -> Measure:
        return Measure(
            f"points_{name}_{days}",
            View("points"),
            lambda t: t.points.sum(where=of(t) & (t.points > 0) & (t.left_days <= days)),
        )

    dated = earned("dated", lambda t: t.left_days.notnull())
    expiring = earned("expiring", lambda t: t.left_days > 0)

    def left(t: ibis.Table) -> ibis.Value:
        # what ran out before is used or gone, so at most all of what is to run out is left
        return (t[dated.name] - t.points_spent).clip(lower=0, upper=t[expiring.name])

    return Parts((dated, expiring, _SPENT), (Column(f"points_expiring_{days}d", left),))


def _novelty(days: int, new_days: int) -> Parts:
    name = f"novelties_{days}_{new_days}"
    new = Measure(name, View("novelties", (days, new_days)), lambda t: t.count())
    columns = ratio(f"new_product_share_{days}d", lambda t: t[name], lambda t: t[f"orders_{days}"])
    return Parts((new, orders(days)), columns)


AGENT_CHANGE = Indicator(
    name="agent_change",
    meaning="1 where another person was put in charge of the customer.",
    unit="0 or 1",
    direction="up",
    windows=(90,),
    needs=("orders", "staff_assignments"),
    source="C58",
    owner="service",
    of=_agent_change,
)
BREACH = Indicator(
    name="breach",
    meaning="1 where data of the customer's market, or of all, leaked while they were a customer.",
    unit="0 or 1",
    direction="up",
    windows=(180,),
    needs=("orders", "customers", "site_incidents"),
    source="C59",
    owner="site",
    of=_breach,
)
TIER_DOWN = Indicator(
    name="tier_down",
    meaning="1 where the tier of a membership is lower than at the start of the window, or ended.",
    unit="0 or 1",
    direction="up",
    windows=(180,),
    needs=("orders", "memberships"),
    source="C65",
    owner="marketing",
    filled=("memberships.level",),
    of=_tier_down,
)
POINTS_EXPIRING = Indicator(
    name="points_expiring",
    meaning="Points that run out soon unless they are used.",
    unit="points",
    direction="up",
    windows=(60,),
    against="after as_of, not before it",
    needs=("orders", "loyalty_ledger"),
    source="C65",
    owner="marketing",
    filled=("loyalty_ledger.expires_at",),
    of=_points_expiring,
)
NOVELTY = Indicator(
    name="novelty",
    meaning="Share of orders with a product that was new then: in the second window after launch.",
    unit="share",
    direction="down",
    windows=(180, 90),
    needs=("orders", "order_lines", "products"),
    source="C61",
    owner="product",
    filled=("products.launched_at",),
    of=_novelty,
)

STANDING: tuple[Indicator, ...] = (
    AGENT_CHANGE,
    BREACH,
    TIER_DOWN,
    POINTS_EXPIRING,
    NOVELTY,
)
