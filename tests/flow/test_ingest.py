"""Ingest as a whole: what is remembered of it, and what a second delivery of a partition does."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import from_text
from churn_ml.errors import BadConfig, BadInput, OverTolerance, Transient
from churn_ml.house import House, open_house

from ..conftest import FIRST, SECOND

TOML = """
[shop]
name = "small"
currency = "{currency}"
time_zone = "{zone}"
[sources.orders]
files = "drops/orders/*/*.csv"
[sources.orders.columns]
order_id = "no"
customer_id = "client"
occurred_at = "at"
net_amount = "amount"
currency = "money"
[sources.fx_rates]
files = "drops/fx_rates/*/*.csv"
[sources.fx_rates.columns]
currency = "code"
occurred_at = "day"
rate = "rate"
"""


def small(folder: Path, currency: str = "USD", zone: str = "UTC") -> House:
    """A shop of a few orders, opened."""
    text = TOML.format(currency=currency, zone=zone)
    return open_house(from_text(text, root=folder))


def drop(folder: Path, table: str, day: str, *lines: str) -> Path:
    path = folder / f"drops/{table}/drop={day}/{table}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]))
    return path


def orders(folder: Path, day: str, *lines: str) -> Path:
    return drop(folder, "orders", day, "no,client,at,amount,money", *lines)


def rates(folder: Path, day: str, *lines: str) -> Path:
    return drop(folder, "fx_rates", day, "code,day,rate", *lines)


def amounts(house: House) -> dict[str, str]:
    versions = house.ledger.versions(["orders"])["orders"]
    found = house.warehouse.read("orders", versions, as_of=SECOND).to_pyarrow().to_pylist()
    return {row["order_id"]: str(row["net_amount"]) for row in found}


def test_an_ingest_converts_with_its_own_rates_and_with_those_of_earlier_ones(
    tmp_path: Path,
) -> None:
    orders(tmp_path, "2017-10-01", "1,h,2017-09-30 10:00,10,EUR")
    rates(tmp_path, "2017-10-01", "EUR,2017-09-30,1.18")
    flow.ingest(small(tmp_path), FIRST)
    orders(tmp_path, "2017-10-06", "2,h,2017-10-05 10:00,10,EUR")
    house = small(tmp_path)
    flow.ingest(house, SECOND)
    assert amounts(house) == {"1": "11.80", "2": "11.80"}
    again = flow.ingest(house, SECOND)
    assert again.status == "done"
    assert amounts(house) == {"1": "11.80", "2": "11.80"}


@pytest.mark.parametrize("days", [[(11, 1)], [(10, 1), (10, 20), (11, 1)]], ids=["range", "daily"])
def test_a_rate_restated_later_converts_no_order_that_was_known_before(
    days: list[tuple[int, int]], tmp_path: Path
) -> None:
    rates(tmp_path, "2017-10-01", "EUR,2017-09-29,1.1")
    orders(tmp_path, "2017-10-01", "1,h,2017-09-30 10:00,10,EUR")
    rates(tmp_path, "2017-10-20", "EUR,2017-09-29,1.9")
    orders(tmp_path, "2017-10-20", "2,h,2017-09-30 10:00,10,EUR")
    house = small(tmp_path)
    for month, day in days:
        flow.ingest(house, date(2017, month, day))
    assert amounts(house) == {"1": "11.00", "2": "19.00"}


def test_a_late_order_is_converted_with_the_rate_of_when_it_was_known(tmp_path: Path) -> None:
    """What was said before a restatement is read back from the lake."""
    house = small(tmp_path)
    rates(tmp_path, "2017-10-01", "EUR,2017-09-29,1.1")
    orders(tmp_path, "2017-10-01", "1,h,2017-09-30 10:00,10,USD")
    flow.ingest(house, FIRST)
    rates(tmp_path, "2017-10-20", "EUR,2017-09-29,1.9")
    flow.ingest(house, date(2017, 10, 20))
    line = "2,h,2017-09-30 10:00,10,EUR,2017-10-02"
    drop(tmp_path, "orders", "2017-10-21", "no,client,at,amount,money,told", line)
    text = TOML.format(currency="USD", zone="UTC").replace(
        "[sources.orders.columns]", 'known_at = "told"\n[sources.orders.columns]'
    )
    flow.ingest(open_house(from_text(text, root=tmp_path)), date(2017, 10, 21))
    assert amounts(house)["2"] == "11.00"


@pytest.mark.parametrize(("currency", "zone"), [("EUR", "UTC"), ("USD", "Europe/Berlin")])
def test_another_currency_or_zone_after_the_first_ingest_is_refused_in_words(
    tmp_path: Path, currency: str, zone: str
) -> None:
    orders(tmp_path, "2017-10-01", "1,h,2017-09-30 10:00,10,USD")
    rates(tmp_path, "2017-10-01", "EUR,2017-09-30,1.18")
    flow.ingest(small(tmp_path), FIRST)
    with (
        pytest.raises(BadConfig, match="another than at its first ingest"),
        attempt(small(tmp_path, currency, zone), "score", SECOND, ()),
    ):
        pytest.fail("a step was let in")
    with pytest.raises(BadConfig, match="another than at its first ingest") as error:
        flow.ingest(small(tmp_path, currency, zone), SECOND)
    assert error.value.got == f"{currency}, {zone}"
    assert error.value.next_step


def test_an_ingest_that_failed_settles_neither_currency_nor_zone(tmp_path: Path) -> None:
    orders(tmp_path, "2017-10-01", "1,h,2017-09-30 10:00,10,USD")
    rates(tmp_path, "2017-10-01", "XXX,2017-09-30,1.18")
    with pytest.raises(OverTolerance):
        flow.ingest(small(tmp_path, "EUR"), FIRST)
    rates(tmp_path, "2017-10-01", "EUR,2017-09-30,1.18")
    flow.ingest(small(tmp_path), FIRST)


def test_what_the_first_ingest_counts_in_is_settled_with_its_publication(tmp_path: Path) -> None:
    """Whoever is second of two first ingests finds it settled, and publishes nothing."""
    orders(tmp_path, "2017-10-01", "1,h,2017-09-30 10:00,10,USD")
    rates(tmp_path, "2017-10-01", "USD,2017-09-30,1.18")
    house, other = small(tmp_path), small(tmp_path, "EUR")

    def second() -> None:
        with attempt(house, "ingest", FIRST, ()) as late:
            flow.ingest(other, SECOND)
            late.shop = ("USD", "UTC")

    with pytest.raises(Transient, match="meanwhile"):
        second()
    assert house.publication("ingest", FIRST) is None
    assert house.ledger.shop == ("EUR", "UTC")


def test_every_validation_is_remembered_the_refused_ones_too(tmp_path: Path) -> None:
    orders(tmp_path, "2017-10-01", "1,SECRET,2017-09-30 10:00,10,USD", "2,SECRET,?,10,USD")
    rates(tmp_path, "2017-10-01", "EUR,2017-09-30,1.18")
    house = small(tmp_path)
    with pytest.raises(OverTolerance):
        flow.ingest(house, FIRST)
    said = [(r.outcome.rule, r.outcome.rows, r.outcome.passed) for r in house.ledger.validations()]
    assert said == [
        ("fx_rates", 1, True),
        ("orders", 1, False),
        ("orders.occurred_at.parse", 1, False),
    ]
    (one,) = house.ledger.validations(table="orders", rule="orders.occurred_at.parse", since=FIRST)
    assert (one.as_of, one.attempt, one.outcome.of_rows, one.outcome.lots) == (FIRST, 1, 2, 1)
    assert (one.outcome.worst_share, one.outcome.tolerance) == (0.5, 0.01)
    assert house.ledger.validations(since=SECOND) == []
    assert "SECRET" not in str(house.ledger.validations())


def rewritten(house: House) -> Path:
    """The orders of one day, delivered again with other amounts."""
    path = next((house.config.root / "drops/orders/drop=2017-09-20").glob("*.csv.gz"))
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    head = lines[0].replace('"', "").split(",")
    at = head.index("sales_value")
    changed = [lines[0]]
    for line in lines[1:]:
        parts = line.split(",")
        changed.append(",".join([*parts[:at], "777.77", *parts[at + 1 :]]))
    path.write_bytes(gzip.compress("\n".join([*changed, ""]).encode()))
    return path


def spent(house: House, as_of: object) -> int:
    versions = house.ledger.versions(["orders"])["orders"]
    rows = house.warehouse.read("orders", versions, as_of=as_of).to_pyarrow()  # type: ignore[arg-type]
    return sum(str(amount) == "777.77" for amount in rows["net_amount"].to_pylist())


def test_a_partition_that_arrives_twice_is_refused_until_it_is_restated_d18(
    ingested: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(ingested)
    before = house.ledger.versions(["orders"])["orders"][FIRST.isoformat()]
    rewritten(house)
    with pytest.raises(BadInput, match="changed or are gone") as error:
        flow.ingest(house, FIRST)
    assert "--repin" in str(error.value.next_step)
    assert spent(house, FIRST) == 0
    receipt = flow.ingest(house, FIRST, repin=True)
    after = receipt.versions["orders"][FIRST.isoformat()]
    assert after > before
    assert spent(house, FIRST) > 0
    old = house.warehouse.read_partition("orders", FIRST, before)
    assert "777.77" not in {str(amount) for amount in old["net_amount"].to_pylist()}


def test_a_partition_that_arrives_again_later_is_an_update_known_from_then_d18(
    ingested: Path, copy_of: Callable[[Path], House]
) -> None:
    house = copy_of(ingested)
    rewritten(house)
    receipt = flow.ingest(house, SECOND)
    assert receipt.details["late_lots"] == 1
    assert spent(house, FIRST) == 0
    assert spent(house, SECOND) > 0


def known(house: House) -> dict[str, date]:
    """The day each order became known, as its newest version says."""
    versions = house.ledger.versions(["orders"])["orders"]
    rows = house.warehouse.read("orders", versions, as_of=date(2018, 1, 1)).to_pyarrow()
    return {row["order_id"]: row["known_at"].date() for row in rows.to_pylist()}


def test_an_order_restated_later_changes_no_rate_and_no_horizon_of_before(tmp_path: Path) -> None:
    """Of order 30 it is told in October that it was placed in October: September had it."""
    weekly = [date(2017, 1, 2) + timedelta(weeks=week) for week in range(38)]
    lines = [f"{number},h,{day} 10:00,10,USD" for number, day in enumerate(weekly)]
    orders(tmp_path, "2017-10-01", *lines)
    rates(tmp_path, "2017-10-01", "EUR,2017-09-15,1.18")
    house = small(tmp_path)
    flow.ingest(house, FIRST)
    drift = flow.rates(house, FIRST).details["base_rate_drift"]
    assert (drift["points_per_month"], drift["rising"]) == (0.0, False)  # nobody ever left
    before, proposed = house.ledger.contents()["rates"], flow.horizon(house, FIRST)

    orders(tmp_path, "2017-10-20", "30,h,2017-10-10 10:00,10,USD")
    flow.ingest(house, SECOND)
    flow.rates(house, FIRST, repin=True)
    assert house.ledger.contents()["rates"] == before
    assert flow.horizon(house, FIRST) == proposed
    later = flow.horizon(house, SECOND)
    assert later["gaps"]["closed"] == proposed["gaps"]["closed"]
    assert later["gaps"]["days_95"] > proposed["gaps"]["days_95"]


def test_a_first_ingest_run_again_stays_the_first_whatever_was_ingested_meanwhile(
    tmp_path: Path,
) -> None:
    orders(tmp_path, "2017-09-20", "1,h,2017-09-19 10:00,10,USD")
    rates(tmp_path, "2017-09-20", "EUR,2017-09-19,1.18")
    house = small(tmp_path)
    flow.ingest(house, SECOND)
    before = house.ledger.contents()["orders"][SECOND.isoformat()]
    orders(tmp_path, "2017-09-21", "2,h,2017-09-20 10:00,10,USD")
    flow.ingest(house, FIRST)
    flow.ingest(house, SECOND)
    assert house.ledger.contents()["orders"][SECOND.isoformat()] == before
    assert known(house)["1"] == date(2017, 9, 20)


def test_what_is_filled_in_behind_a_newer_ingest_was_not_known_before_that(tmp_path: Path) -> None:
    orders(tmp_path, "2017-10-20", "1,h,2017-10-19 10:00,10,USD")
    rates(tmp_path, "2017-10-20", "EUR,2017-10-19,1.18")
    house = small(tmp_path)
    flow.ingest(house, SECOND)
    orders(tmp_path, "2017-09-21", "2,h,2017-09-20 10:00,10,USD")
    first = flow.ingest(house, FIRST)
    assert first.details["late_lots"] == 1
    assert known(house) == {"1": date(2017, 10, 20), "2": SECOND}
    before = house.ledger.contents()
    for repin in (False, True):
        flow.ingest(house, FIRST, repin=repin)
        assert house.ledger.contents() == before


def test_a_range_filled_in_oldest_first_is_known_as_its_folders_say(tmp_path: Path) -> None:
    orders(tmp_path, "2017-09-21", "1,h,2017-09-20 10:00,10,USD")
    orders(tmp_path, "2017-10-20", "2,h,2017-10-19 10:00,10,USD")
    rates(tmp_path, "2017-09-21", "EUR,2017-09-20,1.18")
    house = small(tmp_path)
    for key in (FIRST, SECOND):
        flow.ingest(house, key)
    assert known(house) == {"1": date(2017, 9, 21), "2": date(2017, 10, 20)}
    before = house.ledger.contents()
    for key in (FIRST, SECOND):
        flow.ingest(house, key, repin=True)
    assert house.ledger.contents() == before


def test_a_file_without_drop_date_that_grew_was_not_known_before_the_ingest_that_took_it(
    tmp_path: Path,
) -> None:
    rates(tmp_path, "2017-09-20", "EUR,2017-09-19,1.18")
    path = tmp_path / "orders.csv"
    toml = TOML.format(currency="USD", zone="UTC").replace("drops/orders/*/*.csv", "orders.csv")
    house = open_house(from_text(toml, root=tmp_path))
    lines = ["no,client,at,amount,money", "1,h,2017-09-19 10:00,10,USD"]
    path.write_text("\n".join([*lines, ""]))
    first = flow.ingest(house, FIRST)
    assert "undated_lots" not in first.details
    assert known(house) == {"1": date(2017, 9, 20)}
    late, unborn = "2,h,2017-09-25 10:00,20,USD", "3,h,2017-11-01 10:00,30,USD"
    path.write_text("\n".join([*lines, late, unborn, ""]))
    second = flow.ingest(house, SECOND)
    assert second.details["undated_lots"] == 1
    assert known(house) == {"1": SECOND, "2": SECOND, "3": date(2017, 11, 2)}
    versions = house.ledger.versions(["orders"])["orders"]
    at_first = house.warehouse.read("orders", versions, as_of=date(2017, 10, 15)).to_pyarrow()
    assert at_first["order_id"].to_pylist() == ["1"]
    before = house.ledger.contents()
    flow.ingest(house, SECOND)
    assert house.ledger.contents() == before
