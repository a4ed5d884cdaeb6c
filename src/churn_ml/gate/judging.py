"""Judging: does the challenger replace the champion? A verdict with its reasons, in money.

Enters: a `Trial` (trial.py). Leaves: a `Verdict` that says promote, keep or undecidable
(verdicts.py). The ledger stores it, refusals too.

The rule (economics.md (b)): promote if the lower bound of the paired profit difference exceeds the
margin and no guard fails. Each look spends alpha (5 % a year over 13 planned looks), the same pair
on the same evidence gets the stored verdict, and too few disagreements are called undecidable.

Worked example: on 2017-11-01 the evidence is the cut-off 2017-10-01, matured on 2017-10-31. The
challenger earns 812 per 1,000 more than the champion, lower bound 210 at alpha .0038, margin 45,
and no guard fails: promote, with the note "one season" since there is a single cut-off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from churn_ml.config import Gate
from churn_ml.economics import per_1000, realised
from churn_ml.errors import BadInput
from churn_ml.gate import guards, threshold
from churn_ml.gate.evaluation import Comparison, compare
from churn_ml.gate.grade import Grade, grade
from churn_ml.gate.guards import Guard
from churn_ml.gate.lanes import fulfilled, undecidable
from churn_ml.gate.notes import detectable, notes, threshold_note
from churn_ml.gate.policies import decide
from churn_ml.gate.trial import Trial
from churn_ml.gate.verdicts import Decision, Lane, Verdict


def verdict(trial: Trial, stored: Verdict | None = None) -> Verdict:
    """The verdict on a trial; `stored` is the ledger's on the same pair and evidence, if any.

    Raises Leak where a policy, or V^E, learned from a label window that reaches the evidence;
    BadInput where a policy was scored on another evaluation set, or `stored` is another trial's.

    >>> from churn_ml.simulate import contest
    >>> trial = contest(2, train=3000, evaluate=1500, features=(1, 5), gate=Gate(alpha_year=0.3))
    >>> told = verdict(trial)
    >>> told.decision, told.grade, verdict(trial, stored=told).repeated
    ('promote', 'B', True)
    """
    trial.check()
    if stored is not None:
        return _again(trial, stored)
    pair = (trial.champion, trial.challenger)
    compared = compare(*pair, trial.evidence, trial.terms, trial.resampling)
    stale = _threshold(trial, compared)
    margin = margin_per_1000(compared.oracle_per_1000, trial.gate)
    guarded = _guards(trial, compared, margin)
    graded = _grade(trial, guarded, margin)
    guarded += (Guard("grade", graded.letter != "D", graded.words),)
    decision, lane, because = _decide(trial, compared, margin, guarded)
    asked = None if decision == "promote" else threshold.tested(trial, margin)
    if asked is not None:
        decision = "threshold" if asked.passed else decision
        because = (asked.says, *because) if asked.passed else (*because, asked.says)
    beside = notes(compared, margin, trial.currency)
    return Verdict(
        decision=decision,
        reasons=(*because, *beside, *threshold_note(stale, trial.currency)),
        champion=trial.champion.name,
        challenger=trial.challenger.name,
        evidence_hash=trial.evidence.hash,
        margin=margin,
        alpha=trial.gate.alpha_per_look,
        alpha_spent=trial.gate.alpha_per_look * (trial.budget_left + (asked is not None)),
        minimum_detectable=detectable(compared, margin),
        guards=guarded,
        grade=graded.letter,
        grade_words=graded.words,
        kappa=graded.kappa,
        signs=compared.signs,
        uncapped=compared.uncapped,
        lane=lane,
        override_only=not trial.budget_left,
        threshold=stale,
        **_figures(compared),
    )


def margin_per_1000(oracle_per_1000: float, gate: Gate) -> float:
    """The larger of the switching cost and a share of the oracle's profit (.25 % by default).

    Both, and the result, in the shop's currency per 1,000 customers at risk.

    >>> margin_per_1000(4000.0, Gate()), margin_per_1000(4000.0, Gate(switching_cost_per_1000=500))
    (10.0, 500.0)
    """
    share = gate.margin_share_of_oracle * oracle_per_1000
    return round(max(gate.switching_cost_per_1000, share), 6)


def _figures(compared: Comparison) -> dict[str, Any]:
    """The fields that the verdict copies from the comparison."""
    named = (
        *("rows", "customers", "cut_offs"),
        *("champion_per_1000", "challenger_per_1000", "oracle_per_1000"),
        *("disagreeing", "disagreeing_churners", "disagreement_share"),
    )
    gain = compared.difference
    interval = (gain.value, gain.low, gain.high)
    told = {name: getattr(compared, name) for name in named} | {"interval": interval}
    return told | {"evaluated_on": compared.days, "between_se": gain.between}


def _again(trial: Trial, stored: Verdict) -> Verdict:
    asked = (trial.champion.name, trial.challenger.name, trial.evidence.hash)
    given = (stored.champion, stored.challenger, stored.evidence_hash)
    if asked != given:
        raise BadInput(
            "the stored verdict belongs to another trial",
            where="gate",
            got=", ".join(given),
            expected=", ".join(asked),
        )
    return replace(stored, repeated=True, alpha_spent=0.0)


def _guards(trial: Trial, compared: Comparison, margin: float) -> tuple[Guard, ...]:
    return (
        *guards.calibration(trial.challenger, compared.choice, trial.evidence),
        guards.brier(trial.champion, trial.challenger, trial.evidence),
        *guards.slices(compared, trial.evidence, margin),
    )


def _grade(trial: Trial, guarded: tuple[Guard, ...], margin: float) -> Grade:
    calibrated = all(g.passed for g in guarded if g.name in guards.CALIBRATION)
    return grade(
        trial.challenger,
        (trial.reference, trial.rule),
        trial.evidence,
        trial.terms,
        margin_per_1000=margin,
        calibrated=calibrated,
    )


def _threshold(trial: Trial, compared: Comparison) -> dict[str, float] | None:
    """What the champion retuned and the challenger earn more than the champion as it works now."""
    if trial.in_force is None:
        return None
    choice = decide(trial.in_force, trial.evidence, trial.terms)
    before = per_1000(realised(choice, trial.evidence.truth, trial.terms))
    return {
        "retuned": round(compared.champion_per_1000 - before, 6),
        "challenger": round(compared.challenger_per_1000 - before, 6),
    }


def _decide(
    trial: Trial, compared: Comparison, margin: float, guarded: tuple[Guard, ...]
) -> tuple[Decision, Lane | None, tuple[str, ...]]:
    """The decision, the lane, and the sentences that led there: the first thing in the way."""
    refused = _not_asked(trial)
    if refused:
        return "keep", None, (refused,)
    thin = undecidable(trial.gate, compared)
    if thin:
        return "undecidable", None, (thin,)
    lane, why = fulfilled(trial, compared, margin)
    failed = tuple(f"guard {g.name} failed: {g.says}" for g in guarded if not g.passed)
    return ("promote" if lane and not failed else "keep"), lane, (why, *failed)


def _not_asked(trial: Trial) -> str | None:
    """Why there is no look at all, or None."""
    if not trial.budget_left:
        return (
            f"this year's alpha of {trial.gate.alpha_year} is spent ({trial.alpha_spent:.4f}): "
            "the champion stays until next year, or until a person overrides it by name"
        )
    return None
