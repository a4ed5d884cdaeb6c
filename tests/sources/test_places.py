"""Where files are: object stores, links, and what is not read from either."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from churn_ml.config import Config, from_text
from churn_ml.errors import BadConfig, BadInput, Unreachable
from churn_ml.sources import open_source, places

SHOP = """
[shop]
name = "s"
currency = "EUR"
[sources.products]
files = "{files}"
[sources.products.columns]
product_id = "sku"
"""


def shop(files: str, root: Path = Path()) -> Config:
    return from_text(SHOP.format(files=files), root=root)


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    """An object store in memory, empty."""
    memory = fsspec.filesystem("memory")
    yield memory
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def test_files_of_an_object_store_are_lots_like_any_other(
    store: fsspec.AbstractFileSystem,
) -> None:
    store.pipe("/drops/drop=2017-10-01/a.csv.gz", gzip.compress(b"sku\n1\n2\n"))
    store.pipe("/drops/drop=2017-10-02/b.csv", b"sku\n3\n")
    store.pipe("/drops/drop=2017-10-02/_half.csv", b"sk")
    source = open_source(shop("memory://drops/*/*"))
    lots = source.lots()
    assert [(lot.where, lot.drop_on) for lot in lots] == [
        ("memory:///drops/drop=2017-10-01/a.csv.gz", date(2017, 10, 1)),
        ("memory:///drops/drop=2017-10-02/b.csv", date(2017, 10, 2)),
    ]
    rows = pa.concat_tables(source.batches(lots))
    assert rows["product_id"].to_pylist() == ["1", "2", "3"]


def test_one_file_of_a_store_is_named_without_a_glob(store: fsspec.AbstractFileSystem) -> None:
    store.pipe("/p.csv", b"sku\n1\n")
    assert len(open_source(shop("memory://p.csv")).lots()) == 1


def test_a_store_without_a_file_says_so(store: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(BadInput, match="no file for table products"):
        open_source(shop("memory://drops/*.csv")).lots()


def test_a_file_uri_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("sku\n1\n")
    assert open_source(shop(f"file://{tmp_path}/*.csv")).lots()[0].where == str(tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("zip://a.csv::drops.zip", "chained URIs"),
        ("simplecache::memory://a.csv", "chained URIs"),
        ("tar://a.csv", "inside archives"),
        ("sftp://me:SECRET@host/a.csv", "must not hold credentials"),
        ("nosuch://bucket/a.csv", "cannot be opened"),
    ],
)
def test_a_uri_that_cannot_be_meant_is_refused(uri: str, told: str) -> None:
    with pytest.raises(BadConfig, match=told) as error:
        open_source(shop(uri)).lots()
    assert "SECRET" not in str(error.value)
    assert error.value.next_step


def test_a_store_that_does_not_answer_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: str) -> None:
        raise ConnectionError("SECRET host")

    monkeypatch.setattr(places, "_system", away)
    with pytest.raises(Unreachable) as error:
        open_source(shop("memory://a.csv")).lots()
    assert "SECRET" not in str(error.value)


def test_a_link_out_of_the_shops_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("sku\n1\n")
    inside = tmp_path / "shop"
    (inside / "drops").mkdir(parents=True)
    (inside / "drops/p.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(BadInput, match="leads out of the shop's folder") as error:
        open_source(shop("drops/*.csv", inside)).lots()
    assert "drops/p.csv" in str(error.value.where)


@pytest.mark.parametrize("files", ["{inside}/drops/*.csv", "../shop/drops/*.csv"])
def test_nor_does_a_folder_named_in_full_open_its_neighbours(tmp_path: Path, files: str) -> None:
    inside = tmp_path / "shop"
    (inside / "drops").mkdir(parents=True)
    (inside / "secret.csv").write_text("sku\n1\n")
    (inside / "drops/p.csv").symlink_to(inside / "secret.csv")
    with pytest.raises(BadInput, match="leads out"):
        open_source(shop(files.format(inside=inside), inside)).lots()


def test_a_link_within_the_shops_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/p.csv").write_text("sku\n1\n")
    (tmp_path / "drops").symlink_to(tmp_path / "real")
    assert len(open_source(shop("drops/*.csv", tmp_path)).lots()) == 1
