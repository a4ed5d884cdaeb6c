"""How the shop reached customers, and what came back: campaigns, messages, ads, promotions, care.

Worked example, as of 2017-10-01: a campaign that reached h1 on 2017-09-30 is a row of `contacts`
with days_ago 1. An e-mail sent to h1 on 2017-09-20 and opened twice on 2017-09-21 is one row of
`messages` with days_ago 11 and opened true; had it bounced, it would be no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day

BASIS_POINTS = 10_000
"""The parts of a whole that a discount is counted in, so that depths are added as whole numbers."""
UNTREATED = ("holdout", "control")
"""Arms of a test whose customers nothing was done to."""


def contacts(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per customer and campaign, with days_ago of the contact."""
    rows = tables["campaign_contacts"]
    return rows.mutate(days_ago=days_ago(rows, as_of))


def redemptions(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per customer, coupon and time of redemption, with days_ago."""
    rows = tables["coupon_redemptions"]
    return rows.mutate(days_ago=days_ago(rows, as_of))


def messages(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per message delivered in the last `days` days: sent, and not bounced.

    `days_ago` is that of its sending; `opened` and `answered` (clicked or replied) say what has
    come of it until as_of, however often.
    """
    rows = tables["message_events"]
    rows = rows.mutate(days_ago=days_ago(rows, as_of))
    rows = rows.filter(rows.days_ago <= days)
    sent = rows.kind == "sent"
    found = rows.group_by("customer_id", "message_id").aggregate(
        days_ago=rows.days_ago.max(where=sent),
        channel=rows.channel.max(where=sent),
        opened=(rows.kind == "opened").any(),
        answered=rows.kind.isin(("clicked", "replied")).any(),
        bounced=(rows.kind == "bounced").any(),
    )
    return found.filter(found.days_ago.notnull() & ~found.bounced)


def care(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per contact that asked for nothing: care messages delivered, and treatments.

    Treatments are read where the shop has them, but for those of the arms that got nothing.
    """
    rows = tables["message_events"]
    rows = rows.mutate(days_ago=days_ago(rows, as_of))
    sent = (rows.kind == "sent") & (rows.purpose == "care")
    # A bounce need not repeat its message's purpose.
    told = rows.filter(sent | (rows.kind == "bounced"))
    found = told.group_by("customer_id", "message_id").aggregate(
        days_ago=told.days_ago.min(where=told.kind == "sent"),
        bounced=(told.kind == "bounced").any(),
    )
    found = found.filter(found.days_ago.notnull() & ~found.bounced)
    found = found.select("customer_id", "days_ago")
    if "treatments" not in tables:
        return found
    done = tables["treatments"]
    done = done.filter(done.arm.isnull() | done.arm.notin(UNTREATED))
    return found.union(done.select("customer_id", days_ago=days_ago(done, as_of)))


def ads(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per advertisement shown or clicked, with days_ago."""
    rows = tables["ad_events"]
    return rows.mutate(days_ago=days_ago(rows, as_of))


def promotions(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per promotion offered or joined, with days_ago and depth_points (basis points)."""
    rows = tables["promo_events"]
    points = (rows.depth * BASIS_POINTS).round().cast("int64")
    return rows.mutate(days_ago=days_ago(rows, as_of), depth_points=points)
