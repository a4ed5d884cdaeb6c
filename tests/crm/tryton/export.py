"""One export of 24 customers to a Tryton server, in a process that a test may kill.

`python export.py PORT LEDGER ROOT AS_OF SEGMENT DIE`: the process kills itself after Tryton
has taken the second batch, before that is acknowledged (DIE is `sent`), or at the third call of the
method that DIE names, which is for the first part of the second batch.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import count
from typing import Any

from churn_ml.connections import Endpoint
from churn_ml.crm import Ack, Batch, Exported, Guard, Outbox, Rejection, Row
from churn_ml.crm.means import MemoryBuckets
from churn_ml.crm.payload import NAMES, hashed
from churn_ml.crm.remote import Caller
from churn_ml.crm.tryton import TrytonDestination
from churn_ml.crm.tryton.rpc import Tryton
from churn_ml.ledger import Ledger
from churn_ml.limits import Limit

DATABASE, USER, PASSWORD = "shop", "admin", "of-the-tests"
CUSTOMERS, BATCH, PART = 24, 6, 3


@dataclass(frozen=True)
class Meanwhile(TrytonDestination):
    """To which something happens between the send of a batch and its ack."""

    happens: Callable[[], None] = lambda: None

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        answers = super().send(batch)
        self.happens()
        return answers


def desired(root: str, as_of: date, segment: str) -> list[Row]:
    rows = []
    for number in range(CUSTOMERS):
        code = f"{root}:h{number:02d}"
        cells = {**dict.fromkeys(NAMES), "customer_id": code, "as_of": as_of.isoformat()}
        cells |= {"segment": segment, "offer": "NONE", "score": number / 100}
        rows.append(Row(code, "upsert", as_of, cells, hashed(cells, delivers=False)))
    return rows


def export(
    client: Tryton, ledger: str, root: str, rows: Sequence[Row], happens: Callable[[], None]
) -> Exported:
    sizes = {"batch_size": BATCH, "part_size": PART}
    target = Meanwhile("crm", client, "me", root=root, happens=happens, **sizes)
    anyone = Guard(lambda _: (), lambda _: {}, True, frozenset({"NONE"}))
    run = f"export by {os.getpid()}"
    outbox = Outbox(target, Ledger.open(ledger), anyone, clock=lambda: datetime.now(UTC), run=run)
    return outbox.export(rows, rows[0].as_of)


class Mortal(Tryton):
    """Kills its process before the third call of a method."""

    dies_at = ""
    left = count(2, -1)

    def call(self, method: str, *parameters: object, read: Any = None) -> Any:
        if method == self.dies_at and not next(self.left):
            die()
        return super().call(method, *parameters, read=read)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(port: str, ledger: str, root: str, as_of: str, segment: str, dies: str) -> None:
    batches = count(1)

    def happens() -> None:
        if next(batches) == 2 and dies == "sent":
            die()

    Mortal.dies_at = dies
    endpoint = Endpoint("tryton", "127.0.0.1", int(port), DATABASE, USER, PASSWORD)
    client = Mortal(endpoint, partial(Caller, "crm", Limit(9999), MemoryBuckets()), secure=False)
    print(export(client, ledger, root, desired(root, date.fromisoformat(as_of), segment), happens))


if __name__ == "__main__":
    main(*sys.argv[1:])
