"""A first churn.toml: it is always accepted by config, and right where the headers are plain."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.config import from_text
from churn_ml.errors import BadInput
from churn_ml.sources import open_source
from churn_ml.sources.propose import propose


def test_the_demo_shop_is_recognised_as_its_own_configuration_says(laid_out: Path) -> None:
    ours = from_text((laid_out / "churn.toml").read_text(encoding="utf-8"))
    guessed = from_text(propose(laid_out), root=laid_out)
    assert {name: source[0].columns for name, source in guessed.sources.items()} == {
        name: source[0].columns for name, source in ours.sources.items()
    }
    assert len(open_source(guessed).lots()) == len(
        open_source(ours.model_copy(update={"root": laid_out})).lots()
    )


def test_a_flat_shop_with_other_words_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "sales_2017-10.csv").write_text(
        "InvoiceNo;Client;Invoice Date;Total;State;Currency\n"
        "1;h1;01.10.2017;12,50;paid;SEK\n2;h2;02.10.2017;3;on hold;SEK\n"
    )
    pq.write_table(
        pa.table({"order_no": [1], "sku": ["a"], "client_id": ["h1"], "qty": [2]}),
        tmp_path / "positions.parquet",
    )
    (tmp_path / "weather.csv").write_text("day,degrees\n2017-10-01,12\n")
    text = propose(tmp_path)
    config = from_text(text)
    assert config.shop.currency == "SEK"
    assert config.sources["orders"][0].files == "sales_[0-9]*.csv"
    assert config.sources["orders"][0].columns == {
        "order_id": "InvoiceNo",
        "customer_id": "Client",
        "occurred_at": "Invoice Date",
        "net_amount": "Total",
        "currency": "Currency",
        "status": "State",
    }
    assert config.sources["orders"][0].values["status"] == {
        "paid": "completed",
        "on hold": "completed",
    }
    assert config.sources["order_lines"][0].columns["quantity"] == "qty"
    assert 'occurred_at = "Invoice Date"   # a guess: some values are not times' in text
    assert 'net_amount = "Total"   # a guess: some values are not numbers' in text
    assert '"on hold" = "completed"   # a guess' in text
    assert "# not used: weather.csv (day, degrees)" in text


def test_a_required_column_that_is_not_found_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,day\n1,2017-10-01\n")
    text = propose(tmp_path)
    assert "# customer_id = ?   # REQUIRED" in text
    assert "# nothing dates these rows" in text


def test_without_orders_the_text_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("sku\n1\n")
    assert "# REQUIRED: no file looks like orders" in propose(tmp_path)


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to read"):
        propose(tmp_path)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=6), st.binary(max_size=40))
def test_whatever_a_header_holds_the_text_is_a_configuration(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], rest: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    line = ",".join(header).encode("utf-8", errors="replace")
    (folder / "orders.csv").write_bytes(line + b"\n" + rest)
    from_text(propose(folder))
