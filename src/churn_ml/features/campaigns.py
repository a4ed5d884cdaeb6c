"""Indicators of the shop's own hand: who was contacted, and who took up what was offered.

Worked example, as of 2017-10-01: somebody contacted on 2017-08-15 and 2017-09-20, who redeemed one
coupon on 2017-09-22, has contacts_90d 2, contact_recency_days 11, redemptions_180d 1 and
redemption_rate_180d 1 / 2.

Campaigns are not randomised: these columns describe whom the shop chose, and no effect of a
campaign may be read from them. Degenerate case: a customer who was never contacted has no
contact_recency_days.
"""

from __future__ import annotations

from churn_ml.features.indicator import Indicator, Measure, plain, ratio, within

CONTACTS_180 = Measure("contacts_180", "contacts", lambda t: t.count(where=within(180)(t)))
REDEMPTIONS = Measure("redemptions_180d", "redemptions", lambda t: t.count(where=within(180)(t)))

CONTACT = Indicator(
    name="contact",
    meaning="Campaigns the customer was contacted for.",
    unit="contacts",
    direction="down",
    window="90 days",
    needs=("orders", "campaign_contacts"),
    source="C53",
    measures=(Measure("contacts_90d", "contacts", lambda t: t.count(where=within(90)(t))),),
    columns=(plain("contacts_90d"),),
)
CONTACT_RECENCY = Indicator(
    name="contact_recency",
    meaning="Days since the shop last contacted the customer for a campaign.",
    unit="days",
    direction="up",
    window="all history",
    needs=("orders", "campaign_contacts"),
    source="C53",
    measures=(Measure("contact_recency_days", "contacts", lambda t: t.days_ago.min(), empty=None),),
    columns=(plain("contact_recency_days"),),
)
REDEMPTION = Indicator(
    name="redemption",
    meaning="Coupons redeemed.",
    unit="redemptions",
    direction="down",
    window="180 days",
    needs=("orders", "coupon_redemptions"),
    source="C07",
    measures=(REDEMPTIONS,),
    columns=(plain("redemptions_180d"),),
)
REDEMPTION_RATE = Indicator(
    name="redemption_rate",
    meaning="Coupons redeemed per campaign contact.",
    unit="redemptions per contact",
    direction="down",
    window="180 days",
    needs=("orders", "campaign_contacts", "coupon_redemptions"),
    source="C07",
    measures=(REDEMPTIONS, CONTACTS_180),
    columns=ratio("redemption_rate_180d", lambda t: t.redemptions_180d, lambda t: t.contacts_180),
)

CAMPAIGNS: tuple[Indicator, ...] = (
    CONTACT,
    CONTACT_RECENCY,
    REDEMPTION,
    REDEMPTION_RATE,
)
