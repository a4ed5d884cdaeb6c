"""Where the page reads: connection before churn.toml, opened once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from churn_ml.receipts import Receipt
from churn_page.source import address, source

from .told import DAY, NEXT, file


def test_the_connection_speaks_before_churn_toml(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert address() is None
    monkeypatch.setenv("AIRFLOW_CONN_CHURN_LEDGER", "postgresql://ada:a%2Fb@db:5432/churn_ml")
    assert address() == "postgres://ada:a%2Fb@db:5432/churn_ml"


def test_without_a_connection_churn_toml_speaks(settings: Path) -> None:
    assert source().ledger.url == f"sqlite:///{settings.parent}/ledger.db"


def test_the_ledger_is_opened_once_a_process(settings: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({id(found) for found in pool.map(lambda _: source(), range(32))}) == 1


def test_the_history_is_read_anew_only_when_a_receipt_was_filed(settings: Path) -> None:
    here = source()
    assert here.history().filed == []
    file(here.ledger, Receipt("score", DAY, "done"))
    first = here.history()
    assert here.history() is first
    file(here.ledger, Receipt("score", NEXT, "done"))
    second = here.history()
    assert [each.receipt.as_of for each in second.filed] == [DAY, NEXT]
    assert [row["as_of"] for row in second.report["steps"]] == ["2017-10-01", "2017-11-01"]


def test_importing_the_page_opens_nothing(settings: Path) -> None:
    from churn_page.app import make_app

    make_app()
    assert not (settings.parent / "ledger.db").exists()
