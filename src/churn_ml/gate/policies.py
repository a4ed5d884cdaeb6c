"""Policies: who is contacted with what, on the rows of one evidence.

In: a score, a value and a threshold per candidate, on exactly the rows of an `Evidence`
(evidence.py). Out: a decision per row, under the same offers and limits for everybody, and the
policies that need no model (nobody, everybody, base rate). What a decision earns, `evaluation.py`
says. Worked example: of the 2,000 customers at the cut-off 2017-10-01 the champion contacts the 300
for whom the expected gain exceeds its threshold and the round has room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from churn_ml.economics import NO_CONTACT, Floats, Ints, Terms, for_part
from churn_ml.errors import BadInput
from churn_ml.gate.evidence import Evidence
from churn_ml.targeting import choose


@dataclass(frozen=True, eq=False)
class PolicyOnRows:
    """One candidate's whole policy, scored on the rows that `rows_hash` names.

    `p`: probability of churn; `value`: its own V (shop currency); `tau`: its threshold on expected
    gain; `learned_on`: every cut-off it was trained, chosen or tuned on.
    """

    name: str
    p: Floats
    value: Floats
    tau: float
    rows_hash: str
    learned_on: tuple[date, ...] = ()


def references(
    evidence: Evidence, base_rate: float, value: Floats, learned_on: tuple[date, ...] = ()
) -> tuple[PolicyOnRows, ...]:
    """Nobody, everybody and base rate as policies: what a model must beat to be worth having.

    `base_rate`: churn rate of the training rows; `value`: V per row, of the model beside them.

    >>> from churn_ml.economics import Truth
    >>> e = Evidence(np.array(["h1"]), np.array(["2017-10-01"], "datetime64[D]"),
    ...              Truth(np.array([1.0]), np.array([90.0])))
    >>> [r.name for r in references(e, 0.1, np.array([90.0]))]
    ['nobody', 'everybody', 'base_rate']
    """
    p = np.full(len(value), base_rate)
    taus = {"nobody": np.inf, "everybody": -np.inf, "base_rate": 0.0}
    return tuple(
        PolicyOnRows(name, p, value, tau, evidence.rows_hash, learned_on)
        for name, tau in taus.items()
    )


def decide(policy: PolicyOnRows, evidence: Evidence, terms: Terms) -> Ints:
    """The policy's decision on every row: an offer's index or NO_CONTACT.

    Each cut-off is one round with its own capacity and budget, cut to the part of those at risk
    that the evidence holds; who was contacted less than `contact_window_days` before is left out,
    and so is who had not consented. Raises BadInput where the policy was scored on another
    evaluation set.

    >>> from churn_ml.config import Offer
    >>> from churn_ml.economics import Truth
    >>> e = Evidence(np.array(["h1"]), np.array(["2017-10-01"], "datetime64[D]"),
    ...              Truth(np.array([1.0]), np.array([90.0])))
    >>> everybody = references(e, 0.1, np.array([90.0]))[1]
    >>> decide(everybody, e, Terms((Offer(code="CALL", label="a call"),))).tolist()
    [0]
    """
    check_rows(policy, evidence)
    terms = for_part(terms, evidence.part)
    window = terms.policy.contact_window_days
    allowed = evidence.allowed(terms.offers)
    choice = np.full(len(policy.p), NO_CONTACT)
    last = np.full(int(evidence.rows.customer.max()) + 1, -(10**6))
    for day in np.unique(evidence.cut_off):
        at = np.flatnonzero(evidence.cut_off == day)
        today = int(day.astype("datetime64[D]").astype(int))
        at = at[today - last[evidence.rows.customer[at]] >= window]
        may = None if allowed is None else allowed[at]
        told = (policy.p[at], policy.value[at], terms, policy.tau, evidence.ties[at])
        choice[at] = choose(*told, may)
        last[evidence.rows.customer[at[choice[at] != NO_CONTACT]]] = today
    return choice


def check_rows(policy: PolicyOnRows, evidence: Evidence) -> None:
    """Raise BadInput unless the policy was scored on exactly the rows of this evidence."""
    ragged = {len(policy.p), len(policy.value)} != {len(evidence.truth.y)}
    if policy.rows_hash != evidence.rows_hash or ragged:
        raise BadInput(
            f"policy {policy.name} was scored on another evaluation set",
            where="evaluation",
            got=f"rows {policy.rows_hash[:12]}, {len(policy.p)} of them",
            expected=f"rows {evidence.rows_hash[:12]}, {len(evidence.truth.y)} of them",
            next_step="score champion and challenger on the same matured rows",
        )
