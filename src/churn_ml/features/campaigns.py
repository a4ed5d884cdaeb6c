"""Indicators of the shop's own hand: who was contacted, and who took up what was offered.

Worked example, as of 2017-10-01: somebody contacted on 2017-08-15 and 2017-09-20, who redeemed one
coupon on 2017-09-22, has contacts_90d 2, contact_recency_days 11, redemptions_180d 1 and
redemption_rate_180d 1 / 2.

Campaigns are not randomised: these columns describe whom the shop chose, and no effect of a
campaign may be read from them. Degenerate case: a customer who was never contacted has no
contact_recency_days.
"""

from __future__ import annotations

from churn_ml.features.columns import plain, ratio, within
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, View, parts

_RECENCY = Measure("contact_recency_days", View("contacts"), lambda t: t.days_ago.min(), empty=None)


def _contacts(days: int) -> Measure:
    return Measure(f"contacts_{days}", View("contacts"), lambda t: t.count(where=within(days)(t)))


def _redemptions(days: int) -> Measure:
    return Measure(
        f"redemptions_{days}", View("redemptions"), lambda t: t.count(where=within(days)(t))
    )


def _contact(days: int) -> Parts:
    column = Column(f"contacts_{days}d", lambda t: t[f"contacts_{days}"])
    return Parts((_contacts(days),), (column,))


def _redemption(days: int) -> Parts:
    column = Column(f"redemptions_{days}d", lambda t: t[f"redemptions_{days}"])
    return Parts((_redemptions(days),), (column,))


def _redemption_rate(days: int) -> Parts:
    columns = ratio(
        f"redemption_rate_{days}d",
        lambda t: t[f"redemptions_{days}"],
        lambda t: t[f"contacts_{days}"],
    )
    return Parts((_redemptions(days), _contacts(days)), columns)


CONTACT = Indicator(
    name="contact",
    meaning="Campaigns the customer was contacted for.",
    unit="contacts",
    direction="down",
    windows=(90,),
    needs=("orders", "campaign_contacts"),
    source="C53",
    owner="marketing",
    of=_contact,
)
CONTACT_RECENCY = Indicator(
    name="contact_recency",
    meaning="Days since the shop last contacted the customer for a campaign.",
    unit="days",
    direction="up",
    windows=(),
    needs=("orders", "campaign_contacts"),
    source="C53",
    owner="marketing",
    of=parts((_RECENCY,), (plain("contact_recency_days"),)),
)
REDEMPTION = Indicator(
    name="redemption",
    meaning="Coupons redeemed.",
    unit="redemptions",
    direction="down",
    windows=(180,),
    needs=("orders", "coupon_redemptions"),
    source="C07",
    owner="marketing",
    of=_redemption,
)
REDEMPTION_RATE = Indicator(
    name="redemption_rate",
    meaning="Coupons redeemed per campaign contact.",
    unit="redemptions per contact",
    direction="down",
    windows=(180,),
    needs=("orders", "campaign_contacts", "coupon_redemptions"),
    source="C07",
    owner="marketing",
    of=_redemption_rate,
)

CAMPAIGNS: tuple[Indicator, ...] = (
    CONTACT,
    CONTACT_RECENCY,
    REDEMPTION,
    REDEMPTION_RATE,
)
