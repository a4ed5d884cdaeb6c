"""The contest: every family and every peer on the same test rows, and who would be champion.

Enters: the rows of a task. Leaves: `Scored`, the test rows with one column of scores per model, and
`Choice`, the champion. Which family that is, training chooses by profit on earlier data: before the
first test cut-off, candidates are fitted on the cut-offs whose labels were known by the choosing
one (`Task.choosing`), as `churn-ml train` does, and no test row is looked at. Every family is a
candidate unless fewer are asked for. The model shown is that family fitted on all training cut-offs
of the test cut-off. Where history is too short to choose, the inactivity rule is champion, as in
the house.

Where a task learns with a shorter horizon than it is tested with, no label tells the level: the
logits of every model that learned from labels are shifted by one constant, so that their mean
probability is that of a buying process: the one of higher likelihood on the histories known then.

Worked example: c2-gone30 is first tested on 2017-10-03. Its candidates are fitted on the cut-offs
from 2017-04-06 to 2017-08-04 and chosen among on 2017-09-03, whose labels end on 2017-10-03.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml import material, training
from churn_ml.errors import NotReady
from churn_ml.flow import weighing
from churn_ml.models.families import FAMILIES
from churn_ml.models.protocol import Setting, Vector, probability
from churn_ml.models.value import ValueModel
from churn_ml.models.value_quality import cross_fitted
from churn_ml.panel import feature_columns, teaching
from churn_ml.quality import peers

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from churn_ml.config import Config
    from churn_ml.house import Progress
    from churn_ml.quality.rows import Rows

PEER = "peer_"
RULE = material.REFERENCE
STEPS, WIDEST = 60, 20.0


@dataclass(frozen=True)
class Choice:
    """The champion's family, and how it was chosen, ready for JSON."""

    champion: str
    how: Mapping[str, Any]


def scored(rows: Rows, config: Config, say: Progress) -> pd.DataFrame:
    """The test rows of all cut-offs with every model's score, value and V^E, without features.

    One row per customer_id and cut_off: columns `p_NAME` per family and peer, `value`, `value_e`
    and `base_rate`, the churn rate of the training rows.
    """
    import pandas as pd

    parts = []
    for day in rows.task.test_days:
        test = rows.task.as_of(day)
        say(f"test cut-off day {day}: as of {test.isoformat()}")
        past, known = rows.taught(rows.task.training(test)), rows.tested(test)
        told = _scores(rows, past, known, config)
        about = known.drop(columns=list(feature_columns(known)))
        parts.append(about.assign(base_rate=float(past["label"].mean()), **told))
    return pd.concat(parts, ignore_index=True)


def chosen(rows: Rows, config: Config, candidates: Sequence[str] = ()) -> Choice:
    """The champion by the pipeline's own training on data before the first test cut-off.

    `candidates`: the families among which it is chosen; all where none is named.
    """
    import pandas as pd

    test = rows.task.as_of(min(rows.task.test_days))
    days = rows.task.choosing(test)
    if days is None:
        return Choice(RULE, {"cut_off": None, "because": "history is too short to choose"})
    past, choose = days
    layers = {"train": past, "choose": (choose,)}
    panel = pd.concat(
        [rows.taught(found).assign(layer=layer) for layer, found in layers.items()],
        ignore_index=True,
    )
    judged = weighing.judged(panel, lambda ids: np.zeros(len(ids), dtype=bool))
    config = among(config, candidates)
    try:
        done = training.train(
            panel,
            config,
            trained_as_of=test,
            spec_hash=lambda _: "",
            money=weighing.money(config, judged),
        )
    except NotReady as error:
        return Choice(RULE, {"cut_off": choose.isoformat(), "because": error.what})
    return Choice(done.best, _told(done, choose))


def among(config: Config, candidates: Sequence[str]) -> Config:
    """The configuration under which these families compete; all where none is named.

    The ensemble comes first then: the score of the first chooses the value model that all share.

    >>> from churn_ml.config import Config, Shop
    >>> config = Config(shop=Shop(name="s", currency="GBP"))
    >>> among(config, ["xgboost"]).training.candidates, among(config, []).training.candidates[0]
    (('xgboost',), 'ensemble')
    """
    names = tuple(candidates) or tuple(each.name for each in reversed(FAMILIES))
    told = config.training.model_copy(update={"candidates": names})
    return config.model_copy(update={"training": told})


def _told(done: training.Training, choose: date) -> dict[str, Any]:
    """The candidates' figures on the choosing cut-off."""
    found = {
        each.name: {
            "profit_per_1000": round(each.profit_per_1000, 6),
            "auc": round(each.metrics["auc"].value, 6),
            "brier": round(each.metrics["brier"].value, 6),
        }
        for each in done.candidates
    }
    return {"cut_off": choose.isoformat(), "candidates": found}


def _scores(
    rows: Rows, past: pd.DataFrame, test: pd.DataFrame, config: Config
) -> dict[str, Vector]:
    """Every model's score on the test rows of one cut-off, with value and V^E."""
    horizon_days = rows.task.contract.horizon_days
    recipe = weighing.recipe(config)
    told: dict[str, Vector] = {
        **_families(past, test, config),
        f"{PEER}xgboost_default": peers.xgboost_default(past, test),
        f"{PEER}logistic_rfm": peers.logistic_rfm(past, test),
    }
    bought = peers.processes(test, horizon_days)
    if rows.task.taught_days is not None:
        _, level = max(bought.values(), key=lambda found: found[0])
        told = {name: shifted(p, float(level.mean())) for name, p in told.items()}
    told |= {f"{PEER}{name}": p for name, (_, p) in bought.items()}
    worth = ValueModel.fit(past, recipe).predict(test)
    value = {"value": worth, "value_e": cross_fitted(past, test, recipe)}
    return {f"p_{name}": p for name, p in told.items()} | value


def _families(past: pd.DataFrame, test: pd.DataFrame, config: Config) -> dict[str, Vector]:
    """Every family fitted on `past` as training fits it, applied to `test`."""
    label = past["label"].to_numpy(dtype=np.int64)
    cut_offs = past["cut_off"].to_numpy("datetime64[D]")
    setting = Setting(config.training.seed, config.contract.horizon_days, cut_offs)
    names = teaching(past)
    return {
        each.name: each.model.fit(past[list(each.needs or names)], label, setting).predict(test)
        for each in FAMILIES
    }


def shifted(p: Vector, mean: float) -> Vector:
    """The probabilities with one constant added to their logits so that their mean is `mean`.

    >>> shifted(np.array([0.1, 0.3]), 0.5).round(3).tolist()
    [0.337, 0.663]
    """
    inside = np.clip(p, 1e-9, 1 - 1e-9)
    logit = np.log(inside / (1 - inside))
    low, high = -WIDEST, WIDEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if probability(logit + middle).mean() < mean else (low, middle)
    return probability(logit + low)
