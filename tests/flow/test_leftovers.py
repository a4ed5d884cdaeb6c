"""What killed writers left: counted and swept after a day, and nobody's running work is touched."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from churn_ml.config import load
from churn_ml.flow.doctor import doctor
from churn_ml.flow.leftovers import leftovers
from churn_ml.house import Addresses, House, open_ledger
from churn_ml.warehouse import Warehouse

NOW = datetime.now(UTC)
SHOP = """
shop = {name = "Corner shop", currency = "EUR"}
destinations.crm_file = {kind = "file", target = "out"}
"""
LEFT = (
    "lake/_spill/4711",
    "lake/_spill/attempt-x1y2z3w4",
    "models/.rule-3f2a9c1d0b7e-x1y2z3w4",
    "models/reports/.x1y2z3w4",
    "out/.owner.json.4711.tmp",
    "out/as_of=2017-10-01/.part-p1.csv.tmp",
)
"""As each writer names it, folders with a file in them."""
KEPT = (
    "lake/orders/_delta_log/00000000000000000000.json",
    "models/.gitignore",
    "models/rule-3f2a9c1d0b7e/manifest.json",
    "models/reports/9b1f.json",
    "out/.export.lock",
    "out/as_of=2017-10-01/manifest.json",
    "out/as_of=2017-10-01/manifest.json.damaged",
    "out/as_of=2017-10-01/part-p0.csv",
)


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "churn.toml").write_text(SHOP, encoding="utf-8")
    config = load(tmp_path / "churn.toml")
    lake = Warehouse(str(tmp_path / "lake"))
    return House(config, lake, open_ledger(config, Addresses()), clock=lambda: NOW)


def laid_out(root: Path, age: timedelta) -> None:
    for name in (*LEFT, *KEPT):
        path = root / name
        file = path / "half" if "_spill" in name or name.endswith("-x1y2z3w4") else path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"half")
        when = (NOW - age).timestamp()
        os.utime(file, (when, when))
        os.utime(file.parent, (when, when))


def test_what_is_older_than_a_day_is_counted_and_swept_by_a_repair_alone(
    house: House, tmp_path: Path
) -> None:
    laid_out(tmp_path, timedelta(hours=25))
    assert leftovers(house, NOW) == [tmp_path / name for name in LEFT]
    (found,) = (one for one in doctor(house) if one["check"] == "leftovers")
    assert not found["well"]
    assert found["told"].startswith(f"6 of killed writers, older than a day: {tmp_path / LEFT[0]}")
    assert found["next_step"] == "churn-ml doctor --repair"
    assert all((tmp_path / name).exists() for name in LEFT)
    (found,) = (one for one in doctor(house, repair=True) if one["check"] == "leftovers")
    assert found["well"]
    assert not [name for name in LEFT if (tmp_path / name).exists()]
    assert all((tmp_path / name).exists() for name in KEPT)


def test_what_is_younger_or_still_grows_may_be_somebodys_work(house: House, tmp_path: Path) -> None:
    laid_out(tmp_path, timedelta(hours=23))
    assert leftovers(house, NOW) == []
    laid_out(tmp_path, timedelta(hours=25))
    (tmp_path / LEFT[1] / "half").write_bytes(b"more")
    assert leftovers(house, NOW) == [tmp_path / name for name in LEFT if name != LEFT[1]]
