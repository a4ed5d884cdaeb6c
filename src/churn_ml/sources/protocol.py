"""What a source is: something that lists lots and reads them.

A *lot* is one delivery of rows for one canonical table: a file, or a range of a database. It is
identified by the sha256 of its drop date and bytes, never by its name: the same file delivered
twice on one day is one lot.

Enters: the shop's world. Leaves: lots, and their rows as an Arrow table under our column names,
still raw (text or native types; `cast` makes them typed). Worked example: the file
`drops/orders/drop=2017-10-01/orders.csv.gz` is a lot of `orders` with `drop_on` 2017-10-01: what
it says was known at 2017-10-01 00:00 UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from churn_ml.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

LOT_COLUMNS = ("lot", "lot_row", "drop_on")
"""What every raw table carries beside its mapped columns."""
RESEND = "have the file delivered again; no row of it was read"


@dataclass(frozen=True)
class Lot:
    """One delivery of rows for one table; `drop_on` is the day it was dropped, where known.

    >>> Lot("orders", Path("orders.csv"), date(2017, 10, 1), "3f2a9c1d0b7e44aa" + "0" * 48).id
    '3f2a9c1d0b7e44aa'
    """

    table: str
    path: Path
    drop_on: date | None
    sha256: str
    known_on: date | None = None
    """The day it arrived, where that was later than its folder says; its rows carry this one."""

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

        >>> print(Lot("orders", Path("orders.csv"), None, "0" * 64).refused("the file is empty"))
        the file is empty | where: table orders, file orders.csv | next step: have the file ...
        """
        place = f"column {column}, " if column else ""
        where = f"table {self.table}, {place}file {self.path}"
        return BadInput(what, where=where, got=got, expected=expected, next_step=next_step)


class Source(Protocol):
    """A place that rows come from; `files.FilesSource` is the first."""

    def lots(self) -> list[Lot]:
        """Every lot of every configured table, sorted by table, drop date and path."""
        ...

    def read(self, lots: Sequence[Lot]) -> pa.Table:
        """The rows of `lots`, all of one table: our column names plus `LOT_COLUMNS`."""
        ...
