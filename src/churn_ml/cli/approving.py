"""Commands for who answers what an export asks: yes or no to a plan that changes much.

Enters: a churn.toml and a destination whose plan waits. Leaves: the answer in the ledger, and what
to type next; nothing is sent by an answer. Worked example: `churn-ml export approve crm` says that
plan 5f1c, 700 changes in 2,000 customers, may go, and names the export that sends it.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, ConfigPath, DestinationName, Json
from churn_ml.cli.typed import here

if TYPE_CHECKING:
    from churn_ml.ledger import Approval

Approver = Annotated[
    str | None, typer.Option(help="Who answers; stands in the ledger. Your login where left out.")
]
PlanId = Annotated[
    str | None,
    typer.Option("--plan", help="The plan you were shown, or 6 first characters; else the newest."),
]


def waiting(config: ConfigPath = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show what keeps exports back: stops, and plans that wait for a person's yes.

    Reads: the ledger. Writes: nothing.
    """
    from churn_ml import flow

    house = answers.opened(config, quiet=True)
    stops, waits = house.ledger.stops(), house.ledger.waiting()
    known = [one for one in waits if one.destination in house.config.destinations]
    asks = {one.plan_id: flow.asked_about(house, one) for one in known}
    if as_json:
        told = [asdict(one) | {"asks": asks.get(one.plan_id)} for one in waits]
        stopped = [asdict(one) for one in stops]
        print(json.dumps({"stops": stopped, "waiting": told}, indent=1, default=str))
        return
    lines = [f"{one.in_words()}; until: churn-ml export allow{one.named}" for one in stops]
    for one in known:
        line = house.config.destinations[one.destination].contract
        lines += _waits(one, asks[one.plan_id], f" --contract {line}" if line else "")
    print(here("\n".join(lines)) or "no export is stopped, and no plan waits for an answer")


def _waits(one: Approval, asks: Mapping[str, Any], under: str) -> Iterator[str]:
    """A plan that waits: what it would change, who is affected, and what to type.

    >>> from datetime import UTC, date, datetime
    >>> from churn_ml.ledger import Approval
    >>> at = datetime(2026, 11, 22, tzinfo=UTC)
    >>> waits = Approval("crm", "5f1c", date(2017, 11, 1), 70, 90, at)
    >>> asks = {"creates": 20, "upserts": 60, "removals": 10, "affected": {"segment": {"LOST": 60}}}
    >>> print("\\n".join(_waits(waits, asks, "")))
    crm: plan 5f1c as of 2017-11-01 waits since 2026-11-22 00:00 UTC: 70 changes where it holds 90
      20 to create, 40 to update, 10 to remove
      segment: LOST 60
      its rows: churn-ml export --as-of 2017-11-01 --dry-run
      a yes: churn-ml export approve crm --plan 5f1c
      a no: churn-ml export refuse crm --plan 5f1c
    """
    from churn_ml.crm.radius import most_first

    at, day, plan = f"{one.asked_at:%Y-%m-%d %H:%M} UTC", one.as_of, one.plan_id
    changes = f"{one.changes:,} changes where it holds {one.of_rows:,}"
    yield f"{one.destination}: plan {plan} as of {day} waits since {at}: {changes}"
    if "affected" in asks:
        updates = asks["upserts"] - asks["creates"]
        removals = f"{asks['removals']:,} to remove"
        yield f"  {asks['creates']:,} to create, {updates:,} to update, {removals}"
        for name, counts in most_first(asks["affected"]).items():
            yield f"  {name}: {', '.join(f'{value} {count:,}' for value, count in counts)}"
    yield f"  its rows: churn-ml export --as-of {day}{under} --dry-run"
    for said, word in (("yes", "approve"), ("no", "refuse")):
        yield f"  a {said}: churn-ml export {word} {one.destination} --plan {plan}"


def _answering(answer: str, says: str) -> Callable[..., None]:
    """The command that gives this answer; `says` is its help."""

    def command(
        destination: DestinationName,
        config: ConfigPath = DEFAULT_CONFIG,
        as_json: Json = False,
        approver: Approver = None,
        plan: PlanId = None,
    ) -> None:
        from churn_ml import flow

        house, who = answers.opened(config, quiet=True), approver or getpass.getuser()
        done = flow.approve(house, destination, answer, who=who, plan=plan)
        if as_json:
            print(json.dumps(asdict(done), indent=1, default=str))
            return
        line = house.config.destinations[destination].contract
        print(here("\n".join(_told(done, f" --contract {line}" if line else ""))))

    command.__doc__ = says
    return command


approve = _answering(
    "approve",
    """Say yes to the plan of a destination that waits; the next export of its date sends it.

    Look at its rows first: churn-ml export --as-of DATE --dry-run.

    Reads: the ledger. Writes: the answer to the ledger.
    """,
)
refuse = _answering(
    "refuse",
    """Say no to the plan of a destination that waits: nothing of it is sent, the no stands.

    The destination stays as it is; a changed plan, or that of another day, asks anew.

    Reads: the ledger. Writes: the answer to the ledger.
    """,
)


def _told(done: Approval, under: str) -> list[str]:
    """What was answered about which plan, and what to type next.

    >>> from datetime import UTC, date, datetime
    >>> from churn_ml.ledger import Approval
    >>> at, day = datetime(2026, 11, 22, tzinfo=UTC), date(2017, 11, 1)
    >>> print("\\n".join(_told(Approval("crm", "5f1c", day, 70, 90, at, "approve", "ada", at), "")))
    crm: plan 5f1c as of 2017-11-01, 70 changes where it holds 90 customers: approve, by ada
      next step: churn-ml export --as-of 2017-11-01
    """
    day = done.as_of.isoformat()
    about = f"{done.changes:,} changes where it holds {done.of_rows:,} customers"
    told = f"{done.destination}: plan {done.plan_id} as of {day}, {about}: {done.answer}"
    next_step = {
        "approve": f"  next step: churn-ml export --as-of {day}{under}",
        "refuse": "  it stays as it is; a changed plan, or that of another day, asks anew",
    }
    return [f"{told}, by {done.who}", next_step[str(done.answer)]]
