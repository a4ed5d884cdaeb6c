"""Approving: what a person answers about a plan that changes much, and the export that follows.

Enters: a plan that waits, with the answer and the name of who gave it. Leaves: the answer in the
ledger, and from `send` the receipt of the export after it. An answer is about the plan that was
shown, by its id: one about a plan that has changed since changes nothing. Worked example: as of
2017-11-01 the export to `crm` asks about plan 5f1c; ada says yes, and `send` sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from churn_ml import crm
from churn_ml.errors import BadInput, StaleAttempt
from churn_ml.flow.export import export
from churn_ml.ledger import NOBODY

if TYPE_CHECKING:
    from churn_ml.house import House
    from churn_ml.ledger import Approval
    from churn_ml.receipts import Receipt

ANSWERS = (crm.APPROVED, crm.REFUSED)
SHORTEST = 6
"""Characters of a plan's id that name it, where they are those of one that waits alone."""


def approve(
    house: House, destination: str, answer: str, *, who: str, plan: str | None = None
) -> Approval:
    """Write what `who` answers about the plan of `destination` that waits; nothing is sent by it.

    `answer`: approve or refuse. `plan`: the id of the plan that was shown, or its first
    SHORTEST characters or more; the newest that waits where left out. Raises NotReady where none
    waits, BadInput where `who` is no name, or started the export by hand and says yes to it
    ([schedule] four_eyes), or another answer stands; StaleAttempt where `plan` waits no more.
    """
    _check(house, destination, answer, who)
    one = _named(house, destination, plan) if plan else house.ledger.asked(destination).plan_id
    if answer == crm.APPROVED:
        _check_four_eyes(house, destination, one, who)
    return house.ledger.answer(destination, one, answer, who, house.clock())


def send(
    house: House, as_of: date, *, plans: Mapping[str, str], answer: str, who: str | None
) -> Receipt:
    """Write the answer about `plans`, destination -> plan id, then export `as_of` by it.

    `who`: None where nobody answered in time: that is a no, which a yes from elsewhere outlasts.
    Sending twice is sending once. Raises as `approve` and `export` do, and StaleAttempt where a
    plan is another one by now: it waits for an answer of its own.
    """
    for destination, plan in plans.items():
        if who is None:
            house.ledger.answer(destination, plan, crm.REFUSED, NOBODY, house.clock())
        else:
            approve(house, destination, answer, who=who, plan=plan)
    receipt = export(house, as_of)
    now = waiting(receipt)
    changed = sorted(name for name, plan in plans.items() if now.get(name, plan) != plan)
    if changed and who is not None:
        raise StaleAttempt(
            "the plan has changed since it was asked about",
            where=", ".join(changed),
            got=", ".join(now[name] for name in changed),
            expected=", ".join(plans[name] for name in changed),
            next_step=f"trigger churn_export again for the key {as_of.isoformat()}: it asks anew",
        )
    return receipt


def asked_about(house: House, one: Approval) -> Mapping[str, Any]:
    """What the newest receipt says that the plan asks, as `crm.Asked` has it; empty without one."""
    line = house.config.destinations[one.destination].contract or ""
    filed = house.ledger.receipts(house.under(line).config.called("export"))
    for each in reversed(filed):
        counts: Mapping[str, Any] = each.receipt.details.get("destinations", {})
        asks: Mapping[str, Any] = counts.get(one.destination, {}).get("asks") or {}
        if asks.get("plan_id") == one.plan_id:
            return asks
    return {}


def waiting(receipt: Receipt) -> dict[str, str]:
    """Destination -> plan id, of the plans that an export's receipt says no person has answered.

    >>> from churn_ml.receipts import Receipt
    >>> asks = {"plan_id": "5f1c", "refused": False}
    >>> told = {"destinations": {"crm": {"sent": 0, "asks": asks}, "bi": {"sent": 7}}}
    >>> waiting(Receipt("export", date(2017, 11, 1), "asks", details=told))
    {'crm': '5f1c'}
    """
    told: Mapping[str, Mapping[str, Any]] = receipt.details.get("destinations", {})
    asked = {name: counts["asks"] for name, counts in told.items() if counts.get("asks")}
    return {name: asks["plan_id"] for name, asks in asked.items() if not asks["refused"]}


def _named(house: House, destination: str, plan: str) -> str:
    """The id of the plan that is named by its id, or by the beginning of one that waits.

    Raises: StaleAttempt where no plan of that beginning waits, or more than one does.
    """
    if house.ledger.approval(destination, plan):
        return plan
    waits = [o.plan_id for o in house.ledger.waiting() if o.destination == destination]
    found = [one for one in waits if len(plan) >= SHORTEST and one.startswith(plan)]
    if len(found) != 1:
        raise StaleAttempt(
            f"no one plan that waits for an answer is called {plan}",
            where=destination,
            got="none waits" if not waits else f"these wait: {', '.join(waits)}",
            expected=f"the id of a plan, or its first {SHORTEST} characters or more",
            next_step="churn-ml export waiting shows them; where another was made, or sent, since:"
            " export again, a plan that changes too much asks anew",
        )
    return found[0]


def _check(house: House, destination: str, answer: str, who: str) -> None:
    crm.settings_of(destination, house.config)
    if answer not in ANSWERS:
        expected = " or ".join(ANSWERS)
        raise BadInput("unknown answer", where=destination, got=repr(answer), expected=expected)
    if not who.strip() or who == NOBODY:
        raise BadInput(
            "an answer needs a name",
            where=destination,
            got=repr(who),
            expected="the name of a person",
            next_step="pass --approver NAME",
        )


def _check_four_eyes(house: House, destination: str, plan: str, who: str) -> None:
    """Refuse the yes of who started, by hand, an export that asked about this plan."""
    if not house.config.schedule.four_eyes:
        return
    line = house.config.destinations[destination].contract or ""
    filed = house.ledger.receipts(house.under(line).config.called("export"))
    asking = [f.receipt.details for f in filed if waiting(f.receipt).get(destination) == plan]
    if who in {house.requester, *(told.get("requester") for told in asking)}:
        raise BadInput(
            "who started an export by hand cannot approve of what it would change",
            where=f"{destination}, plan {plan}",
            got=who,
            expected="the yes of another person ([schedule] four_eyes)",
            next_step="let another user answer: trigger churn_export again for this key, or"
            f" churn-ml export approve {destination}",
        )
