"""Geometry of the drawings: where each mark stands, in percent of the picture's width.

Enters: values with intervals. Leaves: numbers, which the templates put into SVG. Percent keeps a
drawing sharp and its text at one size on a telephone and on a wide screen alike.

Worked example: on a scale from -100 to 100 with 5 % to spare on each side, zero stands at 50 %.

>>> Scale.over([-100, 100]).x(0)
50.0
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from churn_page.words import number

SPARE_SHARE = 0.05
ROUND_STEPS = (1, 2, 2.5, 5, 10)
Triple = Sequence[float | None]


@dataclass(frozen=True)
class Scale:
    """A straight scale from `low` to `high`."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float], spare: float = SPARE_SHARE) -> Scale:
        """The scale that shows all `values`, with a share of its length to spare on each side."""
        found = sorted(values) or [0.0]
        length = (found[-1] - found[0]) or abs(found[0]) or 1.0
        aside = length * spare / (1 - 2 * spare)
        return cls(found[0] - aside, found[-1] + aside)

    def x(self, value: float) -> float:
        """Where `value` stands, 0 to 100; beyond the ends it stays at the end."""
        place = 100 * (value - self.low) / (self.high - self.low)
        return round(min(max(place, 0.0), 100.0), 3)

    def ticks(self, about: int = 5) -> list[dict[str, Any]]:
        """Round numbers along the scale, about that many, each with its place and its text.

        >>> [tick["text"] for tick in Scale(0, 1.1).ticks()]
        ['0.00', '0.25', '0.50', '0.75', '1.00']
        """
        step = _round_step((self.high - self.low) / about)
        digits = next(d for d in range(12) if math.isclose(step, round(step, d), rel_tol=1e-9))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [
            {"x": self.x(i * step), "text": number(i * step, digits)}
            for i in range(first, last + 1)
        ]


def _round_step(rough: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in ROUND_STEPS if step * power >= rough * (1 - 1e-9))


def known(triple: Triple | None) -> bool:
    """Whether [value, low, high] is there and whole."""
    return bool(triple) and all(isinstance(end, int | float) for end in triple or ())


def whisker(triple: Triple, scale: Scale) -> dict[str, float]:
    """Dot and whisker of [value, low, high].

    >>> whisker([50, 0, 100], Scale(0, 100))
    {'value': 50.0, 'low': 0.0, 'high': 100.0}
    """
    value, low, high = (float(end or 0) for end in triple)
    return {"value": scale.x(value), "low": scale.x(low), "high": scale.x(high)}


def difference(triple: Triple | None, margin: float | None) -> dict[str, Any] | None:
    """The picture of a verdict: the difference in money with its bounds, zero and the margin.

    Parameters: `triple`, [difference, low, high] per 1,000 customers; `margin`, what the lower
    bound must exceed. Returns: places, ticks and `tone`: good where the lower bound lies beyond
    the margin, bad where the upper lies below zero, else open; None without an interval.

    >>> difference([812, 210, 1400], 45)["tone"], difference(None, None)
    ('good', None)
    """
    if triple is None or not known(triple):
        return None
    needed = margin or 0.0
    scale = Scale.over([*(float(end or 0) for end in triple), 0.0, needed])
    _, low, high = (float(end or 0) for end in triple)
    tone = "good" if low > needed else "bad" if high < 0 else "open"
    places = {"zero": scale.x(0), "margin": scale.x(needed), "ticks": scale.ticks()}
    return whisker(triple, scale) | places | {"tone": tone}


def bars(values: Sequence[float]) -> list[float]:
    """The length of each bar, the longest 100.

    >>> bars([2.0, 1.0, 0.0]), bars([0.0])
    ([100.0, 50.0, 0.0], [0.0])
    """
    longest = max(values, default=0.0) or 1.0
    return [round(100 * value / longest, 3) for value in values]


def stacked(parts: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Parts of a whole side by side: name, count, where each begins and how long it is.

    >>> stacked([("sent", 3), ("unchanged", 1)])[1]
    {'name': 'unchanged', 'count': 1, 'x': 75.0, 'width': 25.0}
    """
    whole = sum(count for _, count in parts) or 1
    found, begun = [], 0
    for name, count in parts:
        place = {"x": round(100 * begun / whole, 3), "width": round(100 * count / whole, 3)}
        found.append({"name": name, "count": count, **place})
        begun += count
    return found


def reliability(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Realised churn against the predicted, both on one scale from 0.

    Parameters: `rows` of the report's `realised`. Returns: `ticks` and one point a band (x the mean
    score; y, low, high the realised share); None where no band has both.
    """
    whole = [r for r in rows if r.get("mean_score") is not None and known(r.get("churned"))]
    if not whole:
        return None
    top = max(max(r["churned"][2], r["mean_score"]) for r in whole)
    scale = Scale(0.0, min(1.0, _round_step(top / 4) * 4))
    points = [
        {"x": scale.x(row["mean_score"]), "band": row["risk_band"], "as_of": row["as_of"]}
        | whisker(row["churned"], scale)
        for row in whole
    ]
    return {"points": points, "ticks": scale.ticks(4)}
