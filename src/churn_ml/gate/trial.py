"""Trial: what a verdict is reached from.

Enters: two policies scored on one evidence, the references, the terms, the settings of [gate] and
what was spent of the year's alpha. Leaves: a `Trial` whose policies did not see the evidence while
they learned. What it must show is in lanes.py, the verdict on it in judging.py.

Worked example: on 2017-11-01 the evidence is the cut-off 2017-10-01, matured on 2017-10-31. Both
models learned from label windows that ended by then, or the trial is refused with Leak.
"""

from __future__ import annotations

from dataclasses import dataclass

from churn_ml.config import Contract, Gate
from churn_ml.economics import Terms
from churn_ml.gate.bootstrap import Resampling
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.policies import PolicyOnRows, check_rows
from churn_ml.timeline import check_split


@dataclass(frozen=True, eq=False)
class Refresh:
    """Why a challenger might replace a champion that it does not beat.

    `winner`: the last model that won by profit or predictions, on the rows of the evidence; the
    champion itself, or the one before its refreshes. `age_days`: from the champion's training to
    the challenger's. `same_recipe`: both are of one family. `used`: refreshes of this year so far.
    """

    winner: PolicyOnRows
    age_days: int
    same_recipe: bool
    used: int


@dataclass(frozen=True, eq=False)
class Trial:
    """Everything one verdict is reached from.

    `reference`: the best of rule, nobody, everybody and base rate on validation; `rule`: the
    inactivity rule; both for the grade. `alpha_spent`: this year's, from the ledger. `in_force`:
    the champion with the threshold it has worked with, where today's is another. `refresh`: what
    the refresh lane asks, where it is open.
    """

    champion: PolicyOnRows
    challenger: PolicyOnRows
    reference: PolicyOnRows
    rule: PolicyOnRows
    evidence: Evidence
    terms: Terms
    gate: Gate
    contract: Contract
    currency: str
    alpha_spent: float = 0.0
    in_force: PolicyOnRows | None = None
    refresh: Refresh | None = None

    @property
    def resampling(self) -> Resampling:
        """How sure the bounds of this trial are."""
        return Resampling(self.gate.alpha_per_look, self.gate.resamples, self.evidence.seed)

    @property
    def scored(self) -> tuple[PolicyOnRows, ...]:
        """Every policy that this trial looks at."""
        others = (self.in_force, self.refresh.winner if self.refresh else None)
        sides = (self.champion, self.challenger, self.reference, self.rule)
        return (*sides, *(each for each in others if each is not None))

    @property
    def budget_left(self) -> bool:
        """True where the year's alpha pays for this look."""
        return self.gate.pays_for_a_look(self.alpha_spent)

    def check(self) -> None:
        """Raise where a policy, or V^E, saw the evidence (Leak), or did not score all of it."""
        first = min(self.evidence.cut_off.tolist())
        for policy in self.scored:
            check_rows(policy, self.evidence)
            check_split(policy.learned_on, first, self.contract)
        check_split(self.evidence.value_learned_on, first, self.contract)
