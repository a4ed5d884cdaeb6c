"""Leakage: what would tell a model the answer, found before anything is fitted.

Enters: the usable rows of a panel. Leaves: how well each feature alone tells who churned, or an
error that names the column, why, and what to do. Every training asks three questions here, and two
of time in recut.py:

* Is every feature one that the catalogue computes, for training? (`check_known`)
* Does a feature stand for the customer, by an id or a row's number? (`check_identities`)
* Does one feature, or a model, rank the churners as only the answer can? (`check_giveaways`,
  `check_honest`)

Worked example: `orders_next_30d`, taken from the tables of 2017-11-01 and joined to the rows of
2017-09-01, is no feature of the catalogue; and whoever has it at 0 has churned, so that it ranks
the churners with an AUC of 1, where an honest churn model stays near .8.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from churn_ml import kernels
from churn_ml.errors import Leak
from churn_ml.kernels import Floats
from churn_ml.models.protocol import CEILING, matrix

if TYPE_CHECKING:
    import pandas as pd

GIVEAWAY_AUC = 0.99
"""No honest feature or model reaches it; what does has seen the label."""
FEW = 20
"""With fewer churners or stayers than this, a feature may separate them by chance."""
ALWAYS, DISTINCT = 0.99, 0.95
"""The share of customers whose value never changes, and of values that differ, in an identity."""


def strengths(rows: pd.DataFrame, features: Sequence[str]) -> dict[str, float]:
    """Feature -> the AUC with which it alone, up or down, or where it is missing, tells churners.

    `rows`: with label 0 or 1. Empty where there are fewer than `FEW` churners or stayers.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"label": [0, 1] * 20, "recency_days": [3.0, 9.0] * 20,
    ...                      "order_days_30d": [1.0] * 40})
    >>> strengths(rows, ["recency_days", "order_days_30d"])
    {'recency_days': 1.0, 'order_days_30d': 0.5}
    """
    label = rows["label"].to_numpy(dtype=float)
    if _too_few(label):
        return {}
    columns = matrix(rows, features).T
    return {name: _alone(label, column) for name, column in zip(features, columns, strict=True)}


def check_giveaways(rows: pd.DataFrame, features: Sequence[str], where: str) -> dict[str, float]:
    """The `strengths`; Leak where one feature alone tells who churned. `where`: whose rows."""
    found = strengths(rows, features)
    for name, auc in found.items():
        _check_auc(f"feature {name} at the {where}", auc)
    return found


def check_honest(where: str, label: Floats, score: Floats) -> None:
    """Raise Leak where `score` ranks churners above stayers as only a leak can.

    `label`: 1 churned, 0 not. Fewer than `FEW` of either kind prove nothing.

    >>> label = np.repeat([0.0, 1.0], 50)
    >>> check_honest("model rule", label, np.tile([3.0, 9.0], 50))
    >>> check_honest("model rule", label, label)
    Traceback (most recent call last):
    ...
    churn_ml.errors.Leak: something gives the label away | where: model rule | got: AUC 1.0000 | ...
    """
    if not _too_few(label):
        _check_auc(where, _auc(label, score))


def check_identities(rows: pd.DataFrame, features: Sequence[str]) -> None:
    """Raise Leak where a feature tells which customer, or which row, it is of.

    `rows`: customer_id and cut_off, several cut-offs. An identity never changes between a
    customer's cut-offs and hardly two customers share it; a row's number counts the customers of
    every cut-off without a gap. Fewer than `FEW` customers prove nothing.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"customer_id": [f"h{n}" for n in range(40)] * 2,
    ...     "cut_off": ["2017-08-02"] * 40 + ["2017-09-01"] * 40, "number": [*range(40)] * 2})
    >>> check_identities(rows, ["number"])
    Traceback (most recent call last):
    ...
    churn_ml.errors.Leak: a feature stands for the customer | where: feature number | got: ...
    """
    ordered = rows.sort_values(["customer_id", "cut_off"])
    person, day = (ordered[name].to_numpy(dtype=str) for name in ("customer_id", "cut_off"))
    again = person[1:] == person[:-1]
    for name, column in zip(features, matrix(ordered, features).T, strict=True):
        value = np.where(np.isnan(column), CEILING, column)
        if _identifies(value, again):
            raise _identity(name, "the same at every cut-off, and another for nearly everyone")
        if _counts(value, day):
            raise _identity(name, "the numbers from first to last at every cut-off, each once")


def check_known(features: Collection[str], computed: Collection[str]) -> None:
    """Raise Leak where a feature is not among those `computed` for training from cut tables.

    >>> check_known(["recency_days", "orders_next_30d"], ["recency_days"])
    Traceback (most recent call last):
    ...
    churn_ml.errors.Leak: a feature comes from nowhere | where: feature orders_next_30d | got: ...
    """
    for name in sorted(set(features) - set(computed)):
        raise Leak(
            "a feature comes from nowhere",
            where=f"feature {name}",
            got="a column that no indicator computes for training from tables cut at the cut-off",
            expected="a column of the catalogue (docs/indicators.md) that is not tagged "
            '"not for training"',
            next_step="take it out of the panel, or compute it by an indicator",
        )


def strongest(found: Mapping[str, float], count: int) -> dict[str, float]:
    """The `count` features that alone tell most, strongest first.

    >>> strongest({"tenure_days": .6, "recency_days": .75, "order_days_30d": .7}, 2)
    {'recency_days': 0.75, 'order_days_30d': 0.7}
    """
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:count])


def _too_few(label: Floats) -> bool:
    return bool(min(label.sum(), len(label) - label.sum()) < FEW)


def _auc(label: Floats, score: Floats) -> float:
    return float(kernels.auc(label, score)(np.ones((1, len(label))))[0])


def _alone(label: Floats, column: Floats) -> float:
    """The AUC of the column in its better direction, with what is missing at either end."""
    gaps = np.isnan(column)
    ends = (-CEILING, CEILING) if gaps.any() else (CEILING,)
    found = [_auc(label, np.where(gaps, end, column)) for end in ends]
    return max(max(auc, 1.0 - auc) for auc in found)


def _check_auc(where: str, auc: float) -> None:
    if auc > GIVEAWAY_AUC:
        raise Leak(
            "something gives the label away",
            where=where,
            got=f"AUC {auc:.4f}",
            expected=f"at most {GIVEAWAY_AUC}; honest churn models lie between .7 and .9",
            next_step="compute features from rows before as_of only, never from the label's event",
        )


def _identifies(value: Floats, again: NDArray[np.bool_]) -> bool:
    """Whether the values never change within customers and differ between them.

    `value`: sorted by customer; `again`: whether a row is of the same customer as the one before.
    """
    changed = value[1:] != value[:-1]
    repeated = np.append(False, again) | np.append(again, False)
    first = np.append(True, ~again) & repeated
    customers = int(first.sum())
    if customers < FEW or (changed & again).sum() > (1 - ALWAYS) * again.sum():
        return False
    return len(np.unique(value[first])) >= DISTINCT * customers


def _counts(value: Floats, day: NDArray[np.str_]) -> bool:
    """Whether at every cut-off the values are whole numbers without a gap, each once."""
    for one in np.unique(day):
        ordered = np.sort(value[day == one])
        if len(ordered) < FEW or not (np.diff(ordered) == 1).all():
            return False
    return True


def _identity(name: str, why: str) -> Leak:
    return Leak(
        "a feature stands for the customer",
        where=f"feature {name}",
        got=why,
        expected="features that tell what a customer did, which change with it or are shared",
        next_step="take it out: a model learns by heart who left, and knows nobody new by it",
    )
