"""A row of July that lands in October: July's features stay, November's change (F7, D3)."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd

from churn_ml import features, flow
from churn_ml.attempt import attempt
from churn_ml.house import House

from ..conftest import FIRST, SECOND

AUGUST = date(2017, 8, 1)


def features_as_of(house: House, as_of: date) -> pd.DataFrame:
    with attempt(house, "look", as_of, ()) as trial:
        built = features.build(trial.canonical(as_of), as_of, house.config.contract)
        trial.leave("done")
    return built.set_index("customer_id")


def orders_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def drop_late_order(house: House) -> str:
    """Put an order of a July day without one into a drop of 2017-10-20; returns its customer."""
    drops = house.config.root / "drops/orders"
    late = orders_of(next((drops / "drop=2017-10-20").glob("*.csv.gz")))[0]
    customer = late["household_id"]
    for day in range(10, 28):
        there = orders_of(next((drops / f"drop=2017-07-{day + 1}").glob("*.csv.gz")))
        if customer not in {order["household_id"] for order in there}:
            break
    late |= {"basket_id": "late-1", "transaction_timestamp": f"2017-07-{day} 10:00:00"}
    with gzip.open(drops / "drop=2017-10-20/late.csv.gz", "wt", newline="") as file:
        writer = csv.DictWriter(file, list(late))
        writer.writeheader()
        writer.writerow(late)
    return customer


def test_a_late_row_of_july_leaves_july_as_it_was_and_changes_november(
    ingested: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(ingested)
    july, october = features_as_of(house, AUGUST), features_as_of(house, FIRST)
    customer = drop_late_order(house)
    flow.ingest(house, SECOND)
    pd.testing.assert_frame_equal(features_as_of(house, AUGUST), july)
    pd.testing.assert_frame_equal(features_as_of(house, FIRST), october)
    with_late = features_as_of(house, SECOND)
    (house.config.root / "drops/orders/drop=2017-10-20/late.csv.gz").unlink()
    flow.ingest(house, SECOND, repin=True)
    without = features_as_of(house, SECOND)
    same = (with_late == without) | (with_late.isna() & without.isna())
    assert list(same.index[~same.all(axis=1)]) == [customer]


def test_a_late_file_in_an_old_folder_was_not_known_then(
    ingested: Path, copy_of: Callable[[Path], House]
) -> None:
    """A file of July, delivered in October into July's folder, must not change July either (D3)."""
    house = copy_of(ingested)
    july, october = features_as_of(house, AUGUST), features_as_of(house, FIRST)
    drop_late_order(house)
    drops = house.config.root / "drops/orders"
    (drops / "drop=2017-10-20/late.csv.gz").rename(drops / "drop=2017-07-20/late.csv.gz")
    assert flow.ingest(house, SECOND).details["late_lots"] == 1
    pd.testing.assert_frame_equal(features_as_of(house, AUGUST), july)
    pd.testing.assert_frame_equal(features_as_of(house, FIRST), october)
    again = flow.ingest(house, SECOND)
    assert again.details["late_lots"] == 1
