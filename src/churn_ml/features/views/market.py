"""The customer's market: what it speaks and pays with, and what is going on there.

Worked example, as of 2017-10-01: the customer h1 of the market CH speaks Italian; the version of
the market CH that is valid then offers German and French: `homes` has a row of h1 with is_unspoken
true.

What happens in a market is counted once for the market; its customers get it by a join, so every
view but `methods` and `breaches` has one row per customer, and only of those whose market is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import attributes, days_ago, placed
from churn_ml.features.views.assortment import MILLION

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day


RATE_UNITS = 100_000_000
"""Whole units of the eight decimals that rates are stored with."""


def homes(tables: Canonical, _as_of: Day) -> ibis.Table:
    """One row per customer whose market is known, with its market as valid at as_of.

    `is_unspoken`: the customer's language is none of the market's; null where either is not known.
    """
    rows = of_market(tables, markets(tables), "language")
    return rows.mutate(is_unspoken=~_lists(rows.languages, rows.language))


def methods(tables: Canonical, as_of: Day) -> ibis.Table:
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


def breaches(tables: Canonical, as_of: Day) -> ibis.Table:
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


def mood(tables: Canonical, as_of: Day, days: int, base_days: int) -> ibis.Table:
    """One row per customer: the share of negative mentions in whole millionths, by spans of `days`.

    `now` is that of the last span, null without mentions; `spans`, `total` and `squares` are the
    number, sum and sum of squares of those with mentions in the `base_days` days before it.
    """
    rows = tables["social_mentions"]
    rows = rows.mutate(span=(days_ago(rows, as_of) - 1) // days)
    rows = rows.filter(rows.span <= base_days // days)
    told = rows.group_by("market", "span").aggregate(
        mentions=rows.mentions.sum(), negative=rows.negative.sum()
    )
    told = told.filter(told.mentions > 0)
    told = told.mutate(bad=(told.negative * MILLION) // told.mentions, is_base=told.span > 0)
    found = told.group_by("market").aggregate(
        now=told.bad.max(where=~told.is_base),
        spans=told.bad.count(where=told.is_base),
        total=told.bad.sum(where=told.is_base),
        squares=(told.bad * told.bad).sum(where=told.is_base),
    )
    return of_market(tables, found)


def economy(tables: Canonical, _as_of: Day) -> ibis.Table:
    """One row per customer: gdp_growth and unemployment as published last, and a year before.

    The year before (`..._before`) is the period that began twelve months earlier.
    """
    import ibis

    rows = tables["macro_indicators"]
    rows = rows.mutate(month=rows.occurred_at.year() * 12 + rows.occurred_at.month())
    latest = rows.month.max().over(ibis.window(group_by=("market", "name")))
    rows = rows.mutate(months_before=latest - rows.month)

    def published(name: str, months_before: int) -> ibis.Value:
        return rows.value.max(where=(rows.name == name) & (rows.months_before == months_before))

    found = rows.group_by("market").aggregate(
        gdp_growth=published("gdp_growth", 0),
        gdp_growth_before=published("gdp_growth", 12),
        unemployment=published("unemployment", 0),
        unemployment_before=published("unemployment", 12),
    )
    return of_market(tables, found)


def exchange(tables: Canonical, as_of: Day, days: int, base_days: int) -> ibis.Table:
    """One row per customer: rates of the market's currency in the last `days` and `base_days` days.

    Of each the number and the sum, `rates` and `rate_sum`, `base_rates` and `base_rate_sum`; sums
    in hundred-millionths of the shop's currency, null where no rate is known.
    """
    rows = tables["fx_rates"]
    rows = rows.mutate(ago=days_ago(rows, as_of), whole=(rows.rate * RATE_UNITS).cast("int64"))
    found = rows.group_by("currency").aggregate(
        rates=rows.count(where=rows.ago <= days),
        rate_sum=rows.whole.sum(where=rows.ago <= days),
        base_rates=rows.count(where=rows.ago <= base_days),
        base_rate_sum=rows.whole.sum(where=rows.ago <= base_days),
    )
    known = markets(tables).rename(currency="local_currency").inner_join(found, "currency")
    return of_market(tables, known)


def news(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer: `events`, the news of technology in the last `days` days."""
    rows = tables["tech_events"]
    recent = rows.filter(days_ago(rows, as_of) <= days)
    found = of_market(tables, recent.group_by("market").aggregate(events=recent.count()))
    return found.mutate(events=found.events.fill_null(0))


def markets(tables: Canonical) -> ibis.Table:
    """One row per market: the version that is valid at as_of."""
    import ibis

    rows = tables["markets"]
    # (market, occurred_at) is the table's key, so this order is total.
    newest = ibis.window(group_by="market", order_by=ibis.desc("occurred_at"))
    ranked = rows.mutate(age=ibis.row_number().over(newest))
    return ranked.filter(ranked.age == 0).select(
        "market", "languages", "methods_offered", "local_currency"
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
