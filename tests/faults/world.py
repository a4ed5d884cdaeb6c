"""A small house with three targets, and what is done in it: one operation, one process.

The tables that an export reads are published through the real bracket of a step, into a real lake
and ledger; what they say is drawn from a seed, since faults and not models are on trial here.
Everything after that is the product: `flow.export` with its outbox, guard, ledger and destinations,
or `churn-ml export` with all that, as the seed draws.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import load
from churn_ml.crm import open_destination
from churn_ml.flow.export import READS
from churn_ml.flow.means import means
from churn_ml.house import Addresses, House, open_house, open_ledger
from churn_ml.warehouse import Warehouse

from ..crm.fakes import hubspot
from ..crm.fakes.faults import Fault, FaultScript
from ..crm.fakes.server import Asked, Reply
from . import command
from .history import History
from .told import frames

INTERVALS = tuple(date(2017, month, 1) for month in range(6, 11))
TABLE, FILE, HUB = "crm_table", "crm_file", "crm_hub"
CALM = "calm"
"""The file in HubSpot's folder that ends its faults."""
FORMATS = ("csv", "parquet", "csv")
SHOP = """
shop = {{name = "Corner shop", currency = "EUR"}}
consent = {{default = "assumed"}}
[[offers]]
code = "COUPON"
label = "5 off"
channel = "mail"
save_rate = 0.2
[paths]
ledger = "{ledger}"
[destinations.crm_file]
kind = "file"
target = "out"
format = "{format}"
[destinations.crm_table]
kind = "sql"
target = "sqlite:///out.db"
table = "churn_segments"
delivers = true
[destinations.crm_hub]
kind = "hubspot"
connection = "hubspot_crm"
batch_size = 10
requests_per_10_seconds = 5000
test_host = true
"""
WATCHED = """
create table written (
  customer_id text, offer text, at real default ((julianday('now') - 2440587.5) * 86400.0));
create table refused (customer_id text);
create trigger log_insert after insert on churn_segments begin
  insert into written (customer_id, offer) values (new.customer_id, new.offer); end;
create trigger log_update after update on churn_segments begin
  insert into written (customer_id, offer) values (new.customer_id, new.offer); end;
create trigger refuse before insert on churn_segments
  when exists (select 1 from refused where customer_id in (new.customer_id, '*'))
  begin select raise(abort, 'refused by the target'); end;
"""
"""The target's own log of what was written to it, and whom it refuses."""


class HubSpot(hubspot.HubSpot):
    """The fake account with the wall clock in its log."""

    def accept(self, write: dict[str, Any]) -> None:
        super().accept(write | {"at": time.time()})

    def handle(self, asked: Asked) -> tuple[Reply | None, Fault]:
        """As any fake; once it is calm, without the faults that nobody has met."""
        if self.folder and (self.folder / CALM).exists():
            self.script = FaultScript()
        return super().handle(asked)


@dataclass(frozen=True)
class World:
    """The folder of one seed.

    `hub`: the folder of its HubSpot; `ledger`: the URL of its ledger where that is not SQLite.
    """

    folder: Path
    seed: int
    history: History
    hub: Path
    ledger: str | None = None

    def house(self) -> House:
        """The house, opened without checking churn.toml again: that takes longer than a step."""
        config, addresses = load(self.toml), self._addresses()
        lake = Warehouse(str(config.path(config.paths.lake)), zone=config.shop.time_zone)
        return House(config, lake, open_ledger(config, addresses), addresses=addresses)

    def build(self, _number: int) -> dict[str, Any]:
        """Lay out churn.toml, make the ledger and the target with its log."""
        ledger, written = self.ledger or "sqlite:///ledger.db", FORMATS[self.seed % len(FORMATS)]
        self.toml.write_text(SHOP.format(ledger=ledger, format=written), encoding="utf-8")
        house = open_house(load(self.toml), addresses=self._addresses())
        open_destination(TABLE, house.config, means=means(house)).preflight()
        with sqlite3.connect(self.folder / "out.db") as target:
            target.executescript(WATCHED)
        return {}

    def publish(self, number: int, as_of: date, again: int | None = None) -> dict[str, Any]:
        """Publish what is said of `as_of`; the operation's number tells generations apart.

        `again`: a generation that was published before, in place of a new one.
        """
        house, number = self.house(), again or number
        with attempt(house, "score", as_of, READS, repin=True) as trial:
            for name, frame in frames(self.seed, number, as_of).items():
                trial.write(name, frame)
            trial.pins |= {"model": f"m{number}", "tau": 0.0, "number": number}
        return {"token": trial.token.number}

    def export(self, number: int, as_of: date) -> dict[str, Any]:
        """Export `as_of` to every target, some of the times as a person or a cron job does."""
        if not command.by_command(self.seed, number):
            return dict(flow.export(self.house(), as_of).details["destinations"])
        self._be_connected()
        done = command.receipt(self.history, number, "export", self.toml, as_of)
        return dict(done["details"]["destinations"])

    def settle(self, number: int) -> dict[str, Any]:
        """Export the newest published interval."""
        newest = self.house().newest("score")
        assert newest is not None
        return self.export(number, newest.as_of)

    def check(self, _number: int) -> dict[str, Any]:
        """What of the claim does not hold."""
        from .checker import violations

        return {"violations": violations(self)}

    def suppress(self, number: int, customers: Sequence[str]) -> dict[str, Any]:
        """Put customers on the suppression list."""
        if command.by_command(self.seed, number):
            words = ("suppress", *customers, "--config", str(self.toml))
            command.said(self.history, number, *words)
            return {"customers": customers}
        house = self.house()
        for customer in customers:
            house.ledger.suppress(house.suppression_key(customer), house.clock())
        return {"customers": customers}

    def waits(self, _number: int) -> dict[str, Any]:
        """Whose upserts of a plan are still to be sent, with an offer and without."""
        ledger, offers = self.house().ledger, dict[str, str]()
        for name in (TABLE, FILE, HUB):
            _, _, rows = ledger.open_plan(name) or ("", None, [])
            told = ((customer, json.loads(payload)) for customer, _, payload, _ in rows)
            offers |= {customer: row["offer"] for customer, row in told if row}
        offered = sorted(c for c, offer in offers.items() if offer != "NONE")
        return {"offered": offered, "others": sorted(offers.keys() - set(offered))}

    def consent(self, number: int, given: dict[str, bool]) -> dict[str, Any]:
        """Publish what customers say of being contacted, as an ingest of its own day."""
        house, now = self.house(), datetime.now(UTC).replace(tzinfo=None)
        day = date(2018, 1, 1) + pd.Timedelta(days=number)
        same = {"purpose": "contact", "day": now.date(), "occurred_at": now, "known_at": now}
        same |= {"known_from": "source", "lot": "l", "ingest_key": day}
        rows = [
            same | {"customer_id": customer, "given": yes, "lot_row": row}
            for row, (customer, yes) in enumerate(given.items(), start=1)
        ]
        with attempt(house, "ingest", day, ["consents"], repin=True) as trial:
            trial.write("consents", pa.Table.from_pylist(rows))
        return {"given": given}

    def serve(self, _number: int) -> None:
        """Be the seed's HubSpot until killed; its log outlives it."""
        self.hub.mkdir(exist_ok=True)
        with HubSpot(self.hub) as fake:
            whole = self.hub / "whole"
            whole.write_text(fake.connection, encoding="utf-8")
            whole.rename(self.hub / "connection")
            signal.pause()

    def lift(self) -> None:
        """From now on every target takes what it is given."""
        self.refuse([])
        (self.hub / CALM).touch()

    @property
    def toml(self) -> Path:
        """The settings of the shop."""
        return self.folder / "churn.toml"

    def _connection(self) -> str:
        return (self.hub / "connection").read_text(encoding="utf-8")

    def _addresses(self) -> Addresses:
        return Addresses(connections={"hubspot_crm": self._connection()})

    def _be_connected(self) -> None:
        """Have the connection where a command finds it: this process is its own."""
        os.environ["AIRFLOW_CONN_HUBSPOT_CRM"] = self._connection()

    def refuse(self, customers: Sequence[str]) -> None:
        """From now on the target refuses these; "*" refuses every row."""
        with sqlite3.connect(self.folder / "out.db") as target:
            target.execute("delete from refused")
            target.executemany("insert into refused values (?)", [(c,) for c in customers])
