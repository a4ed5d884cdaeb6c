"""The world out: the outbox, what a destination is, and the adapters of the kinds there are.

Enters: the rows a destination shall hold (telling.rows). Leaves: the target in that state, and the
counts. A new kind is one adapter file here and one row of `churn_ml.config.kinds`, which names the
function that opens it: it is imported when a destination of that kind is opened, and no sooner.

    protocol.py      Row, Batch, Ack, Rejection, Destination, Journal; the double Recorder
    payload.py       what is told about a customer, and what counts as a change
    telling.py       from the tables of a score to what a destination shall hold
    desired.py       that, as columns, of which only the rows that are sent are made
    columns.py       cells of which many are alike
    means.py         what a destination may use beside its settings
    address.py       where an export may be sent
    remote.py        calling a server: pace, retries, the end of patience
    guard.py         suppression and consent, read again at the moment of sending
    plan.py          the difference between what a destination holds and what it shall hold
    radius.py        which plan changes so much that a person has to say yes
    outbox.py        save the plan, send, acknowledge, resume
    delivery.py      the batches of a plan, each settled before the next is sent
    marks.py         who sends now, and what one that died may have sent late
    sender.py        a process by a name of its own, and whether it still lives
    foreseen.py      what an export would change, row by row
    undo.py          give a destination back what it held before its newest export
    exported.py      what an export did, in rows
    journal.py       the ledger's double in memory
    file.py          a folder of files with manifests
    file_lock.py     one writer at a time in such a folder
    file_writing.py  how a part comes to count there
    file_manifest.py who feeds such a folder, and which files of it count
    file_rows.py     what stands in one of them, CSV or Parquet
    sql.py           a table in SQLite or PostgreSQL
    sql_database.py  its transactions, and what its errors mean
    sql_table.py     its columns, and who may fill it
    hubspot/         contacts in HubSpot
    salesforce/      records of an object in Salesforce
    tryton/          parties of a Tryton server
    reconcile.py     where a target holds something else than it acknowledged

Worked example: as of 2017-10-01 the demo exports to a folder and to a table.

>>> from churn_ml.config import from_text
>>> config = from_text('''
... shop = {name = "Corner shop", currency = "EUR"}
... destinations.bi = {kind = "sql", target = "sqlite:///bi.db"}
... ''')
>>> open_destination("bi", config, means=Means("Corner shop with ledger 5f1c"))
SqlDestination('bi', table 'churn_segments')
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from churn_ml.config import Config
from churn_ml.config import Destination as Settings
from churn_ml.config.kinds import kind_of
from churn_ml.crm.exported import Exported
from churn_ml.crm.file import FileDestination
from churn_ml.crm.foreseen import Change, Foreseen, changes
from churn_ml.crm.guard import Guard
from churn_ml.crm.hubspot import HubSpotDestination
from churn_ml.crm.journal import IN_DOUBT, MemoryJournal
from churn_ml.crm.means import Means
from churn_ml.crm.outbox import Outbox
from churn_ml.crm.protocol import (
    Ack,
    Batch,
    Destination,
    Journal,
    Recorder,
    Rejection,
    Row,
)
from churn_ml.crm.radius import APPROVED, REFUSED, Asked, Radius
from churn_ml.crm.reconcile import Reconciled, apart, check_there, doubted, reconciled
from churn_ml.crm.sql import SqlDestination
from churn_ml.crm.telling import rows
from churn_ml.errors import BadConfig, BadInput

__all__ = [
    "APPROVED",
    "IN_DOUBT",
    "REFUSED",
    "Ack",
    "Asked",
    "Batch",
    "Change",
    "Destination",
    "Exported",
    "FileDestination",
    "Foreseen",
    "Guard",
    "HubSpotDestination",
    "Journal",
    "Means",
    "MemoryJournal",
    "Opener",
    "Outbox",
    "Radius",
    "Reconciled",
    "Recorder",
    "Rejection",
    "Row",
    "SqlDestination",
    "apart",
    "changes",
    "check_there",
    "doubted",
    "open_destination",
    "reconciled",
    "rows",
    "settings_of",
]

Opener: TypeAlias = Callable[[str, Settings, Config, Means], Destination]
"""Makes a destination from its name, its section, churn.toml and its means, and touches nothing."""


def open_destination(name: str, config: Config, *, means: Means) -> Destination:
    """The destination called `name` in [destinations], with its target untouched so far.

    `means`: what it may use beside its settings, the name of its owner among them (fault O3).
    Raises: BadInput where churn.toml has no such destination; BadConfig where another one fills the
    same place by another name, and as its kind's opener does.
    """
    settings = settings_of(name, config)
    _check_alone(name, config, means)
    module, _, function = kind_of(settings.kind).opens.partition(":")
    opened: Opener = getattr(import_module(module), function)
    return opened(name, settings, config, means)


def settings_of(name: str, config: Config) -> Settings:
    """What [destinations] says of the destination; raises BadInput where it has none of that name.

    >>> from churn_ml.config import Shop
    >>> settings_of("crm", Config(shop=Shop(name="s", currency="EUR")))
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadInput: there is no destination 'crm' | where: [destinations]
        | expected: none is named there | next step: name another, or add its section to churn.toml
    """
    if name not in config.destinations:
        raise BadInput(
            f"there is no destination {name!r}",
            where="[destinations]",
            expected=", ".join(sorted(config.destinations)) or "none is named there",
            next_step="name another, or add its section to churn.toml",
        )
    return config.destinations[name]


def _check_alone(name: str, config: Config, means: Means) -> None:
    """Refuse a place that another section names by another variable or connection.

    What the sections alone say is compared when churn.toml is read; what they stand for is known
    here. A section whose variable or connection nobody knows is passed over: it opens nothing.
    """
    filled = _filled(config.destinations[name], config, means)
    for other, settings in config.destinations.items():
        if filled and other != name and _filled(settings, config, means) == filled:
            raise BadConfig(
                f"[destinations.{other}] and [destinations.{name}] fill the same place",
                where=f"[destinations.{name}]",
                expected="a place for each: a stop or an undo of one would be lifted by the other",
                next_step="name another target, table, connection or object, or remove one",
            )


def _filled(settings: Settings, config: Config, means: Means) -> tuple[object, ...]:
    """What the section fills, as environment and connections say; empty where they do not know."""
    try:
        if settings.connection:
            led = means.endpoint(settings.connection, "", "")
            return settings.kind, led, settings.object_filled
        target = config.url(settings.target)
        return settings.model_copy(update={"target": target}).place(config.root)
    except BadConfig:
        return ()
