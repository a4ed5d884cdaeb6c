"""Indicators of support: how often customers write, about what, and how they are served.

Worked example, as of 2017-10-01: 2 inquiries in the last 30 days and 3 orders in the last 90 give
inquiries_30d 2 and inquiry_per_order_30d 2 / (3 + 1) = 0.5; the one order added keeps those on the
scale who write and no longer buy.

A ticket belongs to the day it was opened. How it went on is told once it is resolved, so the share
of complex tickets is one of the resolved ones. Degenerate cases: without an answer in the window
there is no median; a change of complaints needs a customer, and tickets of the shop, since the
window before began. Where no ticket of the shop was ever solved, nobody knows which are still open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_ml.features.columns import delta, ratio, recorded, since_recorded, window_before, within
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View
from churn_ml.features.rhythm import TENURE

if TYPE_CHECKING:
    import ibis

MANY_CONTACTS = 3
"""Contacts from which on a ticket is complex."""
HOUR_SECONDS = 3600


def tickets(stem: str, days: int, of: Reader) -> Measure:
    """The measure `<stem>_<days>`: the tickets of `of` opened in [as_of - days, as_of).

    >>> tickets("complaints", 90, complaint).name
    'complaints_90'
    """
    return Measure(
        f"{stem}_{days}", View("tickets"), lambda t: t.count(where=within(days)(t) & of(t))
    )


def _orders(days: int) -> Measure:
    return Measure(
        f"support_orders_{days}", View("orders"), lambda t: t.count(where=within(days)(t))
    )


def _per_order(name: str, count: Measure, orders: Measure) -> Column:
    """The tickets of a measure per order, with one order more than there were."""
    return Column(name, lambda t: t[count.name].cast("float64") / (t[orders.name] + 1))


def _inquiry(days: int, order_days: int) -> Parts:
    count = tickets("inquiries", days, lambda t: t.kind == "inquiry")
    orders = _orders(order_days)
    columns = (
        Column(f"inquiries_{days}d", lambda t: t[count.name]),
        _per_order(f"inquiry_per_order_{days}d", count, orders),
    )
    return Parts((count, orders), columns)


def _complexity(days: int) -> Parts:
    def known(t: ibis.Table) -> ibis.BooleanValue:
        return t.contacts.notnull() | t.reopened.notnull()

    def complex_(t: ibis.Table) -> ibis.BooleanValue:
        return (t.contacts >= MANY_CONTACTS).fill_null(False) | t.reopened.fill_null(False)

    told, hard = tickets("tickets_told", days, known), tickets("tickets_complex", days, complex_)
    columns = ratio(f"complex_ticket_share_{days}d", lambda t: t[hard.name], lambda t: t[told.name])
    return Parts((told, hard), columns)


def complaint(t: ibis.Table) -> ibis.BooleanValue:
    """True for the tickets that are complaints.

    >>> import ibis
    >>> import pyarrow as pa
    >>> told = ibis.memtable(pa.table({"kind": ["complaint", "inquiry"]}))
    >>> complaint(told).to_pyarrow().to_pylist()
    [True, False]
    """
    return t.kind == "complaint"


def _complaints(days: int) -> Parts:
    now, both = (tickets("complaints", days * k, complaint) for k in (1, 2))
    orders, first = _orders(days), recorded(View("tickets"))
    change = delta(
        f"complaints_delta_{days}d",
        lambda t: t[now.name],
        window_before("complaints", days),
        since_recorded(2 * days, first),
    )
    columns = (
        Column(f"complaints_{days}d", lambda t: t[now.name]),
        _per_order(f"complaints_per_order_{days}d", now, orders),
        *change,
    )
    return Parts((TENURE, first, now, both, orders), columns)


def _hours(name: str, seconds: str, days: int) -> tuple[Measure, Column]:
    """The median of `seconds` over the tickets of the window, in hours; null without any."""
    median = Measure(
        f"{seconds}_{days}",
        View("tickets"),
        lambda t: t[seconds].quantile(0.5, where=within(days)(t)),
        empty=None,
    )
    return median, Column(f"{name}_h_{days}d", lambda t: t[median.name] / HOUR_SECONDS)


def _answers(days: int) -> Parts:
    first = _hours("first_response", "response_seconds", days)
    solved = _hours("resolve", "resolve_seconds", days)
    return Parts((first[0], solved[0]), (first[1], solved[1]))


def _unanswered(days: int) -> Parts:
    def waits(t: ibis.Table) -> ibis.BooleanValue:
        return t.kind.isin(("complaint", "feedback")) & t.resolved_at.isnull() & ~within(days)(t)

    waiting = Measure(f"unanswered_{days}", View("tickets"), lambda t: t.count(where=waits(t)))
    solved = Measure(
        "tickets_solved", View("tickets"), lambda t: t.resolved_at.count(), of_shop=True
    )

    def unanswered(t: ibis.Table) -> ibis.Value:
        return (t[solved.name] > 0).ifelse(t[waiting.name], None)

    return Parts((waiting, solved), (Column(f"unanswered_feedback_{days}d", unanswered),))


INQUIRY = Indicator(
    name="inquiry",
    meaning="Inquiries, and inquiries per order of the second window and one more.",
    unit="tickets; tickets per order",
    direction="up",
    windows=(30, 90),
    needs=("orders", "tickets"),
    source="C16",
    filled=("tickets.kind",),
    owner="service",
    of=_inquiry,
)
COMPLEXITY = Indicator(
    name="complexity",
    meaning="Share of resolved tickets that took three contacts or more, or were opened again.",
    unit="share",
    direction="up",
    windows=(90,),
    needs=("orders", "tickets"),
    source="C17",
    filled=("tickets.contacts",),
    owner="service",
    of=_complexity,
)
COMPLAINTS = Indicator(
    name="complaints",
    meaning="Complaints, complaints per order and one more, and the change of their number.",
    unit="tickets; tickets per order; tickets",
    direction="up",
    windows=(90,),
    against="against as many days before",
    needs=("orders", "tickets"),
    source="C18",
    filled=("tickets.kind",),
    owner="service",
    of=_complaints,
)
ANSWERS = Indicator(
    name="answers",
    meaning="Median hours from opening a ticket to the first answer, and to the solution.",
    unit="hours",
    direction="up",
    windows=(180,),
    needs=("orders", "tickets"),
    source="C40",
    filled=("tickets.first_response_at", "tickets.resolved_at"),
    owner="service",
    of=_answers,
)
UNANSWERED = Indicator(
    name="unanswered",
    meaning="Complaints and feedback still open after so many days.",
    unit="tickets",
    direction="up",
    windows=(7,),
    against="and older",
    needs=("orders", "tickets"),
    source="C54",
    filled=("tickets.kind", "tickets.resolved_at"),
    owner="service",
    of=_unanswered,
)

SUPPORT: tuple[Indicator, ...] = (
    INQUIRY,
    COMPLEXITY,
    COMPLAINTS,
    ANSWERS,
    UNANSWERED,
)
