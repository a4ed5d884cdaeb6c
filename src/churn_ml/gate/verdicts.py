"""Verdict: what the gate said, why, and every figure behind it, as one line of JSON.

In: nothing but its fields; `trial.py` fills them. Out: JSON for the ledger, and back. A verdict
names its evidence by hash and holds no customer; the same pair on the same evidence has one.

Worked example: the verdict of 2017-11-01 on the evidence of 2017-10-01 reads "keep: the challenger
earns +66.00 EUR per 1,000 customers against the champion; lower bound -9.00 ...". Asked again on
the same evidence, the stored line comes back with `repeated` true and spends no further alpha.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from churn_ml.gate.guards import Guard

Decision: TypeAlias = Literal["promote", "threshold", "keep", "undecidable"]
"""`threshold`: the champion stays, and works with a threshold of today from now on."""
Lane: TypeAlias = Literal["profit", "predictions", "refresh"]
"""By what a challenger may be promoted: lanes.py."""


@dataclass(frozen=True)
class Verdict:
    """What the gate says, why, and every figure behind it (shop currency per 1,000 at risk)."""

    decision: Decision
    reasons: tuple[str, ...]
    champion: str
    challenger: str
    evidence_hash: str
    rows: int
    customers: int
    cut_offs: int
    champion_per_1000: float
    challenger_per_1000: float
    oracle_per_1000: float
    interval: tuple[float, float, float]
    """Difference, lower and upper bound at one-sided `alpha` each."""
    margin: float
    alpha: float
    alpha_spent: float
    """What this verdict takes from the year's budget."""
    minimum_detectable: float
    """The true difference that would have been promoted with a probability of .8."""
    disagreeing: int
    disagreeing_churners: int
    disagreement_share: float
    guards: tuple[Guard, ...]
    grade: str
    grade_words: str
    kappa: float
    signs: Mapping[str, list[float]] = field(default_factory=dict)
    """The difference as [value, low, high] at the 10 % and 90 % points of the save rate's prior."""
    uncapped: list[float] | None = None
    """The difference as [value, low, high] with V^E uncapped; shown, never decided on."""
    lane: Lane | None = None
    """What the challenger fulfils, whether or not a guard failed; None where nothing."""
    override_only: bool = False
    """True where the year's alpha is spent: only a person may promote, recorded as an override."""
    threshold: Mapping[str, float] | None = None
    """What `retuned` champion and `challenger` earn more per 1,000 than the champion does with the
    threshold in force; None where that one is today's."""
    diagnosis: Mapping[str, Any] = field(default_factory=dict)
    """The field's own figures of both (diagnosis.py); nothing in it decides."""
    evaluated_on: tuple[str, ...] = ()
    """The cut-offs of the evidence, ISO, oldest first."""
    between_se: float = 0.0
    """What the standard error of the difference holds of the cut-offs' own; 0 below four."""
    repeated: bool = False
    """True where the stored verdict on the same pair and evidence is returned."""

    def to_json(self) -> str:
        """The verdict as one line of JSON with sorted keys: equal verdicts, equal bytes."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """The verdict that `to_json` wrote."""
        tree: dict[str, Any] = json.loads(text)
        guarded = tuple(Guard(**guard) for guard in tree["guards"])
        lists = {"reasons": tuple(tree["reasons"]), "interval": tuple(tree["interval"])}
        lists["evaluated_on"] = tuple(tree.get("evaluated_on", ()))
        return cls(**(tree | lists | {"guards": guarded}))
