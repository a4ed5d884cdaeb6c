"""Training: fit every candidate on the past, tune and choose a horizon later.

Enters: a panel (one row per customer_id and cut_off), or the material it was cut to (material.py),
and the economics as a `Money`. Leaves: a `Training`, the candidates as bundles with their
figures on the choosing cut-off, and the name of the best. Worked example, as of 2017-11-01 with a
horizon of 30: fitted on the cut-offs from 2017-04-04 to 2017-08-02, tuned and chosen at 2017-09-01;
the evaluate layer (2017-10-01) belongs to the gate and is not looked at.

Refused is a model that knows the later labels (an honest churn model stays near an AUC of .8; one
that saw a churn flag computed from its own features reaches 1.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churn_ml.choosing import challenger
from churn_ml.leakage import check_honest
from churn_ml.material import REFERENCE, Material, prepare
from churn_ml.metrics import Interval, report
from churn_ml.models.bundle import Bundle, versions
from churn_ml.models.families import family
from churn_ml.models.protocol import Labels, Model, Setting
from churn_ml.panel import teaching
from churn_ml.recalibrating import where_it_helps

if TYPE_CHECKING:
    from churn_ml.config import Config
    from churn_ml.models.value import ValueModel
    from churn_ml.preflight import Counts

Floats = NDArray[np.float64]

DAY = "datetime64[D]"
RESAMPLES = 1000
"""Draws of customers behind the interval of each metric."""


class Money(Protocol):
    """The economics that training needs, handed in by the hall.

    `fit_values` takes the training rows; the others take the rows of the choosing cut-off with a
    score, and values, per row. Amounts in the shop currency.
    """

    def fit_values(self, rows: pd.DataFrame, /) -> Sequence[ValueModel]:
        """One value model of each kind."""

    def choose_value(self, rows: pd.DataFrame, score: Floats, values: Sequence[Floats], /) -> int:
        """The place of the values that earn most; `values`: of each kind."""

    def tune_tau(self, rows: pd.DataFrame, score: Floats, value: Floats, /) -> float:
        """The threshold on expected gain."""

    def earned(self, rows: pd.DataFrame, score: Floats, value: Floats, tau: float, /) -> Floats:
        """What each row earned under that threshold."""

    def contacted(
        self, rows: pd.DataFrame, score: Floats, value: Floats, /
    ) -> tuple[Floats, Floats]:
        """What each row was expected to gain by its best offer, and what that earned."""


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
    alone: Mapping[str, float]
    """Feature -> the AUC with which it alone tells the churners of the choosing cut-off, or of the
    training ones where too few churned there; empty where too few churned at all."""
    too_few: bool = False
    """True where rows or churners are below the minimum: the rule then stands alone."""


def train(
    panel: pd.DataFrame,
    config: Config,
    *,
    trained_as_of: date,
    spec_hash: Callable[[Sequence[str]], str],
    money: Money,
) -> Training:
    """Fit, tune and choose: `prepare`, `fit_one` of every name, and `conclude`, in this process.

    The three may as well run in processes of their own: what they leave is the same. Parameters,
    result and errors are theirs.

    >>> from types import SimpleNamespace
    >>> from churn_ml.config import Config, Shop
    >>> from churn_ml.models.value import ValueModel
    >>> from churn_ml.simulate import GONE30, spending_panel, spending_recipe
    >>> panel = spending_panel(200, seed=1, cut_offs=2)
    >>> panel = panel.rename(columns={"spend_90d": "recency_days"})
    >>> last = panel["cut_off"] == date(2017, 5, 4)
    >>> recipe = replace(spending_recipe(), features=("order_count_90d",), past="recency_days")
    >>> money = SimpleNamespace(
    ...     fit_values=lambda rows: [ValueModel.fit(rows, recipe)],
    ...     choose_value=lambda rows, p, values: 0, tune_tau=lambda rows, p, value: 0.0,
    ...     earned=lambda rows, p, value, tau: np.ones(len(rows)))
    >>> done = train(
    ...     panel.assign(layer=np.where(last, "choose", "train")),
    ...     Config(shop=Shop(name="s", currency="EUR"), contract=GONE30),
    ...     trained_as_of=date(2017, 11, 1), spec_hash=lambda names: "5bec", money=money)
    >>> done.best, done.train.rows, done.too_few
    ('rule', 200, True)
    """
    material = prepare(panel, config, trained_as_of=trained_as_of, spec_hash=spec_hash)
    models = {name: fit_one(name, material) for name in material.names}
    return conclude(models, material, money)


def fit_one(name: str, material: Material) -> Model:
    """The family `name` fitted on the past, recalibrated where the later labels show that it helps.

    Raises Leak where it knows those labels.
    """
    past, later = material.past, material.later

    def fit(rows: pd.DataFrame) -> Model:
        return fitted(name, rows, material.origin.seed, material.horizon_days)

    model = fit(past)
    where = f"model {name} on the choosing cut-off"
    check_honest(where, _labels(later).astype(float), model.predict(later))
    return where_it_helps(model, fit, past, later)


def fitted(name: str, past: pd.DataFrame, seed: int, horizon_days: int) -> Model:
    """The family `name` fitted on usable rows of a panel, in the panel's order."""
    recipe = family(name)
    columns = list(recipe.needs or teaching(past))
    weight = past["weight"].to_numpy(float) if "weight" in past else None
    setting = Setting(seed, horizon_days, past["cut_off"].to_numpy(DAY), weight)
    return recipe.model.fit(past[columns], _labels(past), setting)


def conclude(models: Mapping[str, Model], material: Material, money: Money) -> Training:
    """Tune and judge the fitted `models` on the choosing cut-off; name the best: see choosing.py.

    `models`: one per name of the material. All share one value model, of the kind that earns most
    with the first candidate's score. Returns the candidates, the rule first.
    """
    running = [models[name] for name in material.names]
    value = _value(running[1 if len(running) > 1 else 0], material, money)
    judged = [_candidate(model, value, material, money) for model in running]
    candidates = tuple(candidate for candidate, _ in judged)
    return Training(
        candidates,
        _best(judged),
        material.counts["train"],
        material.counts["choose"],
        material.alone,
        material.too_few,
    )


def _value(lead: Model, shared: Material, money: Money) -> ValueModel:
    """The value model whose kind earns most with the score of `lead`."""
    kinds, later = money.fit_values(shared.past), shared.later
    values = [np.asarray(each.predict(later), dtype=float) for each in kinds]
    return kinds[money.choose_value(later, lead.predict(later), values)]


def _candidate(
    model: Model, worth: ValueModel, shared: Material, money: Money
) -> tuple[Candidate, Floats]:
    """A fitted model, tuned and judged on the later cut-off, and what each row earned."""
    later, origin = shared.later, shared.origin
    score, value = model.predict(later), np.asarray(worth.predict(later), dtype=float)
    figures = report(
        _labels(later),
        score,
        later["customer_id"].to_numpy(),
        resamples=RESAMPLES,
        seed=origin.seed,
    )
    tau = float(money.tune_tau(later, score, value))
    earned = money.earned(later, score, value, tau)
    made_by = versions(family(model.family))
    bundle = Bundle(model, worth, tau, replace(origin, versions=made_by))
    told = replace(bundle.origin, spec_hash=shared.spec_hash(bundle.features))
    bundle = replace(bundle, origin=told)
    return Candidate(bundle, figures, 1000.0 * float(earned.mean())), earned


def _best(judged: Sequence[tuple[Candidate, Floats]]) -> str:
    """The candidate that choosing.py names; the rule only where it stands alone."""
    running = [each for each in judged if each[0].name != REFERENCE] or judged
    brier = {each.name: each.metrics["brier"].value for each, _ in running}
    return challenger({each.name: earned for each, earned in running}, brier)


def _labels(rows: pd.DataFrame) -> Labels:
    return rows["label"].to_numpy(dtype=np.int64)
