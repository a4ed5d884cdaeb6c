"""Training: fit every candidate on the past, tune and choose a horizon later, refuse what leaks.

Enters: a panel (one row per customer_id and cut_off) whose rows lie in layers, and the economics
as three functions. Leaves: a `Training`, the candidates as bundles with their figures on the
choosing cut-off, and the name of the best. Worked example, as of 2017-11-01 with a horizon of 30:
fitted on the cut-offs from 2017-04-04 to 2017-08-02, tuned and chosen at 2017-09-01; the evaluate
layer (2017-10-01) belongs to the gate and is not looked at.

Only mature, untreated rows teach. Refused: cut-offs whose label window reaches the next layer,
labels that cannot be known yet, and features that give the label away (an honest churn model stays
near an AUC of .8; a churn flag computed from the features themselves reaches 1.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churn_ml.errors import BadInput
from churn_ml.metrics import Interval, report
from churn_ml.models.families import family
from churn_ml.models.protocol import Labels
from churn_ml.models.store import Bundle, Origin, versions
from churn_ml.preflight import (
    Counts,
    check_counts,
    check_giveaways,
    check_honest,
    check_time,
    count,
)
from churn_ml.tables import PANEL

if TYPE_CHECKING:
    from churn_ml.config import Config
    from churn_ml.models.value import ValueModel

Floats = NDArray[np.float64]

REFERENCE = "rule"
"""The family that is always fitted beside the candidates: the bar, and the first champion."""


@dataclass(frozen=True)
class Money:
    """The economics that training needs, handed in by the hall.

    `fit_value` takes the training rows; `tune_tau` and `profit` take the rows of the choosing
    cut-off, score and value per row (and tau) and return tau and profit per 1,000 customers.
    """

    fit_value: Callable[[pd.DataFrame], ValueModel]
    tune_tau: Callable[[pd.DataFrame, Floats, Floats], float]
    profit: Callable[[pd.DataFrame, Floats, Floats, float], float]


@dataclass(frozen=True)
class Candidate:
    """One fitted family: its bundle, and metrics and profit on the choosing cut-off."""

    bundle: Bundle
    metrics: Mapping[str, Interval]
    profit_per_1000: float

    @property
    def name(self) -> str:
        """The family's name."""
        return self.bundle.model.family


@dataclass(frozen=True)
class Training:
    """What a training leaves: every candidate, the best one's name, and what it learned from."""

    candidates: tuple[Candidate, ...]
    best: str
    train: Counts
    choose: Counts

    def candidate(self, name: str) -> Candidate:
        """The candidate of the family `name`."""
        return next(each for each in self.candidates if each.name == name)


@dataclass(frozen=True)
class _Material:
    """What every candidate of one training shares."""

    past: pd.DataFrame
    later: pd.DataFrame
    features: tuple[str, ...]
    value: ValueModel
    origin: Origin
    money: Money
    resamples: int


def train(
    panel: pd.DataFrame,
    config: Config,
    *,
    trained_as_of: date,
    spec_hash: str,
    money: Money,
    families: Sequence[str] | None = None,
    seed: int | None = None,
    resamples: int = 1000,
) -> Training:
    """Fit, tune and choose; the best is the candidate that earns most, the rule apart.

    `panel`: customer_id, cut_off, layer (train, choose), label (1, 0, missing), treated,
    window_net_amount, and one float column per feature; every other column counts as a feature.
    `families`: [training] candidates unless told; the rule is always fitted beside them.
    `spec_hash`: of the feature catalogue. `seed`: [training] seed unless told.

    Raises NotReady below [training] min_rows or min_churners (not asked of the rule alone) or
    where all labels of a layer are equal; Leak where a layer, a label or a feature knows what it
    cannot know; BadInput where the panel's key repeats.
    """
    asked = config.training.candidates if families is None else families
    names = tuple(dict.fromkeys((REFERENCE, *asked)))
    rows = _in_order(panel)
    check_time(rows, config.contract, trained_as_of)
    counts = {layer: count(rows[rows["layer"] == layer]) for layer in ("train", "choose")}
    check_counts(counts, config.training, only_rule=set(names) == {REFERENCE})
    usable = rows[rows["label"].notna() & ~rows["treated"].astype(bool)]
    past, later = (usable[usable["layer"] == layer] for layer in ("train", "choose"))
    features = feature_columns(panel)
    check_giveaways(past, features)
    origin = Origin(
        spec_hash=spec_hash,
        contract=config.contract.stamp,
        trained_as_of=trained_as_of,
        train_cut_offs=tuple(sorted(set(past["cut_off"]))),
        choose_cut_off=min(later["cut_off"]),
        config_hash=config.hash,
        seed=config.training.seed if seed is None else seed,
        versions={},
    )
    shared = _Material(past, later, features, money.fit_value(past), origin, money, resamples)
    candidates = tuple(_candidate(name, shared) for name in names)
    return Training(candidates, _best(candidates), counts["train"], counts["choose"])


def feature_columns(panel: pd.DataFrame) -> tuple[str, ...]:
    """The columns of a panel that are features, sorted by name.

    >>> feature_columns(pd.DataFrame(columns=["customer_id", "label", "recency_days", "cut_off"]))
    ('recency_days',)
    """
    return tuple(sorted(str(name) for name in panel.columns if name not in PANEL.names))


def _candidate(name: str, shared: _Material) -> Candidate:
    """Fit one family on the past, tune its threshold and judge it on the later cut-off."""
    recipe = family(name)
    past, later, origin = shared.past, shared.later, shared.origin
    model = recipe.model.fit(past[list(shared.features)], _labels(past), seed=origin.seed)
    score, value = model.predict(later), np.asarray(shared.value.predict(later), dtype=float)
    label = _labels(later)
    check_honest(f"model {name} on the choosing cut-off", label.astype(float), score)
    figures = report(
        label,
        score,
        later["customer_id"].to_numpy(),
        resamples=shared.resamples,
        seed=origin.seed,
    )
    tau = float(shared.money.tune_tau(later, score, value))
    profit = float(shared.money.profit(later, score, value, tau))
    bundle = Bundle(model, shared.value, tau, replace(origin, versions=versions(recipe)))
    return Candidate(bundle, figures, profit)


def _best(candidates: Sequence[Candidate]) -> str:
    """The candidate that earns most, ties to the first; the rule only where it stands alone."""
    running = [each for each in candidates if each.name != REFERENCE] or candidates
    return max(running, key=lambda each: each.profit_per_1000).name


def _in_order(panel: pd.DataFrame) -> pd.DataFrame:
    """The panel sorted by its key, cut-offs as dates, labels as nullable integers."""
    rows = panel.assign(
        cut_off=pd.to_datetime(panel["cut_off"]).dt.date, label=panel["label"].astype("Int64")
    )
    repeated = rows.duplicated(["customer_id", "cut_off"])
    if repeated.any():
        raise BadInput(
            "a customer stands twice at one cut-off of the panel",
            got=f"{int(repeated.sum())} repeated rows of {len(rows)}",
            expected="one row per customer_id and cut_off",
        )
    return rows.sort_values(["cut_off", "customer_id"]).reset_index(drop=True)


def _labels(rows: pd.DataFrame) -> Labels:
    return rows["label"].to_numpy(dtype=np.int64)
