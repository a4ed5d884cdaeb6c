"""The question that a verdict to promote puts to a person, and what the answer means.

Enters: the receipt of the judging, later the reply that Airflow collected. Leaves: a headline and a
text in Markdown with figures and names of models, never a customer; then the arguments that
`flow.record` takes. Nothing here knows Airflow or the clock.

Worked example: on 2017-11-01 the challenger earns 812 more per 1,000 customers than the champion.
The headline asks "Promote xgboost-1a2b as of 2017-11-01?"; no answer in time is a no, by nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from churn_ml.receipts import Receipt

ASK = {
    "subject": "{{ ti.xcom_pull('judge')['subject'] }}",
    "body": "{{ ti.xcom_pull('judge')['body'] }}",
    "options": ["Promote", "Reject"],
    "defaults": ["Reject"],
}
"""What the asking task is made with: it shows what the judging task handed on, and nothing else."""


def question(receipt: Receipt, currency: str) -> dict[str, Any]:
    """What is asked about a verdict: `asks`, `subject` and `body`, beside its `decision`.

    `receipt`: of `flow.judge`; `currency`: the shop's, of every amount. `asks` is False where the
    verdict is neither to promote nor to change the champion's threshold, and where it was answered
    before.

    >>> from datetime import date
    >>> from churn_ml.receipts import Receipt
    >>> told = question(Receipt("judge", date(2017, 11, 1), "keep", details={
    ...     "decision": "keep", "reasons": ["the lower bound is -9"], "challenger": "xgboost-1a2b",
    ...     "champion_from": "rule-9f8e", "interval": None}), "USD")
    >>> told["asks"], told["subject"]
    (False, 'Promote xgboost-1a2b as of 2017-11-01?')
    """
    told = receipt.details
    parts = [_headline(told), _money(told, currency), _reasons(told), _evidence(told, receipt)]
    return {
        "decision": told["decision"],
        "asks": told["decision"] in ("promote", "threshold") and not told.get("repeated", False),
        "subject": f"{_subject(told)} as of {receipt.as_of.isoformat()}?",
        "body": "\n\n".join(part for part in parts if part),
    }


def answer(reply: Mapping[str, Any] | None, judged: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `flow.record` that a reply stands for, and which verdict it is about.

    `reply`: what the asking task handed on; None where nobody was asked. A question that timed out
    has its default option and no user. `judged`: what the judging task handed on.

    >>> judged = {"receipt": "judge/2017-11-01/1"}
    >>> answer({"chosen_options": ["Promote"], "responded_by_user": {"id": "7", "name": "ada"}},
    ...        judged)
    {'answer': 'Promote', 'approver': 'ada', 'judged': 'judge/2017-11-01/1'}
    >>> answer({"chosen_options": ["Reject"], "responded_by_user": None}, judged)
    {'answer': 'Reject', 'approver': None, 'judged': 'judge/2017-11-01/1'}
    >>> answer(None, judged)
    {'answer': 'Reject', 'approver': None, 'judged': 'judge/2017-11-01/1'}
    """
    about = {"judged": judged["receipt"]}
    if not reply:
        return {"answer": "Reject", "approver": None} | about
    return {"answer": reply["chosen_options"][0], "approver": person(reply)} | about


def person(reply: Mapping[str, Any] | None) -> str | None:
    """Who replied, as Airflow's login knows them; None where nobody did.

    >>> person({"responded_by_user": {"id": "7", "name": ""}}), person({"responded_by_user": None})
    ('7', None)
    """
    user = (reply or {}).get("responded_by_user") or {}
    return user.get("name") or user.get("id") or None


def _subject(told: Mapping[str, Any]) -> str:
    """What a yes does."""
    if told["decision"] != "threshold":
        return f"Promote {told['challenger']}"
    return f"Keep {told['champion_from']} and change its threshold to {told['tau_to']:,.2f}"


def _headline(told: Mapping[str, Any]) -> str:
    """The verdict, from whom and to whom, or who stays with which threshold."""
    if told["decision"] == "threshold":
        return (
            f"**The verdict: threshold.** `{told['champion_from']}` stays, and contacts from an "
            f"expected gain of {told['tau_to']:,.2f} on. *Promote* changes it, *Reject* does not."
        )
    former = f"`{told['champion_from']}`" if told["champion_from"] else "nobody"
    return f"**The verdict: {told['decision']}.** From {former} to `{told['challenger']}`."


def _money(told: Mapping[str, Any], currency: str) -> str:
    """Both policies side by side; empty where there was nothing to weigh against."""
    if not told["interval"]:
        return ""
    difference, low, high = told["interval"]
    rows = [
        f"| {currency} per 1,000 customers at risk | |",
        "|:---|---:|",
        f"| the champion earns | {told['champion_per_1000']:,.2f} |",
        f"| the challenger earns | {told['challenger_per_1000']:,.2f} |",
        f"| the difference | {difference:+,.2f} |",
        f"| its lower and upper bound | {low:+,.2f} to {high:+,.2f} |",
        f"| the lower bound has to exceed | {told['margin']:,.2f} |",
    ]
    return "\n".join(rows)


def _reasons(told: Mapping[str, Any]) -> str:
    """Why, one line each; last, why this challenger."""
    chosen = [told["chosen"]] if told.get("chosen") else []
    return "\n".join(f"* {reason}" for reason in (*told["reasons"], *chosen))


def _evidence(told: Mapping[str, Any], receipt: Receipt) -> str:
    """What the figures rest on, and where all of them stand."""
    weighed = ""
    if told["interval"]:
        weighed = (
            f"Weighed on {told['customers']:,} customers whose outcome is known. Either bound is "
            f"wrong with a probability of {told['alpha']:.2%}. Grade {told['grade_words']}. "
        )
    return f"{weighed}Receipt: `{receipt.reference}`."
