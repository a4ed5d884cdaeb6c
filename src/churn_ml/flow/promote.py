"""Promote: judge and record in one go, for who has no DAG between the two to ask a person.

Enters: the training of an as_of, and the name of an approver. Leaves: the receipt of the decision,
or of a verdict that waits for one. Worked example: `churn-ml promote --as-of 2017-11-01` says that
the verdict is to promote; the same with `--approver ada` makes the challenger champion.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from churn_ml.errors import BadInput
from churn_ml.flow.by_hand import override
from churn_ml.flow.judge import judge
from churn_ml.flow.record import PROMOTE, REJECT, record, recorded
from churn_ml.ledger import ASKED

if TYPE_CHECKING:
    from churn_ml.house import House
    from churn_ml.receipts import Receipt


def promote(
    house: House,
    as_of: date,
    *,
    approver: str | None = None,
    reject: bool = False,
    why: str | None = None,
) -> Receipt:
    """Judge and record in one go, as a shell does it.

    `approver` answers where the verdict is to promote, or to change the champion's threshold, with
    no where `reject`; without an approver
    such a verdict waits: the receipt says `promote` and nothing is recorded. `why`: promote against
    the verdict for that reason, where the year's alpha is spent. See `judge`, `record`, `override`.
    """
    if reject and approver is None:
        raise BadInput("a no needs a name", where="promote", next_step="pass --approver NAME too")
    judged = judge(house, as_of)
    if why is not None:
        if judged.status not in ("first", *ASKED):
            record(house, as_of)  # the verdict stands in the ledger, with what it spent
        return override(house, as_of, who=approver or "", why=why)
    if judged.status in ASKED and approver is None and not recorded(house, judged.details):
        asked = "promote" if judged.status == "promote" else "change the champion's threshold"
        house.say(f"  the verdict is to {asked}: answer with --approver NAME, or --reject with it")
        return judged
    return record(house, as_of, answer=REJECT if reject else PROMOTE, approver=approver)
