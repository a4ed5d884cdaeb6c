"""Value quality: how good a value model is, which one pays, and the value that belongs to neither.

In: panels and fitted value models. Out: a `ValueQuality` on retained, untreated rows; the
candidate whose policy earns most on the choosing cut-off; and V^E, the value that evaluation
multiplies with. V^E is fitted across customers on label windows that ended before the first
evaluation cut-off, and is the mean of the kinds that any panel can teach: neither champion nor
challenger may bring the yardstick it is measured with, or overconfidence would pay.

Worked example: for the evaluation at 2017-10-01 with a horizon of 30, V^E learns from cut-offs up
to 2017-09-01, whose label window ends on 2017-10-01; household `h1` gets its value from models
that were fitted on the other four fifths of the households.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.economics import Flags, Terms, Truth, per_1000, realised
from churn_ml.errors import BadInput
from churn_ml.models.linear_spend import rounded
from churn_ml.models.protocol import matrix
from churn_ml.models.spend import amounts, retained
from churn_ml.models.value import KINDS, Recipe, ValueModel
from churn_ml.targeting import choose, tune_tau
from churn_ml.timeline import check_split

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]

FOLDS = 5
TOTAL_RANGE = (0.95, 1.05)
DECILE_RANGE = (0.8, 1.25)


@dataclass(frozen=True)
class ValueQuality:
    """How predicted and realised window spend of retained, untreated rows compare."""

    rows: int
    total_ratio: float
    """Predicted over realised, all rows."""
    decile_ratios: tuple[float, ...]
    """The same by tenths of the rows in order of prediction, lowest first."""
    wape: float
    """Sum of absolute errors over the sum of realised spend."""
    rank_correlation: float
    past_rank_correlation: float
    """Spearman's rank correlation with realised spend: of the prediction, and of past spend."""

    @property
    def passes(self) -> bool:
        """True where the total lies in [.95, 1.05] and every tenth in [.8, 1.25]."""
        low, high = DECILE_RANGE
        tenths = all(low <= ratio <= high for ratio in self.decile_ratios)
        return tenths and TOTAL_RANGE[0] <= self.total_ratio <= TOTAL_RANGE[1]


def judge(model: ValueModel, panel: pd.DataFrame, past: str) -> ValueQuality:
    """The quality of `model` on the retained, untreated rows of a later `panel`.

    `past`: the feature with past net spend, the ranking to beat. Raises TooEarly below 20 rows.

    >>> from churn_ml.simulate import spending_panel, spending_recipe
    >>> model = ValueModel.fit(spending_panel(2000, seed=1), spending_recipe())
    >>> judge(model, spending_panel(2000, seed=2), "spend_90d").passes
    True
    """
    rows = retained(panel)
    predicted, actual = model.predict_window(rows), amounts(rows)
    tenths = np.array_split(np.argsort(predicted, kind="stable"), 10)
    return ValueQuality(
        rows=len(rows),
        total_ratio=_ratio(predicted, actual),
        decile_ratios=tuple(_ratio(predicted[tenth], actual[tenth]) for tenth in tenths),
        wape=_ratio(np.abs(predicted - actual), actual),
        rank_correlation=rank_correlation(predicted, actual),
        past_rank_correlation=rank_correlation(matrix(rows, (past,))[:, 0], actual),
    )


def rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation; 0 where one of the two is constant, missing counts as 0.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
    0.5
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.nan_to_num(np.stack([a, b])), axis=1)
    if min(ranks.std(axis=1), default=0.0) == 0.0:
        return 0.0
    return rounded(np.corrcoef(ranks)[0, 1])


def fold_of(customer_ids: Sequence[Any]) -> NDArray[np.int64]:
    """The fold of each customer, 0 to 4, by a hash: the same in every panel and run.

    >>> fold_of(["h1", "h2", "h1"]).tolist() == fold_of(["h1", "h2", "h1"]).tolist()
    True
    """
    digests = (hashlib.blake2b(str(c).encode(), digest_size=8).digest() for c in customer_ids)
    return np.array([int.from_bytes(d, "big") % FOLDS for d in digests], dtype=np.int64)


def cross_fitted(history: pd.DataFrame, target: pd.DataFrame, recipe: Recipe) -> Floats:
    """V^E of each row of `target`: by models fitted on the other customers of `history`.

    `history`: a labelled panel; every label window in it must have ended by the first cut-off of
    `target`, else Leak. The value is the mean over `KINDS` of value model, in shop currency.

    >>> from datetime import date
    >>> from churn_ml.simulate import spending_panel, spending_recipe
    >>> history = spending_panel(300, seed=1)
    >>> later = spending_panel(300, seed=1, first=date(2017, 10, 1), cut_offs=1)
    >>> cross_fitted(history, later, spending_recipe()).shape
    (300,)
    """
    return cross_fitted_both(history, target, recipe)[0]


def cross_fitted_both(
    history: pd.DataFrame, target: pd.DataFrame, recipe: Recipe
) -> tuple[Floats, Floats]:
    """V^E as `cross_fitted` tells it, and the same without the cap: shown, never decided on.

    >>> from datetime import date
    >>> from churn_ml.simulate import spending_panel, spending_recipe
    >>> history = spending_panel(300, seed=1)
    >>> later = spending_panel(300, seed=1, first=date(2017, 10, 1), cut_offs=1)
    >>> capped, uncapped = cross_fitted_both(history, later, spending_recipe())
    >>> bool((capped <= uncapped).all())
    True
    """
    check_split(sorted(set(history["cut_off"])), min(target["cut_off"]), recipe.contract)
    learned, asked = fold_of(list(history["customer_id"])), fold_of(list(target["customer_id"]))
    value, uncapped = np.zeros((2, len(target)))
    for fold in range(FOLDS):
        of_fold = asked == fold
        others = history[learned != fold]
        first = ValueModel.fit(others, recipe, KINDS[0])
        reach = (first.extension, first.observed_days)
        models = [first, *(ValueModel.fit(others, recipe, k, reach=reach) for k in KINDS[1:])]
        rows = target[of_fold]
        value[of_fold] = np.mean([m.predict(rows) for m in models], axis=0)
        uncapped[of_fold] = np.mean([m.predict(rows, capped=False) for m in models], axis=0)
    return value, uncapped


def by_profit(
    values: Sequence[Floats],
    p: Floats,
    truth: Truth,
    terms: Terms,
    tiebreak: NDArray[Any],
    allowed: Flags | None = None,
) -> int:
    """Which of several values earns most on one choosing cut-off, each with its threshold tuned.

    `values`: the predictions of each candidate; `p`: churn probability; `truth`: realised labels
    and V^E; one element per customer; `allowed` as in targeting.choose. Returns the candidate's
    index; ties go to the first. Raises BadInput where there is no candidate.

    >>> from churn_ml.config import Offer
    >>> terms = Terms((Offer(code="COUPON", label="5 off", cost_amount=5, contact_amount=1),))
    >>> p, y = np.array([0.2, 0.8]), np.array([0.0, 1.0])
    >>> told, blind = np.array([50.0, 90.0]), np.array([500.0, 0.0])
    >>> by_profit([blind, told], p, Truth(y, np.array([60.0, 80.0])), terms, np.array([1, 2]))
    1
    """
    if not len(values):
        raise BadInput("there is no value to choose from", where="models.value_quality")

    def earns(value: Floats) -> float:
        tau = tune_tau(p, value, truth, terms, tiebreak, allowed)
        return per_1000(realised(choose(p, value, terms, tau, tiebreak, allowed), truth, terms))

    return int(np.argmax([earns(value) for value in values]))


def _ratio(top: Floats, bottom: Floats) -> float:
    total = float(bottom.sum())
    return rounded(float(top.sum()) / total) if total > 0 else 0.0
