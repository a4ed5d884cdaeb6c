"""The views that measures are taken from: events of one kind, cleaned and dated.

Enters: the canonical tables already cut at `as_of`, and the days that a view is cut to. Leaves: one
Ibis table per view, each with `customer_id`; views of events have `days_ago`, too (1 for the day
before `as_of`; 30 for 2017-09-01 as of 2017-10-01).

* days: one row per customer and order day (events.order_days).
* orders: one row per order that was not cancelled.
* stores(days): one row per customer and store.
* lines(days): one row per line of such an order.
* categories(days, recent days), category_spend(days, recent days): one row per customer, department
  and category of these lines.
* contacts: one row per customer and campaign.
* redemptions: one row per customer, coupon and time.
* group_rates(days): one row per customer, with what became of their channel.
* rfm_fifths(days): one row per customer, with their fifth by recency, frequency and money.
* visit_days: one row per customer and day in site or app.
* social: one row per event in social media.
* loads(days): one row per event of site or app with a load time.
* sessions(days): one row per session in site or app.
* checkouts(days): one row per session that reached the checkout.
* looks(days): one row per look at a product in a session.
* wishes(days, paid days): one row per customer and product looked at several times.
* messages(days): one row per message delivered.
* care: one row per contact that asked for nothing.
* ads: one row per advertisement shown or clicked.
* promotions: one row per promotion offered or joined.
* tickets, reviews, surveys: one row each.
* contributions: one row per review, comment and forum post.
* invites: one row per invitation of somebody else.
* all_orders: one row per order, cancelled or not.
* returns, return_contacts: one row per return; one per ticket about an order being given back.
* payments, shipments: one row per attempt to pay; one per shipment.
* terms, staff: one row per subscription and period; one per assignment of a person in charge.
* tiers(days), points: one row per customer and programme; one per booking of points.
* novelties(days, days of newness): one row per order with a product that was new then.
* mood(days, base days), economy, exchange(days, base days), news(days): one row per customer, of
  what goes on in their market.
* competitors(days), competitor_shares(days): one row per customer, of competitors in their market.
* competitor_prices(days, days bought): one row per customer and category bought.
* launches(days, days bought), viewed(days): one row per customer and category bought; one per look
  at a product.
* breaches: one row per customer and place, their market or everywhere, where data leaked.
* methods, homes: one row per customer and usual method of payment; one per customer and market.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import order_days
from churn_ml.features.views import (
    aftermath,
    assortment,
    competition,
    contact,
    groups,
    market,
    people,
    shopping,
    voice,
    web,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import ibis

VIEWS: Mapping[str, Callable[..., ibis.Table]] = {
    "days": order_days,
    "orders": shopping.orders,
    "stores": shopping.stores,
    "lines": shopping.lines,
    "categories": shopping.categories,
    "category_spend": shopping.category_spend,
    "contacts": contact.contacts,
    "redemptions": contact.redemptions,
    "group_rates": groups.group_rates,
    "rfm_fifths": groups.rfm_fifths,
    "visit_days": web.visit_days,
    "social": web.social,
    "loads": web.loads,
    "sessions": web.sessions,
    "checkouts": web.checkouts,
    "looks": web.looks,
    "wishes": web.wishes,
    "messages": contact.messages,
    "care": contact.care,
    "ads": contact.ads,
    "promotions": contact.promotions,
    "tickets": voice.tickets,
    "reviews": voice.reviews,
    "contributions": voice.contributions,
    "invites": voice.invites,
    "surveys": voice.surveys,
    "all_orders": aftermath.all_orders,
    "returns": aftermath.returns,
    "return_contacts": aftermath.return_contacts,
    "payments": aftermath.payments,
    "shipments": aftermath.shipments,
    "terms": people.terms,
    "staff": people.staff,
    "tiers": people.tiers,
    "points": people.points,
    "novelties": shopping.novelties,
    "breaches": market.breaches,
    "methods": market.methods,
    "homes": market.homes,
    "mood": market.mood,
    "economy": market.economy,
    "exchange": market.exchange,
    "news": market.news,
    "competitors": competition.competitors,
    "competitor_shares": competition.competitor_shares,
    "competitor_prices": competition.competitor_prices,
    "launches": assortment.launches,
    "viewed": assortment.viewed,
}
"""By name: what takes the tables, as_of and the view's days, and gives its rows."""
