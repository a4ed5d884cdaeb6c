"""A shop of two dozen customers whose every step is real: from files to models, scores and a file.

What a seed's `World` publishes is drawn; here it is computed, by the product's own ingest, train,
promote, score and export, each an operation in a process of its own. The shop is small enough that
a step takes half a second, and the inactivity rule is the one model that is fitted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from churn_ml import flow
from churn_ml.config import load
from churn_ml.house import House, open_house

from . import command
from .checker import late
from .history import History

INGESTS = tuple(date(2017, month, 1) for month in (9, 10, 11))
LEARNED = INGESTS[1]
SCORES = INGESTS[1:]
CUSTOMERS = 24
TOML = """
shop = {name = "Corner shop", currency = "EUR"}
contract = {name = "gone30", lookback_days = 60, horizon_days = 30, min_orders = 2}
consent = {default = "assumed"}
training = {min_rows = 1000000}
[sources.orders]
files = "drop=*/orders.csv"
constants = {currency = "EUR", status = "completed"}
columns = {order_id = "order", customer_id = "who", net_amount = "total", occurred_at = "at"}
[destinations.crm_file]
kind = "file"
target = "out"
first_load = "send"
"""


@dataclass(frozen=True)
class Shop:
    """The folder of one shop; `undisturbed`: the facts of one that nobody disturbs, beside it."""

    folder: Path
    seed: int
    history: History
    undisturbed: Path

    def house(self) -> House:
        """The house, opened as a command opens it."""
        return open_house(load(self.folder / "churn.toml"))

    def build(self, _number: int) -> dict[str, Any]:
        """Lay out files and churn.toml; nothing has run."""
        lay_out(self.folder)
        self.house()
        return {}

    def ingest(self, number: int, as_of: date) -> dict[str, Any]:
        """Take in what was dropped up to `as_of`."""
        return self._done(flow.ingest, number, as_of)

    def train(self, _number: int, as_of: date) -> dict[str, Any]:
        """Fit the rule."""
        return {"status": flow.train(self.house(), as_of).status}

    def log(self, _number: int, as_of: date) -> dict[str, Any]:
        """Show MLflow what was trained."""
        return {"status": flow.log(self.house(), as_of).status}

    def record(self, _number: int, as_of: date) -> dict[str, Any]:
        """Judge what was trained and record the decision, in the ledger and in MLflow."""
        return {"status": flow.promote(self.house(), as_of).status}

    def score(self, number: int, as_of: date) -> dict[str, Any]:
        """Score and decide."""
        return self._done(flow.score, number, as_of)

    def export(self, number: int, as_of: date) -> dict[str, Any]:
        """Write what changed."""
        return self._done(flow.export, number, as_of)

    def _done(self, step: Any, number: int, as_of: date) -> dict[str, Any]:
        """Do the step, some of the times by its command."""
        if not command.by_command(self.seed, number):
            return {"status": step(self.house(), as_of).status}
        toml, name = self.folder / "churn.toml", step.__name__
        return {"status": command.receipt(self.history, number, name, toml, as_of)["status"]}

    def settle(self, _number: int) -> dict[str, Any]:
        """Export the newest interval; the counts."""
        return dict(flow.export(self.house(), SCORES[-1]).details["destinations"])

    def compare_with(self, number: int) -> dict[str, Any]:
        """Have an undisturbed shop do every step, and keep its facts."""
        shop = replace(self, folder=self.undisturbed.parent)
        shop.build(number)
        for op, as_of in way():
            getattr(shop, op)(number, as_of)
        self.undisturbed.write_text(json.dumps(shop.facts()), encoding="utf-8")
        return {}

    def facts(self) -> dict[str, Any]:
        """What is published, decided and sent, without what a run's time or number tells."""
        house = self.house()
        return {
            "contents": house.ledger.contents(),
            "decisions": [row.kind for row in house.ledger.decisions()],
            "champion": house.ledger.champion(INGESTS[-1]),
            "sent": house.ledger.acknowledged(),
        }

    def check(self, _number: int) -> dict[str, Any]:
        """What differs from the undisturbed shop."""
        return {
            "violations": [*self._differences(), *late(self.history), *command.misled(self.history)]
        }

    def _differences(self) -> Iterator[str]:
        wanted, found = json.loads(self.undisturbed.read_text(encoding="utf-8")), self.facts()
        for name, fact in wanted.items():
            if found[name] != fact:
                yield f"{name}: {found[name]}, in an undisturbed shop {fact}"
        yield from (f"doctor: {one}" for one in flow.doctor(self.house()) if not one["well"])


def way() -> Iterator[tuple[str, date]]:
    """The steps in the order of the data, each with its as_of."""
    yield from (("ingest", day) for day in INGESTS)
    yield from ((op, LEARNED) for op in ("train", "log", "record"))
    yield from (("score", day) for day in SCORES)
    yield ("export", SCORES[-1])


def lay_out(folder: Path) -> None:
    """Ten months of orders, each month's in the drop of the next; the same in every shop."""
    draw, drops = random.Random("corner shop"), dict[date, list[str]]()
    for number in range(CUSTOMERS):
        day, pause = date(2017, 1, 1 + number), draw.choice((7, 10, 15))
        gone = draw.choice((date(2018, 1, 1), date(2017, draw.randrange(4, 10), 1)))
        while day < min(gone, INGESTS[-1]):
            drop = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            order = f"o{number}-{day},c{number:02},{draw.randrange(5, 50)}.00,{day} 10:00:00"
            drops.setdefault(drop, ["order,who,total,at"]).append(order)
            day += timedelta(days=draw.randrange(1, 2 * pause))
    for drop, lines in drops.items():
        (folder / f"drop={drop}").mkdir(parents=True)
        (folder / f"drop={drop}" / "orders.csv").write_text("\n".join(lines) + "\n")
    (folder / "churn.toml").write_text(TOML, encoding="utf-8")
