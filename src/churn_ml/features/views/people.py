"""What binds a customer to the shop: subscriptions, tiers, points, the person in charge.

Worked example, as of 2017-10-01: a subscription due on 2017-09-26 that was not renewed is a row of
`terms` with due_days 5; one due on 2017-10-11 has due_days -10.

Due days and ends are compared by calendar day (UTC).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago, days_since

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day


def terms(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per subscription and period.

    `due_days` are the days since its renewal was due, 0 or less while that is to come; `is_over`
    says so; `nth` is 0 for the customer's period that was due last, 1 for the one before, and so on
    (counted apart among those still running); `is_newest` for each subscription's own period due
    last; `is_open` where it was neither renewed nor cancelled.
    """
    import ibis

    rows = tables["subscriptions"]
    rows = rows.mutate(
        days_ago=days_ago(rows, as_of),
        due_days=days_since(rows.due_at, as_of),
        is_open=rows.renewed_at.isnull() & rows.cancelled_at.isnull(),
    )
    rows = rows.mutate(is_over=rows.due_days > 0)
    # (subscription_id, due_at) is the table's key, so this order is total.
    latest = ibis.window(
        group_by=("customer_id", "is_over"),
        order_by=(ibis.desc("due_at"), ibis.desc("subscription_id")),
    )
    own = ibis.window(group_by=("customer_id", "subscription_id"))
    return rows.mutate(
        nth=ibis.row_number().over(latest), is_newest=rows.due_at == rows.due_at.max().over(own)
    )


def tiers(tables: Canonical, as_of: Day, days: int) -> ibis.Table:
    """One row per customer and programme: `level` held now, and `level_before`, `days` days ago.

    A membership that ended without a newer version has level 0 from then on; `level_before` is null
    for who was no member yet.
    """
    rows = tables["memberships"]
    rows = rows.filter(rows.level.notnull())
    rows = rows.mutate(
        days_ago=days_ago(rows, as_of), ended=days_since(rows.ends_at, as_of).fill_null(0)
    )
    return rows.group_by("customer_id", "programme").aggregate(
        level=(rows.ended > 0).ifelse(0, rows.level).argmax(rows.occurred_at),
        level_before=(rows.ended > days)
        .ifelse(0, rows.level)
        .argmax(rows.occurred_at, where=rows.days_ago > days),
    )


def points(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per booking of points, with days_ago.

    `left_days` are the days that points earned still last: 1 for those that expire on the day of
    as_of, 0 or less for what expired before, null for points that never do.
    """
    rows = tables["loyalty_ledger"]
    return rows.mutate(
        days_ago=days_ago(rows, as_of), left_days=1 - days_since(rows.expires_at, as_of)
    )


def staff(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per assignment, with days_ago; `is_change` where another person was in charge."""
    import ibis

    rows = tables["staff_assignments"]
    # (customer_id, occurred_at) is the table's key, so this order is total.
    history = ibis.window(group_by="customer_id", order_by="occurred_at")
    before = rows.agent_id.lag().over(history)
    return rows.mutate(
        days_ago=days_ago(rows, as_of), is_change=(before != rows.agent_id).fill_null(False)
    )
