"""The house with its edges open: lake, ledger, registry, and the secrets of the environment.

Enters: a checked configuration. Leaves: a `House` that every step works in; what a step may read
and write of it is bracketed by `attempt`. Worked example: the demo's house lies in `var/demo`,
with the lake in `lake/`, the ledger in `ledger.db` and MLflow in `mlflow.db`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from churn_ml.checks import check
from churn_ml.config import Config
from churn_ml.connections import Hook
from churn_ml.errors import BadConfig, NotReady
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
from churn_ml.warehouse import Warehouse

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from churn_ml.ledger import Decision, Publication
    from churn_ml.models.bundle import Bundle
    from churn_ml.registry import Registry

Progress = Callable[[str], None]
KEY_CHARACTERS = 16


def wall_clock() -> datetime:
    """The time now, UTC: for receipts only, never for a table's rows."""
    return datetime.now(UTC)


def silent(_: str) -> None:
    """The progress of someone who asked for none."""


@dataclass(frozen=True)
class Addresses:
    """Where the ledger and MLflow are, for a door that knows better than churn.toml.

    None is what [paths] says. `connections` has the URL of each connection that [sources] and
    [destinations] name, `hooks` Airflow's own hook of those that have one: it signs in. A URL may
    hold a password, so none is shown.
    """

    ledger: str | None = field(default=None, repr=False)
    mlflow: str | None = field(default=None, repr=False)
    connections: Mapping[str, str] = field(default_factory=dict, repr=False)
    hooks: Mapping[str, Hook] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class House:
    """The configuration with the lake and the ledger it names, opened.

    `caller`: what asked, such as the URL of a task instance; kept beside every receipt.
    `requester`: the person who started it by hand, as the scheduler's login knows them; None where
    nobody did, or nobody logged in.
    """

    config: Config
    warehouse: Warehouse
    ledger: Ledger
    say: Progress = silent
    clock: Callable[[], datetime] = wall_clock
    addresses: Addresses = Addresses()
    caller: str | None = None
    requester: str | None = None

    def under(self, line: str) -> House:
        """The same house under another of the shop's contracts; empty is the main one.

        Raises BadConfig where churn.toml has no such contract.
        """
        return self if line == self.config.line else replace(self, config=self.config.under(line))

    def publication(self, step: str, as_of: date) -> Publication | None:
        """What `step` published for `as_of` under this contract, or None."""
        return self.ledger.publication(self.config.called(step), as_of)

    def newest(self, step: str, *, upto: date | None = None) -> Publication | None:
        """The publication of `step` under this contract with the latest as_of, at most `upto`."""
        return self.ledger.newest(self.config.called(step), upto=upto)

    def published(self, table: str) -> Mapping[str, int]:
        """The published partitions of `table` under this contract, each with its version."""
        name = self.config.called(table)
        return self.ledger.versions([name])[name]

    def before(self, step: str, what: str, as_of: date, got: str | None = None) -> NotReady:
        """The error of one who comes before `step` ran for `as_of` under this contract."""
        return NotReady.before(self.config.called(step), what, as_of, got=got)

    def decisions(self) -> list[Decision]:
        """The decisions on models of this contract, whatever its settings were; oldest first."""
        name = self.config.contract.name
        mine = {m.id for m in self.ledger.models() if m.contract.rpartition("-")[0] == name}
        return [d for d in self.ledger.decisions() if d.champion_to in mine]

    @cached_property
    def registry(self) -> Registry:
        """MLflow, opened when first needed: it takes seconds to import."""
        from churn_ml.registry import Registry

        paths = self.config.paths
        return Registry(
            self.addresses.mlflow or self.config.url(paths.mlflow),
            self.config.path(paths.mlflow_artifacts),
            self.config.contract.name,
        )

    @cached_property
    def holdout_key(self) -> bytes:
        """The secret that draws the holdout and hides the suppressed.

        Raises BadConfig where its variable is not set or too short, or holds another key than the
        one this ledger knows: every arm would be drawn anew and every suppression be missed.
        """
        name = self.config.holdout.key_env
        secret = os.environ.get(name, "")
        if len(secret) < KEY_CHARACTERS:
            raise BadConfig(
                f"the holdout key is not set or too short: environment variable {name}",
                where="[holdout] key_env",
                expected=f"a secret of {KEY_CHARACTERS} characters or more, the same on every run",
                next_step=f"export {name}=... with a random text, and keep it safe",
            )
        mark = hmac.new(secret.encode(), b"fingerprint", hashlib.sha256).hexdigest()[:16]
        if self.ledger.remember_key(mark) != mark:
            raise BadConfig(
                f"{name} holds another key than the one this ledger was used with first",
                where="[holdout] key_env",
                expected="the same secret on every run",
                next_step="restore the former key; a new draw is made by [holdout] salt",
            )
        return secret.encode()

    def check_shop(self) -> None:
        """Raise BadConfig where currency or zone are not those that everything stored is in."""
        shop = self.config.shop
        known = self.ledger.shop
        if known is None or known == (shop.currency, shop.time_zone):
            return
        raise BadConfig(
            "the shop's currency or time zone is another than at its first ingest",
            where="[shop] currency, time_zone",
            got=f"{shop.currency}, {shop.time_zone}",
            expected=f"{known[0]}, {known[1]}: every stored amount and day is in these",
            next_step=(
                "restore them; say in [[sources.TABLE]] what a new delivery is in (time_zone, and a"
                " currency with fx_rates), or begin anew with an empty lake and ledger"
            ),
        )

    def bundle(self, model_id: str) -> Bundle:
        """The model with that id, its bytes checked against the ledger; raises Tampered."""
        from churn_ml.models import store

        known = self.ledger.model(model_id)
        return store.load(self.config.path(known.folder), sha256=known.sha256)

    def tau(self, bundle: Bundle, as_of: date) -> float:
        """The gain above which the model contacts as of `as_of`, in the shop currency.

        Its own, unless a decision changed it.
        """
        changed = self.ledger.tau(bundle.id, as_of)
        return bundle.tau if changed is None else changed

    def champion(self, as_of: date) -> str | None:
        """The model that is champion as of `as_of` under the present contract; None before one."""
        return self.ledger.champion(as_of, contract=self.config.contract.stamp)

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
        return [filed.receipt for filed in reversed(self.ledger.receipts(limit=None))]

    def watermark(self, as_of: date) -> date:
        """The newest ingest key that brought orders; raises NotReady where `as_of` lies beyond.

        An ingest that found no order file moves nothing: silence of the shop's files is not
        silence of its customers.
        """
        keys = [date.fromisoformat(key) for key in self.ledger.versions(["orders"])["orders"]]
        if not keys or max(keys) < as_of:
            raise NotReady(
                "the data does not reach this as_of",
                got=f"orders ingested to {max(keys).isoformat()}" if keys else "no orders ingested",
                expected=f"an ingest of orders keyed {as_of.isoformat()} or later",
                next_step="deliver the files and see that the globs of [sources] match them,"
                f" then: churn-ml ingest --as-of {as_of.isoformat()}",
            )
        return max(keys)


def open_house(
    config: Config,
    *,
    say: Progress = silent,
    addresses: Addresses = Addresses(),
    caller: str | None = None,
    requester: str | None = None,
) -> House:
    """The house of `config`; makes its folder and migrates the ledger where needed.

    Raises BadConfig where churn.toml says something that no room could work with.
    """
    check(config)
    config.root.mkdir(parents=True, exist_ok=True)
    lake = Warehouse(str(config.path(config.paths.lake)), zone=config.shop.time_zone)
    ledger = open_ledger(config, addresses)
    return House(config, lake, ledger, say, addresses=addresses, caller=caller, requester=requester)


def open_ledger(config: Config, addresses: Addresses = Addresses()) -> Ledger:
    """The ledger alone, for who only reads receipts and decisions: no lake, no MLflow, no key."""
    return Ledger.open(addresses.ledger or config.url(config.paths.ledger))
