"""The world out: the outbox, what a destination is, and the destinations there are.

Enters: the rows a destination shall hold (payload.rows). Leaves: the target in that state, and the
counts. A new destination is one adapter file and one row in DESTINATIONS.

    protocol.py  Row, Batch, Ack, Rejection, Destination, Journal; the double Recorder
    payload.py   what is told about a customer, and what counts as a change
    guard.py     suppression and consent, read again at the moment of sending
    plan.py      the difference between what a destination holds and what it shall hold
    outbox.py    save the plan, send, acknowledge, resume
    journal.py   the ledger's double in memory
    file.py      a folder of CSV files with manifests
    sql.py       a table in SQLite or PostgreSQL
    reconcile.py where a target holds something else than it acknowledged

Worked example: as of 2017-10-01 the demo exports to a folder and to a table.

>>> [kind.name for kind in DESTINATIONS]
['file', 'sql']
>>> from churn_ml.config import from_text
>>> config = from_text('''
... shop = {name = "Corner shop", currency = "EUR"}
... destinations.bi = {kind = "sql", target = "sqlite:///bi.db"}
... ''')
>>> open_destination("bi", config, ledger_id="5f1c")
SqlDestination('bi', table 'churn_segments')
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.crm.file import FileDestination, open_file
from churn_ml.crm.guard import Guard
from churn_ml.crm.journal import MemoryJournal
from churn_ml.crm.outbox import Exported, Outbox
from churn_ml.crm.payload import rows
from churn_ml.crm.protocol import (
    Ack,
    Batch,
    Destination,
    Journal,
    Recorder,
    Rejection,
    Row,
)
from churn_ml.crm.reconcile import Reconciled, reconciled
from churn_ml.crm.sql import SqlDestination, open_sql
from churn_ml.errors import BadInput

__all__ = [
    "DESTINATIONS",
    "Ack",
    "Batch",
    "Destination",
    "Exported",
    "FileDestination",
    "Guard",
    "Journal",
    "MemoryJournal",
    "Outbox",
    "Reconciled",
    "Recorder",
    "Rejection",
    "Row",
    "SqlDestination",
    "open_destination",
    "reconciled",
    "rows",
]

Opener: TypeAlias = Callable[[str, Settings, Config, str], Destination]


@dataclass(frozen=True)
class Kind:
    """One kind of destination: its word in churn.toml and what opens it."""

    name: str
    open: Opener


DESTINATIONS: tuple[Kind, ...] = (Kind("file", open_file), Kind("sql", open_sql))


def open_destination(name: str, config: Config, *, ledger_id: str) -> Destination:
    """The destination called `name` in [destinations], with its target untouched so far.

    Its owner is the shop with its ledger, known by the id it was born with: two deployments with
    different ledgers cannot feed one target (fault O3), and a moved folder still can.
    Raises: BadInput where churn.toml has no such destination.

    >>> from churn_ml.config import Shop
    >>> shop = Config(shop=Shop(name="s", currency="EUR"))
    >>> open_destination("crm", shop, ledger_id="5f1c")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: there is no destination 'crm' | where: [destinations] | expected: none
    """
    if name not in config.destinations:
        raise BadInput(
            f"there is no destination {name!r}",
            where="[destinations]",
            expected=", ".join(sorted(config.destinations)) or "none",
        )
    settings = config.destinations[name]
    opened = {kind.name: kind.open for kind in DESTINATIONS}[settings.kind]
    return opened(name, settings, config, f"{config.shop.name} with ledger {ledger_id}")
