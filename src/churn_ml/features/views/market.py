"""The customer's market: what it speaks, pays with, and goes through.

Worked example, as of 2017-10-01: the customer h1 of the market CH speaks Italian; the version of
the market CH that is valid then offers German and French: `homes` has a row of h1 with is_unspoken
true.

What happens in a market is counted once for the market; its customers get it by a join, so every
view but `methods` has one row per customer, and only of customers whose market is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import attributes, days_ago, placed

if TYPE_CHECKING:
    from datetime import date

    import ibis

    from churn_ml.events import Canonical


def homes(tables: Canonical, _as_of: date) -> ibis.Table:
    """One row per customer whose market is known, with its market as valid at as_of.

    `is_unspoken`: the customer's language is none of the market's; null where either is not known.
    """
    rows = of_market(tables, markets(tables), "language")
    return rows.mutate(is_unspoken=~_lists(rows.languages, rows.language))


def methods(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per customer who paid or tried to: the method used most often, the later one at ties.

    `is_missing`: it is none of the customer's market's; null where that is not known.
    """
    import ibis

    rows = tables["payments"]
    rows = rows.filter(rows.method.notnull())
    rows = rows.mutate(days_ago=days_ago(rows, as_of))
    used = rows.group_by("customer_id", "method").aggregate(
        times=rows.count(), days_ago=rows.days_ago.min()
    )
    order = ibis.window(group_by="customer_id", order_by=(ibis.desc("times"), "days_ago", "method"))
    ranked = used.mutate(nth=ibis.row_number().over(order))
    usual = ranked.filter(ranked.nth == 0)
    found = usual.inner_join(of_market(tables, markets(tables)), "customer_id")
    return found.mutate(is_missing=~_lists(found.methods_offered, found.method))


def breaches(tables: Canonical, as_of: date) -> ibis.Table:
    """One row per customer and place where data leaked: the customer's market, or everywhere ("").

    days_ago is of the latest leak there. Whoever ordered was touched by what leaked everywhere.
    """
    import ibis

    incidents = tables["site_incidents"]
    leaks = incidents.filter(incidents.kind == "breach")
    leaks = leaks.mutate(days_ago=days_ago(leaks, as_of), market=leaks.market.fill_null(""))
    latest = leaks.group_by("market").aggregate(days_ago=leaks.days_ago.min())
    everybody = placed(tables).select("customer_id").distinct().mutate(market=ibis.literal(""))
    at_home = attributes(tables).select("customer_id", "market")
    return at_home.union(everybody).inner_join(latest, "market")


def markets(tables: Canonical) -> ibis.Table:
    """One row per market: the version that is valid at as_of."""
    import ibis

    rows = tables["markets"]
    # (market, occurred_at) is the table's key, so this order is total.
    newest = ibis.window(group_by="market", order_by=ibis.desc("occurred_at"))
    ranked = rows.mutate(age=ibis.row_number().over(newest))
    return ranked.filter(ranked.age == 0).select(
        "market", "languages", "methods_offered", "currency"
    )


def of_market(tables: Canonical, known: ibis.Table, *attribute: str) -> ibis.Table:
    """One row per customer whose market is known, with what is `known` of it, one row per market.

    What nothing is known of is null. `attribute`: what else to take from the customer's own row.
    """
    people = attributes(tables).select("customer_id", "market", *attribute)
    people = people.filter(people.market.notnull())
    return people.left_join(known, "market").drop("market_right")


def _lists(words: ibis.StringValue, word: ibis.StringValue) -> ibis.BooleanValue:
    """Whether `words`, separated by commas, hold `word`; case and blanks do not matter."""
    import ibis

    comma = ibis.literal(",")
    listed = comma + words.replace(" ", "").lower() + comma
    return listed.contains(comma + word.strip().lower() + comma)
