"""The figures: every model on the same rows with intervals, and the champion against each peer.

Enters: the scored test rows. Leaves: dictionaries ready for JSON. One thousand resamples of whole
customers are drawn once; every figure of every model is computed on the same ones, so that the
difference of two models has an interval of its own. Bounds are the 2.5 % and 97.5 % points of the
resamples; those of a difference do not cover how one period differs from another.

Worked example: on gone30 the champion's AUC is .844 and BG/NBD's .810; resample by resample the
difference lies between .025 and .042.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml import kernels, metrics
from churn_ml.economics import NO_CONTACT, Terms, realised
from churn_ml.flow.telling import number_told
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.policies import PolicyOnRows, decide, references
from churn_ml.kernels import Floats, Kernel

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.config import Config

RESAMPLES = 1000
CELLS = 400_000
"""Weights of resamples x rows held at once."""
SEED = 17

Drawn = dict[str, Floats]
"""Figure -> its value, then one per resample."""


@dataclass(frozen=True)
class Field:
    """The test rows with everything that models are compared by."""

    rows: pd.DataFrame
    config: Config
    buying: bool
    """True where PR-AUC and lift are about who buys."""

    @cached_property
    def evidence(self) -> Evidence:
        """The rows as the gate's evidence."""
        return Evidence.of(self.rows, self.rows["value_e"].to_numpy(float), {})

    @cached_property
    def draws(self) -> list[Floats]:
        """Weights per row, one matrix a chunk of resamples; the first row of all is the rows."""
        owner = self.evidence.rows.customer
        customers = int(owner.max()) + 1
        rng = np.random.default_rng(SEED)
        return [np.ones((1, len(owner))), *self._drawn(rng, owner, customers)]

    def _drawn(
        self, rng: np.random.Generator, owner: NDArray[Any], customers: int
    ) -> Iterator[Floats]:
        size = max(1, CELLS // len(owner))
        for start in range(0, RESAMPLES, size):
            count = min(size, RESAMPLES - start)
            times = rng.multinomial(customers, np.full(customers, 1 / customers), size=count)
            yield np.take(times.astype(np.float64), owner, axis=1)

    def policy(self, name: str) -> PolicyOnRows:
        """A model's policy: contact where the expected gain exceeds 0."""
        p, value = self.rows[f"p_{name}"].to_numpy(float), self.rows["value"].to_numpy(float)
        return PolicyOnRows(name, p, value, 0.0, self.evidence.rows_hash)

    def simple(self) -> list[PolicyOnRows]:
        """Nobody, everybody, and those the base rate of the training rows would contact."""
        value = self.rows["value"].to_numpy(float)
        rate = self.rows["base_rate"].to_numpy(float)
        found = references(self.evidence, 0.0, value)
        return [
            PolicyOnRows(each.name, rate, value, each.tau, self.evidence.rows_hash)
            for each in found
        ]


def drawn(field: Field, policy: PolicyOnRows, *, only_profit: bool = False) -> Drawn:
    """Every figure of a policy, on the rows and on each resample."""
    terms = Terms.of(field.config)
    choice = decide(policy, field.evidence, terms)
    earned = realised(choice, field.evidence.truth, terms)
    prepared: dict[str, Kernel] = {"profit_per_1000": _mean(1000.0 * earned)}
    if not only_profit:
        prepared |= _kernels(field, policy.p)
    found = {name: [kernel(weight) for weight in field.draws] for name, kernel in prepared.items()}
    told = {name: np.concatenate(parts) for name, parts in found.items()}
    return told | {"contacted_share": np.array([float((choice != NO_CONTACT).mean())])}


def _kernels(field: Field, p: Floats) -> dict[str, Kernel]:
    y = field.evidence.truth.y
    shown_y, shown_p = (1 - y, 1 - p) if field.buying else (y, p)
    return {
        "auc": kernels.auc(y, p),
        "auc_mean_per_cutoff": _per_cut_off(field, p),
        "pr_auc": kernels.pr_auc(shown_y, shown_p),
        "brier": kernels.brier(y, p),
        "lift10": kernels.lift(metrics.LIFT_SHARE)(shown_y, shown_p),
    }


def _per_cut_off(field: Field, p: Floats) -> Kernel:
    """The mean of the cut-offs' own AUCs."""
    cut_off, y = field.evidence.cut_off, field.evidence.truth.y
    places = [np.flatnonzero(cut_off == day) for day in np.unique(cut_off)]
    parts = [(at, kernels.auc(y[at], p[at])) for at in places]

    def kernel(weight: Floats) -> Floats:
        found = [auc(np.take(weight, at, axis=1)) for at, auc in parts]
        return np.asarray(np.mean(found, axis=0), dtype=float)

    return kernel


def _mean(per_row: Floats) -> Kernel:
    def kernel(weight: Floats) -> Floats:
        return np.asarray((weight * per_row).sum(axis=1) / weight.sum(axis=1), dtype=float)

    return kernel


def interval(figures: Floats) -> list[float | None]:
    """[value, low, high] of a figure; None where it is undefined.

    >>> interval(np.array([0.5, 0.25, 0.75]))
    [0.5, 0.2625, 0.7375]
    """
    known = figures[1:][np.isfinite(figures[1:])]
    bounds = np.quantile(known, metrics.TAILS) if len(known) else (np.nan, np.nan)
    return [number_told(each) for each in (figures[0], *bounds)]


def told(field: Field, policy: PolicyOnRows, of: Drawn) -> dict[str, Any]:
    """One model's figures, ready for JSON: intervals, calibration, AUC of each cut-off."""
    y, cut_off = field.evidence.truth.y, field.evidence.cut_off
    each = [metrics.auc(y[cut_off == day], policy.p[cut_off == day]) for day in np.unique(cut_off)]
    shown = ("auc", "pr_auc", "brier", "lift10", "profit_per_1000")
    return {
        "name": policy.name,
        **{name: interval(of[name]) for name in shown},
        "ece": number_told(metrics.ece(y, policy.p)),
        "ece_null": number_told(metrics.ece_null(policy.p, seed=SEED)),
        "auc_mean_per_cutoff": number_told(of["auc_mean_per_cutoff"][0]),
        "auc_per_cutoff": [number_told(found) for found in each],
        "contacted_share": number_told(of["contacted_share"][0]),
    }


DIFFERENCES: Mapping[str, Callable[[Drawn, Drawn], Floats]] = {
    "auc_diff": lambda a, b: a["auc_mean_per_cutoff"] - b["auc_mean_per_cutoff"],
    "auc_pooled_diff": lambda a, b: a["auc"] - b["auc"],
    "pr_auc_diff": lambda a, b: a["pr_auc"] - b["pr_auc"],
    "brier_diff": lambda a, b: b["brier"] - a["brier"],
    "profit_diff": lambda a, b: a["profit_per_1000"] - b["profit_per_1000"],
}
"""What the first gains on the second: above 0 is better, of Brier scores too."""


def against(one: Drawn, other: Drawn) -> dict[str, list[float | None]]:
    """The paired gains of one model on another, each as [value, low, high]."""
    return {name: interval(of(one, other)) for name, of in DIFFERENCES.items()}
