"""The bracket that every step stands in: one attempt, from its fencing token to its publication.

A step takes its token, opens the Delta handles it will commit through, reads published versions
only, and publishes everything in one ledger row at the end. One that dies anywhere in between
leaves nothing that a reader can see.

A re-run under other settings would be another run: the sections of churn.toml that a step reads
are hashed into its publication, and a difference is refused unless `repin`. Paths, destinations and
whatever a step does not read may change freely.

Worked example: scoring as of 2017-10-01 is killed after its lake commit. The ledger still names
the versions of the former publication, or none; the re-run takes token 2, replaces the partition
2017-10-01 and publishes. Should the first attempt wake up, Delta refuses its commit and the ledger
its token.

A re-run is pinned: it reads the versions, lots and model that the former publication of the same
step and as_of recorded. `repin=True` takes the newest instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from churn_ml.config import READS
from churn_ml.errors import BadConfig, ChurnError, TooEarly, Transient
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

    def frame(self, name: str, partition: date, line: str | None = None) -> pd.DataFrame:
        """One published partition of a derived table; raises NotReady where there is none."""
        house = self.house if line is None else self.house.under(line)
        key, place = partition.isoformat(), house.config.called(name)
        version = self.versions(name, line).get(key)
        if version is None:
            raise self.house.before(table(name).owner, f"{place} is not published", partition)
        self.inputs.setdefault(place, {})[key] = version
        lake = self.house.warehouse
        rows: pd.DataFrame = lake.read_partition(place, partition, version).to_pandas()
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


@contextmanager
def attempt(
    house: House, step: str, as_of: date, writes: Iterable[str], *, repin: bool = False
) -> Iterator[Attempt]:
    """The bracket of a step: token, handles, then publication, or the failure on record.

    Under a further contract step and derived tables are called by it: `score@renewal`.

    `writes`: the tables it will replace a partition of. `repin`: read the newest, not what the
    former publication of the same step and as_of read. Raises BadConfig where the configuration
    changed since that publication, unless `repin`, or the shop's currency or zone is another;
    StaleAttempt where a newer attempt took over.
    """
    house.check_shop()
    former = None if repin else house.publication(step, as_of)
    step = house.config.called(step)
    _same_settings(house, step, former)
    token = house.ledger.take_token(step, as_of)
    handles = {
        name: house.warehouse.handle(house.config.called(name), token=token.number)
        for name in writes
    }
    trial = Attempt(house, step, as_of, former, token, handles)
    with bracket(trial):
        yield trial


@contextmanager
def bracket(trial: Attempt) -> Iterator[None]:
    """Around the work of an attempt that has its token: the publication, or the failure on record.

    Raises as `attempt` does.
    """
    house = trial.house
    try:
        yield
        trial.ended = time.perf_counter()
        _close(trial)
    except Exception as error:
        # a foreign error may quote values of rows: only its kind goes on record
        told = str(error) if isinstance(error, ChurnError) else type(error).__name__
        status = "too_early" if isinstance(error, TooEarly) else "failed"
        with suppress(Transient):
            house.ledger.record_failure(trial.token, told, house.clock(), house.caller, status)
        raise


def _close(trial: Attempt) -> None:
    """Publish what was written, or file the receipt of an attempt that left."""
    house, ledger = trial.house, trial.house.ledger
    if trial.handed_on:
        return
    if not trial.publishes:
        ledger.file_receipt(trial.token, trial.receipt, house.clock(), house.caller)
        return
    ledger.publish(
        trial.token,
        receipt=trial.receipt,
        at=house.clock(),
        caller=house.caller,
        written=trial.written,
        inputs=trial.inputs,
        pins=trial.pins | {"settings": house.config.told(trial.step)},
        lots=trial.lots,
        shop=trial.shop,
    )


def _again(step: str, as_of: date) -> str:
    """What to type to run `step`, under a further contract or not, once more."""
    name, _, line = step.partition("@")
    under = f" --contract {line}" if line else ""
    return f"churn-ml {name} --as-of {as_of.isoformat()}{under}"


def _same_settings(house: House, step: str, former: Publication | None) -> None:
    """Refuse a re-run under other settings: it would not be the same run."""
    if former is None or former.pins.get("settings") == house.config.told(step):
        return
    raise BadConfig(
        f"churn.toml changed since {step} as of {former.as_of.isoformat()} was published",
        where=", ".join(f"[{section}]" for section in READS.get(step.partition("@")[0], ())),
        got=house.config.told(step)[:12],
        expected=str(former.pins.get("settings"))[:12],
        next_step=f"restore churn.toml, or take the new one: {_again(step, former.as_of)} --repin",
    )
