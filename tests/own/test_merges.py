"""Two customers whom the shop merged are one, from the next scoring to the CRM."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import load
from churn_ml.house import House, open_house

FIRST, SECOND = date(2017, 10, 1), date(2017, 11, 1)
SOURCE = """
[sources.customer_merges]
files = "drops/merges/drop=*/*.csv"
columns = { old_id = "old", customer_id = "new" }
"""


def held(house: House) -> set[str]:
    """Whom the destination holds, after every export so far."""
    there: set[str] = set()
    for path in sorted((house.config.root / "exports").glob("as_of=*/*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                there = (
                    there | {row["customer_id"]}
                    if row["op"] == "upsert"
                    else there - {row["customer_id"]}
                )
    return there


def frame(house: House, name: str, as_of: date) -> pd.DataFrame:
    with attempt(house, "export", as_of, (), repin=True) as trial:
        trial.leave("dry_run")
        return trial.frame(name, as_of)


def orders_of(house: House, customer_id: str) -> int:
    with attempt(house, "export", SECOND, (), repin=True) as trial:
        trial.leave("dry_run")
        orders = trial.canonical(SECOND)["orders"]
        return int(orders.filter(orders.customer_id == customer_id).count().to_pyarrow().as_py())


def test_two_merged_customers_are_one_to_the_export(
    scored: Path, copy_of: Callable[[Path], House]
) -> None:
    """Scored and exported on 2017-10-01, both customers in the CRM; then merged in October."""
    exported = copy_of(scored)
    flow.export(exported, FIRST)
    before = held(exported)
    old, new = sorted(frame(exported, "scores", FIRST)["customer_id"])[:2]
    assert {old, new} <= before
    single = {who: orders_of(exported, who) for who in (old, new)}
    exported.ledger.suppress(exported.suppression_key(old), datetime(2017, 10, 2, tzinfo=UTC))
    drop = exported.config.root / "drops" / "merges" / "drop=2017-10-15"
    drop.mkdir(parents=True)
    (drop / "merges.csv").write_text(f"old,new\n{old},{new}\n")
    toml = exported.config.root / "churn.toml"
    toml.write_text(toml.read_text() + SOURCE)
    house = open_house(load(toml))
    for step in (flow.ingest, flow.score, flow.export, flow.learn):
        step(house, SECOND)
    for name in ("cohort", "features", "scores", "causes", "segments", "actions"):
        assert old not in set(frame(house, name, SECOND)["customer_id"]), name
    became = frame(house, "outcomes", FIRST).set_index("customer_id")["churned"]
    assert became[old] == became[new]  # both were scored: what the one customer did holds for both
    assert orders_of(house, old) == 0
    assert orders_of(house, new) > single[old] + single[new] - 1 > 1
    # who must not be contacted under the old number must not be under the new one
    assert {old, new} & held(house) == set()
    assert frame(house, "actions", SECOND).set_index("customer_id").loc[new, "offer"] == "NONE"
