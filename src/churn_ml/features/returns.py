"""Indicators of what came back: how often, for which reason, and how heavy it was to give back.

Worked example, as of 2017-10-01: somebody with ten orders in the last 180 days, of which two came
back, one of them as defective, has return_rate_180d .2 and defect_return_rate_180d .1; refunds that
took 4, 6 and 30 days give refund_days_180d 6.

Orders are counted by the day they were placed, returns by the day they were opened, so that orders
too young to come back do not hide a return; a rate can exceed 1. An exchange is a return, too.
Degenerate cases: a return whose order is not known counts as one order. The reasons are the words
`not_as_described` and `defect`: a shop's own codes are translated into them where it is mapped.
"""

from __future__ import annotations

from functools import partial

from churn_ml.features.activity import orders
from churn_ml.features.columns import ratio, within
from churn_ml.features.fulfilment import rate_and_change
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, View
from churn_ml.features.views.aftermath import DAY_SECONDS


def _returned(days: int) -> Measure:
    return Measure(
        f"returned_{days}", View("returns"), lambda t: t.returned.nunique(where=within(days)(t))
    )


def _return_rate(days: int) -> Parts:
    measures = (_returned(days), _returned(2 * days), orders(days), orders(2 * days))
    return Parts(measures, rate_and_change("return_rate", "returned", "orders", days))


def _refund(days: int) -> Parts:
    name = f"refund_seconds_{days}"
    usual = Measure(
        name,
        View("returns"),
        lambda t: t.refund_seconds.quantile(0.5, where=within(days)(t)),
        empty=None,
    )
    return Parts((usual,), (Column(f"refund_days_{days}d", lambda t: t[name] / DAY_SECONDS),))


def _return_effort(days: int) -> Parts:
    contacts = Measure(
        f"return_contacts_{days}",
        View("return_contacts"),
        lambda t: t.contacts.sum(where=within(days)(t)),
    )
    columns = ratio(
        f"contacts_per_return_{days}d",
        lambda t: t[contacts.name],
        lambda t: t[f"returned_{days}"],
    )
    return Parts((contacts, _returned(days)), columns)


def _returned_for(days: int, *, reason: str, name: str) -> Parts:
    """Orders that came back for one reason, per order."""
    back = Measure(
        f"{name}_returned_{days}",
        View("returns"),
        lambda t: t.returned.nunique(where=within(days)(t) & (t.reason == reason)),
    )
    columns = ratio(
        f"{name}_return_rate_{days}d", lambda t: t[back.name], lambda t: t[f"orders_{days}"]
    )
    return Parts((back, orders(days)), columns)


RETURN_RATE = Indicator(
    name="return_rate",
    meaning="Orders given back or exchanged per order, and the change of that.",
    unit="returned orders per order; change of it",
    direction="up",
    windows=(180,),
    against="also against as many days before",
    needs=("orders", "returns"),
    source="C20",
    owner="product",
    of=_return_rate,
)
NOT_AS_DESCRIBED = Indicator(
    name="not_as_described",
    meaning="Orders given back because they were not as described, per order.",
    unit="returned orders per order",
    direction="up",
    windows=(180,),
    needs=("orders", "returns"),
    source="C42",
    owner="product",
    filled=("returns.reason",),
    of=partial(_returned_for, reason="not_as_described", name="nad"),
)
DEFECT = Indicator(
    name="defect",
    meaning="Orders given back because of a defect, per order.",
    unit="returned orders per order",
    direction="up",
    windows=(180,),
    needs=("orders", "returns"),
    source="C43",
    owner="product",
    filled=("returns.reason",),
    of=partial(_returned_for, reason="defect", name="defect"),
)
REFUND = Indicator(
    name="refund",
    meaning="Usual time from opening a return to the money back.",
    unit="days",
    direction="up",
    windows=(180,),
    needs=("orders", "returns"),
    source="C41",
    owner="service",
    filled=("returns.refunded_at",),
    of=_refund,
)
RETURN_EFFORT = Indicator(
    name="return_effort",
    meaning="Contacts with service about orders being given back, per such order.",
    unit="contacts per returned order",
    direction="up",
    windows=(180,),
    needs=("orders", "returns", "tickets"),
    source="C41",
    owner="service",
    filled=("returns.order_id", "tickets.order_id"),
    of=_return_effort,
)

RETURNS: tuple[Indicator, ...] = (
    RETURN_RATE,
    NOT_AS_DESCRIBED,
    DEFECT,
    REFUND,
    RETURN_EFFORT,
)
