"""A first churn.toml: it is always accepted by config, and right where the headers are plain."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.checks import check
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
    assert (config.sources["orders"][0].decimal, config.sources["orders"][0].dates) == (
        ",",
        "%d.%m.%Y",
    )
    assert 'dates = "%d.%m.%Y"   # a guess: day and month may be the other way' not in text
    assert '"on hold" = "completed"   # a guess' in text
    assert "# not used: weather.csv (day, degrees)" in text


def test_a_required_column_that_is_not_found_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,day\n1,2017-10-01\n")
    text = propose(tmp_path)
    assert "# customer_id = ?   # REQUIRED" in text
    assert "# nothing dates these rows" in text


def test_versions_may_always_have_held_and_events_never(tmp_path: Path) -> None:
    """One day for all order lines would be a lie that no check finds."""
    always = "# or, where they have always held: constants"
    (tmp_path / "order_lines.csv").write_text("order_no,client,sku,qty\n1,h1,a,2\n")
    text = propose(tmp_path)
    assert "# nothing dates these rows" in text
    assert always not in text
    (tmp_path / "articoli.csv").write_text("Codice;Marca\na;b\n")
    assert always in propose(tmp_path)


def test_without_orders_the_text_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text("sku\n1\n")
    text = propose(tmp_path)
    assert "# REQUIRED: no file looks like orders" in text
    assert "# [sources.orders]" in text


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to read"):
        propose(tmp_path)


def test_a_shop_of_order_lines_only_gets_its_orders_as_groups(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_bytes(
        "Invoice No;Client;Article No;Placed At;Qty;Unit Price\n"
        "1;h1;thé;30.09.2017 17:05;2;1.004,50\n"
        "1;h1;b;30.09.2017 17:06;1;3,00\n2;h2;b;13.10.2017 09:00;1;3,00\n".encode("cp1252")
    )
    text = propose(tmp_path).replace("# occurred_at = ?", 'occurred_at = "Placed At"   #')
    config = from_text(text, root=tmp_path)
    lines = config.sources["order_lines"][0]
    assert (lines.encoding, lines.decimal) == ("cp1252", ",")
    assert lines.expressions == {"net_amount": 'number(Qty) * number("Unit Price")'}
    assert "orders" not in config.sources  # nothing dates them: no column looks like a time


def test_orders_of_lines_are_read_as_they_are_proposed(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(
        "Invoice No;Client;Article No;Invoice Date;Qty;Unit Price\n"
        "1;h1;a;30.09.2017 17:05;2;1.004,50\n1;h1;b;30.09.2017 17:06;1;3,00\n"
    )
    config = from_text(propose(tmp_path), root=tmp_path)
    check(config)
    source = open_source(config)
    lots = [lot for lot in source.lots() if lot.table == "orders"]
    (row,) = pa.concat_tables(source.batches(lots)).to_pylist()
    assert (row["order_id"], row["customer_id"], row["net_amount"]) == ("1", "h1", 2012.0)
    assert row["occurred_at"] == datetime(2017, 9, 30, 17, 5, tzinfo=UTC)
    lots = [lot for lot in source.lots() if lot.table == "order_lines"]
    rows = pa.concat_tables(source.batches(lots)).to_pylist()
    assert [row["net_amount"] for row in rows] == [2009.0, 3.0]


@pytest.mark.parametrize(
    ("name", "header", "table"),
    [
        ("refunds.csv", "return_no,customer,order_no,refund,returned_at", "returns"),
        ("payments.csv", "payment_no,customer,status,amount,date", "payments"),
        ("parcels.csv", "tracking_no,customer,order_no,shipped_at,eta", "shipments"),
        ("tickets.csv", "ticket_no,customer,type,created_at", "tickets"),
        ("merges.csv", "old_customer_id,customer_id,merged_at", "customer_merges"),
        ("fx.csv", "currency,rate,date", "fx_rates"),
        ("reviews.csv", "review_id,customer,stars,created_at", "reviews"),
        ("subscriptions.csv", "subscription_id,customer,period_start,period_end", "subscriptions"),
    ],
)
def test_further_tables_are_recognised_whole(
    tmp_path: Path, name: str, header: str, table: str
) -> None:
    (tmp_path / name).write_text(f"{header}\n")
    config = from_text(propose(tmp_path))
    assert len(config.sources[table][0].columns) == header.count(",") + 1


def test_json_lines_are_looked_into_as_well(tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_text(
        '{"order_no": 1, "client": "h1", "date": "2017-09-30", "total": 1.5}\n{"order_no'
    )
    config = from_text(propose(tmp_path))
    assert config.sources["orders"][0].columns["order_id"] == "order_no"


def test_doubts_about_dates_and_numbers_are_said(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(
        'order_no,client,date,total\n1,h1,01/02/2017,"1,234"\n2,h2,03/04/2017,5\n'
    )
    text = propose(tmp_path)
    assert 'dates = "%d/%m/%Y"   # a guess: day and month may be the other way' in text
    assert 'decimal = "."   # a guess: 1,234 may be a thousand, or one' in text
    (tmp_path / "orders.csv").write_text("order_no,client,date,total\n1,h1,soon,much\n")
    text = propose(tmp_path)
    assert 'occurred_at = "date"   # a guess: some values are not times' in text
    assert 'net_amount = "total"   # a guess: some values are not numbers' in text


def test_a_file_whose_name_says_nothing_is_recognised_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "order_no,client,date,total,state\n1,h1,2017-09-30,5,completed\n"
    )
    (orders,) = from_text(propose(tmp_path)).sources["orders"]
    assert (orders.files, orders.columns["order_id"]) == ("export.csv", "order_no")
    assert orders.values == {}  # the shop's words are ours
    (tmp_path / "export.csv").write_text("order_no,client,sku,date,qty\n1,h1,a,2017-09-30,2\n")
    assert set(from_text(propose(tmp_path)).sources) == {"order_lines", "orders"}


def test_a_second_file_of_orders_is_taken_for_no_other_table(tmp_path: Path) -> None:
    """A customer and a time are in every table: staff_assignments need the person in charge."""
    for name in ("orders.csv", "drop=2017-10-01/orders.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("order_no,client,date\n1,h1,2017-09-30\n")
    text = propose(tmp_path)
    assert set(from_text(text).sources) == {"orders"}
    assert "# not used: " in text


def test_order_lines_with_an_amount_of_their_own_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text(
        "order_no,client,sku,date,qty,line_total\n1,h1,a,2017-09-30,2,9.00\n"
    )
    (orders,) = from_text(propose(tmp_path)).sources["orders"]
    assert orders.expressions["net_amount"] == "sum(number(line_total))"


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("orders.csv", "order_no,client,date\n1,h1,2017-09-30\n".encode("utf-16"), "utf-16"),
        ("orders.csv", b'order_no,client,date\n1,"' + b"x" * 200_000 + b'",2017-09-30\n', "utf-8"),
    ],
    ids=["UTF-16", "a value without end"],
)
def test_the_names_of_a_file_are_told_whatever_stands_below_them(
    tmp_path: Path, name: str, data: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(data)
    (orders,) = from_text(propose(tmp_path)).sources["orders"]
    assert (orders.columns["order_id"], orders.encoding) == ("order_no", told)


@pytest.mark.parametrize("name", ["orders.csv.gz", "orders.parquet"])
def test_a_damaged_file_is_named_as_not_readable(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"order_no,client,date\n")
    assert f"# not used: {name} (not readable)" in propose(tmp_path)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=6), st.binary(max_size=40))
def test_whatever_a_header_holds_the_text_is_a_configuration(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], rest: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    line = ",".join(header).encode("utf-8", errors="replace")
    (folder / "orders.csv").write_bytes(line + b"\n" + rest)
    from_text(propose(folder))


def test_german_files_are_recognised_with_umlauts_too(tmp_path: Path) -> None:
    (tmp_path / "Aufträge.csv").write_text(
        "Auftragsnummer;Kundennummer;Auftragsdatum;Summe;Währung\n1;7;24.12.2017 16:00;9,50;EUR\n"
    )
    (orders,) = from_text(propose(tmp_path)).sources["orders"]
    assert orders.columns == {
        "order_id": "Auftragsnummer",
        "customer_id": "Kundennummer",
        "net_amount": "Summe",
        "currency": "Währung",
        "occurred_at": "Auftragsdatum",
    }
    assert (orders.decimal, orders.dates) == (",", "%d.%m.%Y %H:%M")


def test_italian_files_are_recognised_with_accents_and_their_words_for_a_state(
    tmp_path: Path,
) -> None:
    with gzip.open(tmp_path / "ordini.csv.gz", "wt", encoding="utf-8") as file:
        file.write(
            "Num. Ordine;Cliente;Data e ora;Totale €;Valuta;Stato\n"
            "1;7;30/09/2010 14:05;1.209,50;EUR;Evaso\n2;8;01/10/2010 09:00;9,50;EUR;Annullato\n"
        )
    (tmp_path / "righe_ordine.csv").write_text(
        "Ordine;Riga;Articolo;Quantità;Prezzo unitario;Sconto %\n1;1;a;2;6,95;0\n",
        encoding="utf-8-sig",
    )
    (tmp_path / "resi.csv").write_text(
        "Nr reso;Ordine;Cliente;Articolo;Data reso;Quantità resa;Rimborso;Motivo\n"
    )
    text = propose(tmp_path)
    config = from_text(text)
    (orders,) = config.sources["orders"]
    assert orders.columns == {
        "order_id": "Num. Ordine",
        "customer_id": "Cliente",
        "net_amount": "Totale €",
        "currency": "Valuta",
        "status": "Stato",
        "occurred_at": "Data e ora",
    }
    assert orders.values["status"] == {"Evaso": "completed", "Annullato": "cancelled"}
    assert (orders.decimal, orders.dates) == (",", "%d/%m/%Y %H:%M")
    (lines,) = config.sources["order_lines"]
    assert lines.expressions == {"net_amount": 'number("Quantità") * number("Prezzo unitario")'}
    assert "discount_amount" not in lines.columns  # a share in percent is no amount
    assert len(config.sources["returns"][0].columns) == 8
