"""Treatment: whom we contacted around a label window, and who stands for them in a training.

A customer who was contacted has no label of what they would have done alone. Enters: the ledger's
deliveries, the published actions and the holdout. Leaves: the treated, and a weight per row.
Worked example, with a holdout of .1: at the cut-off 2017-10-01 the policy chose a hundred
customers, ninety of them got an e-mail and teach nothing, and each of the ten in the holdout weighs
10. Left out alone, the ninety would make the risky ones look rarer than they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import TYPE_CHECKING

from churn_ml import timeline
from churn_ml.attempt import Attempt

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

BY_CHANCE = ("holdout", "control")
"""Why of an action: whom the policy chose and chance left alone."""
READ = ("customer_id", "would_be_offer", "why", "kept_share")
"""What is read of the actions of a round."""


def treated(trial: Attempt, as_of: date) -> frozenset[str]:
    """Customers whom a delivering destination contacted around the label window of `as_of`."""
    start, end = _around(trial, as_of)
    return frozenset(one.customer_id for one in trial.house.ledger.contacts(start, end))


def weights(
    trial: Attempt, as_of: date, ids: pd.Series, reached: AbstractSet[str]
) -> NDArray[np.float64]:
    """How many customers each of `ids` stands for in a training, at the cut-off `as_of`.

    `reached`: the treated. Of those whom the policy chose around the label window only those are
    left untreated whom chance kept, by the holdout or as an experiment's control; each of them
    weighs 1 / share of customers kept so (economics.md (d)). Everybody else weighs 1, as all do
    where nobody was treated.
    """
    import numpy as np

    if not reached:
        return np.ones(len(ids))
    start, end = _around(trial, as_of)
    share = _kept(trial, start, dict.fromkeys(("", *trial.house.config.contracts), end))
    known = ids.map(share).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(known), 1.0, 1.0 / known)


def _kept(trial: Attempt, start: date, ends: Mapping[str, date]) -> dict[str, float]:
    """Of those whom the policy chose and chance kept: the share of such customers kept so."""
    found: dict[str, float] = {}
    for rows in _rounds(trial, start, ends):
        kept = rows[rows["why"].isin(BY_CHANCE)]
        found |= dict(zip(kept["customer_id"], kept["kept_share"], strict=True))
    return found


def chosen(trial: Attempt, start: date, ends: Mapping[str, date]) -> set[str]:
    """Whom the policy chose to contact from `start` on, whether or not the holdout kept them.

    `ends`: the line of a contract, empty for the main one -> the as_of before which it counts.
    """
    from churn_ml.actions import NONE

    rounds = _rounds(trial, start, ends)
    would_be = (rows.loc[rows["would_be_offer"] != NONE, "customer_id"] for rows in rounds)
    return set().union(*would_be)


def _rounds(trial: Attempt, start: date, ends: Mapping[str, date]) -> Iterator[pd.DataFrame]:
    """The actions of every round from `start` on, of each line before its end."""
    for line, end in ends.items():
        days = (date.fromisoformat(day) for day in trial.versions("actions", line))
        yield from (trial.frame("actions", day, line, READ) for day in days if start <= day < end)


def _around(trial: Attempt, as_of: date) -> tuple[date, date]:
    """The as_of days, the last exclusive, at which a contact touches the label of `as_of`."""
    config = trial.house.config
    start = as_of - timedelta(days=config.policy.contact_window_days)
    return start, timeline.label_window(as_of, config.contract).end
