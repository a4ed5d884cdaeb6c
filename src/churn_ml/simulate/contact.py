"""The queries of what was said to customers: one per table of `tables.contact`.

Enters: the temporary tables of `world`. Leaves: rows with every column that the synthetic shop
tells. Worked example: a campaign every 14 days reaches one customer in seven; a message every 20
days is opened by one in three.
"""

from __future__ import annotations

from collections.abc import Mapping

CAMPAIGNS = """
select 'k' || j as campaign_id, pick(['season', 'clearance', 'news'], 'campaign', j) as kind,
       later(begins(), 14 * j + 14) as ends_at, money(whole(10000, 90000, 'cost', j))
       as cost_amount, 'EUR' as currency, later(begins(), 14 * j) as occurred_at
from range(getvariable('days') // 14 + 1) as every(j)
"""
CAMPAIGN_CONTACTS = """
select customer_id, 'k' || j as campaign_id,
       pick(['mail', 'email', 'sms'], 'contact', n * 1000 + j) as channel,
       later(begins(), 14 * j + 0.4) as occurred_at
from people, range(getvariable('days') // 14 + 1) as every(j)
where u('contacted', n * 1000 + j) < 0.15
  and later(begins(), 14 * j) between joined_at and left_at + interval 60 days
"""
COUPON_REDEMPTIONS = """
select customer_id, 'q' || l as coupon_id, 'k' || datediff('day', begins(), placed_at) // 14
       as campaign_id, placed_at as occurred_at
from basket where coupon_cents > 0
"""
MESSAGE_EVENTS = """
select 'm' || x as message_id, customer_id, kind, channel,
       case when purpose = 'marketing' then 'k' || datediff('day', begins(), sent_at) // 14 end
       as campaign_id, purpose, later(sent_at, delay_days * u('delay', x)) as occurred_at
from mailed, (values ('sent', 0, 1.0), ('opened', 1, 0.35), ('clicked', 2, 0.12),
                     ('replied', 4, 0.02), ('bounced', 0.01, 0.02), ('unsubscribed', 5, 0.003),
                     ('complained', 6, 0.001)) as kinds(kind, delay_days, share)
where u('answer ' || kind, x) < share
"""
AD_EVENTS = """
select 'a' || (x * 2 + click) as event_id, customer_id,
       case when click = 1 then 'click' else 'impression' end as kind,
       pick(['search', 'social', 'display'], 'network', x) as network,
       'k' || datediff('day', begins(), moment) // 14 as campaign_id,
       later(moment, click / 1440) as occurred_at
from (select customer_id, n * 1000 + j as x, left_at,
             by_day(later(joined_at, 30 * (j + u('ad', n * 1000 + j))), 'ad_at', n * 1000 + j)
                 as moment
      from people, range(getvariable('days') // 30 + 1) as every(j)),
     range(case when u('clicks', x) < 0.15 then 2 else 1 end) as shown(click)
where moment < left_at + interval 60 days
"""
PROMO_EVENTS = """
select customer_id, 'v' || j as promo_id, kind, [0.05, 0.1, 0.2][whole(1, 3, 'depth', x)] as depth,
       later(moment, case when kind = 'joined' then 3 * u('joins', x) else 0 end) as occurred_at
from (select customer_id, j, n * 1000 + j as x, later(begins(), 30 * j + 0.4) as moment
      from people, range(getvariable('days') // 30 + 1) as every(j)
      where later(begins(), 30 * j) between joined_at and left_at),
     (values ('offered', 0.8), ('joined', 0.2)) as kinds(kind, share)
where u('offer', x) < share
"""
TREATMENTS = """
select customer_id, pick(['CALL', 'GIFT'], 'treatment', n) as action_code,
       pick(['treated', 'control'], 'arm', n) as arm, money(250) as cost_amount,
       'EUR' as currency, later(joined_at, 20 + 200 * u('treated', n)) as occurred_at
from people where u('treats', n) < 0.05
"""

QUERIES: Mapping[str, str] = {
    "campaigns": CAMPAIGNS,
    "campaign_contacts": CAMPAIGN_CONTACTS,
    "coupon_redemptions": COUPON_REDEMPTIONS,
    "message_events": MESSAGE_EVENTS,
    "ad_events": AD_EVENTS,
    "promo_events": PROMO_EVENTS,
    "treatments": TREATMENTS,
}
