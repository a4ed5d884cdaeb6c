"""What keeps exports back: plans that wait for a person's yes, and stops that a person made.

Enters: both as the ledger has them, the filed receipts for what a plan would change, and the
settings for the DAG's name. Leaves: notices for the front page. No customer stands in any. Worked
example: as of 2017-11-01 the plan for `crm` would create 40, update 600 and remove 60 of 2,000
customers, most of them told that they are LOST; the page says so, and where it is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from churn_ml.config import Config
from churn_ml.crm.radius import most_first
from churn_ml.ledger import Approval, Filed, Ledger, Stop
from churn_ml.ledger.stops import EVERY
from churn_ml.receipts import Receipt

Row = dict[str, Any]


def notices(ledger: Ledger, config: Config, filed: Sequence[Filed]) -> list[Row]:
    """The stops, then what waits; read anew at every request, for no receipt tells of an answer."""
    asked = [_question(one, config, filed) for one in ledger.waiting()]
    return [_stop(one) for one in ledger.stops()] + asked


def _question(one: Approval, config: Config, filed: Sequence[Filed]) -> Row:
    known = config.destinations.get(one.destination)
    line = known.contract if known else None
    share = one.changes / one.of_rows if one.of_rows else None
    dag = f"churn_export.{line}" if line else "churn_export"
    told = _asked(one, filed)
    return {"kind": "asks", **vars(one), "share": share, "dag": dag, "line": line, "told": told}


def _asked(one: Approval, filed: Sequence[Filed]) -> Row | None:
    """What the newest receipt says of the plan: kinds of rows, the limit, who is affected.

    None where none does, or one of an older version that did not tell.
    """
    for each in reversed(filed):
        asks = _of(each.receipt, one)
        if asks and "affected" in asks:
            updates = asks["upserts"] - asks["creates"]
            told = {"updates": updates, "affected": most_first(asks["affected"])}
            return {**asks, **told, "reference": each.receipt.reference}
    return None


def _of(receipt: Receipt, one: Approval) -> Row | None:
    """What the receipt says that this plan asks; None where it is about another."""
    counts = receipt.details.get("destinations", {}).get(one.destination) or {}
    asks: Row = counts.get("asks") or {}
    return asks if asks.get("plan_id") == one.plan_id else None


def _stop(one: Stop) -> Row:
    every = one.destination == EVERY
    return {"kind": "stopped", **vars(one), "destination": None if every else one.destination}
