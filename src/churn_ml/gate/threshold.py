"""Threshold: where only the champion's threshold is stale, the threshold is changed.

Enters: a trial whose challenger is not promoted, and whose champion has another threshold in force
than the one that the same procedure gives on the same validation cut-off today. Leaves: whether
today's surely earns more than the margin above it. The model stays, so its calibration is no
matter; slices must not be surely worse.

It is a second question on the same evidence, so it is paid for like a second look: where the year's
alpha does not cover it, it is not asked.

Worked example: the champion of 2017-06-01 contacts from a gain of 9.50 USD on, tuned before the
summer. On 2017-11-01 the challenger earns 20 per 1,000 more than the champion retuned to 0, too
little; the champion retuned earns 310 per 1,000 more than at 9.50, lower bound 120: change it.
"""

from __future__ import annotations

from dataclasses import dataclass

from churn_ml.gate import guards
from churn_ml.gate.evaluation import compare
from churn_ml.gate.lanes import undecidable
from churn_ml.gate.trial import Trial


@dataclass(frozen=True)
class Tested:
    """Whether the champion's threshold is to be changed, and the sentence that says why, or not."""

    passed: bool
    says: str


def tested(trial: Trial, margin: float) -> Tested | None:
    """The champion with a threshold of today against itself with the one in force.

    `margin`: what the lower bound must exceed, shop currency per 1,000 customers at risk. None
    where the threshold in force is today's, or the year's alpha does not pay for the question.
    """
    gate = trial.gate
    if trial.in_force is None or not gate.pays_for_a_look(trial.alpha_spent + gate.alpha_per_look):
        return None
    pair = (trial.in_force, trial.champion)
    compared = compare(*pair, trial.evidence, trial.terms, trial.resampling)
    thin = undecidable(gate, compared)
    if thin:
        return Tested(passed=False, says=f"the champion's thresholds alone are {thin}")
    gain, code = compared.difference, trial.currency
    worse = [g for g in guards.slices(compared, trial.evidence, margin) if not g.passed]
    passed = gain.low > margin and not worse
    says = (
        f"{'change' if passed else 'keep'} the threshold: with {trial.champion.tau:,.2f} in place "
        f"of {trial.in_force.tau:,.2f} the champion earns {gain.value:+,.2f} {code} per 1,000, "
        f"lower bound {gain.low:,.2f} at alpha {gate.alpha_per_look:.4f}, needed more than "
        f"{margin:,.2f}"
    )
    return Tested(passed, "; ".join([says, *(g.says for g in worse)]))
