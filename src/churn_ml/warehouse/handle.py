"""The fence: one attempt's right to replace a partition.

An attempt opens its handle right after it took its token, long before it has rows. The handle
remembers how often each partition had been written by then (Delta's transaction number per
partition). When the rows are there, a partition that was written by somebody else in between is
refused, and Delta's own conflict check closes the gap between looking and committing. Other
partitions of the same table do not disturb.

Worked example: attempt 1 of `score` as of 2017-10-01 is stopped for an hour. Attempt 2 writes and
publishes. Attempt 1 wakes up and wants to write 2017-10-01: StaleAttempt.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from churn_ml.errors import StaleAttempt, Transient
from churn_ml.warehouse.place import folder
from churn_ml.warehouse.room import room

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from churn_ml.tables import Table
    from churn_ml.warehouse.conform import Conformed

PARTITION = "churn_ml.partition"
TOKEN = "churn_ml.token"  # noqa: S105 - the name of a field, not a secret
_TRIES = 50
# An expired log could not be read at an old version any more: ours never expires.
_SETTINGS = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}


@dataclass(frozen=True)
class Written:
    """One partition as it was written: what a publication names."""

    table: str
    partition: date
    version: int
    rows: int
    content_hash: str


@dataclass
class Handle:
    """An opened table of the lake. It belongs to one attempt and may write each partition."""

    table: Table
    uri: str
    token: int | None
    opened: DeltaTable
    own: dict[str, int] = field(default_factory=dict)

    def expected(self, partition: str) -> int | None:
        """The number of the last write to `partition` that this attempt knows of."""
        return self.own.get(partition, self.opened.transaction_version(partition))


def open_handle(uri: str, table: Table, token: int | None) -> Handle:
    """The table below `uri`, created where it does not exist, opened now."""
    with room(uri):
        return Handle(table, uri, token, _opened_or_created(uri, table))


def commit(handle: Handle, partition: date, rows: Conformed) -> int:
    """Replace `partition` by `rows` in one commit and return its version.

    `rows` fit the table (see conform.py); they are read as they are written. Another partition's
    commit at the same moment is waited out by writing again on top of it.

    Raises: StaleAttempt where the partition was written since the handle was opened; Transient
    where other writers were faster every time, or the disk is full; BadConfig where the lake may
    not be written to.
    """
    from deltalake import DeltaTable, write_deltalake
    from deltalake.exceptions import CommitFailedError

    for _ in range(_TRIES):
        state = DeltaTable(handle.uri)
        _check_fence(handle, state, partition)
        number = (state.transaction_version(partition.isoformat()) or 0) + 1
        try:
            with room(handle.uri):
                write_deltalake(
                    state,
                    rows.reader(),
                    mode="overwrite",
                    predicate=f"{handle.table.partition} = '{partition.isoformat()}'",
                    schema_mode="overwrite" if _columns(state) != rows.schema.names else None,
                    commit_properties=_properties(handle, partition, number),
                )
        except CommitFailedError:
            continue
        except Exception:
            if rows.error is not None:  # Delta tells it as an error of its own
                raise rows.error from None
            raise
        handle.own[partition.isoformat()] = number
        _flush(handle.uri, state)
        return int(state.version())
    raise Transient(
        f"table {handle.table.name} was busy {_TRIES} times",
        where=handle.uri,
        next_step="run the step again",
    )


def _check_fence(handle: Handle, state: DeltaTable, partition: date) -> None:
    """Raise StaleAttempt where `partition` was written since the handle was opened.

    Both attempts' tokens settle it where they are known: an older attempt that woke up and wrote
    first does not stop the newer one.
    """
    name = partition.isoformat()
    if state.transaction_version(name) == handle.expected(name):
        return
    last = next(entry for entry in state.history() if entry.get(PARTITION) == name)
    other = int(last.get(TOKEN, -1))
    if handle.token is not None and 0 <= other < handle.token:
        return
    raise StaleAttempt(
        f"table {handle.table.name}, partition {name}, was written by another attempt",
        where=handle.uri,
        got=f"version {last['version']}" + (f" by token {other}" if other >= 0 else ""),
        expected=f"nothing newer than version {handle.opened.version()}",
        next_step="nothing, if the other attempt finished; otherwise run the step again",
    )


def _properties(handle: Handle, partition: date, number: int) -> Any:
    """What a commit says of itself: its partition, its token, its number in the partition."""
    from deltalake import CommitProperties, Transaction

    said = {PARTITION: partition.isoformat()}
    if handle.token is not None:
        said[TOKEN] = str(handle.token)
    # The transaction makes two empty writes of one partition collide too: they touch no file.
    return CommitProperties(
        custom_metadata=said, app_transactions=[Transaction(partition.isoformat(), number)]
    )


def _opened_or_created(uri: str, table: Table) -> DeltaTable:
    """The Delta table at `uri`; of two processes that create it at once, one opens the other's."""
    from deltalake import CommitProperties, DeltaTable
    from deltalake.exceptions import DeltaError

    if DeltaTable.is_deltatable(uri):
        return DeltaTable(uri)
    try:
        return DeltaTable.create(
            uri,
            table.schema(),
            mode="ignore",
            partition_by=[table.partition],
            configuration=_SETTINGS,
            # A retry would put a second creation on top of the other process's first.
            commit_properties=CommitProperties(max_commit_retries=0),
        )
    except DeltaError:
        if not DeltaTable.is_deltatable(uri):
            raise
        return DeltaTable(uri)


def _columns(state: DeltaTable) -> list[str]:
    return [column.name for column in state.schema().fields]


def _flush(uri: str, state: DeltaTable) -> None:
    """Force the last commit of a local table to disk, files before log.

    Delta renames without fsync; the ledger must not name a version that a power cut takes away.
    """
    root = folder(uri)
    if root is None:
        return
    entry = root / "_delta_log" / f"{state.version():020}.json"
    actions = [json.loads(line) for line in entry.read_text(encoding="utf-8").splitlines()]
    files = [root / unquote(action["add"]["path"]) for action in actions if "add" in action]
    for path in [*files, *{file.parent for file in files}, root, entry, entry.parent]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
