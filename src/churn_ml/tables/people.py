"""Who the customers are: persons, consents, memberships, and who became whom.

Worked example: h1 joined the loyalty programme on 2017-02-01, became gold on 2017-06-01, and was
merged with the double account h9 on 2017-08-15: from then on h9's orders are h1's.
"""

from __future__ import annotations

from dataclasses import replace

from churn_ml.tables.shape import CUSTOMER, Column, canonical

CUSTOMERS = canonical(
    "customers",
    "one row per customer, the version valid from occurred_at",
    ("customer_id", "occurred_at"),
    (
        CUSTOMER,
        Column("country", "string", "ISO 3166 country"),
        Column("language", "string", "ISO 639 language"),
        Column("market", "string", "the shop's market or region"),
        Column("channel", "string", "acquisition channel"),
        Column("tier", "string", "membership tier"),
        Column("business", "bool", "True for a business, False for a private customer"),
        Column("age_band", "string", "age band; a report slice, never a feature", personal=True),
        Column("gender", "string", "gender; a report slice, never a feature", personal=True),
        Column("income_band", "string", "income; a report slice, never a feature", personal=True),
        Column("household_size", "string", "persons in the household", personal=True),
        Column("household_kind", "string", "composition of the household", personal=True),
        Column("interests", "string", "declared interests, separated by commas", personal=True),
    ),
)
CUSTOMER_MERGES = canonical(
    "customer_merges",
    "one row per old customer reference and merge; valid from occurred_at",
    ("old_id", "occurred_at"),
    (
        replace(CUSTOMER, name="old_id", meaning="the reference that is no more"),
        CUSTOMER,
    ),
)
CONSENTS = canonical(
    "consents",
    "one row per customer, purpose and change; valid from occurred_at",
    ("customer_id", "purpose", "occurred_at"),
    (
        CUSTOMER,
        Column(
            "purpose",
            "string",
            "contact, profiling, or one channel; who refuses contact refuses every channel",
            required=True,
            words=(
                "contact",
                "profiling",
                "email",
                "mail",
                "sms",
                "push",
                "phone",
                "chat",
                "social",
                "ads",
            ),
        ),
        Column(
            "given", "bool", "True where consent was given, False where withdrawn", required=True
        ),
    ),
)
MEMBERSHIPS = canonical(
    "memberships",
    "one row per customer and programme, the version valid from occurred_at",
    ("customer_id", "programme", "occurred_at"),
    (
        CUSTOMER,
        Column("programme", "string", "the programme's name", required=True),
        Column("tier", "string", "tier held from occurred_at on"),
        Column("level", "int64", "the tier's rank, 1 the lowest", minimum=1),
        Column("ends_at", "timestamp", "when the membership ends unless renewed (UTC)"),
    ),
)
LOYALTY_LEDGER = canonical(
    "loyalty_ledger",
    "one row per booking of points",
    ("booking_id",),
    (
        Column("booking_id", "string", "the booking's number", required=True),
        CUSTOMER,
        Column("points", "int64", "points earned, or below 0 where used or expired", True),
        Column("kind", "string", "earned, used or expired", words=("earned", "used", "expired")),
        Column("expires_at", "timestamp", "when points earned run out unless used (UTC)"),
    ),
)
SUBSCRIPTIONS = canonical(
    "subscriptions",
    "one row per subscription and period; occurred_at is the start of the period",
    ("subscription_id", "due_at"),
    (
        Column("subscription_id", "string", "the subscription's number", required=True),
        CUSTOMER,
        Column("due_at", "timestamp", "when the period ends and a renewal is due (UTC)", True),
        Column(
            "renewed_at",
            "timestamp",
            "when it was renewed (UTC); empty where it was not",
            after="renewed_at",
        ),
        Column("cancelled_at", "timestamp", "when it was cancelled (UTC)", after="cancelled_at"),
        Column("plan", "string", "what was subscribed to"),
    ),
)
STAFF_ASSIGNMENTS = canonical(
    "staff_assignments",
    "one row per customer and change of the person in charge; valid from occurred_at",
    ("customer_id", "occurred_at"),
    (CUSTOMER, Column("agent_id", "string", "the person in charge", required=True, personal=True)),
)

TABLES = (
    CUSTOMERS,
    CUSTOMER_MERGES,
    CONSENTS,
    MEMBERSHIPS,
    LOYALTY_LEDGER,
    SUBSCRIPTIONS,
    STAFF_ASSIGNMENTS,
)
