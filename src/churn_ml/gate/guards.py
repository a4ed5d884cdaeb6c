"""Guards: what a challenger that earns more must not break.

In: two policies on one evidence and their comparison. Out: a `Guard` each, passed or not, with a
sentence that holds the numbers. Three (economics.md (b)): calibration, since every decision
multiplies the score by money; slices, since a gain overall may be paid for by some customers; and
Brier, since a lucky threshold can hide a worse model.

Worked example: at 2017-10-01 the challenger earns more overall, and -2,300 per 1,000 in the lowest
value decile (700 rows, 90 churners) with a Holm-adjusted upper bound of -900: it is blocked, and
the verdict names the slice. A slice that is merely uncertain blocks nobody: with 30 slices an
equal model would look significantly worse in one of them half of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churn_ml.economics import NO_CONTACT, Flags, Floats, Ints
from churn_ml.gate.bootstrap import Estimate, normal_mean
from churn_ml.gate.evaluation import Comparison
from churn_ml.gate.evidence import Evidence, Labels
from churn_ml.gate.policies import PolicyOnRows
from churn_ml.metrics import calibration_slope, ece, ece_null

CALIBRATION = ("ece", "slope", "value_weighted")
"""The guards that ask whether the score is a probability."""
GUARD_ALPHA = 0.025
ECE_SLACK = 0.01
SLOPE_RANGE = (0.8, 1.25)
VALUE_WEIGHTED_LIMIT = 0.10
SLICE_ROWS = 500
SLICE_CHURNERS = 50
NULL_DRAWS = 200
"""Draws behind the null's 95 % point of the ECE: it moves by some .001 from seed to seed."""


@dataclass(frozen=True)
class Guard:
    """One guard: its name, whether it passed, and what was found, in words."""

    name: str
    passed: bool
    says: str


def standard_slices(value: Floats, stage: Labels, seen: Flags) -> dict[str, Labels]:
    """The slices every verdict looks at: value decile, lifecycle stage, customers never trained on.

    `value`: V^E; `stage`: stage per row; `seen`: the customer was in either model's training.

    >>> slices = standard_slices(np.arange(20.0), np.array(["active"] * 20), np.arange(20) > 0)
    >>> slices["value decile"][:3].tolist(), slices["stage"][0], slices["customers"][:2].tolist()
    (['1', '1', '2'], 'active', ['never seen in training', ''])
    """
    below = np.searchsorted(np.sort(value), value)
    decile = 1 + below * 10 // max(len(value), 1)
    return {
        "value decile": decile.astype(str).astype(object),
        "stage": stage.astype(object),
        "customers": np.where(seen, "", "never seen in training").astype(object),
    }


def calibration(policy: PolicyOnRows, choice: Ints, evidence: Evidence) -> tuple[Guard, ...]:
    """Is the score a probability: ECE against its own null, slope, and weighted by money.

    `choice`: the policy's decisions. The ECE may exceed the 95 % point that a perfectly calibrated
    model of these scores stays below by .01; the slope lies in .8-1.25; over the chosen,
    `|sum V^E (y - p)| <= .10 sum V^E p`.

    >>> from churn_ml.config import Gate
    >>> from churn_ml.simulate import contest
    >>> trial = contest(1, train=2000, evaluate=500, features=(5, 5), gate=Gate())
    >>> [g.name for g in calibration(trial.champion, np.full(500, NO_CONTACT), trial.evidence)]
    ['ece', 'slope', 'value_weighted']
    """
    y, p = evidence.truth.y, policy.p
    found = ece(y, p)
    limit = ece_null(p, seed=evidence.seed, draws=NULL_DRAWS) + ECE_SLACK
    slope = calibration_slope(y, p)
    low, high = SLOPE_RANGE
    return (
        Guard("ece", found <= limit, f"ECE {found:.4f}, at most {limit:.4f}"),
        Guard("slope", bool(low <= slope <= high), f"slope {slope:.2f}, within {low}-{high}"),
        _value_weighted(policy, choice != NO_CONTACT, evidence),
    )


def _value_weighted(policy: PolicyOnRows, chosen: Flags, evidence: Evidence) -> Guard:
    value, y = evidence.truth.value[chosen], evidence.truth.y[chosen]
    expected = float((value * policy.p[chosen]).sum())
    off = abs(float((value * (y - policy.p[chosen])).sum()))
    share = off / expected if expected > 0 else 0.0
    says = f"among the chosen, value at risk is off by {share:.1%}, at most 10 %"
    return Guard("value_weighted", off <= VALUE_WEIGHTED_LIMIT * expected, says)


def brier(champion: PolicyOnRows, challenger: PolicyOnRows, evidence: Evidence) -> Guard:
    """The challenger's Brier score must not be significantly worse (one-sided 2.5 %).

    >>> from churn_ml.config import Gate
    >>> from churn_ml.simulate import contest
    >>> trial = contest(2, train=3000, evaluate=1500, features=(1, 5), gate=Gate())
    >>> brier(trial.challenger, trial.champion, trial.evidence).passed
    False
    """
    gain = loss_gain(champion, challenger, evidence, GUARD_ALPHA)
    says = f"Brier better by {gain.value:.5f} [{gain.low:.5f}, {gain.high:.5f}]"
    return Guard("brier", gain.high >= 0.0, says)


def loss_gain(
    champion: PolicyOnRows,
    challenger: PolicyOnRows,
    evidence: Evidence,
    alpha: float,
    *,
    log: bool = False,
) -> Estimate:
    """How much smaller the challenger's mean loss is: squared error, or log-loss where `log`.

    >>> from churn_ml.config import Gate
    >>> from churn_ml.simulate import contest
    >>> trial = contest(2, train=3000, evaluate=1500, features=(1, 5), gate=Gate())
    >>> loss_gain(trial.champion, trial.challenger, trial.evidence, 0.025, log=True).low > 0
    True
    """

    def loss(p: Floats) -> Floats:
        likely = np.where(evidence.truth.y == 1.0, p, 1.0 - p)
        return -np.log(np.clip(likely, 1e-12, 1.0)) if log else (1.0 - likely) ** 2

    return normal_mean(loss(champion.p) - loss(challenger.p), evidence.rows, alpha)


def slices(compared: Comparison, evidence: Evidence, margin_per_1000: float) -> tuple[Guard, ...]:
    """One guard per slice that is surely worse, or a single passed one.

    Looked at: slices with at least 500 rows and 50 churners. A slice fails where the Holm-adjusted
    (2.5 % in all) upper bound of the challenger's gain in it lies below minus the margin; Student's
    t, by the rarer of churners and stayers on whom the policies disagree in it.

    >>> from churn_ml.gate.bootstrap import Resampling
    >>> from churn_ml.config import Gate
    >>> from churn_ml.gate.evaluation import compare
    >>> from churn_ml.simulate import contest
    >>> trial = contest(1, train=2000, evaluate=1500, features=(5, 5), gate=Gate())
    >>> told = compare(trial.champion, trial.challenger, trial.evidence, trial.terms,
    ...                Resampling(0.025, 100, seed=1))
    >>> [guard.name for guard in slices(told, trial.evidence, margin_per_1000=10.0)]
    ['slices']
    """
    tested = sorted(
        _tested(name, mask, compared, evidence, margin_per_1000) for name, mask in _masks(evidence)
    )
    failed: list[Guard] = []
    for rank, (tail, name, says) in enumerate(tested):
        if tail > GUARD_ALPHA / (len(tested) - rank):
            break
        failed.append(Guard(f"slice {name}", passed=False, says=says))
    says = f"none of {len(tested)} slices of 500 rows and 50 churners or more is surely worse"
    return tuple(failed) or (Guard("slices", passed=True, says=says),)


def _masks(evidence: Evidence) -> list[tuple[str, Flags]]:
    """Every slice large enough to judge, by its name in words."""
    masks = [
        (f"{name} {label}", np.asarray(labels == label, dtype=bool))
        for name, labels in evidence.slices.items()
        for label in sorted(set(labels) - {""})
    ]
    churned = evidence.truth.y == 1.0
    return [
        (name, mask)
        for name, mask in masks
        if mask.sum() >= SLICE_ROWS and (mask & churned).sum() >= SLICE_CHURNERS
    ]


def _tested(
    name: str, mask: Flags, compared: Comparison, evidence: Evidence, margin: float
) -> tuple[float, str, str]:
    """The p-value of "no worse than minus the margin" in a slice, its name, and the sentence."""
    from scipy.special import stdtr

    x, churned = compared.per_row[mask], evidence.truth.y[mask] == 1.0
    gain = normal_mean(x, evidence.rows.where(mask), GUARD_ALPHA).scaled(1000.0)
    says = (
        f"slice {name} ({len(x):,} rows): {gain.value:+,.2f} per 1,000 against the champion, "
        f"surely below minus the margin ({margin:,.2f})"
    )
    # a few disagreements, all on stayers, look certain: the rarer kind counts the evidence
    freedom = int(min((churned & (x != 0)).sum(), (~churned & (x != 0)).sum())) - 1
    if freedom < 1 or gain.se == 0.0:
        return 1.0, name, says
    return float(stdtr(freedom, (gain.value + margin) / gain.se)), name, says
