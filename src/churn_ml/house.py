"""The house with its edges open, and the bracket that every step stands in.

Enters: a checked configuration. Leaves: a `House` (lake, ledger, registry, clock) and, for each
step, an `Attempt`: it takes the fencing token, opens the Delta handles it will commit through,
reads published versions only, and publishes everything in one ledger row at the end. A step that
dies anywhere in between leaves nothing that a reader can see.

Worked example: scoring as of 2017-10-01 is killed after its lake commit. The ledger still names
the versions of the former publication, or none; the re-run takes token 2, replaces the partition
2017-10-01 and publishes. Should the first attempt wake up, Delta refuses its commit and the ledger
its token.

A re-run is pinned: it reads the versions, lots and model that the former publication of the same
step and as_of recorded. `repin=True` takes the newest instead.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from churn_ml.config import Config
from churn_ml.errors import BadConfig, ChurnError, NotReady
from churn_ml.ledger import Ledger, Publication, Token
from churn_ml.receipts import Receipt, TableCount
from churn_ml.tables import SOURCE_TABLES, table
from churn_ml.warehouse import Handle, Versions, Warehouse, Written

if TYPE_CHECKING:
    import ibis
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from churn_ml.models.store import Bundle
    from churn_ml.registry import Registry

Progress = Callable[[str], None]


def wall_clock() -> datetime:
    """The time now, UTC: for receipts only, never for a table's rows."""
    return datetime.now(UTC)


def silent(_: str) -> None:
    """The progress of someone who asked for none."""


@dataclass(frozen=True)
class House:
    """The configuration with the lake and the ledger it names, opened."""

    config: Config
    warehouse: Warehouse
    ledger: Ledger
    say: Progress = silent
    clock: Callable[[], datetime] = wall_clock

    @cached_property
    def registry(self) -> Registry:
        """MLflow, opened when first needed: it takes seconds to import."""
        from churn_ml.registry import Registry

        paths = self.config.paths
        return Registry(
            self.config.url(paths.mlflow),
            self.config.path(paths.mlflow_artifacts),
            self.config.contract.name,
        )

    @property
    def holdout_key(self) -> bytes:
        """The secret that draws the holdout; raises BadConfig where its variable is not set."""
        name = self.config.holdout.key_env
        secret = os.environ.get(name, "")
        if not secret:
            raise BadConfig(
                f"the holdout key is not set: environment variable {name}",
                where="[holdout] key_env",
                expected="a secret of 16 characters or more, the same on every run",
                next_step=f"export {name}=$(openssl rand -hex 16) and keep it",
            )
        return secret.encode()

    def bundle(self, model_id: str) -> Bundle:
        """The model with that id, its bytes checked against the ledger; raises Tampered."""
        from churn_ml.models import store

        known = self.ledger.model(model_id)
        return store.load(self.config.path(known.folder), sha256=known.sha256)

    def project(self, champion: str | None) -> str:
        """Let MLflow's aliases follow the ledger; raises Unreachable where MLflow is down."""
        held = self.registry.aliases().get("champion")
        if held == champion:
            return "unchanged"
        self.registry.set_alias("former_champion", held)
        self.registry.set_alias("champion", champion)
        return "moved"

    def suppressed(self, customer_ids: Iterable[str]) -> set[str]:
        """Those of `customer_ids` who must never be contacted."""
        listed = self.ledger.suppressed()
        return {c for c in customer_ids if listed and self.suppression_key(c) in listed}

    def held_out(self, customer_ids: pd.Series) -> NDArray[np.bool_]:
        """Who stands in the universal holdout, one element per id."""
        from churn_ml.experiments import HOLDOUT

        found: NDArray[np.bool_] = self.arms(customer_ids) == HOLDOUT
        return found

    def arms(self, customer_ids: pd.Series) -> NDArray[np.object_]:
        """The arm of each customer in the universal holdout: holdout or open."""
        from churn_ml.experiments import arm

        draw = self.config.holdout
        return arm(customer_ids, key=self.holdout_key, salt=draw.salt, share=draw.share)

    def suppression_key(self, customer_id: str) -> str:
        """The keyed hash under which a customer stands on the suppression list."""
        message = f"suppression|{customer_id}".encode()
        return hmac.new(self.holdout_key, message, hashlib.sha256).hexdigest()

    def history(self) -> list[Receipt]:
        """Every receipt of the house, oldest first."""
        return [filed.receipt for filed in reversed(self.ledger.receipts(limit=10_000))]

    def watermark(self, as_of: date) -> date:
        """The newest ingest key; raises NotReady where data does not reach `as_of`."""
        newest = self.ledger.newest("ingest")
        if newest is None or newest.as_of < as_of:
            raise NotReady(
                "the data does not reach this as_of",
                got=f"ingested to {newest.as_of.isoformat()}" if newest else "nothing ingested",
                expected=f"an ingest keyed {as_of.isoformat()} or later",
                next_step=f"churn-ml ingest --as-of {as_of.isoformat()}",
            )
        return newest.as_of


def open_house(config: Config, *, say: Progress = silent) -> House:
    """The house of `config`; makes the lake folder and migrates the ledger where needed."""
    config.root.mkdir(parents=True, exist_ok=True)
    ledger = Ledger.open(config.url(config.paths.ledger))
    return House(config, Warehouse(str(config.path(config.paths.lake))), ledger, say)


@dataclass
class Attempt:
    """One try of one step for one as_of, from its token to its publication."""

    house: House
    step: str
    as_of: date
    former: Publication | None
    token: Token
    handles: Mapping[str, Handle]
    inputs: dict[str, Mapping[str, int]] = field(default_factory=dict)
    pins: dict[str, Any] = field(default_factory=dict)
    lots: list[tuple[str, str]] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    counts: list[TableCount] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    status: str = "done"
    publishes: bool = True
    started: float = field(default_factory=time.perf_counter)

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
        )

    @property
    def seconds(self) -> float:
        """How long it took: monotonic, frozen when the bracket closes."""
        return (self.ended or time.perf_counter()) - self.started

    ended: float | None = None

    def leave(self, status: str) -> None:
        """End without a publication: only a receipt with `status` is filed."""
        self.status, self.publishes = status, False

    def pinned(self, name: str) -> Any:
        """What the former publication pinned under `name`; None on a first run or a repin."""
        return self.former.pins.get(name) if self.former else None

    def published(self, names: Iterable[str]) -> Versions:
        """The versions of `names` to read: those of the former publication, else the newest."""
        wanted = tuple(names)
        if self.former is not None and self.former.inputs:
            versions = {n: self.former.inputs.get(n, {}) for n in wanted}
        else:
            versions = dict(self.house.ledger.versions(wanted))
        self.inputs.update(versions)
        return versions

    def canonical(self, cut: date) -> dict[str, ibis.Table]:
        """Every canonical table that has data, as it was known at `cut`."""
        versions = {n: v for n, v in self.published(SOURCE_TABLES).items() if v}
        return {n: self.house.warehouse.read(n, v, as_of=cut) for n, v in versions.items()}

    def frame(self, name: str, partition: date) -> pd.DataFrame:
        """One published partition of a derived table; raises NotReady where there is none."""
        key = partition.isoformat()
        version = self.published([name])[name].get(key)
        if version is None:
            raise NotReady(
                f"{name} is not published for {key}",
                where=f"{self.step} as of {self.as_of.isoformat()}",
                expected=f"{name} as of {key}",
                next_step=f"churn-ml {table(name).owner} --as-of {key}",
            )
        self.inputs[name] = {key: version}
        rows: pd.DataFrame = self.house.warehouse.read_partition(
            name, partition, version
        ).to_pandas()
        return rows

    def write(
        self, name: str, rows: pa.Table | pd.DataFrame, *, partition: date | None = None
    ) -> Written:
        """Replace one partition of `name` (this attempt's as_of unless told) in one commit."""
        import pyarrow as pa

        arrow = rows if isinstance(rows, pa.Table) else table(name).to_arrow(rows)
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

    Raises BadConfig where the configuration changed since the former publication of the same step
    and as_of, unless `repin`.
    """
    former = None if repin else house.ledger.publication(step, as_of)
    token = house.ledger.take_token(step, as_of)
    handles = {name: house.warehouse.handle(name, token=token.number) for name in writes}
    trial = Attempt(house, step, as_of, former, token, handles)
    try:
        _same_config(trial)
        yield trial
        trial.ended = time.perf_counter()
        _close(trial)
    except ChurnError as error:
        house.ledger.record_failure(token, str(error), house.clock())
        raise


def _close(trial: Attempt) -> None:
    """Publish what was written, or file the receipt of an attempt that left."""
    house, ledger = trial.house, trial.house.ledger
    if not trial.publishes:
        ledger.file_receipt(trial.token, trial.receipt, house.clock())
        return
    ledger.publish(
        trial.token,
        receipt=trial.receipt,
        at=house.clock(),
        written=trial.written,
        inputs=trial.inputs,
        pins=trial.pins | {"config_hash": house.config.hash},
        lots=trial.lots,
    )


def _same_config(trial: Attempt) -> None:
    """Refuse a re-run under another configuration: it would not be the same run."""
    then = trial.pinned("config_hash")
    if then is not None and then != trial.house.config.hash:
        raise BadConfig(
            f"churn.toml changed since {trial.step} as of {trial.as_of.isoformat()} was published",
            got=trial.house.config.hash[:12],
            expected=then[:12],
            next_step="restore churn.toml, or run again with --repin to take the new one",
        )
