"""What the shop said to customers, and how they answered: campaigns, messages, ads, treatments.

Worked example: campaign 18 ran from 2017-10-30; h1 got its e-mail that day, opened it the next
(`message_events`), redeemed a coupon on 2017-11-03, and stood in the arm "open" of the win-back
test (`treatments`).
"""

from __future__ import annotations

from churn_ml.tables.shape import CUSTOMER, MONEY, Column, canonical

_CAMPAIGN = Column("campaign_id", "string", "the shop's campaign number", required=True)
_CHANNEL = Column("channel", "string", "mail, email, sms, push")

CAMPAIGNS = canonical(
    "campaigns",
    "one row per campaign; occurred_at is its start",
    ("campaign_id",),
    (
        _CAMPAIGN,
        Column("kind", "string", "the shop's campaign type"),
        Column("ends_at", "timestamp", "end of the campaign (UTC)"),
        Column("cost_amount", "decimal(18,2)", "what the campaign cost", minimum=0),
        *MONEY,
    ),
)
CAMPAIGN_CONTACTS = canonical(
    "campaign_contacts",
    "one row per customer and campaign; occurred_at is the contact",
    ("customer_id", "campaign_id"),
    (CUSTOMER, _CAMPAIGN, _CHANNEL),
)
COUPON_REDEMPTIONS = canonical(
    "coupon_redemptions",
    "one row per customer, coupon, campaign and redemption time",
    ("customer_id", "coupon_id", "campaign_id", "occurred_at"),
    (CUSTOMER, Column("coupon_id", "string", "the coupon", required=True), _CAMPAIGN),
)
MESSAGE_EVENTS = canonical(
    "message_events",
    "one row per message and what happened to it",
    ("message_id", "kind", "occurred_at"),
    (
        Column("message_id", "string", "the message's number", required=True),
        CUSTOMER,
        Column(
            "kind",
            "string",
            "sent, opened, clicked, replied, bounced, unsubscribed or complained",
            required=True,
            words=(
                "sent",
                "opened",
                "clicked",
                "replied",
                "bounced",
                "unsubscribed",
                "complained",
            ),
        ),
        _CHANNEL,
        Column("campaign_id", "string", "the campaign it belongs to"),
        Column(
            "purpose",
            "string",
            "marketing, service or care: care asks for nothing",
            words=("marketing", "service", "care"),
        ),
    ),
)
AD_EVENTS = canonical(
    "ad_events",
    "one row per advertisement shown to a customer and per click on one",
    ("event_id",),
    (
        Column("event_id", "string", "the event's number", required=True),
        CUSTOMER,
        Column(
            "kind",
            "string",
            "impression or click",
            required=True,
            words=("impression", "click"),
            default="click",
        ),
        Column("network", "string", "the advertising network"),
        Column("campaign_id", "string", "the campaign it belongs to"),
    ),
)
PROMO_EVENTS = canonical(
    "promo_events",
    "one row per promotion offered to a customer and per promotion joined",
    ("customer_id", "promo_id", "kind", "occurred_at"),
    (
        CUSTOMER,
        Column("promo_id", "string", "the promotion", required=True),
        Column(
            "kind",
            "string",
            "offered or joined",
            required=True,
            words=("offered", "joined"),
            default="joined",
        ),
        Column("depth", "float64", "the discount offered, a share", minimum=0, maximum=1),
    ),
)
TREATMENTS = canonical(
    "treatments",
    "one row per customer, action and time: what other systems did to whom, with its arm",
    ("customer_id", "action_code", "occurred_at"),
    (
        CUSTOMER,
        Column("action_code", "string", "what was done", required=True),
        Column("arm", "string", "the arm of the test it belongs to"),
        Column("cost_amount", "decimal(18,2)", "what it cost", minimum=0),
        *MONEY,
    ),
)

TABLES = (
    CAMPAIGNS,
    CAMPAIGN_CONTACTS,
    COUPON_REDEMPTIONS,
    MESSAGE_EVENTS,
    AD_EVENTS,
    PROMO_EVENTS,
    TREATMENTS,
)
