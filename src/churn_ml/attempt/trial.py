"""One try of one step: what it reads, writes and counts on the way to its receipt.

Enters: the house, a token, and what the former publication of the same step and as_of recorded.
Leaves: rows in the lake that nobody can see yet, and a receipt. Worked example: scoring as of
2017-10-01 reads the versions that ingest published, and writes the partition 2017-10-01 of scores.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from churn_ml.house import House
from churn_ml.ledger import Publication, Token
from churn_ml.merges import MERGES, merged
from churn_ml.receipts import Receipt, TableCount
from churn_ml.tables import SOURCE_TABLES, table
from churn_ml.warehouse import Handle, Rows, Written

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    import pyarrow as pa


@dataclass
class Attempt:
    """One try of one step for one as_of, from its token to its publication."""

    house: House
    step: str
    as_of: date
    former: Publication | None
    token: Token
    handles: Mapping[str, Handle]
    inputs: dict[str, dict[str, int]] = field(default_factory=dict)
    pins: dict[str, Any] = field(default_factory=dict)
    lots: list[tuple[str, str]] = field(default_factory=list)
    shop: tuple[str, str] | None = None
    written: list[Written] = field(default_factory=list)
    counts: list[TableCount] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    status: str = "done"
    publishes: bool = True
    handed_on: bool = False
    before: float = 0.0
    started: float = field(default_factory=time.perf_counter)
    ended: float | None = None

    @property
    def receipt(self) -> Receipt:
        """What this attempt did, so far or in the end."""
        return Receipt(
            step=self.step,
            as_of=self.as_of,
            status=self.status,
            tables=tuple(self.counts),
            seconds=round(self.seconds, 3),
            versions={w.table: {w.partition.isoformat(): w.version} for w in self.written},
            details=self.details,
            attempt=self.token.number,
        )

    @property
    def seconds(self) -> float:
        """How long it took: monotonic, frozen when the bracket closes.

        Where an earlier process began it, `before` seconds are its and those in between.
        """
        return self.before + (self.ended or time.perf_counter()) - self.started

    def hand_on(self) -> None:
        """End in this process only: another one goes on with the token and files the receipt."""
        self.handed_on = True

    def leave(self, status: str) -> None:
        """End without a publication: only a receipt with `status` is filed."""
        self.status, self.publishes = status, False

    def pinned(self, name: str) -> Any:
        """What the former publication pinned under `name`; None on a first run or a repin."""
        return self.former.pins.get(name) if self.former else None

    def versions(self, name: str, line: str | None = None) -> Mapping[str, int]:
        """The partitions of `name` that this attempt may read, each with its version.

        Those that the former publication read, else the newest published. `line`: of another of the
        shop's contracts, empty for the main one.
        """
        house = self.house if line is None else self.house.under(line)
        if self.former is not None:
            return self.former.inputs.get(house.config.called(name), {})
        return house.published(name)

    @cached_property
    def world(self) -> Mapping[str, Mapping[str, int]]:
        """The canonical versions of this attempt: one look at the ledger, pinned on a re-run."""
        if self.former is not None:
            seen = {name: self.former.inputs.get(name, {}) for name in SOURCE_TABLES}
        else:
            seen = dict(self.house.ledger.versions(SOURCE_TABLES))
        self.inputs |= {name: dict(versions) for name, versions in seen.items()}
        return seen

    def canonical(self, cut: date) -> dict[str, ibis.Table]:
        """Every canonical table that has data, as known at `cut`, merged customers as one."""
        read = self.house.warehouse.read
        return merged(
            {name: read(name, found, as_of=cut) for name, found in self.world.items() if found}
        )

    def uncut(self, *names: str) -> dict[str, ibis.Table] | None:
        """The canonical tables `names` whole; None where a row's own times cannot cut it.

        They can where each key was told of once, and no customer was merged into another.
        """
        lake, found = self.house.warehouse, {n: self.world[n] for n in names if self.world.get(n)}
        if self.world.get(MERGES) or not all(map(lake.is_told_once, found, found.values())):
            return None
        return {name: lake.read(name, versions) for name, versions in found.items()}

    def frame(
        self,
        name: str,
        partition: date,
        line: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """One published partition of a derived table; raises NotReady where there is none.

        `columns`: those that are read, the key among them; every one where None.
        """
        house = self.house if line is None else self.house.under(line)
        key, place = partition.isoformat(), house.config.called(name)
        version = self.versions(name, line).get(key)
        if version is None:
            raise self.house.before(table(name).owner, f"{place} is not published", partition)
        self.inputs.setdefault(place, {})[key] = version
        lake = self.house.warehouse
        rows: pd.DataFrame = lake.read_partition(place, partition, version, columns).to_pandas()
        return rows

    def write(
        self, name: str, rows: pa.Table | pd.DataFrame | Rows, *, partition: date | None = None
    ) -> Written:
        """Replace one partition of `name` (this attempt's as_of unless told) in one commit."""
        import pandas as pd

        arrow = table(name).to_arrow(rows) if isinstance(rows, pd.DataFrame) else rows
        done = self.house.warehouse.replace(self.handles[name], partition or self.as_of, arrow)
        self.written.append(done)
        return done

    def count(self, name: str, rows_in: int, rows_out: int, **kinds: int) -> None:
        """Note what happened to the rows of `name`, for the receipt."""
        self.counts.append(TableCount(table=name, rows_in=rows_in, rows_out=rows_out, **kinds))
