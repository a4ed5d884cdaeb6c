"""A landing that is killed again and again: no row twice, none missing, memory bounded.

The rows are made by the server, labelled as such by their numbers: what is measured is movement.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import duckdb
import psycopg2
import pyarrow.parquet as pq
import pytest

from churn_ml.config import load
from churn_ml.sources import open_source

EXTRACT = Path(__file__).with_name("extract.py")
AS_OF = date(2017, 10, 1)


@pytest.fixture
def schema(postgres: str) -> Iterator[tuple[str, str]]:
    url, name = postgres.replace("+psycopg2", ""), f"shop_{uuid4().hex[:12]}"
    _run(url, f"create schema {name}")
    yield url, name
    _run(url, f"drop schema {name} cascade")


def _run(url: str, statement: str) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def _shop(folder: Path, schema: tuple[str, str], *, rows: int, chunk_rows: int) -> Path:
    """Orders of nine months, 1 to 7 with the same time, none of them after 2017-09-30."""
    url, name = schema
    seconds = 23_500_000 / rows
    _run(
        url,
        f"create table {name}.orders as select i as no, 'h' || i % 20000 as client,"
        f" timestamptz '2017-01-01 UTC' + (i / 7 * 7) * interval '{seconds} second' as at,"
        f" (i % 9999) / 100.0 as paid from generate_series(1, {rows}) i order by md5(i::text);"
        f"create index on {name}.orders (at)",
    )
    toml = folder / "churn.toml"
    toml.write_text(
        '[shop]\nname = "s"\ncurrency = "EUR"\n[sources.orders]\nkind = "postgres"\n'
        f'url = "{url}"\ntable = "{name}.orders"\ncursor = "at"\nchunk_rows = {chunk_rows}\n'
        '[sources.orders.columns]\norder_id = "no"\ncustomer_id = "client"\noccurred_at = "at"\n'
        'net_amount = "paid"\n'
    )
    return toml


def _process(toml: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(EXTRACT), str(toml), AS_OF.isoformat()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _killed_after(toml: Path, files: int) -> int:
    """Kill a landing once `files` files are there and the next is begun; returns how many are."""
    process = _process(toml)
    landed: list[Path] = []
    while process.poll() is None:
        landed = list(toml.parent.glob("lake/landed/orders/*/drop=*/[0-9]*.parquet"))
        if len(landed) >= files and list(toml.parent.glob("lake/landed/orders/*/drop=*/.*.part")):
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.002)
    code = process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert code == -signal.SIGKILL, "the landing ended before it could be killed"
    return len(list(toml.parent.glob("lake/landed/orders/*/drop=*/[0-9]*.parquet")))


def _finished(toml: Path) -> int:
    """Let a landing run to its end; returns its highest resident memory in MiB."""
    process = _process(toml)
    out, _ = process.communicate()
    assert process.returncode == 0
    return int(out)


def _check_all_there(toml: Path, rows: int) -> None:
    source = open_source(load(toml))
    lots = source.lots()
    with duckdb.connect() as con:
        con.execute("create table seen (order_id bigint)")
        for batch in source.batches(lots):
            con.register("batch", batch)
            con.execute("insert into seen select order_id::bigint from batch")
        told = con.sql(
            "select count(*), count(distinct order_id), min(order_id), max(order_id) from seen"
        )
        assert told.fetchall() == [(rows, rows, 1, rows)]
    ranges = [pq.read_metadata(lot.where).metadata for lot in lots]
    ends = [(r[b"churn_ml.cursor_from"], r[b"churn_ml.cursor_to"]) for r in ranges]
    assert all(before[1] < after[0] for before, after in pairwise(ends))
    assert not list(toml.parent.glob("lake/landed/orders/*/drop=*/.*.part"))


def test_killed_four_times_no_row_is_there_twice_and_none_is_missing(
    tmp_path: Path, schema: tuple[str, str]
) -> None:
    rows = 60_000
    toml = _shop(tmp_path, schema, rows=rows, chunk_rows=1_000)
    reached = [_killed_after(toml, files) for files in (2, 12, 25, 40)]
    assert reached == sorted(reached)
    assert 0 < reached[0] < reached[-1] < 60
    _finished(toml)
    _check_all_there(toml, rows)


@pytest.mark.slow
def test_a_million_rows_killed_five_times_in_bounded_memory(
    tmp_path: Path, schema: tuple[str, str]
) -> None:
    rows = 1_000_000
    toml = _shop(tmp_path, schema, rows=rows, chunk_rows=50_000)
    reached = [_killed_after(toml, files) for files in (1, 4, 8, 12, 16)]
    assert reached == sorted(reached)
    memory = _finished(toml)
    _check_all_there(toml, rows)
    folder = tmp_path / "whole"
    folder.mkdir()
    (folder / "churn.toml").write_text(toml.read_text())
    began = time.perf_counter()
    whole = _finished(folder / "churn.toml")
    print(f"1,000,000 rows in {time.perf_counter() - began:.1f} s, {whole} MiB (resumed {memory})")
    _check_all_there(folder / "churn.toml", rows)
    assert whole < 250, "a landing holds a piece of 10,000 rows at a time, whatever the table"
