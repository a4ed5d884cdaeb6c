"""The question that an export puts to a person, and what the answer means.

Enters: the receipt of the export, later the reply that Airflow collected. Leaves: a headline and a
text in Markdown with counts, names of destinations and the segments, offers and causes that most
would be told, never a customer; then the arguments that `flow.send` takes. Nothing here knows
Airflow or the clock.

Worked example: as of 2017-11-01 the export would change 700 of the 2,000 customers that `crm`
holds. The headline asks "Send what changes crm as of 2017-11-01?"; no answer in time is a no.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from question import person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from churn_ml.receipts import Receipt

SEND, KEEP = "Send", "Keep back"
ASK = {
    "subject": "{{ ti.xcom_pull('export')['subject'] }}",
    "body": "{{ ti.xcom_pull('export')['body'] }}",
    "options": [SEND, KEEP],
    "defaults": [KEEP],
}
"""What the asking task is made with: it shows what the exporting task handed on, no more."""


def question(receipt: Receipt, plans: Mapping[str, str]) -> dict[str, Any]:
    """What is asked after an export: the `plans` that wait, `subject` and `body`.

    `receipt`: of `flow.export`; `plans`: destination -> plan id, of `flow.waiting`; where there are
    none, or the export only counted, nobody is asked and the rest is empty.

    >>> from datetime import date
    >>> from churn_ml.receipts import Receipt
    >>> asks = {"plan_id": "5f1c", "upserts": 640, "creates": 40, "removals": 60, "of_rows": 2000,
    ...         "share": .35, "limit": .3, "affected": {"offer": {"NONE": 600, "COUPON": 40}}}
    >>> told = {"destinations": {"crm": {"sent": 0, "asks": asks | {"refused": False}}}}
    >>> receipt = Receipt("export", date(2017, 11, 1), "asks", details=told)
    >>> asked = question(receipt, {"crm": "5f1c"})
    >>> asked["subject"]
    'Send what changes crm as of 2017-11-01?'
    >>> print(asked["body"].splitlines()[5])
    | `crm` | 40 | 600 | 60 | 2,000 | 35.0 % | 30 % |
    >>> print(asked["body"].splitlines()[9])
    * offer: `NONE` 600, `COUPON` 40
    """
    if not plans or receipt.status == "dry_run":
        return {"plans": {}, "subject": "", "body": ""}
    told = receipt.details["destinations"]
    asks = {name: told[name]["asks"] for name in sorted(plans)}
    table = "\n".join([*HEAD, *(_row(name, one) for name, one in asks.items())])
    affected = [_affected(name, one) for name, one in asks.items()]
    parts = [table, *affected, MEANS, _rows_of(receipt), _evidence(receipt, plans)]
    return {
        "plans": dict(plans),
        "subject": f"Send what changes {', '.join(asks)} as of {receipt.as_of}?",
        "body": "\n\n".join(part for part in parts if part),
    }


HEAD = (
    "This export changes more than a share that churn.toml sets (`ask_above`), or fills an",
    "empty destination (`first_load`). Nothing of it was sent.\n",
    "| destination | new | changed | removed | it holds now | share | asks above |",
    "|:---|---:|---:|---:|---:|---:|---:|",
)
MEANS = (
    "* *Send* sends exactly this; a plan that has changed by then is not sent and asks anew.\n"
    "* *Keep back* sends nothing of it: the destination stays as it is, who left the segments stays"
    " in it too. This plan is not asked about again; that of the next day asks for itself.\n"
    "* No answer in time is *Keep back*, which a yes from a shell overrules:"
    " `churn-ml export approve DESTINATION`, also for one destination alone.\n"
    "* Who may not be told about any more was taken out already, and waits for no answer."
)


def answer(reply: Mapping[str, Any] | None, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `flow.send` that a reply stands for.

    `reply`: what the asking task handed on; a question that timed out has its default option and no
    user. `asked`: what the exporting task handed on.

    >>> ada = {"chosen_options": ["Send"], "responded_by_user": {"id": "7", "name": "ada"}}
    >>> answer(ada, {"plans": {"crm": "5f1c"}})
    {'plans': {'crm': '5f1c'}, 'answer': 'approve', 'who': 'ada'}
    >>> answer({"chosen_options": ["Keep back"], "responded_by_user": None}, {"plans": {}})
    {'plans': {}, 'answer': 'refuse', 'who': None}
    """
    who, chosen = person(reply), reply["chosen_options"][0] if reply else KEEP
    said = "approve" if who and chosen == SEND else "refuse"
    return {"plans": dict(asked["plans"]), "answer": said, "who": who}


def _row(name: str, asks: Mapping[str, Any]) -> str:
    share = "the first load" if asks["share"] is None else f"{100 * asks['share']:,.1f} %"
    updates = asks["upserts"] - asks["creates"]
    counts = (asks["creates"], updates, asks["removals"], asks["of_rows"])
    told = " | ".join(f"{count:,}" for count in counts)
    return f"| `{name}` | {told} | {share} | {100 * asks['limit']:g} % |"


def _affected(name: str, asks: Mapping[str, Any]) -> str:
    """Which segments, offers and causes most of the rows would tell; empty without one."""
    lines = [
        f"* {kind}: {', '.join(f'`{value}` {count:,}' for value, count in counts.items())}"
        for kind, counts in asks["affected"].items()
    ]
    return "\n".join([f"What would be told at `{name}`, to how many:\n", *lines]) if lines else ""


def _rows_of(receipt: Receipt) -> str:
    """The command that shows whom it is about; customers do not stand in Airflow's database."""
    line = receipt.step.partition("@")[2]
    under = f" --contract {line}" if line else ""
    command = f"churn-ml export --as-of {receipt.as_of.isoformat()}{under} --dry-run"
    return f"Whom it is about, with former and new values: `{command}`."


def _evidence(receipt: Receipt, plans: Mapping[str, str]) -> str:
    """Which plans the answer is about, and where all figures stand."""
    ids = ", ".join(f"`{plans[name]}`" for name in sorted(plans))
    return f"Plan {ids}. Receipt: `{receipt.reference}`."
