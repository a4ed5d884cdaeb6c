"""Files of a shop as lots: CSV, Parquet and JSON lines under the column mapping of churn.toml.

Enters: `[sources.TABLE]` (a glob, and which of our columns is which of theirs). Leaves: lots with
their sha256 and drop date, and their rows under our names, batch by batch. A file is whole or
refused: a truncated gzip, a missing column or a broken row raises `BadInput` that names table,
file, column and the next step.

Worked example, continued from `protocol`: `drops/orders/drop=2017-10-01/orders.csv.gz` holds the
orders of 2017-09-30. `lots()` hashes it and finds its drop date in the path; `batches` returns its
column `basket_id` as our `order_id`, with `lot`, `lot_row` (from 1) and `drop_on` beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import IO

import pyarrow as pa

from churn_ml.config import Config
from churn_ml.errors import BadInput
from churn_ml.sources import formats, places
from churn_ml.sources.mapped import Mapped
from churn_ml.sources.mapping import check_mapping
from churn_ml.sources.packing import packed
from churn_ml.sources.protocol import Entry, Lot

_DROP = re.compile(r"^drop=(.*)$")


class FilesSource:
    """The files that some entries name, as a `Source`."""

    def __init__(
        self, entries: Sequence[Entry], config: Config, _connections: Mapping[str, str]
    ) -> None:
        """Take `entries` of kind files; raises BadConfig where a mapping cannot be meant."""
        self._root = config.root
        for entry in entries:
            check_mapping(entry.table, entry.told)
        zone = config.shop.time_zone
        self._mapped = {(entry.table, entry.number): Mapped(entry, zone) for entry in entries}

    @property
    def left_out(self) -> Mapping[str, int]:
        """Rows that `where` left out, by table, in the batches read so far."""
        total: Counter[str] = Counter()
        for (name, _), mapped in self._mapped.items():
            total[name] += mapped.left_out
        return total

    def land(self, as_of: date, *, say: Callable[[str], None], anew: bool = False) -> None:
        """Nothing: files stay where they are."""

    def lots(self) -> list[Lot]:
        """Every lot of every entry, sorted by table, drop date and path.

        The same bytes dropped twice on one day are one lot. Raises BadInput where a glob matches
        no file (a glob with a typing error would silently lose, say, the consents).
        """
        return [lot for one in self._mapped.values() for lot in self._lots_of(one.entry)]

    def batches(self, lots: Sequence[Lot]) -> Iterator[pa.Table]:
        """The rows of `lots` as `protocol.Source` says; one row per row of the files.

        Raises BadInput where a file is not what the mapping promises, or changed since `lots()`
        hashed it.
        """
        return packed((lot, part) for lot in lots for part in self._parts(lot))

    def _lots_of(self, entry: Entry) -> list[Lot]:
        pattern = entry.told.files or ""
        found = places.found(self._root, pattern, entry.table) if pattern else []
        if not found:
            raise BadInput(
                f"no file for table {entry.table}",
                where=f"[sources.{entry.table}] files",
                got=pattern or "nothing",
                expected="at least one file",
                next_step="correct the glob, or remove the section if the shop has no such table;"
                " then: churn-ml check",
            )
        lots = [_lot(entry, where) for where in found]
        lots.sort(key=lambda lot: (lot.drop_on or date.min, lot.where))
        first = {lot.sha256: lot for lot in reversed(lots)}
        return [lot for lot in lots if first[lot.sha256] is lot]

    def _parts(self, lot: Lot) -> Iterator[pa.Table]:
        """One lot's rows under our names, with the lot columns beside them."""
        mapped = self._mapped[lot.table, lot.entry]
        with places.opened(lot.where, lot.table) as file:
            _check_unchanged(file, lot)
            yield from mapped.rows(lot, formats.read(file, lot, mapped.entry, mapped.wanted))


def drop_date(where: str) -> date | None:
    """The day in the path part `drop=YYYY-MM-DD` nearest to the file, if there is one.

    >>> drop_date("drops/orders/drop=2017-10-01/orders.csv.gz")
    datetime.date(2017, 10, 1)
    >>> drop_date("orders.csv") is None
    True
    """
    for part in reversed(PurePosixPath(where).parts[:-1]):
        if (match := _DROP.match(part)) is None:
            continue
        try:
            return datetime.strptime(match[1], "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise BadInput(
                f"the drop date of {where} is not a date",
                got=part,
                expected="drop=YYYY-MM-DD",
                next_step="rename the folder; then: churn-ml check",
            ) from None
    return None


def identity(file: IO[bytes], drop_on: date | None, entry: int = 0) -> str:
    """The sha256 of a delivery: the file's bytes, after the drop date where it has one.

    A price list that is dropped again unchanged is a delivery of its own: it says that the list
    holds again. So is what a further `[[sources.TABLE]]` reads from the same file. Without a drop
    date it is what `sha256sum FILE` prints. `file` is left at its start.

    >>> import io
    >>> identity(io.BytesIO(b""), None)[:16], identity(io.BytesIO(b""), date(2017, 10, 1))[:16]
    ('e3b0c44298fc1c14', ...)
    """
    digest = hashlib.sha256(f"drop={drop_on.isoformat()}\n".encode() if drop_on else b"")
    if entry:
        digest.update(f"entry={entry}\n".encode())
    while block := file.read(2**20):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def _lot(entry: Entry, where: str) -> Lot:
    drop_on = drop_date(where)
    with places.opened(where, entry.table) as file:
        sha256 = identity(file, drop_on, entry.number)
    return Lot(entry.table, where, drop_on, sha256, entry=entry.number)


def _check_unchanged(file: IO[bytes], lot: Lot) -> None:
    if identity(file, lot.drop_on, lot.entry) != lot.sha256:
        raise lot.refused(
            "the file changed after it was listed",
            expected=f"sha256 {lot.sha256[:16]}...",
            next_step="drop files whole: write to a name that starts with '.', then rename",
        )
