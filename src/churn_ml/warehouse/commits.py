"""Which files a partition had at a version, found fast for hundreds of partitions.

Every partition is published at a version of its own. Opening the table once per version would
replay the log hundreds of times; instead the newest state is opened once, and the log says which
commit wrote each partition last. Where that is the version asked for, the newest state's files are
the partition's; only a partition that was written again since is looked up at its own version.

Worked example: 2017-10-01 was published at version 3; a killed attempt wrote it again in version 5.
The newest state (5) holds the killed attempt's file, so the files of version 3 are looked up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from churn_ml.errors import NotReady
from churn_ml.warehouse.handle import PARTITION
from churn_ml.warehouse.place import folder

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from churn_ml.tables import Table


class Commits:
    """The commits of one table, as of the moment it was made."""

    def __init__(self, uri: str, table: Table) -> None:
        """Open the newest state of `table` below `uri`; NotReady where there is none."""
        self._uri = uri
        self._table = table
        newest = self._at(None)
        self.version = int(newest.version())
        self._files = {self.version: self._by_partition(newest)}
        self._wrote = {
            int(entry["version"]): entry[PARTITION]
            for entry in newest.history()
            if PARTITION in entry
        }
        self._last = {partition: v for v, partition in sorted(self._wrote.items())}

    def files(self, versions: Mapping[str, int]) -> list[str]:
        """The files of the named partitions at their versions, by partition.

        `versions` maps "YYYY-MM-DD" to the version that wrote that partition. A partition
        without rows has no files.

        Raises: NotReady where a version did not write its partition.
        """
        found: list[str] = []
        for partition, version in sorted(versions.items()):
            if self._wrote.get(version) != partition:
                raise _absent(self._table, f"partition {partition} at version {version}")
            state = self.version if self._last[partition] == version else version
            if state not in self._files:
                self._files[state] = self._by_partition(self._at(state))
            found += self._files[state].get(partition, [])
        return found

    def columns(self, version: int) -> list[str]:
        """The columns that the table had at `version`: an empty partition has no file to ask."""
        return [column.name for column in self._at(version).schema().fields]

    @cached_property
    def first_columns(self) -> frozenset[str]:
        """The columns that the table was created with: its oldest files have no more."""
        return frozenset(self.columns(0))

    def _at(self, version: int | None) -> DeltaTable:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError

        try:
            return DeltaTable(self._uri, version=version)
        except (TableNotFoundError, DeltaError) as error:
            what = "anything" if version is None else f"version {version}"
            raise _absent(self._table, what) from error

    def _by_partition(self, state: DeltaTable) -> dict[str, list[str]]:
        """Files by partition, in a fixed order, of one state of the table.

        Delta percent-encodes the folder of a local table, so the folder is put back in front.
        """
        files: dict[str, list[str]] = defaultdict(list)
        mark = f"/{self._table.partition}="
        root = folder(self._uri)
        for uri in sorted(state.file_uris()):
            before, _, rest = uri.rpartition(mark)
            files[rest.partition("/")[0]].append(f"{root or before}{mark}{rest}")
        return files


def _absent(table: Table, what: str) -> NotReady:
    return NotReady(
        f"the lake does not hold {what} of table {table.name}",
        where=f"warehouse, table {table.name}",
        expected="a partition and version that the ledger published",
        next_step=f"run the step that writes it ({table.owner}), or check [paths] lake",
    )
