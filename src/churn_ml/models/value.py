"""Value: what a customer is worth over the next year if retained, in the shop's currency.

A score says who leaves; the value says what that costs. It is the expected net margin over
`value_horizon_days`, given that the customer stays. In: a labelled panel (one row per customer_id
and cut_off, with label, treated, window_net_amount and features). Out: a `ValueModel`, plain
numbers in one JSON file. How good it is, `value_quality.py` says.

Three steps (economics.md (c)): (1) on retained, untreated rows the spend in the label window is
predicted from the features: by a Tweedie regression on log features and their squares, by the past
spend shrunk towards everybody's mean, or from how often and for how much a customer buys
(buying_spend.py). Past spend is not value: the lowest spend more later, the highest less. (2) The
window is extended to the value horizon by what retained customers of earlier cut-offs spent one,
two, three windows later, as far as the panel reaches, and by that decay beyond. (3) Times the
margin rate. What a churner would have been worth is never seen; it is assumed equal to that of a
retained customer with the same features.

Worked example: cut-offs 2017-04-04 to 2017-08-02 every 30 days and a horizon of 30. Somebody
predicted to spend 100 in the window from 2017-09-01 is worth 100 * extension * .3; the extension
is 12.17 where nobody's spend fades and 1 where nobody comes back after the first window.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from churn_ml.config import Contract, Economics
from churn_ml.models.buying_spend import BuyingSpend
from churn_ml.models.linear_spend import curved, past_rate, regression, rounded, standardised
from churn_ml.models.protocol import matrix
from churn_ml.models.spend import amounts, extension, retained

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["regression", "past_rate", "buying"]

KINDS: tuple[Kind, ...] = ("regression", "past_rate")
"""The kinds that any panel can teach; their mean is V^E, the value that belongs to no model."""
FILE = "value.json"
MOST = 1e12
"""No customer spends more in a window."""


@dataclass(frozen=True)
class Recipe:
    """What a value model is made from, and which days its amounts cover.

    `features`: columns of the regression. `past`: the feature that holds past net spend.
    `history`: those of buying: recency, tenure, order days ever, order days and net spend of one
    window; empty where the panel has none.
    """

    features: tuple[str, ...]
    past: str
    contract: Contract
    economics: Economics
    history: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of value model that can be fitted, and are compared by profit."""
        return (*KINDS, "buying") if self.history else KINDS

    def columns(self, kind: Kind) -> tuple[str, ...]:
        """The features that a value model of `kind` reads."""
        read: Mapping[Kind, tuple[str, ...]] = {
            "regression": self.features,
            "past_rate": (self.past,),
            "buying": self.history,
        }
        return read[kind]


@dataclass(frozen=True)
class ValueModel:
    """A fitted value model: plain numbers; its file can be read and loads without pickle."""

    kind: Kind
    features: tuple[str, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    window_cap: float
    """99th percentile of the training rows' window_net_amount."""
    extension: float
    """Spend over the value horizon per unit of spend inside the label window."""
    observed_days: int
    """Days of the value horizon that the panel observed; the rest is extrapolated."""
    margin_rate: float
    value_horizon_days: int
    buying: BuyingSpend | None = None
    """What `buying` predicts with, before its total is set right by the intercept's exponential."""

    @classmethod
    def fit(
        cls,
        panel: pd.DataFrame,
        recipe: Recipe,
        kind: Kind = "regression",
        *,
        reach: tuple[float, int] | None = None,
    ) -> ValueModel:
        """A model fitted on the retained, untreated rows of `panel`.

        `panel`: one row per customer_id and cut_off with label (0, 1, missing), treated,
        window_net_amount and the recipe's features. `reach`: its `extension`, which is the same for
        every kind; None works it out. Raises TooEarly below 20 usable rows.

        >>> from churn_ml.simulate import spending_panel, spending_recipe
        >>> model = ValueModel.fit(spending_panel(200, seed=1), spending_recipe())
        >>> model.features, model.observed_days
        (('spend_90d', 'order_count_90d'), 150)
        """
        rows = retained(panel)
        amount = amounts(rows)
        names = recipe.columns(kind)
        factor, observed_days = reach or extension(panel, recipe.contract, recipe.economics)
        model = cls(
            kind=kind,
            features=tuple(names),
            window_cap=rounded(np.quantile(amount, 0.99)),
            extension=rounded(factor),
            observed_days=observed_days,
            margin_rate=recipe.economics.margin_rate,
            value_horizon_days=recipe.economics.value_horizon_days,
            **_fitted(kind, panel, rows, recipe),
        )
        return model._with_total(float(amount.sum()), rows)

    def predict(self, x: pd.DataFrame, *, capped: bool = True) -> Floats:
        """V of each row of `x`: finite, at least 0, in the shop's currency.

        Capped at the value of the training rows' 99th percentile; `capped=False` shows the rest.

        >>> from churn_ml.simulate import spending_panel, spending_recipe
        >>> panel = spending_panel(200, seed=1)
        >>> model = ValueModel.fit(panel, spending_recipe(), "past_rate")
        >>> bool((model.predict(panel) <= model.predict(panel, capped=False)).all())
        True
        """
        window = self.predict_window(x, capped=capped)
        return np.asarray(window * self.extension * self.margin_rate, dtype=float)

    def predict_window(self, x: pd.DataFrame, *, capped: bool = True) -> Floats:
        """Expected net spend inside the label window if retained, before extension and margin."""
        read = matrix(x, self.features)
        if self.buying is not None:
            spend = np.exp(self.intercept) * self.buying.window(read)
            return np.asarray(np.clip(spend, 0.0, self.window_cap if capped else MOST), dtype=float)
        logged = self.kind == "regression"
        z = (curved if logged else standardised)(read, self.centre, self.spread)
        # einsum, not BLAS: the same sum for one row as for a million, with any number of threads
        linear = self.intercept + np.einsum("ij,j->i", z, np.array(self.coefficients))
        window = np.exp(np.minimum(linear, 50.0)) if logged else linear
        return np.asarray(np.clip(window, 0.0, self.window_cap if capped else MOST), dtype=float)

    def files(self) -> dict[str, bytes]:
        """The model as one JSON file: name to bytes."""
        return {FILE: (json.dumps(asdict(self), indent=1, sort_keys=True) + "\n").encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> ValueModel:
        """The model in `files`; it predicts exactly what the saved one did.

        >>> from churn_ml.simulate import spending_panel, spending_recipe
        >>> model = ValueModel.fit(spending_panel(200, seed=1), spending_recipe())
        >>> ValueModel.from_files(model.files()) == model
        True
        """
        tree = json.loads(files[FILE])
        lists = ("features", "centre", "spread", "coefficients")
        buying = BuyingSpend.from_tree(tree["buying"]) if tree.get("buying") else None
        return cls(**(tree | {name: tuple(tree[name]) for name in lists} | {"buying": buying}))

    def _with_total(self, total: float, rows: pd.DataFrame) -> ValueModel:
        """The model with its total over `rows` set right: cap, floor and ridge move it."""
        predicted = float(self.predict_window(rows).sum())
        ratio = total / predicted if predicted > 0 and total > 0 else 1.0
        if self.kind != "past_rate":
            return replace(self, intercept=rounded(self.intercept + np.log(ratio)))
        scaled = tuple(rounded(c * ratio) for c in self.coefficients)
        return replace(self, intercept=rounded(self.intercept * ratio), coefficients=scaled)


def _fitted(kind: Kind, panel: pd.DataFrame, rows: pd.DataFrame, recipe: Recipe) -> dict[str, Any]:
    """What a model of `kind` learned: from the retained `rows`, or from all histories."""
    names = recipe.columns(kind)
    if kind != "buying":
        fit = regression if kind == "regression" else past_rate
        return fit(matrix(rows, names), amounts(rows))
    alone = panel[~panel["treated"].astype(bool)]
    newest = alone[alone["cut_off"] == alone["cut_off"].max()]
    found = BuyingSpend.fit(
        matrix(newest, names), matrix(alone, names), recipe.contract.horizon_days
    )
    nothing: dict[str, Any] = {"centre": (), "spread": (), "coefficients": ()}
    return nothing | {"intercept": 0.0, "buying": found}
