"""What to do for a market rather than for a customer: rows of class O, by the causes seen there.

Enters: the likeliest cause of each scored customer, with the market. Leaves: for every cause that a
good share of a market shows, the codes that answer it for the market or the whole shop. Worked
example: as of 2017-10-01 a third of Italy's customers show slow delivery, so a warehouse there
(OVERSEAS_WAREHOUSE) and a local carrier (LOCAL_CARRIER) are recommended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from churn_ml.offers.catalogue import CATALOGUE

if TYPE_CHECKING:
    import pandas as pd

SHARE = 0.2
"""The share of a market's scored customers from which a cause is one of the market."""
LEAST = 50
"""Smaller markets say nothing."""
ALL = "all"
FOR_MARKETS = tuple(row for row in CATALOGUE if row.by == "O" and row.refused is None)


def recommendations(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Market, cause, share of its scored customers who show it, and what answers it there.

    `rows`: one per scored customer, with `market` (missing where unknown) and `cause` (missing
    where nothing speaks for one). The whole shop comes first, as the market `all`; then by market
    and falling share.

    >>> import pandas as pd
    >>> late = pd.DataFrame({"market": "IT", "cause": ["LOGISTICS_SLOW"] * 20 + [None] * 40})
    >>> [(one["market"], one["share"], one["codes"]) for one in recommendations(late)]
    [('all', 0.333, ['OVERSEAS_WAREHOUSE', 'LOCAL_CARRIER']),
     ('IT', 0.333, ['OVERSEAS_WAREHOUSE', 'LOCAL_CARRIER'])]
    """
    markets = [(ALL, rows), *((str(name), part) for name, part in rows.groupby("market"))]
    return [one for name, part in markets if len(part) >= LEAST for one in _of(name, part)]


def _of(market: str, rows: pd.DataFrame) -> list[dict[str, Any]]:
    shares = rows["cause"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    found = []
    for cause, count in shares.items():
        codes = [row.code for row in FOR_MARKETS if str(cause) in row.causes]
        if count >= SHARE * len(rows) and codes:
            share = round(float(count) / len(rows), 3)
            found.append({"market": market, "cause": str(cause), "share": share, "codes": codes})
    return found
