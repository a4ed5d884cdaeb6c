"""Staleness: how a model's predictions fall with its age, and how often to train.

Enters: the panel of a training. Leaves: at each of its later cut-offs, a model of one recipe fitted
on the earliest cut-offs beside one fitted on all that had matured by then: the same rows, so that a
hard month is no sign of age. Nothing is stored or decided.

It costs a fit a cut-off, and so it is a command of its own. Worked example: the panel of 2017-11-01
begins at 2017-04-04. Fitted on the first cut-offs to 2017-05-04, logistic regression has at
2017-10-01 an AUC of .79 where the one fitted to 2017-08-31 has .81.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_ml.errors import TooEarly
from churn_ml.flow import weighing
from churn_ml.flow.money import TIE_KEY
from churn_ml.timeline import label_window

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Config
    from churn_ml.economics import Floats
    from churn_ml.gate.bootstrap import Estimate, Rows
    from churn_ml.house import House

FIRST_SHARE = 3
"""The old model learns from the first third of the cut-offs."""
ALPHA = 0.025


def staleness(house: House, as_of: date, family: str | None = None) -> dict[str, Any]:
    """How much worse an old model is than a fresh one, by age; ready for JSON.

    `family`: whose recipe is fitted; the champion's where left out, or the first candidate of
    [training] where that is the rule. Returns `family`, `learned_to` (the old model's last
    cut-off), `ages`, oldest cut-off first: `cut_off`, `age_days` and `fresh_days` (since either
    model's last label window ended), `auc`, `brier` and `profit_per_1000` of [old, fresh], each
    with the loss by age as [value, low, high], 95 %; and `advice`. Raises NotReady where nothing
    was trained for `as_of`, TooEarly where its panel has too few cut-offs.
    """
    version = house.published("panel").get(as_of.isoformat())
    if version is None:
        raise house.before("train", "no panel to try ages on", as_of)
    rows = house.warehouse.read_partition(house.config.called("panel"), as_of, version).to_pandas()
    usable = weighing.usable(weighing.judged(rows, house.held_out).rows)
    name = family or _recipe(house, as_of)
    ages = _ages(name, usable, house.config)
    learned_to = _first(sorted(set(usable["cut_off"])))[-1].isoformat()
    return {
        "family": name,
        "learned_to": learned_to,
        "ages": ages,
        "advice": advice(ages, house.config.schedule.train_every_days),
    }


def advice(ages: Sequence[Mapping[str, Any]], train_every_days: int) -> str:
    """How often to train, by the youngest age at which something is surely lost.

    >>> seen = {"age_days": 90, "auc_loss": [0.02, 0.01, 0.03], "brier_loss": [0.0, -1.0, 1.0],
    ...         "profit_loss": [5.0, -9.0, 19.0]}
    >>> advice([seen | {"age_days": 30, "auc_loss": [0.0, -0.1, 0.1]}, seen], 28)
    'train at least every 90 days: from that age on AUC is surely lost; [schedule] train_every_days
    is 28'
    >>> advice([seen | {"auc_loss": [0.0, -0.1, 0.1]}], 28)
    'no age up to 90 days surely costs anything; [schedule] train_every_days is 28'
    """
    heads = {"auc_loss": "AUC", "brier_loss": "Brier", "profit_loss": "profit"}
    now = f"[schedule] train_every_days is {train_every_days}"
    for row in sorted(ages, key=lambda row: row["age_days"]):
        lost = [head for name, head in heads.items() if row[name][1] > 0]
        if lost:
            what = f"{' and '.join(lost)} {'is' if len(lost) == 1 else 'are'} surely lost"
            return f"train at least every {row['age_days']} days: from that age on {what}; {now}"
    oldest = max(row["age_days"] for row in ages)
    return f"no age up to {oldest} days surely costs anything; {now}"


def _recipe(house: House, as_of: date) -> str:
    from churn_ml.material import REFERENCE

    name = house.champion(as_of)
    reigning = house.ledger.model(name).family if name else REFERENCE
    candidates = house.config.training.candidates
    return candidates[0] if reigning == REFERENCE and candidates else reigning


def _first(days: Sequence[date]) -> Sequence[date]:
    """The cut-offs that the old model learns from."""
    return days[: max(1, len(days) // FIRST_SHARE)]


def _ages(family: str, rows: pd.DataFrame, config: Config) -> list[dict[str, Any]]:
    """One row per cut-off at which more can have been learned than the old model did."""
    days = sorted(set(rows["cut_off"]))
    ends = {day: label_window(day, config.contract).end for day in days}
    first = _first(days)
    old = _fitted(family, rows, first, config)
    found = []
    for day in days:
        known = [one for one in days if ends[one] <= day]
        if len(known) <= len(first):
            continue
        at = weighing.in_order(rows[rows["cut_off"] == day])
        models = (old, _fitted(family, rows, known, config))
        ages = [(day - ends[learned[-1]]) / timedelta(days=1) for learned in (first, known)]
        told = {"cut_off": day.isoformat(), "age_days": int(ages[0]), "fresh_days": int(ages[1])}
        before = rows[rows["cut_off"].isin(known)]
        scores = [np.asarray(model.predict(at), dtype=float) for model in models]
        found.append(told | _compared(at, before, scores, config))
    if not found:
        raise TooEarly(
            "the panel has too few cut-offs to try an old model beside a fresh one",
            where="staleness",
            got=f"{len(days)} cut-offs",
            expected="a cut-off by which a second one had matured",
            next_step="wait for more history, or lay cut-offs closer: [training] every_days",
        )
    return found


def _fitted(family: str, rows: pd.DataFrame, days: Sequence[date], config: Config) -> Any:
    from churn_ml.training import fitted

    past = weighing.in_order(rows[rows["cut_off"].isin(days)])
    return fitted(family, past, config.training.seed, config.contract.horizon_days)


def _compared(
    at: pd.DataFrame, before: pd.DataFrame, scores: Sequence[Floats], config: Config
) -> dict[str, Any]:
    """AUC, Brier and profit of the old and the fresh score on the rows of one cut-off."""
    from churn_ml.economics import Terms, Truth, realised
    from churn_ml.gate import delong
    from churn_ml.gate.bootstrap import Rows
    from churn_ml.models.value_quality import cross_fitted
    from churn_ml.targeting import choose, keyed_hash, permitted

    y, rows = at["label"].to_numpy(float), Rows.of(at["customer_id"].to_numpy(object))
    value = cross_fitted(before, at, weighing.recipe(config))
    terms, ties = Terms.of(config), keyed_hash(at["customer_id"], TIE_KEY)
    may = permitted(at["contactable"].to_numpy(bool), terms.offers)
    earned = [
        realised(choose(p, value, terms, 0.0, ties, may), Truth(y, value), terms) for p in scores
    ]
    losses = [(p - y) ** 2 for p in scores]
    old, fresh = scores
    lost = delong.gain(y, (old, fresh), rows)
    return {
        "auc": [round(delong.area(y, p, rows).value, 6) for p in scores],
        "auc_loss": [lost.value, lost.low, lost.high],
        "brier": [round(float(each.mean()), 6) for each in losses],
        "brier_loss": _mean(losses[0] - losses[1], rows),
        "profit_per_1000": [round(1000.0 * float(each.mean()), 6) for each in earned],
        "profit_loss": _mean(1000.0 * (earned[1] - earned[0]), rows),
    }


def _mean(lost: Floats, rows: Rows) -> list[float]:
    from churn_ml.gate.bootstrap import normal_mean

    found: Estimate = normal_mean(lost, rows, ALPHA)
    return [found.value, found.low, found.high]
