"""A synthetic shop: the same bytes from the same seed, every table, and a path to the platform."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from churn_ml import cli
from churn_ml.config import load
from churn_ml.errors import BadInput
from churn_ml.preflight import absent
from churn_ml.simulate.files import write
from churn_ml.simulate.shop import QUERIES, Plan, Shop
from churn_ml.sources import open_source, resolved
from churn_ml.tables import SOURCE_TABLES, table
from churn_ml.validate import validate

runner = CliRunner()


def churn_ml(*words: str) -> str:
    done = runner.invoke(cli.app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of forty customers, as the command writes it; never changed."""
    folder = tmp_path_factory.mktemp("synthetic") / "shop"
    churn_ml("simulate", "shop", str(folder), "--customers", "40")
    return folder


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_plan_writes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    write(Plan(customers=40), tmp_path / "again", say=lambda line: None)
    assert bytes_of(tmp_path / "again") == bytes_of(written)


def test_another_seed_is_another_shop() -> None:
    with Shop(Plan(customers=5)) as one, Shop(Plan(customers=5, seed=2)) as other:
        end = one.plan.ends
        assert one.arrow("orders", end)["occurred_at"] != other.arrow("orders", end)["occurred_at"]


def test_every_file_says_that_it_is_synthetic(written: Path) -> None:
    for path in written.glob("drops/*/*/*.parquet"):
        assert (
            b"no customer, order or effect is real" in pq.read_metadata(path).metadata[b"synthetic"]
        )
    assert (written / "churn.toml").read_text().startswith("# synthetic")
    planted = (written / "planted.csv").read_text().splitlines()
    assert len(planted) > 1
    assert all(line.endswith('"synthetic"') for line in planted[1:])
    assert "synthetic" in (written / "SYNTHETIC.txt").read_text()


def test_every_table_has_rows_unique_in_their_key() -> None:
    assert set(QUERIES) == set(SOURCE_TABLES)
    with Shop(Plan(customers=300)) as shop:
        for name in SOURCE_TABLES:
            key = ", ".join(table(name).key)
            rows = shop.as_of(name, shop.plan.ends).query
            counts = f"select count(*), count(distinct ({key})) from ({rows})"
            ((total, distinct),) = shop.connection.sql(counts).fetchall()
            assert total == distinct > 0, name


def test_a_shop_as_of_a_day_knows_nothing_of_later() -> None:
    day = date(2017, 10, 1)
    with Shop(Plan(customers=60)) as shop:
        parcels = shop.arrow("shipments", day).to_pandas()
        orders = shop.arrow("orders", day).to_pandas()
    for column in ("occurred_at", "delivered_at", "customs_in_at", "customs_out_at"):
        assert parcels[column].max().date() < day
    assert parcels.known_at.max().date() <= day
    assert parcels.delivered_at.isna().any()
    assert orders.cancelled_at.max().date() < day


def test_no_indicator_is_missing_in_it() -> None:
    with Shop(Plan(customers=200)) as shop:
        assert absent(shop.canonical()) == []


@pytest.mark.parametrize("name", ["orders", "shipments", "macro_indicators"])
def test_what_it_drops_is_accepted_whole(written: Path, tmp_path: Path, name: str) -> None:
    config = load(written / "churn.toml")
    source = open_source(config)
    lots = [lot for lot in source.lots() if lot.table == name]
    told = resolved(name, config.sources[name])
    found = validate(source.batches(lots), name, told, shop=config.shop, staging=tmp_path)
    assert found.rows_in == found.accepted.rows > 0
    assert not found.broken


def test_a_folder_that_holds_something_is_left_alone(written: Path) -> None:
    with pytest.raises(BadInput, match="is not empty"):
        churn_ml("simulate", "shop", str(written))


def test_a_shop_that_cannot_be_made_says_what_can() -> None:
    with pytest.raises(BadInput, match="400 to 3650 days"):
        Plan(customers=10, days=30)


@pytest.mark.slow
def test_the_platform_takes_it_as_it_is(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    churn_ml("simulate", "shop", str(folder), "--customers", "200")
    config = ("--config", str(folder / "churn.toml"))
    assert "An ingest would take every table" in churn_ml("check", *config)
    ingested = churn_ml("ingest", *config, "--as-of", "2018-01-01", "--json")
    assert '"quarantine":[]' in ingested
    told = churn_ml("preflight", *config, "--as-of", "2018-01-01")
    assert "not available" not in told
    assert "preflight as of 2018-01-01: ready" in told
