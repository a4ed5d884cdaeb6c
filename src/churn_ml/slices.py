"""Slices: the groups of customers in which no challenger may surely be worse.

Enters: the canonical tables cut at a cut-off. Leaves: what a shop says about its customers
(country, acquisition channel, membership tier), for the panel's rows; and from a panel the slice of
each row, with a band of tenure beside them. Never features: a panel's declared columns are none.

A shop without the table, or a customer without the attribute, is in no slice of it. Worked
example: anna, of Germany and gold since 2017-06-01, with her first order 400 days before the
cut-off 2017-10-01, stands in the slices country DE, tier gold and tenure over a year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.events import attributes

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from churn_ml.events import Canonical

ATTRIBUTES = ("country", "channel", "tier")
"""What the panel holds of the customers at each cut-off."""
TENURE = "tenure_days"
BANDS = {90: "under 90 days", 365: "90 days to a year", np.inf: "over a year"}
"""The days since the first order that each band ends before, and its name."""


def told(tables: Canonical) -> pd.DataFrame:
    """Country, channel and tier of each customer, as valid at the cut; missing where unknown.

    `tables`: canonical, cut. The tier of `customers` comes first; where it says none, the newest of
    `memberships`. Returns one row per customer_id of either table; no row where the shop has none.

    >>> from churn_ml.in_memory import canonical
    >>> shop = canonical(
    ...     customers=[{"customer_id": "anna", "country": "DE", "occurred_at": "2017-01-01"}],
    ...     memberships=[{"customer_id": "anna", "tier": "gold", "occurred_at": "2017-06-01"}])
    >>> told(shop)[["customer_id", "country", "tier"]].to_numpy().tolist()
    [['anna', 'DE', 'gold']]
    """
    import pandas as pd

    names = ["customer_id", *ATTRIBUTES]
    found = pd.DataFrame({name: pd.Series(dtype=object) for name in names})
    if "customers" in tables:
        rows: pd.DataFrame = attributes(tables).select(*names).to_pyarrow().to_pandas()
        found = rows.astype(object)
    if "memberships" in tables:
        held = _tiers(tables["memberships"]).rename(columns={"tier": "held"})
        found = found.merge(held, on="customer_id", how="outer")
        found["tier"] = found["tier"].where(found["tier"].notna(), found["held"])
    return found[names].where(found[names].notna(), None)


def _tiers(memberships: ibis.Table) -> pd.DataFrame:
    """The newest tier of each member; the programme decides between two of one instant."""
    import ibis

    newest = ibis.window(
        group_by="customer_id", order_by=[ibis.desc("occurred_at"), ibis.asc("programme")]
    )
    ranked = memberships.mutate(age=ibis.row_number().over(newest))
    rows = ranked.filter(ranked.age == 0).select("customer_id", "tier")
    found: pd.DataFrame = rows.to_pyarrow().to_pandas()
    return found.astype(object)


def of_rows(rows: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """The slice of each row of a panel, by the name of the slices; "" where it is in none.

    Names of which the panel says nothing are left out.

    >>> import pandas as pd
    >>> panel = pd.DataFrame({"country": ["DE", None], "tier": [None, None],
    ...                       "tenure_days": [400.0, 20.0]})
    >>> {name: slice.tolist() for name, slice in of_rows(panel).items()}
    {'country': ['DE', ''], 'tenure': ['over a year', 'under 90 days']}
    """
    found = {
        name: rows[name].fillna("").astype(str).to_numpy(object)
        for name in ATTRIBUTES
        if name in rows and rows[name].notna().any()
    }
    if TENURE in rows:
        found["tenure"] = _bands(rows[TENURE].to_numpy(dtype=float))
    return found


def _bands(days: NDArray[np.float64]) -> NDArray[Any]:
    """The band of each tenure; "" where it is unknown."""
    names = np.array([*BANDS.values(), ""], dtype=object)
    place = np.searchsorted(np.array(list(BANDS)), days, side="right")
    return np.asarray(names[np.where(np.isnan(days), len(BANDS), np.minimum(place, 2))])
