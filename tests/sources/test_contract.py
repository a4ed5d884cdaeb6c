"""The contract that every kind of source keeps, checked over every row of SOURCES.

A kind that cannot be reached here (a database) is reached in tests of its own; each kind has its
page in docs, named in docs/sources.md.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml.checks import check
from churn_ml.config import Config, from_text
from churn_ml.errors import BadConfig
from churn_ml.sources import BATCH_ROWS, LOT_COLUMNS, SOURCES, Source, cdnow, open_source
from churn_ml.sources import complete_journey as demo
from churn_ml.tables import table

SHOP = '[shop]\nname = "s"\ncurrency = "EUR"\n'
PAGE = Path(__file__).parents[2] / "docs/sources.md"
INVOICES = (
    "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    "1,tea,x,2,2010-01-01 10:00,1.50,7,EIRE\n1,milk,x,1,2010-01-01 10:00,1.00,7,EIRE\n"
    "C2,tea,x,-2,2010-01-05 10:00,1.50,7,EIRE\n3,tea,x,1,2010-01-06 10:00,1.50,,France\n"
)


def _files(folder: Path) -> str:
    for day in (1, 2):
        drop = folder / f"drop=2017-10-0{day}"
        drop.mkdir()
        (drop / "p.csv").write_text(f"sku\n{day}\n{day}{day}\n")
    return '[sources.products]\nfiles = "drop=*/*.csv"\ncolumns = { product_id = "sku" }\n'


def _complete_journey(folder: Path) -> str:
    demo.lay_out(folder, until=date(2017, 1, 4), households=60)
    names = ("orders", "customers")
    return "".join(f'[sources.{n}]\nkind = "complete_journey"\n' for n in names)


def _cdnow(folder: Path) -> str:
    (folder / "c.txt").write_text(" 00001 19970101  1   11.77\r\n 00002 19970112  5   77.00\r\n")
    return '[sources.orders]\nkind = "cdnow"\nfiles = "c.txt"\n'


def _online_retail(folder: Path) -> str:
    (folder / "r.csv").write_text(INVOICES)
    names = ("customers", "orders", "order_lines", "returns", "products")
    return "".join(f'[sources.{n}]\nkind = "online_retail"\nfiles = "r.csv"\n' for n in names)


PLACES: dict[str, Callable[[Path], str]] = {
    "files": _files,
    "complete_journey": _complete_journey,
    "cdnow": _cdnow,
    "online_retail": _online_retail,
}
"""A small place of each kind; what it brings is laid out in a folder."""
ELSEWHERE = {"postgres": "tests/sources/test_postgres.py"}
"""Kinds that need a server: where their contract is tested."""


@pytest.fixture(params=sorted(PLACES))
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    return from_text(SHOP + PLACES[request.param](tmp_path), root=tmp_path)


def by_table(source: Source) -> dict[str, pa.Table]:
    lots = source.lots()
    return {
        name: pa.concat_tables(source.batches([lot for lot in lots if lot.table == name]))
        for name in dict.fromkeys(lot.table for lot in lots)
    }


def test_every_kind_is_tested_and_has_its_adapter_and_its_page() -> None:
    assert set(SOURCES) == set(PLACES) | (set(ELSEWHERE) & set(SOURCES))
    for name, kind in SOURCES.items():
        module, adapter = kind.adapter.split(":")
        assert callable(getattr(import_module(module), adapter))
        assert kind.about
        page = PAGE.parent / f"sources-{name.replace('_', '-')}.md"
        assert page.is_file()
        assert f"({page.name})" in PAGE.read_text(encoding="utf-8")


def test_its_settings_are_good(config: Config) -> None:
    check(config)


def test_twice_listed_and_read_is_the_same(config: Config) -> None:
    first, second = open_source(config), open_source(config)
    assert first.lots() == second.lots()
    assert {n: rows.to_pylist() for n, rows in by_table(first).items()} == {
        n: rows.to_pylist() for n, rows in by_table(second).items()
    }


def test_lots_have_an_identity_and_name_their_place(config: Config) -> None:
    lots = open_source(config).lots()
    assert lots
    assert len({(lot.table, lot.sha256) for lot in lots}) == len(lots)
    assert all(Path(lot.where).name and len(lot.sha256) == 64 for lot in lots)
    assert [lot.drop_on or date.min for lot in lots if lot.table == lots[0].table] == sorted(
        lot.drop_on or date.min for lot in lots if lot.table == lots[0].table
    )


def test_rows_have_our_columns_and_their_place_in_the_lot(config: Config) -> None:
    source = open_source(config)
    for name, rows in by_table(source).items():
        ours = {column.name for column in table(name).columns}
        assert set(rows.column_names) - ours <= {*LOT_COLUMNS}
        assert set(rows.column_names) >= {*LOT_COLUMNS}
        places = rows.select(["lot", "lot_row"]).to_pylist()
        assert len({(p["lot"], p["lot_row"]) for p in places}) == rows.num_rows <= BATCH_ROWS
        assert min(rows["lot_row"].to_pylist()) >= 1
        assert set(rows["lot"].to_pylist()) <= {lot.id for lot in source.lots()}


def test_every_row_passes_validation_or_is_set_aside_by_a_rule(
    config: Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from churn_ml.sources import resolved
    from churn_ml.validate import Rates, validate

    source = open_source(config)
    lots = source.lots()
    for name in config.sources:
        mine = [lot for lot in lots if lot.table == name]
        found = validate(
            source.batches(mine),
            name,
            resolved(name, config.sources[name]),
            shop=config.shop.model_copy(update={"currency": "GBP"})
            if config.sources[name][0].kind == "online_retail"
            else config.shop.model_copy(update={"currency": "USD"}),
            rates=Rates.none(),
            seen={},
            staging=tmp_path_factory.mktemp("staging"),
        )
        assert found.rows_in == found.accepted.rows + found.quarantined + found.excluded
        assert found.quarantined == 0
        assert found.accepted.rows > 0
        assert set(found.rules) <= {"order_lines.customer_id.required"}


def test_invoice_lines_become_orders_lines_and_a_return_of_its_order(tmp_path: Path) -> None:
    rows = by_table(open_source(from_text(SHOP + _online_retail(tmp_path), root=tmp_path)))
    assert [(r["order_id"], r["net_amount"]) for r in rows["orders"].to_pylist()] == [("1", 4.0)]
    assert [(r["customer_id"], r["country"]) for r in rows["customers"].to_pylist()] == [
        ("7", "EIRE")
    ]
    assert [(r["product_id"], r["customer_id"]) for r in rows["order_lines"].to_pylist()] == [
        ("tea", "7"),
        ("milk", "7"),
        ("tea", None),
    ]
    back = rows["returns"].to_pylist()
    assert [(r["order_id"], r["quantity"], r["refund_amount"]) for r in back] == [("1", 2.0, 3.0)]


@pytest.mark.parametrize(
    ("lines", "linked"),
    [
        ("C2,tea,x,-2,2010-01-05 10:00,1.50,7,EIRE\n", ["1"]),
        ("C2,tea,x,-1,2010-01-05 10:00,1.50,7,EIRE\n", [None]),
        ("C2,tea,x,-2,2010-01-05 10:00,1.50,8,EIRE\n", [None]),
        ("C2,milk,x,-2,2010-01-05 10:00,1.50,7,EIRE\n", [None]),
        ("C2,tea,x,-2,2009-12-05 10:00,1.50,7,EIRE\n", [None]),
        (
            "C2,tea,x,-2,2010-01-05 10:00,1.50,7,EIRE\nC3,tea,x,-2,2010-01-06 10:00,1.50,7,EIRE\n",
            ["1", None],
        ),
        (
            "4,tea,x,2,2010-01-04 10:00,1.50,7,EIRE\nC2,tea,x,-2,2010-01-05 10:00,1.50,7,EIRE\n",
            ["4"],
        ),
        (
            "4,tea,x,2,2010-01-04 10:00,1.50,7,EIRE\nC2,tea,x,-2,2010-01-05 10:00,1.50,7,EIRE\n"
            "C3,tea,x,-2,2010-01-06 10:00,1.50,7,EIRE\nC5,tea,x,-2,2010-01-07 10:00,1.50,7,EIRE\n",
            ["4", "1", None],
        ),
        (
            "C0,tea,x,-2,2009-12-05 10:00,1.50,7,EIRE\nC2,tea,x,-2,2010-01-05 10:00,1.50,7,EIRE\n",
            [None, "1"],
        ),
        (
            "4,tea,x,2,2010-01-04 10:00,0,7,EIRE\nC2,tea,x,-2,2010-01-05 10:00,1.50,7,EIRE\n",
            ["1"],
        ),
    ],
    ids=[
        "told",
        "part",
        "other customer",
        "other product",
        "before",
        "once only",
        "the latest",
        "the one before it",
        "after one of nothing",
        "never a gift",
    ],
)
def test_a_return_is_linked_where_that_can_be_told(
    tmp_path: Path, lines: str, linked: list[str | None]
) -> None:
    text = _online_retail(tmp_path)
    header, first, *_ = INVOICES.splitlines()
    (tmp_path / "r.csv").write_text(f"{header}\n{first}\n{lines}")
    rows = by_table(open_source(from_text(SHOP + text, root=tmp_path)))
    assert rows["returns"]["order_id"].to_pylist() == linked


def _data(name: str) -> Path:
    folder = os.environ.get("CHURN_ML_TEST_DATA")
    if not folder:
        pytest.skip("CHURN_ML_TEST_DATA does not name the folder of real test data")
    return next(Path(folder).glob(name))


def test_online_retail_has_the_counts_of_its_publication(tmp_path: Path) -> None:
    shutil.copy(_data("online_retail_II*.parquet"), tmp_path / "retail.parquet")
    names = ("customers", "orders", "order_lines", "returns")
    text = "".join(
        f'[sources.{n}]\nkind = "online_retail"\nfiles = "retail.parquet"\n' for n in names
    )
    source = open_source(from_text(SHOP + text, root=tmp_path))
    rows = by_table(source)
    assert rows["customers"].num_rows == 5034
    nobody = [r for r in rows["order_lines"].to_pylist() if r["customer_id"] is None]
    assert len(nobody) == 163_466
    assert {(r["quantity"], r["net_amount"]) for r in nobody} == {(1.0, None)}
    assert len(rows["orders"]["customer_id"].unique()) == 4969
    stored = pq.read_table(tmp_path / "retail.parquet").to_pandas()
    back = stored[stored["Invoice"].str.startswith("C") & stored["CustomerID"].notna()]
    assert sum(rows["returns"]["quantity"].to_pylist()) == -back["Quantity"].sum()
    assert rows["returns"].num_rows - rows["returns"]["order_id"].null_count == 4449


def test_the_names_above_the_purchases_of_cdnow_are_no_purchase() -> None:
    lines = [b" customer_id  date number_of_cds  dollar_value\n", b" 00001 19970101  1   11.77\n"]
    assert list(cdnow.as_csv(iter(lines))) == [
        b"customer,date,units,dollars\n",
        b"00001,19970101,1,11.77\n",
    ]


def test_cdnow_has_the_counts_of_its_publication(tmp_path: Path) -> None:
    shutil.copy(_data("CDNOW_sample.txt"), tmp_path)
    text = SHOP + '[sources.orders]\nkind = "cdnow"\nfiles = "CDNOW_sample.txt"\n'
    rows = by_table(open_source(from_text(text, root=tmp_path)))["orders"]
    assert rows.num_rows == 6919
    assert len(rows["customer_id"].unique()) == 2357


def test_a_preset_gives_way_to_what_the_shop_says(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text(" 00001 19970101  1   11.77\n")
    text = (
        SHOP
        + '[sources.orders]\nkind = "cdnow"\nfiles = "c.txt"\nconstants = { currency = "GBP" }\n'
    )
    assert open_source(from_text(text, root=tmp_path)).lots()[0].table == "orders"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ('[sources.orders]\nkind = "oracle"\n', "there is no kind of source 'oracle'"),
        ('[sources.tickets]\nkind = "cdnow"\n', "cdnow brings no table tickets"),
    ],
)
def test_a_kind_that_is_not_there_or_has_no_such_table_is_refused(section: str, told: str) -> None:
    with pytest.raises(BadConfig, match=told) as error:
        check(from_text(SHOP + section))
    assert error.value.next_step
