"""The queries of what customers said and did: one per table of `tables.voice`.

Enters: the temporary tables of `world`. Leaves: rows with every column that the synthetic shop
tells. Worked example: a visit that was left at the payment is a look at a product and the steps 1,
2 and 3 of the checkout, 40 seconds apart.
"""

from __future__ import annotations

from collections.abc import Mapping

TICKETS = """
select 't' || t as ticket_id, customer_id, kind, topic, order_id, whole(1, 4, 'contacts', t)
       as contacts, u('reopened', t) < 0.1 as reopened, 5 + 55 * u('minutes', t) as handle_minutes,
       later(moment, u('answered', t)) as first_response_at,
       case when u('open', t) >= 0.07 then later(moment, 1 + 4 * u('solved', t)) end as resolved_at,
       whole(1, 5, 'ticket_csat', t)::double as csat, moment as occurred_at
from (
    select customer_id, (n * 1000 + j) * 2 as t, null as order_id,
           pick(['inquiry', 'inquiry', 'complaint', 'complaint', 'presales', 'feedback'], 'ticket',
                t) as kind,
           pick(['delivery', 'quality', 'price', 'service', 'payment', 'account'], 'topic', t)
           as topic,
           by_day(later(joined_at, 60 * (j + u('asks', t))), 'asked', t) as moment
    from people, range(getvariable('days') // 60 + 1) as every(j)
    where u('has_ticket', t) < 0.6 and moment < left_at
    union all
    select customer_id, l * 2 + 1, 'o' || o, 'inquiry', 'return',
           later(placed_at, 7 + 10 * u('opened', l))
    from basket
    where cancelled_at is null and u('return', l) < 0.04 and u('asks_back', l) < 0.4
)
"""
REVIEWS = """
select 'z' || l as review_id, customer_id, 'p' || p as product_id,
       whole(1, 5, 'stars', l)::double as rating, later(placed_at, 8) as occurred_at
from basket where u('reviews', l) < 0.08
"""
SURVEYS = """
select 'g' || x as survey_id, customer_id,
       pick(['satisfaction', 'post_purchase', 'exit'], 'survey', x) as kind,
       whole(1, 5, 'csat', x)::double as csat, whole(0, 10, 'nps', x) as nps,
       pick(['price', 'delivery', 'service', 'assortment'], 'reason', x) as reason_code,
       whole(1, 5, 'value', x)::double as perceived_value,
       whole(1, 5, 'risk', x)::double as perceived_risk,
       whole(1, 5, 'belonging', x)::double as belonging,
       whole(1, 5, 'importance', x)::double as felt_importance, moment as occurred_at
from (select customer_id, left_at, n * 1000 + j as x,
             by_day(later(joined_at, 100 * (j + u('surveyed', n * 1000 + j))), 'survey_at',
                    n * 1000 + j) as moment
      from people, range(getvariable('days') // 100 + 1) as every(j))
where moment < left_at and u('answers', x) < 0.6
"""
_VISITED = """
select 'w' || (s * 8 + i) as event_id, customer_id, kind, 'v' || s as session_id,
       case when s % 3 = 0 then 'app' else 'web' end as platform, device,
       case when kind in ('page_view', 'cart_add', 'recommendation_view') then 'p' || p end
       as product_id,
       case when kind = 'search' then pick(['lamp', 'desk', 'chair'], 'query', e) end
       as search_query,
       case when kind = 'search' then case when u('empty', e) < 0.15 then 0 else 20 end end
       as results,
       step, 300 + 2500 * pow(u('load', e), 3) as load_ms,
       case when kind = 'error' then 'E' || whole(1, 9, 'code', e) end as error_code,
       5 + floor(35 * u('spent', e)) as duration_seconds,
       began_at + to_seconds(40 * i) as occurred_at
from (select visits.* exclude (kind), i, s * 8 + i as e,
             case when visits.kind <> 'browse' and i > events - reached - 1
                  then i - (events - reached) + 1 end as step,
             case when step is not null then 'checkout_step'
                  when visits.kind <> 'browse' then case when i = 0 then 'page_view'
                                                         else 'cart_add' end
                  when i = 0 and u('logs_in', s) < 0.5 then 'login'
                  else pick(['page_view', 'page_view', 'page_view', 'page_view', 'page_view',
                             'page_view', 'click', 'search', 'recommendation_view',
                             'recommendation_view', 'recommendation_click', 'tracking_view',
                             'video_view', 'error'], 'kind', e) end as kind,
             case when u('wish', e) < 0.4 then whole(0, 2399, 'wished', n)
                  else whole(0, 2399, 'looked', e) end as p
      from visits, range(events) as steps(i))
"""
_SOCIAL = """
select 'w' || (((n * 1000 + j) * 4 + 3) * 8) as event_id, customer_id,
       pick(['share', 'invite', 'comment', 'forum_post', 'group_join', 'live_view', 'chat'],
            'deed', n * 1000 + j) as kind, null as session_id, 'social' as platform, device,
       null as product_id, null as search_query, null as results, null as step, null as load_ms,
       null as error_code, null as duration_seconds, moment as occurred_at
from (select *, by_day(later(joined_at, 45 * (j + u('social', n * 1000 + j))), 'social_at',
                       n * 1000 + j) as moment
      from people, range(getvariable('days') // 45 + 1) as every(j))
where moment < left_at
"""

QUERIES: Mapping[str, str] = {
    "tickets": TICKETS,
    "reviews": REVIEWS,
    "surveys": SURVEYS,
    "web_events": f"{_VISITED} union all {_SOCIAL}",
}
