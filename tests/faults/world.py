"""A small house with three targets, and what is done in it: one operation, one process.

The tables that an export reads are published through the real bracket of a step, into a real lake
and ledger; what they say is drawn from a seed, since faults and not models are on trial here.
Everything after that is the product: `flow.export` with its outbox, guard, ledger and destinations.
"""

from __future__ import annotations

import random
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
from .history import History

INTERVALS = tuple(date(2017, month, 1) for month in range(6, 11))
CUSTOMERS = tuple(f"c{number:02}" for number in range(24))
TABLE, FILE, HUB = "crm_table", "crm_file", "crm_hub"
CALM = "calm"
"""The file in HubSpot's folder that ends its faults."""
OFFERS = ("NONE", "NONE", "COUPON")
SHOP = """
shop = {name = "Corner shop", currency = "EUR"}
consent = {default = "assumed"}
[[offers]]
code = "COUPON"
label = "5 off"
channel = "mail"
save_rate = 0.2
[destinations.crm_file]
kind = "file"
target = "out"
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
create table written (customer_id text, at real);
create table refused (customer_id text);
create trigger log_insert after insert on churn_segments begin
  insert into written values (new.customer_id, (julianday('now') - 2440587.5) * 86400.0); end;
create trigger log_update after update on churn_segments begin
  insert into written values (new.customer_id, (julianday('now') - 2440587.5) * 86400.0); end;
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
        config, addresses = load(self.folder / "churn.toml"), self._addresses()
        lake = Warehouse(str(config.path(config.paths.lake)), zone=config.shop.time_zone)
        return House(config, lake, open_ledger(config, addresses), addresses=addresses)

    def build(self, _number: int) -> dict[str, Any]:
        """Lay out churn.toml, make the ledger and the target with its log."""
        (self.folder / "churn.toml").write_text(SHOP, encoding="utf-8")
        house = open_house(load(self.folder / "churn.toml"), addresses=self._addresses())
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

    def export(self, _number: int, as_of: date) -> dict[str, Any]:
        """Export `as_of` to every target."""
        return dict(flow.export(self.house(), as_of).details["destinations"])

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
        house = self.house()
        for customer in customers:
            house.ledger.suppress(house.suppression_key(customer), house.clock())
        return {"customers": customers}

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

    def _addresses(self) -> Addresses:
        connection = (self.hub / "connection").read_text(encoding="utf-8")
        return Addresses(ledger=self.ledger, connections={"hubspot_crm": connection})

    def refuse(self, customers: Sequence[str]) -> None:
        """From now on the target refuses these; "*" refuses every row."""
        with sqlite3.connect(self.folder / "out.db") as target:
            target.execute("delete from refused")
            target.executemany("insert into refused values (?)", [(c,) for c in customers])


def said(seed: int, number: int, as_of: date) -> dict[str, dict[str, Any]]:
    """What generation `number` says of `as_of`: about two thirds of the customers, by id."""
    draw = random.Random(f"{seed}/{number}/{as_of}")
    scored = [c for c in CUSTOMERS if draw.random() < 0.66]
    return {
        c: {
            "score": round(draw.randrange(20) * 0.05, 2),
            "stage": draw.choice(("active", "silent", "loyal")),
            "offer": draw.choice(OFFERS),
        }
        for c in scored
    }


def frames(seed: int, number: int, as_of: date) -> dict[str, pd.DataFrame]:
    """The tables that an export reads, as generation `number` of `as_of` says them."""
    told = said(seed, number, as_of)
    ids = pd.DataFrame({"customer_id": pd.Series(list(told), dtype=object)})
    of = {name: [row[name] for row in told.values()] for name in ("score", "stage", "offer")}
    band = {"risk_band": "low", "value_band": "low", "segment": "S", "arm": "open"}
    money = {"value": 1.0, "value_at_risk": 1.0, "reasons": "[]", "contract": "gone30-1"}
    chosen: dict[str, Any] = {"expected_gain": 1.0, "expected_cost": 0.0, "why": "pays"}
    chosen |= dict.fromkeys(("barred", "experiment", "experiment_arm", "kept_share"))
    return {
        "scores": ids.assign(score=of["score"], model=f"m{number}", **money),
        "segments": ids.assign(stage=of["stage"], **band),
        "actions": ids.assign(offer=of["offer"], would_be_offer=of["offer"], **chosen),
        "causes": pd.DataFrame(
            columns=["customer_id", "cause", "rank", "score", "stated", "type", "group", "evidence"]
        ),
        "named_segments": pd.DataFrame(columns=["customer_id", "segment"]),
    }
