"""The model card: what a candidate is, in words that a shop's manager reads.

Enters: a `Trained` and one of its candidates. Leaves: Markdown, and the what-if table as CSV; both
hold counts, shares, amounts and names of features, never a customer. Worked example: the card of
the challenger of 2017-11-01 says on which cut-offs it learned, that among the tenth with the
highest scores 34 of 120 churned, what contacting them would have earned, and that the gate has
still to weigh it; once it has, the same card says "Grade B" and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from churn_ml.gate.grade import MEANING
from churn_ml.registry.description import layer_in_words
from churn_ml.registry.trained import Fitted, Trained

SHOWN_DRIVERS = 8
SURE_SLOPE = (0.8, 1.25)
"""Calibration slopes that need no words."""
NOT_JUDGED = "Not graded yet: the promotion gate grades it on later rows."
ADVICE: Mapping[Any, str] = {
    "A": "Use it: what it earns over your simple rule is more than luck.",
    "B": "Use it, and expect little more than of your simple rule.",
    "C": "It ranks better than your simple rule; whether it earns more is not shown.",
    "D": "Do not use it: your simple rule does as well.",
}
"""By grade."""
CARD = """\
# {name}: who is likely to stop buying

{role} of the training as of {as_of}, for the churn contract `{contract}`. Model `{model_id}`.

## What it says
For every customer under the contract a score between 0 and 1: the probability that the customer
churns, as the contract defines it, if nobody does anything.

## What it learned from
{train}. Thresholds were tuned and candidates compared on {choose}; all figures below are of these.

## How good it is
{grade}

{figures}

## What if
Customers by falling score. Wrong are those who would have stayed anyway; profit is in {currency}
per 1,000 customers at risk, if everybody above the cut-off got the best offer.

{what_if}

The house contacts by expected gain instead of score alone: at its threshold it would have
contacted {tau_share} and earned {tau_profit} {currency} per 1,000. The best threshold in hindsight
would have earned {best_profit}.

## What moves the score
{drivers}

## Limits
* It ranks and estimates; it does not say who can be kept. What an offer saves is measured by the
  holdout only.
* It knows customers like those it learned from. New products, prices or seasons make it worse, and
  its age shows in `churn-ml doctor`.
* {calibration} {recalibration}

## Advice
{advice}
"""


def of_model(trained: Trained, each: Fitted) -> str:
    """The card of one candidate whose curves are known."""
    profit, grade = each.curves["profit"], each.grade
    return CARD.format(
        name=each.name,
        role="The challenger" if each is trained.leader else "A candidate",
        as_of=trained.as_of.isoformat(),
        contract=trained.contract,
        model_id=each.model_id,
        train=layer_in_words(trained.layers["train"]).capitalize(),
        choose=layer_in_words(trained.layers["choose"]),
        grade=_grade(grade, trained.judged_on) if grade else NOT_JUDGED,
        figures=_against_the_rule(trained, each),
        what_if=_table(each.curves["what_if"]),
        currency=trained.currency,
        tau_share=_share(profit["at_tau"]["share"]),
        tau_profit=f"{profit['at_tau']['per_1000']:,.0f}",
        best_profit=f"{profit['best']['per_1000']:,.0f}",
        drivers=_drivers(each.curves),
        calibration=_calibration(each),
        recalibration=_recalibration(each),
        advice=_advice(trained, each),
    )


def what_if_csv(curves: Mapping[str, Any]) -> str:
    """The what-if table as CSV, one row a cut-off.

    >>> print(what_if_csv({"what_if": [{"share": 0.1, "customers": 12, "wrong": None}]}).strip())
    share,customers,wrong
    0.1,12,
    """
    rows = curves["what_if"]
    lines = [",".join(rows[0])] if rows else []
    lines += [",".join("" if cell is None else str(cell) for cell in row.values()) for row in rows]
    return "\n".join(lines) + "\n"


def _grade(letter: Any, days: tuple[str, ...]) -> str:
    """The grade of the gate, and on what it stands.

    >>> _grade("B", ("2017-10-01",))
    'Grade **B**: use it, modest. The gate gave it on 1 cut-off that no candidate had seen
    (2017-10-01).'
    """
    many = f"{len(days)} cut-off{'s' if len(days) > 1 else ''}"
    where = f" The gate gave it on {many} that no candidate had seen ({', '.join(days)})."
    return f"Grade **{letter}**: {MEANING[letter]}.{where if days else ''}"


def _against_the_rule(trained: Trained, each: Fitted) -> str:
    """Its figures beside those of the inactivity rule."""
    rule = next((one for one in trained.fitted if one.name == "rule"), each)
    shown = {"AUC": "auc", "PR AUC": "pr_auc", "Brier": "brier", "lift at 10 %": "lift_at_10"}
    lines = [f"| | {each.name} | inactivity rule |", "|---|---|---|"]
    lines += [
        f"| {head} | {_figure(each, key)} | {_figure(rule, key)} |" for head, key in shown.items()
    ]
    money = f"profit per 1,000, {trained.currency}"
    lines.append(f"| {money} | {_amount(each)} | {_amount(rule)} |")
    return "\n".join(lines)


def _table(rows: list[dict[str, Any]]) -> str:
    heads = ("highest scores", "from score", "customers", "churners", "wrong", "of all churners")
    lines = [f"| {' | '.join((*heads, 'value at risk', 'profit'))} |", "|---:" * 8 + "|"]
    lines += [
        f"| {row['share']:.0%} | {row['score']:.3f} | {row['customers']:,} | {row['churners']:,} | "
        f"{row['wrong']:,} | {_share(row['hit_share'])} | {row['value_at_risk']:,.0f} | "
        f"{row['profit_per_1000']:,.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def _drivers(curves: Mapping[str, Any]) -> str:
    named = [f"* `{row['feature']}`" for row in curves["drivers"][:SHOWN_DRIVERS]]
    return "\n".join(named) or "Nothing: everybody gets the same score."


def _calibration(each: Fitted) -> str:
    """Whether its probabilities can be taken at their word."""
    slope = (each.figures.get("calibration_slope") or [None])[0]
    if slope is None:
        return "Whether its probabilities hold could not be measured."
    if SURE_SLOPE[0] <= slope <= SURE_SLOPE[1]:
        return f"Its probabilities held on the choosing cut-off (calibration slope {slope:.2f})."
    side = "too sure of itself" if slope < SURE_SLOPE[0] else "too timid"
    return f"It is {side} (calibration slope {slope:.2f}): trust its order more than its numbers."


def _recalibration(each: Fitted) -> str:
    """Whether they were stretched and shifted, and on what evidence.

    >>> _recalibration(Fitted("rule", "rule-0a", "0a", {"recalibration_slope": None}))
    'They are as fitted: nothing learned on an earlier cut-off surely bettered them.'
    >>> line = {"recalibration_slope": 0.9, "recalibration_intercept": 0.2}
    >>> _recalibration(Fitted("rule", "rule-0a", "0a", line))
    'Their logits are stretched by 0.90 and shifted by +0.20, as learned on an earlier cut-off: that
     surely bettered the Brier score on the choosing one.'
    """
    slope = each.figures.get("recalibration_slope")
    shift = each.figures.get("recalibration_intercept")
    if slope is None or shift is None:
        return "They are as fitted: nothing learned on an earlier cut-off surely bettered them."
    return (
        f"Their logits are stretched by {slope:.2f} and shifted by {shift:+.2f}, as learned on an "
        "earlier cut-off: that surely bettered the Brier score on the choosing one."
    )


def _advice(trained: Trained, each: Fitted) -> str:
    """What to do with it, as far as a training can know."""
    rule = next((one for one in trained.fitted if one.name == "rule"), each)
    if each.grade:
        return ADVICE[each.grade]
    if each is rule:
        return "Use it until a model earns surely more: it needs no upkeep."
    own, bar = (one.figures.get("profit_per_1000") or 0.0 for one in (each, rule))
    if each is not trained.leader:
        return f"Leave it: {trained.leader.name} earned more on the choosing cut-off."
    if own <= bar:
        return "Leave it unless the gate says otherwise: the simple rule earned as much."
    return "Wait for the gate: it says whether the difference is more than luck, and asks a person."


def _figure(each: Fitted, key: str) -> str:
    value, low, high = each.figures.get(key) or (None, None, None)
    if value is None:
        return "-"
    return f"{value:.3f}" + ("" if low is None or high is None else f" ({low:.3f} to {high:.3f})")


def _amount(each: Fitted) -> str:
    found = each.figures.get("profit_per_1000")
    return "-" if found is None else f"{found:,.0f}"


def _share(found: float | None) -> str:
    return "-" if found is None else f"{found:.1%}"
