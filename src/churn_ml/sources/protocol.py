"""What a source is: something that lists lots and reads them in batches.

A *lot* is one delivery of rows for one canonical table: a file, or a range of a database. It is
identified by the sha256 of its drop date and bytes, never by its name: the same file delivered
twice on one day is one lot.

Enters: the shop's world. Leaves: lots, and their rows as Arrow tables under our column names,
still raw (text or native types; `cast` makes them typed). Worked example: the file
`drops/orders/drop=2017-10-01/orders.csv.gz` is a lot of `orders` with `drop_on` 2017-10-01: what
it says was known when that day began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Protocol

from churn_ml.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.config import SourceTable

BATCH_ROWS = 500_000
"""A batch holds this many rows at most."""
ROW = "lot_row"
LOT_COLUMNS = ("lot", ROW, "drop_on", "entry")
"""What every raw batch carries beside its mapped columns; see `Source.batches`."""
RESEND = "have the file delivered again (nothing of this ingest was published)"


@dataclass(frozen=True)
class Lot:
    """One delivery of rows for one table; `drop_on` is the day it was dropped, where known.

    `where` names the file, its URI or the range of a database; `entry` is the number (from 0) of
    the `[[sources.TABLE]]` that it was found by.

    >>> Lot("orders", "orders.csv", date(2017, 10, 1), "3f2a9c1d0b7e44aa" + "0" * 48).id
    '3f2a9c1d0b7e44aa'
    """

    table: str
    where: str
    drop_on: date | None
    sha256: str
    known_on: date | None = None
    """The day it arrived, where that was later than its folder says; its rows carry this one."""
    entry: int = 0

    @property
    def id(self) -> str:
        """What rows carry in their column `lot`: the first 16 characters of the sha256."""
        return self.sha256[:16]

    def refused(
        self,
        what: str,
        *,
        column: str | None = None,
        got: str | None = None,
        expected: str | None = None,
        next_step: str = RESEND,
    ) -> BadInput:
        """The error that refuses this lot as a whole: names its table, column and file.

        Whatever is done about it, `churn-ml check` tries the file before anything is kept.

        >>> print(Lot("orders", "orders.csv", None, "0" * 64).refused("the file is empty"))
        the file is empty | where: table orders, file orders.csv | next step: have the file ...
        """
        place = f"column {column}, " if column else ""
        where = f"table {self.table}, {place}file {self.where}"
        return BadInput(
            what,
            where=where,
            got=got,
            expected=expected,
            next_step=f"{next_step}; then: churn-ml check",
        )


@dataclass(frozen=True)
class Prepared:
    """SQL over `lines` that a preset runs before its expressions: what it reads and adds."""

    reads: tuple[str, ...]
    gives: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class Preset:
    """What a public data set brings: for each table what a shop would have to write.

    `aliases` are other names that a file may give a column of theirs; `as_csv` turns the lines of a
    text file that is no CSV into lines of one.
    """

    tables: Mapping[str, SourceTable]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prepared: Mapping[str, Prepared] = field(default_factory=dict)
    as_csv: Callable[[Iterator[bytes]], Iterator[bytes]] | None = None


@dataclass(frozen=True)
class Entry:
    """One `[sources.TABLE]`: its table, its number among that table's, and what it says."""

    table: str
    number: int
    told: SourceTable
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prepared: Prepared | None = None
    as_csv: Callable[[Iterator[bytes]], Iterator[bytes]] | None = None


class Source(Protocol):
    """A place that rows come from: the files of a shop, its database, or several of them."""

    @property
    def left_out(self) -> Mapping[str, int]:
        """Rows that `where` left out, by table, in the batches read so far."""
        ...

    def land(self, as_of: date, *, say: Callable[[str], None], anew: bool = False) -> None:
        """Keep as files what a place that forgets holds before `as_of`; files are kept already.

        What was landed for `as_of` before stays as it is, unless it is to be read `anew`.
        """
        ...

    def lots(self) -> list[Lot]:
        """Every lot of every configured table, sorted by table, drop date and place."""
        ...

    def batches(self, lots: Sequence[Lot]) -> Iterator[pa.Table]:
        """The rows of `lots`, all of one table, in their order, small lots packed together.

        Each batch holds at most `BATCH_ROWS` rows of one entry: our column names, then `lot` (the
        id), `lot_row` (from 1), `drop_on` and `entry` (the same number in every row). A lot is
        whole or refused: BadInput may be raised after batches of it have been handed out, and then
        nothing of it may be published.
        """
        ...
