"""The shops: public data laid out as a shop would drop them, ingested and validated.

Enters: the name of a shop, the file or folder that holds its data, and an empty folder. Leaves: a
`House` with everything ingested, and the day after its last order. Worked example: CDNOW's text
file is read where it lies; its purchases are known from 00:00 of the next day on.

The Complete Journey is weighed under the offers of the demo's churn.toml. The other two shops bring
no offers: they are weighed under one offer of 1 a contact, which saves 3 of 10 churners for .9 of
their value and costs a tenth of a stayer's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from churn_ml import flow
from churn_ml.config import load
from churn_ml.errors import NotReady
from churn_ml.house import House, Progress, open_house
from churn_ml.sources import complete_journey

if TYPE_CHECKING:
    from churn_ml.quality.tasks import Task

MONEY = """
[economics]
saved_value_share = 0.9
stayer_harm_share = 0.1
[[offers]]
code = "OFFER"
label = "an offer"
contact_amount = 1.0
save_rate = 0.3
"""
TEST_DATA = "CHURN_ML_TEST_DATA"


@dataclass(frozen=True)
class Shop:
    """How a shop is laid out: the text of its churn.toml, for the data that were given."""

    churn_toml: Callable[[Path, Path], str]
    usual: Callable[[], Path]
    """Where its data are looked for; raises NotReady where they are not."""
    latest: date
    """No drop of its data is later."""
    ends: date
    """The day after the last that it tells of, whoever ordered then; or that of the last order."""


def data_of(task: Task, given: Path | None) -> Path:
    """The file of a task's data, the folder of Parquet files for the Complete Journey.

    `given`: where it is not the usual one. Raises NotReady where there are no data.
    """
    return given or SHOPS[task.shop].usual()


def open_shop(task: Task, folder: Path, data: Path, say: Progress) -> House:
    """A house below `folder` with the whole `data` ingested, under the contract that teaches.

    `data`: as `data_of` gives it.
    """
    shop = SHOPS[task.shop]
    say(f"laying out and ingesting: {task.meaning}; from {data}")
    (folder / "churn.toml").write_text(shop.churn_toml(folder, data), encoding="utf-8")
    config = load(folder / "churn.toml").model_copy(update={"contract": task.taught})
    house = open_house(config, say=say)
    flow.ingest(house, shop.latest)
    return house


def ends_on(task: Task, house: House) -> date:
    """The end of what is known, exclusive: the later of the shop's and the day after an order."""
    shop = SHOPS[task.shop]
    orders = house.warehouse.read("orders", house.published("orders"), as_of=shop.latest)
    last: date = orders.day.max().to_pyarrow().as_py()
    return max(shop.ends, last + timedelta(days=1))


def _cdnow(_: Path, file: Path) -> str:
    return (
        '[shop]\nname = "CDNOW"\ncurrency = "USD"\n'
        f'[sources.orders]\nkind = "cdnow"\nfiles = "{file.absolute()}"\nlag_days = 0\n{MONEY}'
    )


def _online_retail(_: Path, file: Path) -> str:
    entry = f'kind = "online_retail"\nfiles = "{file.absolute()}"\nlag_days = 0\n'
    names = ("customers", "orders", "order_lines", "returns", "products")
    return (
        '[shop]\nname = "Online Retail"\ncurrency = "GBP"\n[validation]\ntolerance = 0.01\n'
        + "".join(f"[sources.{name}]\n{entry}" for name in names)
        + MONEY
    )


def _complete_journey(folder: Path, data: Path) -> str:
    complete_journey.lay_out(folder, until=SHOPS["complete_journey"].latest, data=data)
    return complete_journey.churn_toml()


def _test_data(*names: str) -> Path:
    """The first of `names` (patterns) in the folder of test data."""
    folder = Path(os.environ.get(TEST_DATA, "."))
    for name in names:
        for file in sorted(folder.glob(name)):
            return file
    raise NotReady(
        "the data of this task are not here",
        where=str(folder),
        expected=" or ".join(names),
        next_step=f"give the file with --data, or its folder in {TEST_DATA}",
    )


SHOPS: Mapping[str, Shop] = {
    "cdnow": Shop(
        _cdnow,
        partial(_test_data, "CDNOW_master.txt", "CDNOW_sample.txt"),
        date(2000, 1, 1),
        date(1998, 7, 1),
    ),
    "complete_journey": Shop(
        _complete_journey, complete_journey.package_data, date(2018, 1, 2), date(2018, 1, 2)
    ),
    "online_retail": Shop(
        _online_retail,
        partial(_test_data, "online_retail_II*.parquet"),
        date(2012, 1, 1),
        date(2009, 12, 2),
    ),
}
