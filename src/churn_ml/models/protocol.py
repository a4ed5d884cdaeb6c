"""What a churn model is to the house: it predicts, it explains itself, it is a few named bytes.

Every family keeps this one shape, so that training, scoring and the gate never ask which model
they hold. A model has no unfitted state: `fit` is a classmethod that returns a fitted one, and only
a family's own has it (`Learner`): a model that was recalibrated afterwards is a `Model`. Worked
example: trained on the cut-offs up to 2017-08-02 and scored as of 2017-10-01, a model sees one row
per (customer_id, cut_off) in `fit` and one row per customer_id in `predict`, and finds its columns
by name; nothing else of the frame is read.

For every row, `base() + contributions.sum(axis=1)` is the logit of `predict`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from churn_ml.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Labels = NDArray[np.int64]

CEILING = 1e30
"""The largest size of a feature that a model sees; float32 kernels overflow above 3e38."""


@dataclass(frozen=True)
class Setting:
    """What a fit is told besides rows and labels.

    `horizon_days` is the contract's; `cut_off` holds the cut-off of each row (datetime64[D]), and
    `weight` how many customers each row stands for: 1 each where it is None. A row of the weight 2
    teaches what the same row twice would.
    """

    seed: int
    horizon_days: int
    cut_off: NDArray[np.datetime64]
    weight: Vector | None = None

    def weights(self, rows: int) -> Vector:
        """The weight of each of `rows` rows; raises BadInput unless all are finite and above 0.

        >>> Setting(17, 30, np.array(["2017-08-02"], "datetime64[D]")).weights(2).tolist()
        [1.0, 1.0]
        """
        if self.weight is None:
            return np.ones(rows)
        told = np.asarray(self.weight, dtype=np.float64)
        if told.shape != (rows,) or not (np.isfinite(told) & (told > 0)).all():
            raise BadInput(
                "the weights of the rows are not one finite number above 0 each",
                got=f"{told.size} weights for {rows} rows",
                next_step="leave out rows that should not teach",
            )
        return told


class Model(Protocol):
    """A fitted churn model of any family."""

    @property
    def family(self) -> str:
        """The name of the recipe, such as rule or xgboost."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns that it reads, in its own order."""
        ...

    def predict(self, rows: pd.DataFrame) -> Vector:
        """The probability of churn of every row, finite and in [0, 1]."""
        ...

    def contributions(self, rows: pd.DataFrame) -> Matrix:
        """What each feature adds to the logit: one row per row, one column per feature."""
        ...

    def base(self) -> float:
        """The logit before any feature has spoken."""
        ...

    def files(self) -> dict[str, bytes]:
        """The model as native files: name -> content; equal models give equal bytes."""
        ...


class Learner(Model, Protocol):
    """The model of a family: it is fitted, and comes back from its files."""

    @classmethod
    def fit(cls, rows: pd.DataFrame, label: Labels, setting: Setting) -> Learner:
        """A model fitted on all columns of `rows` (float64, NaN where missing)."""
        ...

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Learner:
        """The model that `files` described; the caller has checked their sha256."""
        ...


@dataclass(frozen=True)
class Family:
    """One recipe: its name, its class, what it is, and the packages that decide its bytes.

    `needs` are the feature columns that it cannot do without; without any it takes what is there.
    """

    name: str
    model: type[Learner]
    meaning: str
    packages: tuple[str, ...]
    needs: tuple[str, ...] = ()


def matrix(rows: pd.DataFrame, features: Sequence[str]) -> Matrix:
    """The columns `features` of `rows` as float64 (rows x features), by name.

    Infinite values become NaN, and sizes above `CEILING` become `CEILING`: they never reach a
    model. Raises BadInput naming the columns that are absent or not numbers.

    >>> import pandas as pd
    >>> matrix(pd.DataFrame({"b": [1.0, None], "a": [2, 3]}), ["a", "b"])
    array([[ 2.,  1.],
           [ 3., nan]])
    >>> matrix(pd.DataFrame({"a": [1.0]}), ["a", "recency_days"])
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: a feature column that the model reads is missing | got: 1 columns ...
    """
    missing = [name for name in features if name not in rows.columns]
    if missing:
        raise BadInput(
            "a feature column that the model reads is missing",
            got=f"{len(rows.columns)} columns",
            expected=", ".join(missing),
            next_step="build the features with the catalogue that the model was trained with",
        )
    try:
        values = rows[list(features)].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        wrong = [name for name in features if rows[name].dtype.kind not in "biuf"]
        raise BadInput(
            "a feature column does not hold numbers",
            got=", ".join(f"{name}: {rows[name].dtype}" for name in wrong),
            expected="float64, NaN where missing",
        ) from error
    return np.where(np.isfinite(values), np.clip(values, -CEILING, CEILING), np.nan)


def labels(label: Sequence[int] | Labels) -> Labels:
    """`label` as int64, one per row; raises BadInput where one is not 0 or 1, or all are equal.

    >>> labels([0, 1, 0])
    array([0, 1, 0])
    >>> labels([0, 0])
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: degenerate label: all 2 rows are 0 | expected: churners ...
    """
    values = np.asarray(label)
    if not np.isin(values, (0, 1)).all():
        raise BadInput("a label is neither 0 nor 1", expected="1 churned, 0 not; immature left out")
    if len(np.unique(values)) != len((0, 1)):
        which = f"all {len(values)} rows are {int(values[0])}" if len(values) else "there is no row"
        raise BadInput(
            f"degenerate label: {which}",
            expected="churners and stayers",
            next_step="change the contract's horizon_days, or wait for more history",
        )
    return values.astype(np.int64)


def quantiles(values: Matrix, weight: Vector, shares: Sequence[float]) -> Matrix:
    """The quantiles of each column among what is there: shares x columns; 0 for an empty column.

    Interpolated between the rows as if each stood there `weight` times (Hyndman & Fan 1996, type
    7, which is numpy's).

    >>> both = np.array([[1.0, np.nan], [3.0, 5.0]])
    >>> quantiles(both, np.ones(2), [0.5]).tolist()
    [[2.0, 5.0]]
    >>> quantiles(both, np.array([1.0, 2.0]), [0.5]).tolist()
    [[3.0, 5.0]]
    """
    return np.column_stack([_quantiles(column, weight, np.asarray(shares)) for column in values.T])


def _quantiles(column: Vector, weight: Vector, shares: Vector) -> Vector:
    there = ~np.isnan(column)
    if not there.any():
        return np.zeros(len(shares))
    order = np.argsort(column[there], kind="stable")
    value, upto = column[there][order], np.cumsum(weight[there][order])
    place = np.maximum(upto[-1] - 1, 0.0) * shares
    below, above = (
        value[np.minimum(np.searchsorted(upto, found, side="right"), len(value) - 1)]
        for found in (np.floor(place), np.ceil(place))
    )
    between: Vector = below + (above - below) * (place - np.floor(place))
    return between


def probability(logit: Vector) -> Vector:
    """1 / (1 + exp(-logit)), without overflow.

    >>> probability(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    small = np.exp(-np.abs(logit))
    return np.where(logit >= 0, 1.0, small) / (1.0 + small)


def logit(p: Vector, edge: float) -> Vector:
    """The logit of probabilities, which are kept `edge` away from 0 and 1: it stays finite.

    >>> logit(np.array([0.5, 1.0]), 0.1).round(3).tolist()
    [0.0, 2.197]
    """
    inside = np.clip(p, edge, 1 - edge)
    told: Vector = np.log(inside / (1 - inside))
    return told


def significant(values: Vector, digits: int = 12) -> list[float]:
    """`values` rounded to significant digits, so that the last bits of a solver do not show.

    >>> significant(np.array([1 / 3, 2e-20]), digits=4)
    [0.3333, 2e-20]
    """
    return [float(f"{value:.{digits - 1}e}") for value in values]


def to_json(value: Any) -> bytes:
    """`value` as one line of JSON with sorted keys: equal values give equal bytes.

    >>> to_json({"b": 1, "a": [0.5]}).decode()
    '{"a":[0.5],"b":1}'
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()
