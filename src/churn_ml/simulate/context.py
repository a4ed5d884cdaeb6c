"""The queries of the world around the customers: one per table of `tables.context`.

Enters: the variables of `shop.py`. Leaves: rows with every column that the synthetic shop tells.
What is known earlier or later than the next midnight says so in a column known_at: a figure of the
economy is published 45 days after its month began, a holiday is known a year before.

Worked example: 60 categories of 40 products each; the last eight of each category are launched one
after the other while the shop lives, so that there is always something new.
"""

from __future__ import annotations

from collections.abc import Mapping

PRODUCTS = """
select 'p' || p as product_id, 'category-' || p // 40 as category,
       'department-' || p // 40 % 10 as department, 'brand-' || whole(1, 30, 'brand', p) as brand,
       money(price(p) * (10 + version) // 10) as list_amount,
       0.4 + 0.6 * u('complete', p) as description_completeness,
       case when p % 40 < 32 then later(begins(), -200)
            else later(begins(), getvariable('days') * (p % 40 - 32) / 8) end as launched_at,
       case when u('retired', p) < 0.02 then later(begins(), 200) end as retired_at,
       later(begins(), 300 * version - 1) as occurred_at
from range(2400) as every(p),
     range(case when u('dearer', p) < 0.1 then 2 else 1 end) as versions(version)
"""
FX_RATES = """
select currency, (base * (1 + 0.1 * u(currency, day // 30)))::decimal(18, 8) as rate,
       later(begins(), day - 1) as occurred_at
from range(getvariable('days') + 1) as every(day),
     (values ('USD', 0.85), ('GBP', 1.15)) as rates(currency, base)
"""
MARKETS = """
select market, methods as methods_offered, languages, currency as local_currency,
       later(begins(), -1) as occurred_at
from (values ('DE', 'card,wallet,transfer,invoice', 'de,en', 'EUR'),
             ('FR', 'card,wallet,transfer', 'fr,en', 'EUR'),
             ('GB', 'card,wallet', 'en', 'GBP'),
             ('US', 'card,wallet', 'en', 'USD')) as every(market, methods, languages, currency)
"""
HOLIDAYS = """
select market, 'shopping day ' || j as name, later(begins(), 100 * j + 50) as occurred_at,
       later(begins(), -1) as known_at
from range(getvariable('days') // 100 + 1) as every(j), (values ('DE'), ('US')) as of(market)
"""
SITE_INCIDENTS = """
select 'i' || j as incident_id, pick(['outage', 'breach', 'payment', 'delivery'], 'incident', j)
       as kind, pick(['DE', 'FR', 'GB', 'US'], 'where', j) as market,
       later(begins(), 10 * j + 1.5) as ends_at, later(begins(), 10 * j + 1) as occurred_at
from range(getvariable('days') // 10) as every(j)
"""
COMPETITOR_PRICES = """
select 'rival-' || r as competitor, 'p' || p as product_id,
       money(price(p) * (80 + whole(0, 40, 'rival', p * 4 + r)) // 100) as amount,
       later(begins(), 15 * j + 0.5) as occurred_at
from range(0, 2400, 8) as every(p), range(3) as rivals(r),
     range(getvariable('days') // 15) as times(j)
"""
COMPETITOR_EVENTS = """
select 'rival-' || j % 3 as competitor, kind, market,
       case when kind = 'share' then 0.1 + 0.1 * u('share ' || market, j)
            when kind = 'promotion' then 0.2 end as value,
       case when kind = 'promotion'
            then later(begins(), 15 * j + whole(2, 12, 'runs ' || market, j)) end as ends_at,
       later(begins(), 15 * j) as occurred_at
from range(getvariable('days') // 15 + 1) as every(j),
     (values ('promotion'), ('launch'), ('share'), ('acquisition')) as kinds(kind),
     (values ('DE'), ('FR'), ('GB'), ('US')) as of(market)
where kind in ('share', 'promotion') or u(kind || market, j) < 0.5
"""
MACRO_INDICATORS = """
select market, name, floor(10 * base + 20 * u(name || market, month)) / 10 as value,
       date_trunc('month', begins()) - interval 12 months + to_months(month::int) as occurred_at,
       later(occurred_at, 45) as known_at
from range(getvariable('days') // 30 + 13) as every(month),
     (values ('gdp_growth', 0), ('unemployment', 5), ('market_users', 40)) as names(name, base),
     (values ('DE'), ('FR'), ('GB'), ('US')) as of(market)
"""
SOCIAL_MENTIONS = """
select market, mentions, floor(mentions * 0.4 * u('negative ' || market, day))::bigint as negative,
       u('tone ' || market, day) - 0.4 as sentiment, later(begins(), day + 0.5) as occurred_at
from (select *, 20 + whole(0, 80, 'mentions ' || market, day) as mentions
      from range(getvariable('days')) as every(day),
           (values ('DE'), ('FR'), ('GB'), ('US')) as of(market))
"""
TECH_EVENTS = """
select market, 'news-' || j as kind, later(begins(), 20 * j + 3) as occurred_at
from range(getvariable('days') // 20) as every(j),
     (values ('DE'), ('FR'), ('GB'), ('US')) as of(market)
where u('news ' || market, j) < 0.4
"""

QUERIES: Mapping[str, str] = {
    "products": PRODUCTS,
    "fx_rates": FX_RATES,
    "markets": MARKETS,
    "holidays": HOLIDAYS,
    "site_incidents": SITE_INCIDENTS,
    "competitor_prices": COMPETITOR_PRICES,
    "competitor_events": COMPETITOR_EVENTS,
    "macro_indicators": MACRO_INDICATORS,
    "social_mentions": SOCIAL_MENTIONS,
    "tech_events": TECH_EVENTS,
}
