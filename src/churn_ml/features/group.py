"""The one indicator that looks at other customers: how many of the own group were lost lately.

Worked example, as of 2017-10-01: zoe came by "search", like 100 who ordered between 2017-04-04 and
2017-07-02; 40 of these have not ordered since: her group_churn_rate_90d is .4.

Only a closed period counts, never that of the label. Degenerate cases: without a channel, or with
fewer than 20 customers at risk in it, there is no rate.
"""

from __future__ import annotations

from churn_ml.features.columns import ratio
from churn_ml.features.indicator import Indicator, Measure, Parts, View

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

GROUP: tuple[Indicator, ...] = (GROUP_CHURN,)
