"""What keeps exports back: plans that wait for a person's yes, and stops that a person made.

Enters: both as the ledger has them, and the settings for the DAG's name. Leaves: notices for the
front page. No customer stands in either. Worked example: as of 2017-11-01 the plan for `crm` would
change 700 of 2,000 customers; the page says so, and where it is answered.
"""

from __future__ import annotations

from typing import Any

from churn_ml.config import Config
from churn_ml.ledger import Approval, Ledger, Stop
from churn_ml.ledger.stops import EVERY

Row = dict[str, Any]


def notices(ledger: Ledger, config: Config) -> list[Row]:
    """The stops, then what waits; read anew at every request, for no receipt tells of an answer."""
    asked = [_question(one, config) for one in ledger.waiting()]
    return [_stop(one) for one in ledger.stops()] + asked


def _question(one: Approval, config: Config) -> Row:
    known = config.destinations.get(one.destination)
    line = known.contract if known else None
    share = one.changes / one.of_rows if one.of_rows else None
    dag = f"churn_export.{line}" if line else "churn_export"
    return {"kind": "asks", **vars(one), "share": share, "dag": dag}


def _stop(one: Stop) -> Row:
    every = one.destination == EVERY
    return {"kind": "stopped", **vars(one), "destination": None if every else one.destination}
