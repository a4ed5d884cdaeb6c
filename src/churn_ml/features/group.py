"""What looks at other customers: how many of the own group were lost, and where one stands (RFM).

Worked example, as of 2017-10-01: zoe came by "search", like 100 who ordered between 2017-04-04 and
2017-07-02; 40 of these have not ordered since: her group_churn_rate_90d is .4.

Of five customers who ordered once for the same sum, zoe, who ordered last, has rfm_r_365d 5, and
rfm_f_365d and rfm_m_365d 1 like all of them: equals share the lower fifth.

The group of C29 is the acquisition channel alone: a segment follows from a former score, and a
model that learned from its segment's rate would be taught by its own answers.

Only a closed period counts, never that of the label. Degenerate cases: without a channel, or with
fewer than 20 customers at risk in it, there is no rate; who did not order in the window is in no
fifth. No model learns from the fifths: the recency, frequency and money of RFM it has itself.
"""

from __future__ import annotations

from churn_ml.features.columns import ratio
from churn_ml.features.indicator import Column, Indicator, Measure, Parts, Reader, View

FEWEST = 20
"""Customers below which a rate says more of chance than of the group."""


def _group_churn(days: int) -> Parts:
    view = View("group_rates", (days,))
    customers = Measure(f"group_customers_{days}", view, lambda t: t.customers.max())
    churners = Measure(f"group_churners_{days}", view, lambda t: t.churners.max())
    columns = ratio(
        f"group_churn_rate_{days}d",
        lambda t: t[churners.name],
        lambda t: t[customers.name],
        lambda t: t[customers.name] >= FEWEST,
    )
    return Parts((customers, churners), columns)


def _rfm(days: int) -> Parts:
    def fifth(sign: str) -> Measure:
        view = View("rfm_fifths", (days,))
        return Measure(f"rfm_{sign}_{days}", view, lambda t: t[sign].max(), empty=None)

    of = {"r": fifth("recency"), "f": fifth("frequency"), "m": fifth("money")}
    columns = (Column(f"rfm_{letter}_{days}d", _plain(m.name)) for letter, m in of.items())
    return Parts(tuple(of.values()), tuple(columns))


def _plain(name: str) -> Reader:
    return lambda t: t[name]


GROUP_CHURN = Indicator(
    name="group_churn",
    meaning="Share of the customers of the same acquisition channel who were lost lately.",
    unit="share",
    direction="up",
    windows=(90,),
    against="of those who ordered in as many days before",
    needs=("orders", "customers"),
    source="C29",
    filled=("customers.channel",),
    of=_group_churn,
)

RFM = Indicator(
    name="rfm",
    meaning="Fifth of the customers by last order, number of orders and money spent; 5 is best.",
    unit="fifth, 1 to 5",
    direction="down",
    windows=(365,),
    needs=("orders",),
    source="B12",
    training=False,
    of=_rfm,
)

GROUP: tuple[Indicator, ...] = (GROUP_CHURN, RFM)
