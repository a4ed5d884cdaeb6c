"""Files as lots: what is found, how it is dated, and that nothing is read in part."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml.config import Config, from_text
from churn_ml.errors import BadConfig, BadInput
from churn_ml.sources import Lot, Source, open_source

PRODUCTS = """
[shop]
name = "s"
currency = "EUR"
[sources.products]
files = "drops/**/*.*"
[sources.products.columns]
product_id = "sku"
category = "kind"
"""

LINES = """
[shop]
name = "s"
currency = "EUR"
[sources.order_lines]
files = "drops/**/*.parquet"
constants = { order_id = "1", customer_id = "h1", currency = "EUR" }
[sources.order_lines.columns]
product_id = "sku"
quantity = "units"
"""


def rows_of(source: Source, lots: list[Lot]) -> pa.Table:
    """All batches of `lots` below each other."""
    return pa.concat_tables(source.batches(lots))


def shop(folder: Path, **files: str | bytes) -> Config:
    """A shop with one drop of products a day: `d01="..."` drops on 2017-10-01."""
    for name, content in files.items():
        drop = folder / f"drops/drop=2017-10-{name[1:3]}"
        drop.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (drop / f"{name[3:] or 'products'}.csv").write_bytes(data)
    return from_text(PRODUCTS, root=folder)


def test_lots_are_sorted_by_drop_date_and_path_and_dated_by_their_folder(tmp_path: Path) -> None:
    source = open_source(shop(tmp_path, d02="sku,kind\n1,a\n", d01b="sku,kind\n2,b\n", d01a="x\n"))
    lots = source.lots()
    assert [(lot.drop_on, Path(lot.where).name) for lot in lots] == [
        (date(2017, 10, 1), "a.csv"),
        (date(2017, 10, 1), "b.csv"),
        (date(2017, 10, 2), "products.csv"),
    ]


def test_the_same_file_twice_on_one_day_is_one_lot_and_on_another_day_another(
    tmp_path: Path,
) -> None:
    text = "sku,kind\n1,a\n"
    source = open_source(shop(tmp_path, d01a=text, d01b=text, d02a=text))
    lots = source.lots()
    assert [(lot.drop_on.day if lot.drop_on else 0, Path(lot.where).name) for lot in lots] == [
        (1, "a.csv"),
        (2, "a.csv"),
    ]
    assert lots[0].id != lots[1].id


def test_files_still_being_written_are_not_lots(tmp_path: Path) -> None:
    config = shop(tmp_path, d01="sku,kind\n1,a\n")
    for name in (".products.csv", "_products.csv"):
        (tmp_path / "drops/drop=2017-10-01" / name).write_text("half")
    assert len(open_source(config).lots()) == 1


def test_many_files_come_in_one_table_with_lot_and_row_numbers(tmp_path: Path) -> None:
    source = open_source(shop(tmp_path, d01="sku,kind\n1,a\n2,\n", d02="kind;sku\nc;3\n"))
    lots = source.lots()
    rows = rows_of(source, lots)
    assert rows.select(["product_id", "category", "lot_row"]).to_pylist() == [
        {"product_id": "1", "category": "a", "lot_row": 1},
        {"product_id": "2", "category": None, "lot_row": 2},
        {"product_id": "3", "category": "c", "lot_row": 1},
    ]
    assert rows["lot"].to_pylist() == [lots[0].id, lots[0].id, lots[1].id]
    assert rows["drop_on"].to_pylist() == [date(2017, 10, 1)] * 2 + [date(2017, 10, 2)]


def test_csv_gzip_and_parquet_bring_the_same_rows(tmp_path: Path) -> None:
    text = b"sku,kind\n7,tea\n8,\n"
    config = shop(tmp_path, d01=text)
    folder = tmp_path / "drops/drop=2017-10-01"
    (folder / "b.csv.gz").write_bytes(gzip.compress(text))
    # pandas stores whole numbers as floats where one is missing: the reference stays the same.
    stored = pa.table({"sku": pa.array([7.0, 8.0]), "kind": ["tea", None], "more": [1, 2]})
    pq.write_table(stored, folder / "c.parquet")
    source = open_source(config)
    lots = source.lots()
    parts = [rows_of(source, [lot]).select(["product_id", "category"]).to_pylist() for lot in lots]
    assert [Path(lot.where).suffix for lot in lots] == [".gz", ".parquet", ".csv"]
    assert (
        parts[0]
        == parts[1]
        == parts[2]
        == [
            {"product_id": "7", "category": "tea"},
            {"product_id": "8", "category": None},
        ]
    )


def test_one_broken_file_among_many_is_named_and_no_row_is_read(tmp_path: Path) -> None:
    good = {f"d{day:02d}": f"sku,kind\n{day},a\n" for day in range(1, 29)}
    source = open_source(shop(tmp_path, **good | {"d17": "sku,type\n17,a\n"}))
    with pytest.raises(BadInput) as error:
        rows_of(source, source.lots())
    assert "drop=2017-10-17/products.csv" in str(error.value.where)
    assert error.value.what == "column 'kind' is missing"
    assert error.value.got == "sku, type"


def test_a_file_that_changes_after_it_was_listed_is_refused(tmp_path: Path) -> None:
    source = open_source(shop(tmp_path, d01="sku,kind\n1,a\n"))
    lots = source.lots()
    Path(lots[0].where).write_text("sku,kind\n1,b\n")
    with pytest.raises(BadInput, match="changed after it was listed"):
        rows_of(source, lots)


def test_a_column_that_changes_its_type_between_two_files_is_named(tmp_path: Path) -> None:
    config = from_text(LINES, root=tmp_path)
    for day, values in ((1, [1, 2]), (2, ["1", "2"])):
        folder = tmp_path / f"drops/drop=2017-10-0{day}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"sku": ["a", "b"], "units": values}), folder / "lines.parquet")
    source = open_source(config)
    with pytest.raises(BadInput, match="'quantity' changed its type") as error:
        rows_of(source, source.lots())
    assert "drop=2017-10-02" in str(error.value.where)


def test_a_glob_without_a_file_is_an_error_not_an_empty_table(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file for table products") as error:
        open_source(from_text(PRODUCTS, root=tmp_path)).lots()
    assert error.value.next_step is not None


def test_a_drop_folder_that_is_no_date_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "drops/drop=2017-13-01"
    folder.mkdir(parents=True)
    (folder / "p.csv").write_text("sku,kind\n")
    with pytest.raises(BadInput, match="is not a date"):
        open_source(from_text(PRODUCTS, root=tmp_path)).lots()


def test_an_absolute_glob_is_read_where_it_points(tmp_path: Path) -> None:
    shop(tmp_path, d01="sku,kind\n1,a\n")
    text = PRODUCTS.replace("drops/", f"{tmp_path}/drops/")
    assert len(open_source(from_text(text, root=Path("/elsewhere"))).lots()) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('colour = "c"', "no column 'colour'"),
        ('known_from = "c"', "no column 'known_from'"),
    ],
)
def test_a_mapping_to_a_column_we_do_not_have_is_refused(wrong: str, told: str) -> None:
    with pytest.raises(BadConfig, match=told):
        open_source(from_text(PRODUCTS + wrong))


def test_a_required_column_that_nothing_fills_is_refused() -> None:
    with pytest.raises(BadConfig, match="'product_id' of table products is required"):
        open_source(from_text(PRODUCTS.replace('product_id = "sku"', "")))


def test_a_number_that_the_file_lacks_is_never_to_be_one_value_for_all() -> None:
    with pytest.raises(BadConfig) as error:
        open_source(from_text(PRODUCTS.replace('product_id = "sku"', "")))
    assert "join it to the file first" in str(error.value.next_step)
    assert "constants" not in str(error.value.next_step)


def test_dates_in_the_letters_of_a_spreadsheet_are_refused_before_a_file_is_read() -> None:
    text = PRODUCTS.replace("[sources.products]\n", '[sources.products]\ndates = "dd/mm/yyyy"\n')
    with pytest.raises(BadConfig, match="dates has no letter of strptime"):
        open_source(from_text(text))


def test_a_column_with_a_mapping_and_a_constant_is_refused() -> None:
    text = PRODUCTS + '[sources.products.constants]\ncategory = "tea"\n'
    with pytest.raises(BadConfig, match="filled twice"):
        open_source(from_text(text))


def test_lots_of_two_tables_are_not_read_together(tmp_path: Path) -> None:
    source = open_source(shop(tmp_path, d01="sku,kind\n1,a\n"))
    with pytest.raises(BadInput, match="one table"):
        rows_of(source, [])
