"""Lanes: what a challenger must show to be promoted, and the sentence that says whether it does.

Enters: a trial, the comparison of its two policies, and the margin. Leaves: the lane that the
challenger fulfils, or None, with a sentence. Guards come after it, alike in all three:

    profit       the lower bound of the profit difference exceeds the margin
    predictions  profit cannot be resolved; Brier and log-loss are both surely better, and the
                 loss surely stays below a set share of the oracle's profit (small shops)
    refresh      the champion is too old, and the challenger of the same recipe surely earns no
                 less than the margin below the last model that won by profit or predictions

The refresh lane asks for less than a gain, so it could carry a shop downhill in small steps: each
is therefore measured against the last winner, not against the last refresh, and there are two a
year. Worked example: the champion `xgboost` was trained on 2017-01-01; on 2017-08-01 the challenger
`xgboost` earns -3 per 1,000 against it, lower bound -8, margin 9.1: promoted as a refresh.
"""

from __future__ import annotations

from churn_ml.config import Gate
from churn_ml.gate import guards
from churn_ml.gate.evaluation import Comparison, compare
from churn_ml.gate.notes import detectable
from churn_ml.gate.trial import Trial
from churn_ml.gate.verdicts import Lane

UNRESOLVABLE_SHARE = 0.10
"""Profit counts as not resolvable where less than this share of the oracle's cannot be detected."""


def fulfilled(trial: Trial, compared: Comparison, margin: float) -> tuple[Lane | None, str]:
    """The first lane that the challenger fulfils, and the sentence that says so or says not.

    `margin`: in the shop's currency per 1,000 customers at risk.
    """
    gain, code = compared.difference, trial.currency
    told = (
        f"the challenger earns {gain.value:+,.2f} {code} per 1,000 customers against the champion "
        f"({compared.champion_per_1000:,.2f} -> {compared.challenger_per_1000:,.2f}); lower bound "
        f"{gain.low:,.2f} at alpha {trial.gate.alpha_per_look:.4f}, needed more than {margin:,.2f}"
    )
    if gain.low > margin:
        return "profit", told
    if _predicts_better(trial, compared, margin):
        return "predictions", f"better predictions, profit not resolvable: {told}"
    fresh = _refreshes(trial, compared, margin)
    return ("refresh", f"{fresh}: {told}") if fresh else (None, told)


def _predicts_better(trial: Trial, compared: Comparison, margin: float) -> bool:
    """For shops too small to resolve profit: Brier and log-loss both surely better.

    Open only where [gate] sets prediction_lane_loss_share.
    """
    allowed = trial.gate.prediction_lane_loss_share
    resolvable = detectable(compared, margin) <= UNRESOLVABLE_SHARE * compared.oracle_per_1000
    if allowed is None or resolvable:
        return False
    loss = allowed * compared.oracle_per_1000
    if compared.difference.value < 0 or compared.difference.low <= -loss:
        return False
    pair = (trial.champion, trial.challenger, trial.evidence, trial.gate.alpha_per_look)
    return all(guards.loss_gain(*pair, log=log).low > 0 for log in (False, True))


def undecidable(gate: Gate, compared: Comparison) -> str | None:
    """Why two policies disagree on too few customers, or too few churners, to tell; or None."""
    few = compared.disagreeing < gate.min_disagreements
    if not few and compared.disagreeing_churners >= gate.min_disagreeing_churners:
        return None
    return (
        f"undecidable: the policies disagree on {compared.disagreeing:,} customers, "
        f"{compared.disagreeing_churners:,} of them churners; a verdict needs "
        f"{gate.min_disagreements:,} and {gate.min_disagreeing_churners:,}"
    )


def _refreshes(trial: Trial, compared: Comparison, margin: float) -> str | None:
    """Why an old champion may be renewed, or None."""
    asked, gate = trial.refresh, trial.gate
    if asked is None or not asked.same_recipe:
        return None
    if asked.age_days < gate.refresh_after_days or asked.used >= gate.refreshes_per_year:
        return None
    winner = asked.winner
    if winner.name != trial.champion.name:
        compared = compare(winner, trial.challenger, trial.evidence, trial.terms, trial.resampling)
    if compared.difference.low <= -margin:
        return None
    return (
        f"refresh of a champion {asked.age_days} days older: against {winner.name}, the last to "
        f"win, {compared.difference.value:+,.2f}, lower bound {compared.difference.low:,.2f}, "
        f"needed more than {-margin:,.2f}"
    )
