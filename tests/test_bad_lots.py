"""A lot that is not what was promised: nothing is published, and the message says what to do."""

from __future__ import annotations

import csv
import gzip
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from churn_ml import flow
from churn_ml.config import load
from churn_ml.errors import BadInput, OverTolerance
from churn_ml.house import House, open_house

from .conftest import FIRST

DAY = "drops/orders/drop=2017-05-11"
TABLES = ("customers", "orders", "campaigns")


@pytest.fixture
def house(laid_out: Path, tmp_path: Path) -> House:
    """A shop that brings a table before its orders and one after them; nothing has run."""
    for name in TABLES:
        shutil.copytree(laid_out / "drops" / name, tmp_path / "drops" / name)
    sections = re.split(r"^(?=\[)", (laid_out / "churn.toml").read_text(), flags=re.MULTILINE)
    kept = [
        section
        for section in sections
        if (source := re.match(r"\[sources\.(\w+)", section)) is None or source[1] in TABLES
    ]
    (tmp_path / "churn.toml").write_text("".join(kept))
    return open_house(load(tmp_path / "churn.toml"))


def rewrite(house: House, change: Callable[[list[dict[str, str]]], None]) -> Path:
    """Change the orders dropped on 2017-05-11."""
    path = next((house.config.root / DAY).glob("*.csv.gz"))
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def all_rows(column: str, value: str) -> Callable[[list[dict[str, str]]], None]:
    def change(rows: list[dict[str, str]]) -> None:
        for row in rows:
            row[column] = value

    return change


def no_column(rows: list[dict[str, str]]) -> None:
    for row in rows:
        del row["household_id"]


def conflicting(rows: list[dict[str, str]]) -> None:
    rows.extend(row | {"sales_value": "999.99"} for row in list(rows))


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        (no_column, BadInput, ("orders", "household_id", "2017-05-11")),
        (
            all_rows("transaction_timestamp", "yesterday"),
            OverTolerance,
            ("orders", "occurred_at", "%", "2017-05-11"),
        ),
        (
            all_rows("sales_value", "a lot"),
            OverTolerance,
            ("orders", "net_amount", "%", "2017-05-11"),
        ),
        (conflicting, OverTolerance, ("orders", "conflict", "%", "2017-05-11")),
    ],
    ids=["missing column", "unparsable date", "unparsable amount", "conflicting key"],
)
def test_a_bad_lot_stops_the_whole_ingest_and_says_where(
    house: House,
    change: Callable[[list[dict[str, str]]], None],
    kind: type[BadInput],
    told: tuple[str, ...],
) -> None:
    rewrite(house, change)
    with pytest.raises(kind) as caught:
        flow.ingest(house, FIRST)
    assert all(part in str(caught.value) for part in told), str(caught.value)
    assert caught.value.next_step
    _nothing_is_published(house)


def test_an_unknown_currency_stops_the_ingest(house: House) -> None:
    toml = house.config.root / "churn.toml"
    toml.write_text(
        toml.read_text().replace('currency = "USD", status', 'currency = "XBT", status')
    )
    with pytest.raises(OverTolerance, match="currency"):
        flow.ingest(open_house(load(toml)), FIRST)
    _nothing_is_published(house)


def test_a_truncated_gzip_stops_the_ingest_c12(house: House) -> None:
    path = next((house.config.root / DAY).glob("*.csv.gz"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match="2017-05-11"):
        flow.ingest(house, FIRST)
    _nothing_is_published(house)


def test_a_few_bad_rows_are_quarantined_and_the_run_goes_on_f13(house: House) -> None:
    toml = house.config.root / "churn.toml"
    toml.write_text(toml.read_text().replace("tolerance = 0.01", "tolerance = 0.5", 1))

    def one_bad(rows: list[dict[str, str]]) -> None:
        rows[0]["transaction_timestamp"] = "yesterday"

    rewrite(house, one_bad)
    receipt = flow.ingest(open_house(load(toml)), FIRST)
    orders = next(count for count in receipt.tables if count.table == "orders")
    assert orders.quarantined == 1
    assert orders.rows_in == orders.rows_out + orders.quarantined + orders.excluded
    assert any(q["rule"] == "orders.occurred_at.parse" for q in receipt.details["quarantine"])


def _nothing_is_published(house: House) -> None:
    assert house.ledger.publication("ingest", FIRST) is None
    assert house.ledger.claimed() == {}
    assert house.ledger.receipts("ingest")[0].receipt.status == "failed"
