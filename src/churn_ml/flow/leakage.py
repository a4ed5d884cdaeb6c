"""Leakage: what a training asks of its panel before it fits anything, and what it tells of it.

Enters: the panel, and the attempt that built it. Leaves: lines of the receipt, or Leak. Worked
example, chosen at 2017-09-01 and trained on cut-offs up to 2017-08-02: the tables of both days hold
nothing of a later one; the features that alone tell most of who churned then, recency_days first,
are computed once more from tables cut a second time, and are the same for every customer. The two
days are one that the candidates learn from and one that they are chosen at, each the newest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from churn_ml import timeline
from churn_ml.flow.definitions import indicators
from churn_ml.leakage import check_known, strengths, strongest
from churn_ml.recut import check_again, check_cut, cut_again

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from churn_ml.attempt import Attempt
    from churn_ml.features import Indicator

TWICE = 10
"""Features that are computed a second time: a leak is among those that tell most."""
LOOKED_AT = ("choose", "train")
"""The layers whose newest cut-off is looked at, in order."""
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
    signs = features.trainable(indicators(config))
    names = feature_columns(panel)
    check_known(names, features.names(signs))
    most = strongest(strengths(panel[panel["label"].notna()], names), TWICE)
    twice = features.defining([*most], signs)
    rows = [_newest(panel[panel["layer"] == layer]) for layer in LOOKED_AT]
    (tables, customers), _ = (_same(trial, each, twice) for each in rows)
    counted = {"tables": tables, "features": len(names)}
    counted["computed_twice"] = len(features.names(twice))
    at, trained = (each["cut_off"].iloc[0].isoformat() for each in rows)
    trial.house.say(
        f"  no leak at {at}, nor at {trained}: {tables} tables end before it, {len(names)} "
        f"features are the catalogue's, the {counted['computed_twice']} strongest are the same "
        "when computed twice"
    )
    return {"cut_off": at, "trained_cut_off": trained} | counted | {"customers": customers}


def _newest(rows: pd.DataFrame) -> pd.DataFrame:
    found: pd.DataFrame = rows[rows["cut_off"] == rows["cut_off"].max()]
    return found


def _same(trial: Attempt, rows: pd.DataFrame, twice: Sequence[Indicator]) -> tuple[int, int]:
    """The tables and customers of the one cut-off of `rows`, at which `twice` is as it was."""
    from churn_ml import features

    cut_off, zone = rows["cut_off"].iloc[0], trial.house.config.shop.time_zone
    end, then = timeline.instant(cut_off, zone), trial.canonical(cut_off)
    tables = check_cut(then, end)
    again = features.build(
        cut_again(then, end), cut_off, trial.house.config.contract, indicators=twice, zone=zone
    )
    return tables, check_again(rows, again.drop(columns="as_of"), cut_off.isoformat())


def told(alone: Mapping[str, float]) -> dict[str, Any]:
    """What single features tell of the label, for JSON; `alone`: see training.Training.

    >>> told({"recency_days": 0.7501234, "tenure_days": 0.6})
    {'strongest': [{'feature': 'recency_days', 'auc': 0.7501}, {'feature': 'tenure_days', ...}]}
    """
    shown = strongest(alone, SHOWN).items()
    return {"strongest": [{"feature": name, "auc": round(auc, 4)} for name, auc in shown]}
