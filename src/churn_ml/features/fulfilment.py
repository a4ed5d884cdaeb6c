"""Indicators of fulfilment: orders cancelled, sent late, held at customs, or dear to send.

Worked example, as of 2017-10-01: somebody who placed ten orders in the last 180 days and cancelled
two of them, and placed five in the 180 days before and cancelled none, has cancel_rate_180d .2 and
cancel_rate_delta_180d .2. Three parcels that took 2, 3 and 9 days give transit_days_3 3.

Degenerate cases: a parcel without a promised day, or whose day is not over yet, is neither late nor
in time; one that never arrived tells nothing of how long delivery takes, but it is late.
"""

from __future__ import annotations

from churn_ml.features.columns import delta, ratio, share, window_before, within
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View
from churn_ml.features.views.aftermath import DAY_SECONDS

LAST_SHIPMENTS = 3
"""Shipments that tell how long delivery takes now."""


def rate_and_change(name: str, top: str, base: str, days: int) -> tuple[Column, ...]:
    """The rate top / base of the last `days` days, its change against as many before, their flags.

    `top` and `base` are stems of measures: of "orders" both orders_<days> and orders_<2 x days>.

    >>> [column.name for column in rate_and_change("cancel_rate", "cancelled", "all_orders", 180)]
    ['cancel_rate_180d', 'cancel_rate_180d_has_base',
     'cancel_rate_delta_180d', 'cancel_rate_delta_180d_has_base']
    """
    now: tuple[Reader, Reader] = (lambda t: t[f"{top}_{days}"], lambda t: t[f"{base}_{days}"])
    before = share(window_before(top, days), window_before(base, days))
    return (
        *ratio(f"{name}_{days}d", *now),
        *delta(f"{name}_delta_{days}d", share(*now), before),
    )


def _cancellation(days: int) -> Parts:
    def measure(name: str, window: int, of: Reader) -> Measure:
        return Measure(f"{name}_{window}", View("all_orders"), of)

    def counts(window: int) -> tuple[Measure, Measure]:
        inside = within(window)
        return (
            measure("all_orders", window, lambda t: t.count(where=inside(t))),
            measure("cancelled", window, lambda t: t.count(where=inside(t) & t.is_cancelled)),
        )

    columns = rate_and_change("cancel_rate", "cancelled", "all_orders", days)
    return Parts((*counts(days), *counts(2 * days)), columns)


def _transit() -> Parts:
    name = "transit_seconds_median"
    usual = Measure(
        name,
        View("shipments"),
        lambda t: t.transit_seconds.quantile(0.5, where=t.nth < LAST_SHIPMENTS),
        empty=None,
    )
    column = Column(f"transit_days_{LAST_SHIPMENTS}", lambda t: t[name] / DAY_SECONDS)
    return Parts((usual,), (column,))


def _lateness(days: int) -> Parts:
    def measure(name: str, of: Reader) -> Measure:
        return Measure(f"{name}_{days}", View("shipments"), of)

    judged = measure("shipments_judged", lambda t: t.is_late.count(where=within(days)(t)))
    late = measure("shipments_late", lambda t: t.count(where=within(days)(t) & t.is_late))
    columns = ratio(f"late_share_{days}d", lambda t: t[late.name], lambda t: t[judged.name])
    return Parts((judged, late), columns)


def _customs(days: int) -> Parts:
    name = f"customs_seconds_{days}"
    longest = Measure(
        name, View("shipments"), lambda t: t.customs_seconds.max(where=within(days)(t)), empty=None
    )
    column = Column(f"customs_days_max_{days}d", lambda t: t[name].cast("float64") / DAY_SECONDS)
    return Parts((longest,), (column,))


def _shipping_cost(days: int) -> Parts:
    def cents(amount: str) -> Measure:
        return Measure(
            f"order_{amount}_cents_{days}",
            View("orders"),
            lambda t: t[f"{amount}_cents"].sum(where=within(days)(t)),
        )

    net, shipping, duty = map(cents, ("net", "shipping", "duty"))
    columns = ratio(
        f"shipping_share_{days}d",
        lambda t: t[shipping.name] + t[duty.name],
        lambda t: t[net.name],
    )
    return Parts((net, shipping, duty), columns)


CANCELLATION = Indicator(
    name="cancellation",
    meaning="Share of orders that were cancelled, and the change of that.",
    unit="share; change of the share",
    direction="up",
    windows=(180,),
    against="also against as many days before",
    needs=("orders",),
    source="C26",
    owner="logistics",
    of=_cancellation,
)
TRANSIT = Indicator(
    name="transit",
    meaning="Usual time on the way of the last three shipments that arrived.",
    unit="days",
    direction="up",
    windows=(),
    needs=("orders", "shipments"),
    source="C37",
    owner="logistics",
    filled=("shipments.delivered_at",),
    of=_transit,
)
LATENESS = Indicator(
    name="lateness",
    meaning="Share of shipments that missed the promised day.",
    unit="share",
    direction="up",
    windows=(180,),
    needs=("orders", "shipments"),
    source="C37",
    owner="logistics",
    filled=("shipments.promised_at", "shipments.delivered_at"),
    of=_lateness,
)
CUSTOMS = Indicator(
    name="customs",
    meaning="Longest time that a shipment was held by customs.",
    unit="days",
    direction="up",
    windows=(180,),
    needs=("orders", "shipments"),
    source="C38",
    owner="logistics",
    filled=("shipments.customs_in_at", "shipments.customs_out_at"),
    of=_customs,
)
SHIPPING_COST = Indicator(
    name="shipping_cost",
    meaning="Shipping fees and duty paid, against what was paid for the goods.",
    unit="share",
    direction="up",
    windows=(180,),
    needs=("orders",),
    source="C39",
    owner="logistics",
    filled=("orders.net_amount", "orders.shipping_amount"),
    of=_shipping_cost,
)

FULFILMENT: tuple[Indicator, ...] = (
    CANCELLATION,
    TRANSIT,
    LATENESS,
    CUSTOMS,
    SHIPPING_COST,
)
