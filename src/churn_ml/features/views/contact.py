"""How the shop reached customers, and what came back: contacts, redemptions.

Worked example, as of 2017-10-01: a campaign that reached h1 on 2017-09-30 is a row of `contacts`
with days_ago 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago

if TYPE_CHECKING:
    from datetime import date

    import ibis

    from churn_ml.events import Canonical


def contacts(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per customer and campaign, with days_ago of the contact."""
    rows = tables["campaign_contacts"]
    return rows.mutate(days_ago=days_ago(rows, as_of))


def redemptions(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per customer, coupon and time of redemption, with days_ago."""
    rows = tables["coupon_redemptions"]
    return rows.mutate(days_ago=days_ago(rows, as_of))
