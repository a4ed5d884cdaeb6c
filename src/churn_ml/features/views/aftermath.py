"""What followed an order: cancelled, paid or owed, on its way, given back.

Worked example, as of 2017-10-01: an order of 2017-09-20 that left on 2017-09-21 06:00, was promised
for 2017-09-24 and arrived on 2017-09-26 06:00 is a row of `shipments` with days_ago 10,
transit_seconds 5 x 86,400 and is_late true.

Promises and due dates are compared by calendar day (UTC): whoever promises a day has kept it until
the day is over. What had not happened at `as_of` is null in the tables already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.events import days_ago, days_since, seconds

if TYPE_CHECKING:
    import ibis

    from churn_ml.events import Canonical, Day

DAY_SECONDS = 86_400


def all_orders(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per order, cancelled or not, with days_ago and is_cancelled."""
    rows = tables["orders"]
    return rows.mutate(days_ago=days_ago(rows, as_of), is_cancelled=rows.status == "cancelled")


def returns(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per return or exchange, with days_ago of its opening.

    `returned` names the order given back, or the return where the order is not known;
    `refund_seconds` is the time from opening to refund, null before it.
    """
    import ibis

    rows = tables["returns"]
    return rows.mutate(
        days_ago=days_ago(rows, as_of),
        returned=ibis.coalesce(rows.order_id, rows.return_id),
        refund_seconds=seconds(rows.refunded_at) - seconds(rows.occurred_at),
    )


def return_contacts(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per ticket about an order that was being given back, with days_ago and contacts.

    The ticket was opened on the day of the order's first return or later. A ticket without a count
    of contacts, such as one still open, was one contact.
    """
    given_back = returns(tables, as_of).filter(lambda t: t.order_id.notnull())
    first = given_back.group_by("order_id").aggregate(opened_days_ago=given_back.days_ago.max())
    rows = tables["tickets"]
    rows = rows.mutate(days_ago=days_ago(rows, as_of), contacts=rows.contacts.fill_null(1))
    rows = rows.inner_join(first, "order_id")
    return rows.filter(rows.days_ago <= rows.opened_days_ago)


def payments(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per attempt to pay, with days_ago; `overdue_days` is null for what is not owed.

    Owed is what is still open after the day it was due; `overdue_cents` is its amount in whole
    hundredths, 0 where it is not known.
    """
    rows = tables["payments"]
    past_due = days_since(rows.due_at, as_of)
    owed = (rows.status == "open") & (past_due > 0)
    cents = (rows.amount * 100).cast("int64").fill_null(0)
    return rows.mutate(
        days_ago=days_ago(rows, as_of),
        overdue_days=owed.ifelse(past_due, None),
        overdue_cents=owed.ifelse(cents, 0),
    )


def shipments(tables: Canonical, as_of: Day) -> ibis.Table:
    """One row per shipment, with days_ago of its leaving.

    * `nth`: 0 for the customer's newest shipment among those that arrived, 1 for the one before,
      and so on; counted apart among those on their way.
    * `transit_seconds`: from leaving to arrival, null on its way.
    * `is_late`: True where it arrived after the promised day, or that day is over without it;
      False where it arrived in time; null where nothing was promised or the promise still stands.
    * `customs_seconds`: from arrival at customs to clearance; of what is still there, whole days
      until as_of; null of what went through no customs or arrived without a clearance on record.
    """
    import ibis

    rows = tables["shipments"]
    rows = rows.mutate(is_there=rows.delivered_at.notnull())
    newest = ibis.window(
        group_by=("customer_id", "is_there"),
        order_by=(ibis.desc("occurred_at"), ibis.desc("shipment_id")),
    )
    return rows.mutate(
        days_ago=days_ago(rows, as_of),
        nth=ibis.row_number().over(newest),
        transit_seconds=seconds(rows.delivered_at) - seconds(rows.occurred_at),
        is_late=_is_late(rows, as_of),
        customs_seconds=_customs_seconds(rows, as_of),
    )


def _is_late(rows: ibis.Table, as_of: Day) -> ibis.BooleanValue:
    """Whether the promised day was missed; null while that is open."""
    overdue = (days_since(rows.promised_at, as_of) > 0).ifelse(True, None)
    late = rows.delivered_at.date() > rows.promised_at.date()
    return rows.is_there.ifelse(late, overdue)


def _customs_seconds(rows: ibis.Table, as_of: Day) -> ibis.IntegerValue:
    """How long customs held it, or have been holding it."""
    held = days_since(rows.customs_in_at, as_of) * DAY_SECONDS
    cleared = seconds(rows.customs_out_at) - seconds(rows.customs_in_at)
    waits = rows.customs_out_at.isnull() & ~rows.is_there
    return waits.ifelse(held, cleared)
