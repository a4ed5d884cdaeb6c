"""What the world around the customers was like: products, rates, markets, competitors, calendar.

No row belongs to a customer. Worked example: on 2017-10-01 one euro was 1.1814 USD (`fx_rates`),
and 2017-11-24 was Black Friday in the market US (`holidays`), known long before.
"""

from __future__ import annotations

from churn_ml.tables.shape import MARKET, PRODUCT, Column, canonical

PRODUCTS = canonical(
    "products",
    "one row per product, the version valid from occurred_at",
    ("product_id", "occurred_at"),
    (
        PRODUCT,
        Column("category", "string", "what it is, one level below department"),
        Column("department", "string", "the widest grouping"),
        Column("brand", "string", "brand or brand class"),
        Column("list_amount", "decimal(18,2)", "list price, in the shop's currency", minimum=0),
        Column(
            "description_completeness",
            "float64",
            "share of the details that are filled in",
            minimum=0,
            maximum=1,
        ),
        Column("launched_at", "timestamp", "first sold (UTC)"),
        Column("retired_at", "timestamp", "no longer sold (UTC)"),
    ),
)
FX_RATES = canonical(
    "fx_rates",
    "one row per currency and day; occurred_at is the start of the day it holds from",
    ("currency", "occurred_at"),
    (
        Column("currency", "string", "ISO 4217 code of the other currency", required=True),
        Column("rate", "decimal(18,8)", "the shop's currency for one unit of it", True, minimum=0),
    ),
)
MARKETS = canonical(
    "markets",
    "one row per market, the version valid from occurred_at",
    ("market", "occurred_at"),
    (
        MARKET,
        Column("methods_offered", "string", "payment methods, separated by commas"),
        Column("languages", "string", "languages of site and support, separated by commas"),
        Column("local_currency", "string", "ISO 4217 code of the currency its customers think in"),
    ),
)
HOLIDAYS = canonical(
    "holidays",
    "one row per market and day; occurred_at is the day",
    ("market", "name", "occurred_at"),
    (MARKET, Column("name", "string", "the holiday or shopping day", required=True)),
)
SITE_INCIDENTS = canonical(
    "site_incidents",
    "one row per incident; occurred_at is its start",
    ("incident_id",),
    (
        Column("incident_id", "string", "the incident's number", required=True),
        Column("kind", "string", "outage, breach, payment, delivery", required=True),
        Column("market", "string", "the market it touched; empty means all"),
        Column("ends_at", "timestamp", "its end (UTC)"),
    ),
)
COMPETITOR_PRICES = canonical(
    "competitor_prices",
    "one row per competitor, product and observation",
    ("competitor", "product_id", "occurred_at"),
    (
        Column("competitor", "string", "who sells it, too", required=True),
        PRODUCT,
        Column("amount", "decimal(18,2)", "its price, in the shop's currency", True, minimum=0),
    ),
)
COMPETITOR_EVENTS = canonical(
    "competitor_events",
    "one row per competitor, kind, market and time",
    ("competitor", "kind", "market", "occurred_at"),
    (
        Column("competitor", "string", "who", required=True),
        Column("kind", "string", "promotion, launch, share, acquisition", required=True),
        MARKET,
        Column("value", "float64", "its size, where there is one: a share, a discount"),
        Column("ends_at", "timestamp", "its end (UTC)"),
    ),
)
MACRO_INDICATORS = canonical(
    "macro_indicators",
    "one row per market, name and period; occurred_at is the period's start",
    ("market", "name", "occurred_at"),
    (
        MARKET,
        Column("name", "string", "gdp_growth, unemployment, market_users", required=True),
        Column("value", "float64", "as published", required=True),
    ),
)
SOCIAL_MENTIONS = canonical(
    "social_mentions",
    "one row per market and hour of counted mentions of the brand",
    ("market", "occurred_at"),
    (
        MARKET,
        Column("mentions", "int64", "how many", required=True, minimum=0),
        Column("negative", "int64", "how many of them are negative", minimum=0),
        Column("sentiment", "float64", "mean sentiment, -1 to 1", minimum=-1, maximum=1),
    ),
)
TECH_EVENTS = canonical(
    "tech_events",
    "one row per market, kind and time of news of industry and technology",
    ("market", "kind", "occurred_at"),
    (MARKET, Column("kind", "string", "the news, coded", required=True)),
)

TABLES = (
    PRODUCTS,
    FX_RATES,
    MARKETS,
    HOLIDAYS,
    SITE_INCIDENTS,
    COMPETITOR_PRICES,
    COMPETITOR_EVENTS,
    MACRO_INDICATORS,
    SOCIAL_MENTIONS,
    TECH_EVENTS,
)
