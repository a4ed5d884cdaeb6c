"""Value: what a customer is worth over the next year if retained, in the shop's currency.

A score says who leaves; the value says what that costs. It is the expected net margin over
`value_horizon_days`, given that the customer stays. In: a labelled panel (one row per customer_id
and cut_off, with label, treated, window_net_amount and features). Out: a `ValueModel`, plain
numbers in one JSON file. How good it is, `value_quality.py` says.

Three steps (economics.md (c)): (1) on retained, untreated rows the spend in the label window is
predicted from the features: by a Tweedie regression on log features and their squares, or by the
past spend shrunk towards everybody's mean. Past spend is not value: the lowest spend more later,
the highest less. (2) The window is extended to the value horizon by what retained customers of
earlier cut-offs spent one, two, three windows later, as far as the panel reaches, and by that decay
beyond. (3) Times the margin rate. What a churner would have been worth is never seen; it is assumed
equal to that of a retained customer with the same features.

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
from churn_ml.models.protocol import matrix
from churn_ml.models.spend import amounts, extension, retained

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["regression", "past_rate"]

KINDS: tuple[Kind, ...] = ("regression", "past_rate")
FILE = "value.json"
NOTHING = -50.0
"""The logarithm of an amount that is none."""
EDGE = 4.0
"""Standard deviations from the mean beyond which the regression's curve is held."""


@dataclass(frozen=True)
class Recipe:
    """What a value model is made from, and which days its amounts cover.

    `features`: columns of the regression. `past`: the feature that holds past net spend.
    """

    features: tuple[str, ...]
    past: str
    contract: Contract
    economics: Economics


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

    @classmethod
    def fit(cls, panel: pd.DataFrame, recipe: Recipe, kind: Kind = "regression") -> ValueModel:
        """A model fitted on the retained, untreated rows of `panel`.

        `panel`: one row per customer_id and cut_off with label (0, 1, missing), treated,
        window_net_amount and the recipe's features. Raises TooEarly below 20 usable rows.

        >>> from churn_ml.simulate import spending_panel, spending_recipe
        >>> model = ValueModel.fit(spending_panel(200, seed=1), spending_recipe())
        >>> model.features, model.observed_days
        (('spend_90d', 'order_count_90d'), 150)
        """
        rows = retained(panel)
        amount = amounts(rows)
        fitted = _regression if kind == "regression" else _past_rate
        names = recipe.features if kind == "regression" else (recipe.past,)
        factor, observed_days = extension(panel, recipe.contract, recipe.economics)
        model = cls(
            kind=kind,
            features=tuple(names),
            window_cap=rounded(np.quantile(amount, 0.99)),
            extension=rounded(factor),
            observed_days=observed_days,
            margin_rate=recipe.economics.margin_rate,
            value_horizon_days=recipe.economics.value_horizon_days,
            **fitted(matrix(rows, names), amount),
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
        logged = self.kind == "regression"
        z = (_curved if logged else _standardised)(read, self.centre, self.spread)
        # einsum, not BLAS: the same sum for one row as for a million, with any number of threads
        linear = self.intercept + np.einsum("ij,j->i", z, np.array(self.coefficients))
        window = np.exp(np.minimum(linear, 50.0)) if logged else linear
        return np.asarray(np.clip(window, 0.0, self.window_cap if capped else 1e12), dtype=float)

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
        return cls(**(tree | {name: tuple(tree[name]) for name in lists}))

    def _with_total(self, total: float, rows: pd.DataFrame) -> ValueModel:
        """The model with its total over `rows` set right: cap, floor and ridge move it."""
        predicted = float(self.predict_window(rows).sum())
        ratio = total / predicted if predicted > 0 and total > 0 else 1.0
        if self.kind == "regression":
            return replace(self, intercept=rounded(self.intercept + np.log(ratio)))
        scaled = tuple(rounded(c * ratio) for c in self.coefficients)
        return replace(self, intercept=rounded(self.intercept * ratio), coefficients=scaled)


def _regression(x: Floats, amount: Floats) -> dict[str, Any]:
    """Tweedie regression (power 1.5, log link) on log features and their squares, light ridge.

    On Complete Journey, without the squares, the lowest tenth was predicted at .71 of its spend.
    """
    from sklearn.linear_model import TweedieRegressor

    centre, spread = _moments(_signed_log(x))
    z = _curved(x, centre, spread)
    if not amount.any():  # a shop that tells no amounts: nothing is worth anything
        flat = {"coefficients": (0.0,) * z.shape[1], "intercept": NOTHING}
        return {"centre": centre, "spread": spread} | flat
    scale = float(amount.mean()) or 1.0
    model = TweedieRegressor(
        power=1.5, link="log", alpha=1e-3, solver="newton-cholesky", tol=1e-8, max_iter=200
    ).fit(z, amount / scale)
    return {
        "centre": centre,
        "spread": spread,
        "coefficients": tuple(rounded(c) for c in model.coef_),
        "intercept": rounded(model.intercept_ + np.log(scale)),
    }


def _past_rate(x: Floats, amount: Floats) -> dict[str, Any]:
    """A line through past and window spend: its slope is the shrinkage, from 0 upwards."""
    centre, spread = _moments(x)
    z = _standardised(x, centre, spread)[:, 0]
    squares = float((z**2).sum())
    slope = max(float((z * amount).sum()) / squares, 0.0) if squares > 0 else 0.0
    return {
        "centre": centre,
        "spread": spread,
        "coefficients": (rounded(slope),),
        "intercept": rounded(amount.mean()),
    }


def _signed_log(x: Floats) -> Floats:
    return np.asarray(np.sign(x) * np.log1p(np.abs(x)), dtype=float)


def _moments(x: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per column over what is there; a constant column gets 0 and 1."""
    there = np.isfinite(x)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, x, 0.0).sum(axis=0) / count
    variance = np.where(there, (x - mean) ** 2, 0.0).sum(axis=0) / count
    deviation = np.where(variance > 0, np.sqrt(variance), 1.0)
    return tuple(map(rounded, mean)), tuple(map(rounded, deviation))


def _curved(x: Floats, centre: tuple[float, ...], spread: tuple[float, ...]) -> Floats:
    """Standardised signed logs and their squares; held where nothing was seen to learn from."""
    z = np.clip(_standardised(_signed_log(x), centre, spread), -EDGE, EDGE)
    return np.column_stack([z, z**2])


def _standardised(x: Floats, centre: tuple[float, ...], spread: tuple[float, ...]) -> Floats:
    """z-scores; a missing value becomes the mean."""
    z = (x - np.array(centre)) / np.array(spread)
    return np.asarray(np.nan_to_num(z, nan=0.0), dtype=float)


def rounded(number: float) -> float:
    """Nine significant decimals: what a stored number of the house carries.

    >>> rounded(1 / 3)
    0.333333333
    """
    return float(f"{number:.9g}")
