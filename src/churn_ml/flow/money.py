"""Money: the economics that training asks for, on the rows of one layer.

Enters: V^E of the layer's customers, the recipe of value models and the terms. Leaves: thresholds,
and what decisions on these rows earned. Worked example: on the choosing cut-off 2017-09-01 a score
is tuned to a threshold of 0, and earns 769 USD per 1,000 customers at risk under it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.economics import Terms, Truth, gains, realised
from churn_ml.models.value import Recipe, ValueModel
from churn_ml.models.value_quality import by_profit
from churn_ml.targeting import best_offer, choose, keyed_hash, permitted, tune_tau

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]

TIE_KEY = b"churn_ml"
"""Ties on the choosing cut-off are decided by this key: no customer is contacted there."""


@dataclass(frozen=True, eq=False)
class LayerMoney:
    """The `Money` of training.py on one layer; `value_e`: customer_id -> V^E, shop currency."""

    recipe: Recipe
    terms: Terms
    value_e: Mapping[str, float]

    def fit_values(self, rows: pd.DataFrame) -> Sequence[ValueModel]:
        """One value model of each kind, fitted on `rows`."""
        return [ValueModel.fit(rows, self.recipe, kind) for kind in self.recipe.kinds]

    def choose_value(self, rows: pd.DataFrame, score: Floats, values: Sequence[Floats]) -> int:
        """The place of the values that earn most with `score`."""
        return by_profit(values, score, self._truth(rows), self.terms, *self._round(rows))

    def tune_tau(self, rows: pd.DataFrame, score: Floats, value: Floats) -> float:
        """The threshold on expected gain that earns most on `rows`."""
        return tune_tau(score, value, self._truth(rows), self.terms, *self._round(rows))

    def earned(self, rows: pd.DataFrame, score: Floats, value: Floats, tau: float) -> Floats:
        """What each row earned under the policy with that threshold."""
        choice = choose(score, value, self.terms, tau, *self._round(rows))
        return realised(choice, self._truth(rows), self.terms)

    def contacted(self, rows: pd.DataFrame, score: Floats, value: Floats) -> tuple[Floats, Floats]:
        """What each row was expected to gain by its best offer, and what that earned."""
        _, may = self._round(rows)
        index, expected = best_offer(gains(score, value, self.terms), may)
        return expected, realised(index, self._truth(rows), self.terms)

    def _truth(self, rows: pd.DataFrame) -> Truth:
        value = np.array([self.value_e[customer] for customer in rows["customer_id"]])
        return Truth(rows["label"].to_numpy(float), value)

    def _round(self, rows: pd.DataFrame) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """What decides ties, and who may be offered what."""
        everybody = np.ones(len(rows), dtype=bool)
        may = rows["contactable"].to_numpy(bool) if "contactable" in rows else everybody
        return keyed_hash(rows["customer_id"], TIE_KEY), permitted(may, self.terms.offers)
