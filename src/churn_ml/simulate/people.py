"""The queries of who the customers are: tables of `tables.people`, but for subscriptions.

Enters: the temporary tables of `world`. Leaves: rows with every column that the synthetic shop
tells. Worked example: a customer who joined on 2016-08-02 has the tier "basic" from then on, and
one in five of them another one from 2016-12-30 on.
"""

from __future__ import annotations

from collections.abc import Mapping

CUSTOMERS = """
select customer_id, market as country,
       case when u('language', n) < 0.1 then 'it'
            when market in ('GB', 'US') then 'en' else lower(market) end as language, market,
       pick(['search', 'ads', 'friends', 'store'], 'channel', n) as channel,
       pick(['basic', 'silver', 'gold'], 'tier', n + version) as tier,
       u('business', n) < 0.1 as business,
       pick(['18-34', '35-54', '55+'], 'age', n) as age_band,
       pick(['f', 'm', 'x'], 'gender', n) as gender,
       pick(['low', 'middle', 'high'], 'income', n) as income_band,
       whole(1, 5, 'size', n)::varchar as household_size,
       pick(['single', 'couple', 'family'], 'household', n) as household_kind,
       pick(['sports', 'garden', 'books'], 'interest', n) as interests,
       later(joined_at, 150 * version) as occurred_at
from people, range(case when u('moves', n) < 0.2 then 2 else 1 end) as versions(version)
"""
CUSTOMER_MERGES = """
select 'old-' || customer_id as old_id, customer_id, later(joined_at, 30) as occurred_at
from people where u('merged', n) < 0.01
"""
CONSENTS = """
select customer_id, purpose, version = 0 and u(purpose, n) < 0.9 as given,
       later(joined_at, 200 * version) as occurred_at
from people, (values ('contact'), ('profiling')) as purposes(purpose),
     range(case when u('withdraws', n) < 0.03 then 2 else 1 end) as versions(version)
"""
MEMBERSHIPS = """
select customer_id, 'points' as programme, ['basic', 'silver', 'gold'][level] as tier, level,
       case when u('ends', n) < 0.1 then later(joined_at, 365) end as ends_at, occurred_at
from (select *, whole(1, 3, 'level', n * 4 + version) as level,
             later(joined_at, 180 * version) as occurred_at
      from people, range(case when u('climbs', n) < 0.4 then 3 else 1 end) as versions(version)
      where u('member', n) < 0.7)
where occurred_at < left_at
"""
LOYALTY_LEDGER = """
select 'e' || l as booking_id, customer_id, list_cents // 100 as points,
       later(placed_at, 180) as expires_at, placed_at as occurred_at
from basket where u('member', n) < 0.7 and item = 0
union all
select 'd' || o, customer_id, -whole(5, 50, 'used', o), null, placed_at
from bought where u('member', n) < 0.7 and u('redeems', o) < 0.1
"""
STAFF_ASSIGNMENTS = """
select customer_id, 'agent-' || whole(1, 40, 'agent', n * 8 + version) as agent_id,
       later(joined_at, 120 * version) as occurred_at
from people, range(5) as versions(version)
where u('cared_for', n) < 0.1 and later(joined_at, 120 * version) < left_at
"""

QUERIES: Mapping[str, str] = {
    "customers": CUSTOMERS,
    "customer_merges": CUSTOMER_MERGES,
    "consents": CONSENTS,
    "memberships": MEMBERSHIPS,
    "loyalty_ledger": LOYALTY_LEDGER,
    "staff_assignments": STAFF_ASSIGNMENTS,
}
