"""Why a row is not simply what was decided: for a dry run, and for the story of a customer.

Enters: the rows of a plan, whom the guard withholds, what the destination is known to hold. Leaves:
a reason in words for each row that needs one, and few do: who is taken out, goes without an offer,
or is told again what was in doubt. Nothing personal stands in it, for it stays in the ledger. What
follows a colon is a code or a date.

Worked example: as of 2017-11-01 `h1` is scored no more, for he is LOST; `h2` withdrew his consent.

>>> day = date(2017, 11, 1)
>>> rows = [Row(customer, "remove", day, {}, "") for customer in ("h1", "h2")]
>>> reasons(rows, {"h2": "no_consent"}, {"h1": "9f", "h2": "9f"}, lambda ids: {"h1": "LOST"})
{'h1': 'not scored any more: LOST', 'h2': 'no consent'}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeAlias

from churn_ml.crm.guard import RECENT
from churn_ml.crm.journal import IN_DOUBT
from churn_ml.crm.protocol import Row

WITHHELD: Mapping[str, str] = {
    "suppressed": "suppressed",
    "profiling_opt_out": "objects to profiling",
    "no_consent": "no consent",
    RECENT: "contacted under another contract about now",
}
"""What the guard says of a row that must not go, in words."""
NOT_SCORED = "not scored any more"
DOUBTED = "what it holds was in doubt"
FIRST_TOLD = "first told by the undone export"
AS_BEFORE = "as before the undone export"
Placed: TypeAlias = Callable[[Sequence[str]], Mapping[str, str]]
"""customer_ids -> the segment of each of them that has one, scored or not."""


def nowhere(_: Sequence[str]) -> Mapping[str, str]:
    """The segments of who knows of none."""
    return {}


def reasons(
    rows: Sequence[Row], withheld: Mapping[str, str], held: Mapping[str, str], placed: Placed
) -> dict[str, str]:
    """customer_id -> why, of the rows that are not simply what was decided.

    Parameters: `withheld`, the guard's answer; `held`, customer_id -> content hash as the
    destination is known to hold it; `placed`, the segments of who is taken out.

    >>> again = [Row("h1", "upsert", date(2017, 11, 1), {}, "9f")]
    >>> reasons(again, {}, {"h1": IN_DOUBT}, nowhere)
    {'h1': 'what it holds was in doubt'}
    """
    found = {customer_id: WITHHELD[why] for customer_id, why in withheld.items()}
    gone = [row.customer_id for row in rows if row.op == "remove" and row.customer_id not in found]
    segments = placed(gone) if gone else {}
    found |= {one: f"{NOT_SCORED}: {segments[one]}" for one in gone if one in segments}
    if IN_DOUBT in held.values():
        doubted = (row.customer_id for row in rows if held.get(row.customer_id) == IN_DOUBT)
        found = dict.fromkeys(doubted, DOUBTED) | found
    return dict.fromkeys(gone, NOT_SCORED) | found


def undoing(rows: Sequence[Row], exported: date) -> dict[str, str]:
    """customer_id -> why, of the rows that undo the export as of `exported`.

    >>> undoing([Row("h1", "remove", date(2017, 11, 1), {}, "")], date(2017, 11, 1))
    {'h1': 'first told by the undone export: 2017-11-01'}
    """
    why = {"remove": FIRST_TOLD, "upsert": AS_BEFORE}
    return {row.customer_id: f"{why[row.op]}: {exported.isoformat()}" for row in rows}
