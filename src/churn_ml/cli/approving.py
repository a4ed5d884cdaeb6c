"""Commands for who answers what an export asks: yes or no to a plan that changes much.

Enters: a churn.toml and a destination whose plan waits. Leaves: the answer in the ledger, and what
to type next; nothing is sent by an answer. Worked example: `churn-ml export approve crm` says that
plan 5f1c, 700 changes in 2,000 customers, may go, and names the export that sends it.
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from churn_ml.cli import answers
from churn_ml.cli.options import DEFAULT_CONFIG, ConfigPath, Json

if TYPE_CHECKING:
    from churn_ml.ledger import Approval

Name = Annotated[str, typer.Argument(help="The destination, by its name in [destinations].")]
Approver = Annotated[
    str | None, typer.Option(help="Who answers; stands in the ledger. Your login where left out.")
]
PlanId = Annotated[
    str | None,
    typer.Option("--plan", help="The plan you were shown; the newest that waits where left out."),
]


def _answering(answer: str, says: str) -> Callable[..., None]:
    """The command that gives this answer; `says` is its help."""

    def command(
        destination: Name,
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
        print("\n".join(_told(done, f" --contract {line}" if line else "")))

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
