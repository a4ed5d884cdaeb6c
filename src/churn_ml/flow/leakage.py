"""Leakage: what a training asks of its panel before it fits anything, and what it tells of it.

Enters: the panel, and the attempt that built it. Leaves: lines of the receipt, or Leak. Worked
example, chosen at 2017-09-01: the tables of that day hold nothing of a later one; the features that
alone tell most of who churned then, recency_days first, are computed once more from tables cut a
second time, and are the same for every customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from churn_ml import timeline
from churn_ml.flow.definitions import indicators
from churn_ml.leakage import check_known, strengths, strongest
from churn_ml.recut import check_again, check_cut, cut_again

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from churn_ml.attempt import Attempt

TWICE = 10
"""Features that are computed a second time: a leak is among those that tell most."""
SHOWN = 5
"""Features whose strength a receipt tells."""


def look(trial: Attempt, panel: pd.DataFrame) -> dict[str, Any]:
    """Whether the panel knows what comes after the choosing cut-off; what was looked at, for JSON.

    `panel`: as `build_panel` makes it.
    Raises Leak, naming the column or the table: for a feature that no indicator computes or that is
    not for training, a table that holds later rows, a feature that is another when computed again.
    """
    from churn_ml import features
    from churn_ml.panel import feature_columns

    config = trial.house.config
    signs, later = features.trainable(indicators(config)), panel[panel["layer"] == "choose"]
    names = feature_columns(panel)
    check_known(names, features.names(signs))
    cut_off, zone = later["cut_off"].iloc[0], config.shop.time_zone
    end, then = timeline.instant(cut_off, zone), trial.canonical(cut_off)
    tables = check_cut(then, end)
    most = strongest(strengths(panel[panel["label"].notna()], names), TWICE)
    again = features.build(
        cut_again(then, end),
        cut_off,
        config.contract,
        indicators=features.defining([*most], signs),
        zone=zone,
    )
    again = again.drop(columns="as_of")
    customers, twice = check_again(later, again, cut_off.isoformat()), len(again.columns) - 1
    trial.house.say(
        f"  no leak at {cut_off.isoformat()}: {tables} tables end before it, {len(names)} features "
        f"are the catalogue's, the {twice} strongest are the same when computed twice"
    )
    counted = {"tables": tables, "features": len(names), "computed_twice": twice}
    return {"cut_off": cut_off.isoformat()} | counted | {"customers": customers}


def told(alone: Mapping[str, float]) -> dict[str, Any]:
    """What single features tell of the label, for JSON; `alone`: see training.Training.

    >>> told({"recency_days": 0.7501234, "tenure_days": 0.6})
    {'strongest': [{'feature': 'recency_days', 'auc': 0.7501}, {'feature': 'tenure_days', ...}]}
    """
    shown = strongest(alone, SHOWN).items()
    return {"strongest": [{"feature": name, "auc": round(auc, 4)} for name, auc in shown]}
