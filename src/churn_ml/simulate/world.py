"""What the tables of a synthetic shop are made from: customers, their orders, baskets and visits.

Enters: the variables that `shop.py` sets (seed, customers, days, begins, ends, onset) and the table
`scenarios`. Leaves: temporary tables that the queries of `people`, `trade`, `contact`, `voice` and
`context` read. All of it is SQL without a clock and without a state: a random number is a hash of
seed, purpose and row, so customer 17 is the same in a shop of a hundred and in one of a million.

* people: one row per customer n, from joined_at to left_at; an order every gap_days; scenario and
  since where one is planted.
* bought: one row per order o, the k-th of its customer.
* basket: one row per line l of an order.
* visits: one row per session s of site and app.
* mailed: one row per message x.

Worked example: customer 17 joined on 2016-08-02 and buys every 12 days or so; the third order is
o = 17 x 1000 + 2.
"""

from __future__ import annotations

MACROS = """
create macro begins() as getvariable('begins');
create macro ends() as getvariable('ends');
create macro u(purpose, row) as
    (hash(xor(hash(getvariable('seed'), purpose), (row)::ubigint)) >> 11)::double / pow(2, 53);
create macro pick(words, purpose, row) as words[1 + floor(len(words) * u(purpose, row))::int];
create macro whole(low, high, purpose, row) as
    floor(low + (high - low + 1) * u(purpose, row))::bigint;
create macro later(moment, days) as moment + to_seconds(floor(86400 * (days))::bigint);
create macro by_day(moment, purpose, row) as
    date_trunc('day', moment) + to_seconds(28800 + floor(50400 * u(purpose, row))::bigint);
create macro money(cents) as cast((cents) / 100.0 as decimal(18, 2));
create macro hit(name, scenario, since, moment) as
    coalesce(scenario = name and moment >= since, false);
create macro price(p) as floor(500 + 9500 * pow(u('price', p), 2))::bigint;
"""
"""u is uniform in [0, 1); by_day moves an instant into the shop's hours, 8 to 22 of its day."""

PEOPLE = """
create temp table people as
with drawn as (
    select n, 8 + 32 * u('gap', n) as gap_days, -400 * ln(1 - u('life', n)) as life_days,
           date_trunc('day', case when u('old', n) < 0.6 then later(begins(), 10 * u('first', n))
                else later(begins(), u('joined', n) * (getvariable('days') - 40)) end) as joined_at,
           later(getvariable('onset'), 10 * u('since', n)) as onset_at
    from range(getvariable('customers')) as every(n)
), told as (
    select *, later(joined_at, life_days) as leaves_at from drawn
), planted as (
    select told.*, scenario, case when scenario is not null then onset_at end as since
    from told left join scenarios
        on u('scenario', n) >= low and u('scenario', n) < high
        and joined_at < getvariable('onset') - interval 120 days and leaves_at > onset_at
)
select n, 'c' || lpad(n::varchar, 7, '0') as customer_id, joined_at, gap_days, scenario, since,
       case when since is null then leaves_at else since + (leaves_at - since) / 2 end as left_at,
       case when scenario = 'logistics' then 'US'
            else pick(['DE', 'DE', 'FR', 'GB', 'US'], 'market', n) end as market,
       case when scenario = 'payment' then 'mobile'
            else pick(['mobile', 'mobile', 'tablet', 'desktop'], 'device', n) end as device,
       pick(['card', 'card', 'wallet', 'transfer', 'invoice'], 'method', n) as method,
       whole(0, 59, 'home', n) as home
from planted
"""

BOUGHT = """
create temp table bought as
with every as (
    select people.*, n * 1000 + k as o, k,
           by_day(later(joined_at, gap_days * (k + 0.8 * u('placed', n * 1000 + k))), 'hour',
                  n * 1000 + k) as placed_at
    from people, range(ceil(getvariable('days') / gap_days)::bigint) as orders(k)
)
select *, pick(['web', 'web', 'web', 'app', 'app', 'store'], 'channel', o) as channel,
       case when u('cancel', o) < case when hit('logistics', scenario, since, placed_at) then 0.3
                                       else 0.03 end
            then later(placed_at, 0.1 + 2 * u('cancelled', o)) end as cancelled_at
from every where placed_at < least(left_at, ends())
"""

BASKET = """
create temp table basket as
with lines as (
    select bought.*, o * 4 + item as l, item,
           case when hit('category_shift', scenario, since, placed_at) then home + 3 + k % 57
                else home + floor(3 * pow(u('category', o * 4 + item), 3))::bigint
                end % 60 as category
    from bought, range(whole(1, 3, 'lines', o)) as items(item)
), chosen as (
    select *, category * 40 + floor(u('product', l) * (32 + 8 * datediff('day', begins(), placed_at)
              / getvariable('days')))::bigint as p,
           1 + floor(3 * pow(u('quantity', l), 3))::bigint as quantity
    from lines
)
select *, price(p) * quantity as list_cents,
       case when u('sale', l) < 0.15 then price(p) * quantity // 10 else 0 end as discount_cents,
       case when u('coupon', l) < 0.05 then price(p) * quantity // 20 else 0 end as coupon_cents
from chosen
"""

VISITS = """
create temp table visits as
select (n * 1000 + j) * 4 as s, n, customer_id, device, 'browse' as kind,
       whole(3, 7, 'looks', n * 1000 + j) as events, 0 as reached,
       by_day(later(joined_at, 40 * (j + u('visit', n * 1000 + j))), 'begin', n * 1000 + j)
           as began_at
from people, range(getvariable('days') // 40 + 1) as every(j)
where began_at < least(left_at, ends())
union all
select o * 4 + 1, n, customer_id, case when channel = 'app' then 'mobile' else device end, 'order',
       6, 4, later(placed_at, -0.004)
from bought where channel <> 'store'
union all
select (n * 1000 + j) * 4 + 2, n, customer_id, device, 'leave', 2 + reached, reached, moment
from (select *, by_day(later(joined_at, 7 * (j + u('left', n * 1000 + j))), 'leave', n * 1000 + j)
                as moment,
             case when hit('payment', scenario, since, moment) then 3
                  else whole(1, 3, 'reached', n * 1000 + j) end as reached
      from people, range(getvariable('days') // 7 + 1) as every(j))
where moment < least(left_at, ends())
  and u('leaves', n * 1000 + j) < case when hit('payment', scenario, since, moment) then 0.85
                                       else 0.03 end
"""

MAILED = """
create temp table mailed as
select *, pick(['email', 'email', 'email', 'sms', 'push'], 'medium', x) as channel,
       pick(['marketing', 'marketing', 'marketing', 'service', 'care'], 'purpose', x) as purpose
from (select n, customer_id, left_at, n * 1000 + j as x,
             by_day(later(joined_at, 20 * (j + u('mail', n * 1000 + j))), 'mailed', n * 1000 + j)
                 as sent_at
      from people, range(getvariable('days') // 20 + 1) as every(j))
where sent_at < least(left_at + interval 60 days, ends())
"""

TABLES = (PEOPLE, BOUGHT, BASKET, VISITS, MAILED)
"""In the order in which they read each other."""
