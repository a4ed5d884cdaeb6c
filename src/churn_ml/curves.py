"""Curves: what the pictures of a candidate are drawn from, counted on the choosing cut-off.

Enters: label, score, value and money of every row, and a fitted model. Leaves: plain lists of
counts, shares and amounts, ready for JSON; never a customer, nor one row's values: the ends of a
distribution stay out, and a curve has at most `POINTS` points. Nothing is drawn or stored here.

Worked example: at the cut-off 2017-09-01 the tenth of the customers with the highest score holds
34 of the 95 churners; contacting these 120 would have earned 180 per 1,000 customers at risk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml import kernels
from churn_ml.panel import feature_columns

if TYPE_CHECKING:
    import pandas as pd

    from churn_ml.models.protocol import Model

Floats = NDArray[np.float64]

POINTS = 101
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""The cut-offs of the what-if table: the share of customers with the highest scores."""
BARS = 20
DRIVERS = 15
SAMPLE_ROWS = 50
"""Rows that contributions are taken of: the strongest features show in few."""
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
DIGITS = 6


def of(
    y: Floats, p: Floats, value: Floats, money: tuple[Floats, Floats], tau: float
) -> dict[str, Any]:
    """Every curve of one candidate; one element per row in each array.

    `y`: churned, 1 or 0; `p`: score; `value`: V, shop currency; `money`: the expected gain of the
    best offer (minus infinity where none may be made), and what contacting earned; `tau`: the
    threshold on expected gain.

    >>> y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.2, 0.6, 0.1])
    >>> found = of(y, p, np.full(4, 100.0), (p * 10 - 3, y * 20 - 5), 0.0)
    >>> found["rows"], found["churners"], found["profit"]["at_tau"]
    (4, 2, {'share': 0.5, 'per_1000': 7500.0})
    >>> found["what_if"][-1]["wrong"], found["roc"]["hit_share"][-1]
    (0, 1.0)
    """
    order = np.argsort(-p, kind="stable")
    return {
        "rows": len(y),
        "churners": int(y.sum()),
        **_ranked(y[order], p[order]),
        "reliability": _reliability(y, p),
        "scores": _scores(y, p),
        "profit": _profit(*money, tau),
        "what_if": _what_if(y[order], p[order], (value * p)[order], money[1][order]),
    }


def drivers(model: Model, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The features that move the score most: the mean size of what each adds to the logit.

    `rows`: one per customer, of which evenly spaced ones are looked at. Returns the strongest
    first; `signed` is the mean contribution itself.

    >>> import pandas as pd
    >>> from churn_ml.models.example import by_hand
    >>> drivers(by_hand().model, pd.DataFrame({"recency_days": [3.0, 90.0]}))[0]["feature"]
    'recency_days'
    """
    step = math.ceil(max(len(rows), 1) / SAMPLE_ROWS)
    found = model.contributions(rows.iloc[::step])
    size, signed = np.abs(found).mean(axis=0), found.mean(axis=0)
    strongest = sorted(range(len(size)), key=lambda at: (-size[at], model.features[at]))[:DRIVERS]
    return [
        {"feature": model.features[at], "size": _told(size[at]), "signed": _told(signed[at])}
        for at in strongest
        if size[at] > 0
    ]


def profile(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """What a model learned from, feature by feature: rows, missing share, quantiles, mean.

    >>> import pandas as pd
    >>> profile(pd.DataFrame({"recency_days": [1.0, 3.0, None, 5.0]}))["recency_days"]["missing"]
    0.25
    """
    told = {}
    for name in feature_columns(rows):
        column = rows[name].to_numpy(dtype=float)
        known = column[np.isfinite(column)]
        cuts = np.quantile(known, QUANTILES) if len(known) else np.full(len(QUANTILES), np.nan)
        told[name] = {
            "rows": len(column),
            "missing": _told(1 - len(known) / len(column)) if len(column) else None,
            "mean": _told(known.mean()) if len(known) else None,
            "quantiles": {f"{q:g}": _told(cut) for q, cut in zip(QUANTILES, cuts, strict=True)},
        }
    return told


def _ranked(y: Floats, p: Floats) -> dict[str, Any]:
    """ROC, precision and recall, gains and lift; rows by falling score, ties as one step."""
    ends = np.append(np.flatnonzero(np.diff(p)), len(p) - 1)
    hit, taken = np.cumsum(y)[ends], ends + 1.0
    wrong, churners = taken - hit, max(float(y.sum()), 1.0)
    share = {
        "wrong_share": wrong / max(float(len(y) - y.sum()), 1.0),
        "hit_share": hit / churners,
        "precision": hit / taken,
        "contacted": taken / len(y),
    }
    kept = _thin(len(ends))
    thin = {name: _listed(np.asarray(column)[kept]) for name, column in share.items()}
    lift = np.asarray(share["hit_share"] / share["contacted"])[kept]
    return {
        "roc": {name: [0.0, *thin[name]] for name in ("wrong_share", "hit_share")},
        "pr": {name: thin[name] for name in ("hit_share", "precision")},
        "gains": {name: [0.0, *thin[name]] for name in ("contacted", "hit_share")},
        "lift": {"contacted": thin["contacted"], "lift": _listed(lift)},
    }


def _reliability(y: Floats, p: Floats) -> list[dict[str, Any]]:
    """Mean score and churn rate of ten bins of equal count."""
    order = np.argsort(p, kind="stable")
    starts = kernels.bins(p[order])
    sizes = np.diff(np.append(starts, len(p)))
    means = [np.add.reduceat(column[order], starts) / sizes for column in (p, y)]
    return [
        {"rows": int(size), "score": _told(score), "churned": _told(rate)}
        for size, score, rate in zip(sizes, *means, strict=True)
    ]


def _scores(y: Floats, p: Floats) -> dict[str, Any]:
    """How many stayers and churners have a score in each of 20 equal steps."""
    edges = np.linspace(0, 1, BARS + 1)
    counts = {n: np.histogram(p[y == at], edges)[0] for n, at in (("stayed", 0), ("churned", 1))}
    return {"edges": _listed(edges)} | {n: [int(c) for c in found] for n, found in counts.items()}


def _profit(expected: Floats, earned: Floats, tau: float) -> dict[str, Any]:
    """Profit per 1,000 customers at risk by the share contacted, best expected gain first."""
    order = np.argsort(-expected, kind="stable")
    able = int(np.isfinite(expected).sum())
    total = np.append(0.0, np.cumsum(earned[order[:able]])) * 1000.0 / max(len(expected), 1)
    shares = np.arange(able + 1) / max(len(expected), 1)
    kept, at, best = _thin(able + 1), int((expected > tau).sum()), int(total.argmax())
    return {
        "share": _listed(shares[kept]),
        "per_1000": _listed(total[kept]),
        "tau": _told(tau),
        "at_tau": {"share": _told(shares[at]), "per_1000": _told(total[at])},
        "best": {"share": _told(shares[best]), "per_1000": _told(total[best])},
    }


def _what_if(y: Floats, p: Floats, at_risk: Floats, earned: Floats) -> list[dict[str, Any]]:
    """Who is hit at each cut-off, how many wrong, and what it is worth; rows by falling score."""
    told = []
    for share in SHARES:
        taken = max(1, round(share * len(y))) if len(y) else 0
        hit = int(y[:taken].sum())
        told.append(
            {
                "share": share,
                "score": _told(p[taken - 1]) if taken else None,
                "customers": taken,
                "churners": hit,
                "wrong": taken - hit,
                "hit_share": _told(hit / y.sum()) if y.sum() else None,
                "value_at_risk": round(float(at_risk[:taken].sum()), 2),
                "profit_per_1000": round(1000.0 * float(earned[:taken].sum()) / max(len(y), 1), 2),
            }
        )
    return told


def _thin(count: int) -> NDArray[np.int64]:
    """At most `POINTS` places of `count`, first and last among them, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, POINTS)).round().astype(int))


def _listed(column: Floats | Sequence[float]) -> list[float | None]:
    return [_told(each) for each in column]


def _told(number: float) -> float | None:
    """A figure as JSON takes it.

    >>> _told(2 / 3), _told(float("nan"))
    (0.666667, None)
    """
    return round(float(number), DIGITS) if math.isfinite(number) else None
