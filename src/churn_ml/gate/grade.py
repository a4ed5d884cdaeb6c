"""Grade: one letter that tells a shop whether to use a model, and why, in one sentence.

In: a model's policy, the reference (the best of rule, nobody, everybody and base rate, chosen on
validation) and the evidence. Out: a `Grade`, A to D (economics.md (f)).

kappa = (model - reference) / (oracle - reference): of the money that somebody who knows the future
could add over the reference, the share that the model earns. Worked example: at 2017-10-01 the rule
earns 1,200 per 1,000, the oracle 6,200 and the model 1,450: kappa is .05. If the one-sided 97.5 %
bound of the 250 lies above zero the grade is B, else at best C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from churn_ml.economics import Terms
from churn_ml.gate import delong
from churn_ml.gate.bootstrap import Estimate, Resampling
from churn_ml.gate.evaluation import Earning, compare
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.policies import PolicyOnRows

Letter: TypeAlias = Literal["A", "B", "C", "D"]

ALPHA = 0.025
RESAMPLES = 1000
KAPPA_A, KAPPA_B = 0.20, 0.05
MEANING: Mapping[Letter, str] = {
    "A": "use it",
    "B": "use it, modest",
    "C": "ranks better, money unproven",
    "D": "do not use",
}
SAID: Mapping[str, str] = {
    "rule": "your simple rule",
    "nobody": "contacting nobody",
    "everybody": "contacting everybody",
    "base_rate": "one rate for all",
}


@dataclass(frozen=True)
class Grade:
    """A letter, the sentence for the shop, and the figures behind both."""

    letter: Letter
    words: str
    kappa: float
    gain_per_1000: Estimate
    """Profit over the reference, shop currency per 1,000 customers at risk, 97.5 % bounds."""
    auc_gain: Estimate
    """AUC over the rule's."""
    reference: str


def best_reference(earnings: Sequence[Earning]) -> str:
    """The name of the reference that earned most on validation; the first of equals.

    >>> zero = Estimate(0.0, 0.0, 0.0, 0.0, 1.96)
    >>> best_reference([Earning("rule", zero, 0.1), Earning("nobody", zero, 0.0)])
    'rule'
    """
    return max(earnings, key=lambda earning: earning.profit_per_1000.value).name


def grade(
    model: PolicyOnRows,
    references: tuple[PolicyOnRows, PolicyOnRows],
    evidence: Evidence,
    terms: Terms,
    *,
    margin_per_1000: float,
    calibrated: bool,
) -> Grade:
    """The grade of `model`; `references`: the best reference by money, and the inactivity rule.

    `calibrated`: the model passed the calibration guards. Raises BadInput where one of the three
    was scored on another evaluation set.

    >>> from churn_ml.config import Gate
    >>> from churn_ml.simulate import contest
    >>> trial = contest(2, train=3000, evaluate=1500, features=(1, 5), gate=Gate())
    >>> references = (trial.reference, trial.rule)
    >>> good = grade(trial.challenger, references, trial.evidence, trial.terms,
    ...              margin_per_1000=10.0, calibrated=True)
    >>> good.words[:9], grade(trial.rule, references, trial.evidence, trial.terms,
    ...                       margin_per_1000=10.0, calibrated=True).letter
    ('B, use it', 'D')
    """
    reference, rule = references
    how = Resampling(ALPHA, RESAMPLES, evidence.seed)
    compared = compare(reference, model, evidence, terms, how)
    ranks = delong.gain(evidence.truth.y, (rule.p, model.p), evidence.rows)
    gain = compared.difference
    possible = compared.oracle_per_1000 - compared.champion_per_1000
    kappa = round(gain.value / possible, 6) if possible > 0 else 0.0
    letter = _letter(gain, kappa, ranks, margin_per_1000, calibrated=calibrated)
    return Grade(letter, _words(letter, kappa, reference.name), kappa, gain, ranks, reference.name)


def _letter(
    gain: Estimate, kappa: float, ranks: Estimate, margin: float, *, calibrated: bool
) -> Letter:
    if gain.low > 0 and kappa >= KAPPA_A and calibrated:
        return "A"
    if gain.low > 0 and kappa >= KAPPA_B:
        return "B"
    return "C" if ranks.low > 0 and gain.low > -margin else "D"


def _words(letter: Letter, kappa: float, reference: str) -> str:
    share = f"{kappa:.0%}" if kappa >= 0 else f"less than nothing ({kappa:.0%})"
    return (
        f"{letter}, {MEANING[letter]}: of the money that a fortune-teller could add over "
        f"{SAID.get(reference, reference)}, this model earns {share}"
    )
