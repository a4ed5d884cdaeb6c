"""Evaluation: what whole policies earn on one frozen set of matured rows, and who earns more.

In: an `Evidence` (evidence.py) and policies (policies.py) scored on exactly those rows. Out: profit
per 1,000 customers at risk with intervals, the references beside them (nobody, everybody, base
rate, oracle), and the paired difference of two policies. What follows from it, `trial.py` decides.

A policy is everything that decides a contact: score, calibration, value and threshold, under the
same offers and limits. Worked example: both models were trained to 2017-08-02 and tuned at
2017-09-01; the evidence is the cut-off 2017-10-01, whose labels matured on 2017-10-31. The champion
contacts 300 of 2,000 customers, the challenger 280, and they disagree on 120: only those decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from churn_ml.economics import (
    NO_CONTACT,
    Floats,
    Ints,
    Terms,
    Truth,
    at_save_rate_quantile,
    oracle,
    per_1000,
    realised,
)
from churn_ml.gate.bootstrap import Estimate, Resampling, mean_per_row, means_per_row
from churn_ml.gate.evidence import Evidence
from churn_ml.gate.policies import PolicyOnRows, decide

POWER_QUANTILE = 0.8416212335729143
"""Normal quantile of a power of .8, which the minimum detectable effect speaks of."""
SAVED_SHARES = (0.25, 0.5, 1.0)
PRIOR_QUANTILES = (0.1, 0.9)
UNCAPPED = "uncapped"


@dataclass(frozen=True)
class Earning:
    """What one policy earns: profit per 1,000 customers at risk, and the share it contacts."""

    name: str
    profit_per_1000: Estimate
    contacted_share: float


def evaluate(
    policies: Sequence[PolicyOnRows], evidence: Evidence, terms: Terms, resamples: int = 2000
) -> tuple[Earning, ...]:
    """Every policy's profit per 1,000 with its 95 % interval, in the order given; the oracle last.

    >>> from churn_ml.config import Offer
    >>> from churn_ml.economics import Truth
    >>> from churn_ml.gate.policies import references
    >>> e = Evidence(np.array(["h1", "h2"]), np.array(["2017-10-01"] * 2, "datetime64[D]"),
    ...              Truth(np.array([1.0, 0.0]), np.array([90.0, 60.0])))
    >>> terms = Terms((Offer(code="CALL", label="a call", contact_amount=1),))
    >>> rows = evaluate(references(e, 0.2, np.array([90.0, 60.0])), e, terms)
    >>> [(row.name, row.profit_per_1000.value) for row in rows]
    [('nobody', 0.0), ('everybody', 5450.0), ('base_rate', 5450.0), ('oracle', 6250.0)]
    """
    how = Resampling(0.025, resamples, evidence.seed)

    def row(name: str, earned: Floats, contacted: float) -> Earning:
        profit = mean_per_row(earned, evidence.rows, how).scaled(1000.0)
        return Earning(name, profit, round(contacted, 9))

    choices = {policy.name: decide(policy, evidence, terms) for policy in policies}
    best = oracle(evidence.truth, terms, evidence.allowed(terms.offers))
    rows = [
        row(name, realised(choice, evidence.truth, terms), float((choice != NO_CONTACT).mean()))
        for name, choice in choices.items()
    ]
    return (*rows, row("oracle", best, float((best > 0).mean())))


def by_saved_share(
    policies: Sequence[PolicyOnRows], evidence: Evidence, terms: Terms
) -> dict[str, dict[str, float]]:
    """Profit per 1,000 of every policy where a saved customer is worth .25, .5 or 1 of V.

    Nobody knows that share: a policy that pays only at 1 should be known to. Decisions are taken
    anew under each share, with the policy's own threshold.

    >>> from churn_ml.config import Offer
    >>> from churn_ml.economics import Truth
    >>> from churn_ml.gate.policies import references
    >>> e = Evidence(np.array(["h1"]), np.array(["2017-10-01"], "datetime64[D]"),
    ...              Truth(np.array([1.0]), np.array([90.0])))
    >>> everybody = references(e, 0.1, np.array([90.0]))[1:2]
    >>> by_saved_share(everybody, e, Terms((Offer(code="CALL", label="a call"),)))
    {'everybody': {'0.25': 6750.0, '0.5': 13500.0, '1.0': 27000.0}}
    """

    def at(policy: PolicyOnRows, share: float) -> float:
        moved = replace(
            terms, economics=terms.economics.model_copy(update={"saved_value_share": share})
        )
        return round(per_1000(realised(decide(policy, evidence, moved), evidence.truth, moved)), 6)

    return {
        policy.name: {str(share): at(policy, share) for share in SAVED_SHARES}
        for policy in policies
    }


@dataclass(frozen=True)
class Comparison:
    """Challenger minus champion on the same rows, in shop currency per 1,000 customers at risk."""

    champion_per_1000: float
    challenger_per_1000: float
    oracle_per_1000: float
    difference: Estimate
    signs: dict[str, list[float]]
    """The difference as [value, low, high] where every save rate lies at the 10 % or 90 % point of
    its prior. Decisions stay as they were: who decided did not know."""
    uncapped: list[float] | None
    """The difference as [value, low, high] with V^E as it is without its cap; None if unknown."""
    rows: int
    customers: int
    days: tuple[str, ...]
    """The cut-offs of the rows, ISO, oldest first."""
    disagreeing: int
    """Customers on whom the policies disagree at least once."""
    disagreeing_churners: int
    per_row: Floats = field(repr=False, compare=False)
    """Challenger's minus champion's profit of each row, shop currency."""
    choice: Ints = field(repr=False, compare=False)
    """The challenger's decisions."""

    @property
    def cut_offs(self) -> int:
        """How many cut-offs the rows are of."""
        return len(self.days)

    @property
    def disagreement_share(self) -> float:
        """Share of customers on whom the policies disagree."""
        return round(self.disagreeing / self.customers, 9)

    @property
    def detectable(self) -> float:
        """What the difference must exceed a threshold by to be found with a power of .8."""
        return (self.difference.critical + POWER_QUANTILE) * self.difference.se


def compare(
    champion: PolicyOnRows,
    challenger: PolicyOnRows,
    evidence: Evidence,
    terms: Terms,
    how: Resampling,
) -> Comparison:
    """The paired difference of two whole policies, `x_i = (z_i^B - z_i^A) G(y_i, V_i^E)`.

    Its bounds hold at one-sided `how.alpha` each. Raises BadInput where a policy was scored on
    another evaluation set.

    >>> from churn_ml.config import Offer
    >>> from churn_ml.economics import Truth
    >>> from churn_ml.gate.policies import references
    >>> e = Evidence(np.array(["h1", "h2"]), np.array(["2017-10-01"] * 2, "datetime64[D]"),
    ...              Truth(np.array([1.0, 0.0]), np.array([90.0, 60.0])))
    >>> terms = Terms((Offer(code="CALL", label="a call", contact_amount=1),))
    >>> nobody, everybody, _ = references(e, 0.2, np.array([90.0, 60.0]))
    >>> told = compare(nobody, everybody, e, terms, Resampling(0.025, 100, e.seed))
    >>> told.difference.value, told.disagreeing, told.disagreeing_churners
    (5450.0, 2, 1)
    """
    old, new = (decide(policy, evidence, terms) for policy in (champion, challenger))
    earned = [realised(choice, evidence.truth, terms) for choice in (old, new)]
    per_row = earned[1] - earned[0]
    beside = _beside((old, new), evidence, terms)
    means = means_per_row([per_row, *beside.values()], evidence.rows, how)
    gain, *others = (each.scaled(1000.0) for each in means)
    told = {name: [f.value, f.low, f.high] for name, f in zip(beside, others, strict=True)}
    differ = old != new
    customer, may = evidence.rows.customer, evidence.allowed(terms.offers)
    return Comparison(
        champion_per_1000=round(per_1000(earned[0]), 6),
        challenger_per_1000=round(per_1000(earned[1]), 6),
        oracle_per_1000=round(per_1000(oracle(evidence.truth, terms, may)), 6),
        difference=gain,
        uncapped=told.pop(UNCAPPED, None),
        signs=told,
        rows=len(per_row),
        customers=int(customer.max()) + 1,
        days=evidence.days,
        disagreeing=len(np.unique(customer[differ])),
        disagreeing_churners=len(np.unique(customer[differ & (evidence.truth.y == 1.0)])),
        per_row=per_row,
        choice=new,
    )


def _beside(pair: tuple[Ints, Ints], evidence: Evidence, terms: Terms) -> dict[str, Floats]:
    """The difference of each row at the quantiles of the save rate's prior, and without a cap."""

    def differ(truth: Truth, under: Terms) -> Floats:
        old, new = (realised(choice, truth, under) for choice in pair)
        return new - old

    found = {
        str(quantile): differ(evidence.truth, at_save_rate_quantile(terms, quantile))
        for quantile in PRIOR_QUANTILES
    }
    if evidence.uncapped is not None:
        found[UNCAPPED] = differ(replace(evidence.truth, value=evidence.uncapped), terms)
    return found
