"""A shop that changed its currency and its zone in mid-history, as the page says it is told."""

from __future__ import annotations

import csv
import os
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from churn_ml import flow
from churn_ml.attempt import attempt
from churn_ml.config import load
from churn_ml.errors import BadConfig, OverTolerance
from churn_ml.house import House, open_house

from .german_shop import write

AS_OF = date(2011, 6, 1)
CHANGED = datetime(2010, 12, 1)
FIRST_RATE, LATER_RATE = Decimal("0.75"), Decimal("0.71234567")
LATER_ON = date(2011, 3, 1)
TOML = """
[shop]
name = "s"
currency = "EUR"
time_zone = "Europe/Berlin"

[[sources.orders]]
files = "old/orders.csv"
time_zone = "Europe/Berlin"
decimal = ","
dates = "%d.%m.%Y %H:%M"
constants = { currency = "EUR" }
[sources.orders.columns]
order_id = "Bestellnummer"
customer_id = "Kundennummer"
occurred_at = "Bestelldatum"
net_amount = "Gesamtbetrag"

[[sources.orders]]
files = "new/orders.csv"
time_zone = "UTC"
decimal = ","
dates = "%d.%m.%Y %H:%M"
constants = { currency = "USD" }
[sources.orders.columns]
order_id = "Bestellnummer"
customer_id = "Kundennummer"
occurred_at = "Bestelldatum"
net_amount = "Gesamtbetrag"

[sources.fx_rates]
files = "rates.csv"
columns = { currency = "code", rate = "rate", occurred_at = "day" }
"""


def when(row: dict[str, str]) -> datetime:
    return datetime.strptime(row["Bestelldatum"], "%d.%m.%Y %H:%M")  # noqa: DTZ007 - as told


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The orders of 100 real customers, as the German shop's file has them."""
    data = os.environ.get("CHURN_ML_TEST_DATA")
    if data is None:
        pytest.skip("CHURN_ML_TEST_DATA is not set: the invoice lines are not here")
    folder = tmp_path_factory.mktemp("german")
    write(folder, Path(data) / "online_retail_II_to_2011-06-09.parquet", customers=100)
    with (folder / "Bestellungen.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file, delimiter=";") if row["Kundennummer"]]


def shop(folder: Path, sold: list[dict[str, str]], *, rates_from: date) -> House:
    """The shop with its two files of orders, and a rate every week from `rates_from` on."""
    for name, rows in (
        ("old", [row for row in sold if when(row) < CHANGED]),
        ("new", [row for row in sold if when(row) >= CHANGED]),
    ):
        (folder / name).mkdir(parents=True)
        with (folder / name / "orders.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(sold[0]), delimiter=";")
            writer.writeheader()
            writer.writerows(rows)
    days = [rates_from + timedelta(days=7 * n) for n in range(30)]
    told = [(day, LATER_RATE if day >= LATER_ON else FIRST_RATE) for day in days if day < AS_OF]
    lines = [f"USD,{rate},{day.isoformat()}" for day, rate in told]
    (folder / "rates.csv").write_text("\n".join(["code,rate,day", *lines, ""]))
    (folder / "churn.toml").write_text(TOML)
    return open_house(load(folder / "churn.toml"))


def test_euros_in_berlin_then_dollars_in_utc_become_one_history(
    sold: list[dict[str, str]], tmp_path: Path
) -> None:
    house = shop(tmp_path, sold, rates_from=date(2010, 11, 30))
    flow.ingest(house, AS_OF)
    with attempt(house, "look", AS_OF, ()) as trial:
        trial.leave("no_data")
        stored = trial.canonical(AS_OF)["orders"].to_pyarrow().to_pylist()
    kept = {row["order_id"]: row for row in stored}
    # lag_days: an order of the last day becomes known a day later, after the as_of
    assert set(kept) == {
        row["Bestellnummer"] for row in sold if when(row).date() < date(2011, 5, 31)
    }
    zones = {"old": ZoneInfo("Europe/Berlin"), "new": UTC}
    seen = set()
    for row in sold:
        if row["Bestellnummer"] not in kept:
            continue
        at, found = when(row), kept[row["Bestellnummer"]]
        era = "old" if at < CHANGED else "new"
        instant = at.replace(tzinfo=zones[era]).astimezone(UTC)
        assert found["occurred_at"] == instant.replace(tzinfo=None)
        assert found["day"] == instant.astimezone(ZoneInfo("Europe/Berlin")).date()
        amount = Decimal(row["Gesamtbetrag"].replace(",", "."))
        assert found["currency"] == "EUR"
        if era == "old":
            assert (found["net_amount"], found["exchange_rate"]) == (amount, None)
            continue
        rate = found["exchange_rate"]
        converted = (amount * rate).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        assert (found["net_amount"], found["source_currency"]) == (converted, "USD")
        seen.add((found["day"] >= LATER_ON + timedelta(days=7), rate))
    assert {(False, FIRST_RATE), (True, LATER_RATE)} <= seen
    assert (True, FIRST_RATE) not in seen


def test_dollars_without_a_rate_are_refused_in_words(
    sold: list[dict[str, str]], tmp_path: Path
) -> None:
    house = shop(tmp_path, sold, rates_from=date(2011, 4, 1))
    with pytest.raises(OverTolerance) as refused:
        flow.ingest(house, AS_OF)
    assert "orders.currency.no_rate" in str(refused.value)
    assert "new/orders.csv" in str(refused.value)
    assert house.ledger.versions(["orders"])["orders"] == {}


@pytest.mark.parametrize(
    ("former", "later"), [('"EUR"', '"USD"'), ('= "Europe/Berlin"', '= "America/New_York"')]
)
def test_a_shop_cannot_change_its_own_currency_or_zone_afterwards(
    sold: list[dict[str, str]], tmp_path: Path, former: str, later: str
) -> None:
    house = shop(tmp_path, sold, rates_from=date(2010, 11, 30))
    flow.ingest(house, AS_OF)
    toml = tmp_path / "churn.toml"
    toml.write_text(toml.read_text().replace(former, later, 1))
    with pytest.raises(BadConfig) as refused:
        flow.ingest(open_house(load(toml)), AS_OF + timedelta(days=1))
    assert refused.value.next_step
