"""The queries of what was bought, given back, paid and sent: one per table of `tables.orders`.

Enters: the temporary tables of `world`. Leaves: rows with every column that the synthetic shop
tells, in their final form; `shop.py` takes out what had not happened yet. Worked example: an order
to the US left after half a day, reached customs a day later, and left it within two; planted with
`logistics`, it is held there for seven to thirteen.
"""

from __future__ import annotations

from collections.abc import Mapping

ORDERS = """
select 'o' || o as order_id, customer_id, money(net_cents) as net_amount,
       money(case when channel = 'store' then 0 else 490 end) as shipping_amount,
       money(case when market = 'US' then net_cents // 20 else 0 end) as duty_amount,
       'EUR' as currency, case when cancelled_at is null then 'completed' else 'cancelled' end as
       status, channel, channel || whole(1, 4, 'store', o) as store_id, cancelled_at,
       case when cancelled_at is not null
            then pick(['too_late', 'changed_mind', 'price'], 'cancel_reason', o) end
       as cancel_reason, placed_at as occurred_at
from bought join (select o, sum(list_cents - discount_cents - coupon_cents)::bigint as net_cents
                  from basket group by o) using (o)
"""
ORDER_LINES = """
select 'o' || o as order_id, 'p' || p as product_id, (item + 1)::varchar as line_id, customer_id,
       quantity, money(list_cents - discount_cents - coupon_cents) as net_amount,
       money(discount_cents) as discount_amount, money(coupon_cents) as coupon_amount,
       'EUR' as currency, placed_at as occurred_at
from basket
"""
RETURNS = """
select 'r' || l as return_id, customer_id, 'o' || o as order_id, 'p' || p as product_id,
       pick(['return', 'return', 'exchange'], 'return_kind', l) as kind, quantity,
       money(list_cents - discount_cents - coupon_cents) as refund_amount, 'EUR' as currency,
       pick(['not_as_described', 'defect', 'size', 'changed_mind'], 'return_reason', l) as reason,
       refunded_at as closed_at, refunded_at, opened_at as occurred_at
from (select *, later(placed_at, 6 + 10 * u('opened', l)) as opened_at,
             later(opened_at, 2 + 9 * u('refunded', l)) as refunded_at from basket)
where cancelled_at is null and u('return', l) < 0.04
"""
PAYMENTS = """
select 'y' || (o * 2 + attempt) as payment_id, customer_id, 'o' || o as order_id,
       case when fails then 'failed' when paid_at is null then 'open' else 'paid' end as status,
       case when fails then pick(['declined', 'expired', 'limit'], 'failure', o) end
       as failure_code, method, money(net_cents) as amount, 'EUR' as currency,
       case when on_account then later(placed_at, 14) end as due_at, paid_at,
       later(placed_at, attempt / 1440) as occurred_at
from (select *, attempt < tries - 1 as fails, method = 'invoice' as on_account,
             case when fails or on_account and u('never', o) < 0.06 then null
                  when on_account then later(placed_at, 4 + 12 * u('paid', o))
                  else later(placed_at, (attempt + 1) / 1440) end as paid_at
      from (select *, case when u('tries', o) < 0.05 then 2 else 1 end as tries from bought),
           range(tries) as tried(attempt))
join (select o, sum(list_cents - discount_cents - coupon_cents)::bigint as net_cents
      from basket group by o) using (o)
"""
SHIPMENTS = """
select 's' || o as shipment_id, customer_id, 'o' || o as order_id,
       pick(['DHL', 'FedEx', 'local'], 'carrier', o) as carrier,
       later(sent_at, case when abroad then 7 else 5 end) as promised_at,
       later(sent_at, on_way_days + coalesce(customs_days, 0)) as delivered_at,
       case when abroad then later(sent_at, 1) end as customs_in_at,
       case when abroad then later(sent_at, 1 + customs_days) end as customs_out_at,
       sent_at as occurred_at
from (select *, market in ('US', 'GB') as abroad, later(placed_at, 0.2 + u('sent', o)) as sent_at,
             case when hit('delivery', scenario, since, placed_at) then 8 + 6 * u('way', o)
                  else 1.5 + 2 * u('way', o) end
             + case when u('late', o) < 0.03 then 4 else 0 end as on_way_days,
             case when not abroad then null
                  when hit('logistics', scenario, since, placed_at) then 7 + 6 * u('customs', o)
                  else 0.3 + 1.5 * u('customs', o) end as customs_days
      from bought where channel <> 'store' and cancelled_at is null)
"""
SUBSCRIPTIONS = """
select 'b' || n as subscription_id, customer_id, due_at,
       case when due_at < left_at and u('renewed', n * 1000 + j) < 0.9
            then later(due_at, -3 * u('early', n * 1000 + j)) end as renewed_at,
       case when left_at < due_at then left_at end as cancelled_at,
       pick(['basic', 'plus'], 'plan', n) as plan, later(joined_at, 90 * j) as occurred_at
from (select *, later(joined_at, 90 * (j + 1)) as due_at
      from people, range(getvariable('days') // 90 + 1) as terms(j)
      where u('subscribes', n) < 0.2)
where later(joined_at, 90 * j) < left_at
"""

QUERIES: Mapping[str, str] = {
    "orders": ORDERS,
    "order_lines": ORDER_LINES,
    "returns": RETURNS,
    "payments": PAYMENTS,
    "shipments": SHIPMENTS,
    "subscriptions": SUBSCRIPTIONS,
}
