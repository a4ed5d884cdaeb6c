"""One attempt of a step that writes two tables, which stops or dies where it is told to.

`python attempt.py FOLDER POINT SIGNAL SCORE [fenced]` sends itself SIGNAL when it reaches POINT.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import TypeVar

import pyarrow as pa

from churn_ml.errors import StaleAttempt
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
from churn_ml.warehouse import Warehouse, Written

T = TypeVar("T")
AS_OF = date(2017, 10, 1)
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
IDS = [f"h{number}" for number in range(50)]


def attempt(root: str, score: float, reach: Callable[[str], None], *, fenced: bool = False) -> None:
    """Take a token, open two tables, write both, publish; say what was refused and go on."""
    warehouse, ledger = Warehouse(f"{root}/lake"), Ledger.open(f"sqlite:///{root}/ledger.db")
    token = ledger.take_token("score", AS_OF)
    number = token.number if fenced else None
    handles = [warehouse.handle(name, token=number) for name in ("scores", "features")]
    reach("opened")
    written = []
    for handle, rows in zip(handles, _rows(score), strict=True):
        name = handle.table.name
        one = _refused(f"write {name}", partial(warehouse.replace, handle, AS_OF, rows))
        # A refused attempt goes on with a forged reference: the ledger must refuse it as well.
        written.append(one or Written(name, AS_OF, 1, len(IDS), "forged"))
        reach(f"written {name}")
    reach("unpublished")
    receipt = Receipt("score", AS_OF, "done")
    _refused("publish", partial(ledger.publish, token, written=written, receipt=receipt, at=AT))
    reach("published")
    ledger.close()


def _rows(score: float) -> tuple[pa.Table, pa.Table]:
    same = {"score": score, "value": 1.0, "value_at_risk": score, "reasons": "[]"}
    same |= {"model": "m", "contract": "c"}
    scores = pa.table({"customer_id": IDS} | {n: [v] * len(IDS) for n, v in same.items()})
    return scores, pa.table({"customer_id": IDS, "recency": [score] * len(IDS)})


def _refused(name: str, call: Callable[[], T]) -> T | None:
    try:
        return call()
    except StaleAttempt:
        print("refused", name, flush=True)
        return None


if __name__ == "__main__":

    def reach(name: str) -> None:
        """Say so and send the signal, where this is the point."""
        if name == sys.argv[2]:
            print(name, flush=True)
            os.kill(os.getpid(), getattr(signal, sys.argv[3]))

    attempt(sys.argv[1], float(sys.argv[4]), reach, fenced="fenced" in sys.argv)
    print("end", flush=True)
