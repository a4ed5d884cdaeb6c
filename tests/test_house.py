"""The house: where its edges are opened, and what two houses have in common."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from churn_ml import flow, views
from churn_ml.config import load
from churn_ml.errors import NotReady
from churn_ml.house import Addresses, House, open_house, open_ledger
from churn_ml.ledger import Ledger

FIRST = date(2017, 10, 1)


def test_a_door_may_know_better_where_the_ledger_is(shop: Path, tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path}/elsewhere.db"
    addresses = Addresses(ledger=elsewhere)
    house = open_house(load(shop / "churn.toml"), addresses=addresses, caller="a task")
    assert house.ledger.url == elsewhere
    assert open_ledger(house.config, addresses).id == house.ledger.id
    assert not (shop / "ledger.db").exists()


def test_addresses_are_not_shown() -> None:
    shown = repr(Addresses("postgres://churn:secret@db/ledger", "http://churn:secret@mlflow"))
    assert "secret" not in shown


def test_who_asked_stands_beside_the_receipt_also_of_a_failure(shop: Path) -> None:
    house = replace(open_house(load(shop / "churn.toml")), caller="http://airflow/dags/churn_score")
    with pytest.raises(NotReady):
        flow.score(house, FIRST)
    (failed,) = house.ledger.receipts("score")
    assert (failed.caller, failed.receipt.status) == ("http://airflow/dags/churn_score", "failed")


@pytest.mark.slow
def test_two_houses_that_were_told_the_same_have_the_same_contents(
    ingested: Path, copy_of: Callable[[Path], House], shop: Path, postgres: str
) -> None:
    one = copy_of(ingested)
    other = open_house(load(shop / "churn.toml"), addresses=Addresses(ledger=postgres))
    flow.ingest(other, FIRST)
    flow.ingest(other, FIRST)
    assert views.contents(one.ledger) == views.contents(other.ledger)
    assert len(views.contents(one.ledger)["tables"]["orders"]["2017-10-01"]) == 64


def test_contents_differ_where_the_shops_files_do(
    ingested: Path, copy_of: Callable[[Path], House], shop: Path
) -> None:
    shutil.rmtree(next((shop / "drops" / "orders").glob("drop=2017-0*")))
    other = open_house(load(shop / "churn.toml"))
    flow.ingest(other, FIRST)
    same, changed = (views.contents(h.ledger)["hash"] for h in (copy_of(ingested), other))
    assert same != changed


def test_an_empty_ledger_has_contents_too() -> None:
    assert views.contents(Ledger.open("sqlite://")) == views.contents(Ledger.open("sqlite://"))
