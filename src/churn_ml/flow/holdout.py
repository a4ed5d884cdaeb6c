"""Holdout: what the draws of a scored date can show, and what they cost.

Enters: what was scored and decided for an as_of. Leaves: the sizes of the universal holdout and of
each experiment that ran (sizing.py). Worked example: as of 2017-10-01 the holdout kept 31 of 300
chosen customers and left 62.00 unearned; at this pace the assumed effect shows after 20 rounds.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml.house import House

if TYPE_CHECKING:
    import pandas as pd

A_YEAR = 13
"""Rounds of 28 days."""


def holdout(house: House, as_of: date, rounds: int = A_YEAR) -> dict[str, dict[str, Any]]:
    """The sizing of every draw at `as_of`, by its name; the universal holdout is "holdout".

    `rounds`: within how many rounds like this one an answer is wanted. Reads what `score`
    published; writes nothing. Raises NotReady where nothing was scored for `as_of`.
    """
    from churn_ml.flow.saving import rated
    from churn_ml.save_priors import save_rate
    from churn_ml.sizing import draws

    published = house.publication("score", as_of)
    if published is None:
        raise house.before("score", "nobody was scored for this date", as_of)
    config = rated(house.config, published.pins.get("save_rates", {}))
    rates = {offer.code: save_rate(offer, config.economics) for offer in config.own_offers}
    running = {n: e.control_share for n, e in config.experiments.items() if e.runs(as_of)}
    actions, scores = (_frame(house, name, as_of) for name in ("actions", "scores"))
    return draws(actions, scores, config.holdout.share, running, rates, rounds)


def _frame(house: House, name: str, as_of: date) -> pd.DataFrame:
    version = house.published(name)[as_of.isoformat()]
    place = house.config.called(name)
    rows: pd.DataFrame = house.warehouse.read_partition(place, as_of, version).to_pandas()
    return rows
