"""A database as lots: nothing twice, nothing missing, nothing told that must not be.

The server is a real PostgreSQL; every test has a schema of its own in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml import flow
from churn_ml.config import Config, from_text
from churn_ml.errors import BadConfig, BadInput, Transient, Unreachable
from churn_ml.house import Addresses, open_house
from churn_ml.sources import Lot, Source, open_source
from churn_ml.sources.postgres_rows import Read, Span, about, quoted, types_of
from churn_ml.sources.postgres_settings import check_settings
from churn_ml.sources.session import opened

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)
COLUMNS = 'order_id = "no"\ncustomer_id = "client"\noccurred_at = "at"\nnet_amount = "paid"'


class Shop:
    """A schema of the server, and the churn.toml that reads it."""

    def __init__(self, url: str, root: Path) -> None:
        self.url, self.root = url.replace("+psycopg2", ""), root
        self.name = f"shop_{uuid4().hex[:12]}"
        self.run(f"create schema {self.name}")

    def run(self, statement: str, *values: object) -> None:
        with psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
        connection.close()

    def orders(self, *rows: tuple[object, ...], at: str = "timestamptz") -> None:
        self.run(
            f"create table if not exists {self.name}.orders"
            f" (no bigint, client text, at {at}, paid numeric(12,4))"
        )
        for row in rows:
            self.run(f"insert into {self.name}.orders values (%s, %s, %s, %s)", *row)

    def toml(self, more: str = "", *, columns: str = COLUMNS, head: str = "") -> Config:
        table = "" if "query" in more else f'table = "{self.name}.orders"'
        where = "" if "connection" in more or "url" in more else f'url = "{self.url}"'
        cursor = "" if "cursor" in more else 'cursor = "at"'
        return from_text(
            f'[shop]\nname = "s"\ncurrency = "EUR"\n{head}\n[sources.orders]\nkind = "postgres"\n'
            f"{table}\n{where}\n{cursor}\n{more}\n[sources.orders.columns]\n{columns}\n",
            root=self.root,
        )

    def landed(self, as_of: date, more: str = "", **told: Any) -> Source:
        source = open_source(self.toml(more, **told))
        source.land(as_of, say=print)
        return source


@pytest.fixture
def shop(postgres: str, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(postgres, tmp_path)
    yield shop
    shop.run(f"drop schema {shop.name} cascade")


def rows_of(source: Source, lots: list[Lot] | None = None) -> list[dict[str, Any]]:
    lots = source.lots() if lots is None else lots
    return pa.concat_tables(source.batches(lots)).to_pylist() if lots else []


def ids(source: Source, drop_on: date | None = None) -> list[str]:
    lots = [lot for lot in source.lots() if drop_on in (None, lot.drop_on)]
    return [row["order_id"] for row in rows_of(source, lots)]


def order(number: int, at: str, paid: object = "12.50") -> tuple[object, ...]:
    return number, f"h{number}", at, paid


def test_each_as_of_lands_what_is_behind_the_one_before_and_leaves_the_rest(shop: Shop) -> None:
    shop.orders(
        order(1, "2017-09-30 23:59:59.999999+00"),
        order(2, "2017-10-01 00:00:00+00"),
        order(3, "2017-10-31 12:00:00+00"),
        order(4, "2017-11-01 00:00:00+00"),
    )
    assert ids(shop.landed(OCTOBER)) == ["1"]
    assert ids(shop.landed(NOVEMBER), NOVEMBER) == ["2", "3"]


def test_an_as_of_begins_in_the_shops_zone_and_a_naive_cursor_in_its_own(shop: Shop) -> None:
    # 00:00 in Shanghai is 16:00 UTC the day before, and noon of that day at UTC-4
    shop.orders(order(1, "2017-09-30 11:59:59"), order(2, "2017-09-30 12:00:00"), at="timestamp")
    zones = {"head": 'time_zone = "Asia/Shanghai"', "more": 'time_zone = "America/New_York"'}
    source = shop.landed(OCTOBER, **zones)
    assert [(row["order_id"], row["known_at"]) for row in rows_of(source)] == [
        ("1", "2017-09-30 15:59:59+00")
    ]


def test_a_cursor_of_days_takes_the_days_that_are_over(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30"), order(2, "2017-10-01"), at="date")
    assert [(row["order_id"], row["known_at"]) for row in rows_of(shop.landed(OCTOBER))] == [
        ("1", "2017-10-01 00:00:00+00")
    ]


def test_a_tie_is_never_cut_whatever_the_chunk(shop: Shop) -> None:
    shop.orders()
    shop.run(  # ties of 1 to 97 rows, 4,753 rows in all
        f"insert into {shop.name}.orders select tie * 100 + i, 'h', timestamptz '2017-09-01 UTC'"
        " + tie * interval '1 minute', 1 from generate_series(1, 97) tie,"
        " lateral generate_series(1, tie) i"
    )
    source = shop.landed(OCTOBER, "chunk_rows = 50")
    seen: dict[str, set[str]] = {}
    for lot in source.lots():
        for row in rows_of(source, [lot]):
            seen.setdefault(row["occurred_at"], set()).add(lot.where)
    assert len(source.lots()) > 40
    assert all(len(files) == 1 for files in seen.values())
    assert len(ids(source)) == len(set(ids(source))) == 4753


def test_a_tie_larger_than_a_piece_of_the_network_stays_in_one_file(shop: Shop) -> None:
    shop.orders()
    shop.run(
        f"insert into {shop.name}.orders select i, 'h', timestamptz '2017-09-01 UTC', 1"
        " from generate_series(1, 25000) i"
    )
    shop.run(f"insert into {shop.name}.orders values (0, 'h', '2017-09-02 UTC', 1)")
    source = shop.landed(OCTOBER, "chunk_rows = 10")
    assert [len(rows_of(source, [lot])) for lot in source.lots()] == [25000, 1]


def test_a_second_call_lands_nothing_and_reads_the_same_lots(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30"))
    first = shop.landed(OCTOBER).lots()
    shop.orders(order(2, "2017-09-29"))
    shop.run(f"update {shop.name}.orders set paid = 99")
    assert shop.landed(OCTOBER).lots() == first


def test_to_read_anew_forgets_the_files_of_that_as_of_alone(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30"), order(2, "2017-10-15"))
    shop.landed(OCTOBER)
    shop.landed(NOVEMBER)
    shop.run(f"update {shop.name}.orders set paid = 99")
    source = open_source(shop.toml())
    source.land(NOVEMBER, say=print, anew=True)
    assert [(r["order_id"], r["net_amount"]) for r in rows_of(source)] == [
        ("1", "12.5000"),
        ("2", "99.0000"),
    ]


def test_an_as_of_before_the_newest_lands_nothing_more(shop: Shop) -> None:
    shop.orders(order(1, "2017-10-15"))
    shop.landed(NOVEMBER)
    shop.orders(order(2, "2017-09-15"))
    assert ids(shop.landed(OCTOBER), OCTOBER) == []


def test_a_mapping_that_was_mended_is_landed_again_and_loses_no_row(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30"), order(2, "2017-10-15"))
    shop.landed(OCTOBER, columns=COLUMNS.replace('net_amount = "paid"', ""))
    source = shop.landed(OCTOBER)
    assert [(r["order_id"], r["net_amount"]) for r in rows_of(source)] == [("1", "12.5000")]


def test_a_row_committed_late_is_found_by_the_overlap_and_was_not_known_before(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30 12:00+00"), order(2, "2017-09-30 13:00+00"))
    shop.landed(OCTOBER, "overlap = 90")
    shop.orders(order(3, "2017-09-30 12:30+00"), order(4, "2017-10-02 08:00+00"))
    source = shop.landed(NOVEMBER, "overlap = 90")
    later = [lot for lot in source.lots() if lot.drop_on == NOVEMBER]
    assert [(row["order_id"], row["known_at"]) for row in rows_of(source, later)] == [
        ("1", "2017-11-01 00:00:00+00"),
        ("3", "2017-11-01 00:00:00+00"),
        ("2", "2017-11-01 00:00:00+00"),
        ("4", "2017-10-02 08:00:00+00"),
    ]


def test_what_an_empty_drop_did_not_see_was_not_known_to_it(shop: Shop) -> None:
    shop.orders()
    assert shop.landed(OCTOBER).lots() == []
    shop.orders(order(1, "2017-09-30 12:00+00"), order(2, "2017-10-30 12:00+00"))
    assert [row["known_at"] for row in rows_of(shop.landed(NOVEMBER))] == [
        "2017-11-01 00:00:00+00",
        "2017-10-30 12:00:00+00",
    ]


def test_an_empty_drop_may_be_read_again(shop: Shop) -> None:
    shop.orders()
    shop.landed(OCTOBER)
    shop.orders(order(1, "2017-09-30 12:00+00"))
    assert [row["known_at"] for row in rows_of(shop.landed(OCTOBER))] == ["2017-09-30 12:00:00+00"]


def test_by_whole_numbers_the_first_drop_counts_from_its_events_and_the_next_is_dated(
    shop: Shop,
) -> None:
    shop.orders(order(1, "2017-08-01"), order(2, "2017-09-01"))
    shop.landed(OCTOBER, 'cursor = "no"')
    shop.orders(order(3, "2017-10-15"))
    source = shop.landed(NOVEMBER, 'cursor = "no"')
    assert [(row["order_id"], row["drop_on"]) for row in rows_of(source)] == [
        ("1", None),
        ("2", None),
        ("3", NOVEMBER),
    ]


def test_whole_numbers_are_sorted_as_numbers(shop: Shop) -> None:
    shop.orders(*(order(number, "2017-09-01") for number in (100, 9, 10, 2, 1000, -5)))
    source = shop.landed(OCTOBER, 'cursor = "no"\nchunk_rows = 1')
    assert ids(source) == ["-5", "2", "9", "10", "100", "1000"]
    shop.orders(order(999, "2017-09-01"), order(1001, "2017-09-01"))
    assert ids(shop.landed(NOVEMBER, 'cursor = "no"'), NOVEMBER) == ["1001"]


def test_every_type_leaves_exactly(shop: Shop) -> None:
    shop.run(
        f"create type {shop.name}.mood as enum ('paid', 'open');"
        f"create table {shop.name}.orders (no uuid, client char(5), at timestamptz,"
        f" paid numeric, state {shop.name}.mood, store smallint, channel float8, currency bool)"
    )
    shop.run(
        f"insert into {shop.name}.orders values ('8e4b1c2d-0000-4000-8000-00000000000a', 'h1',"
        " '2017-09-30 19:05:00.000001+02', 12345678901234567890.123456789, 'paid', 7, 0.1, true),"
        " ('8e4b1c2d-0000-4000-8000-00000000000b', null, '2017-09-30 19:06+02', 'NaN', null, null,"
        " 'NaN', null)"
    )
    told = COLUMNS + '\nstatus = "state"\nstore_id = "store"'
    first, second = rows_of(shop.landed(OCTOBER, columns=told))
    assert first["order_id"] == "8e4b1c2d-0000-4000-8000-00000000000a"
    assert first["customer_id"] == "h1"
    assert first["occurred_at"] == first["known_at"] == "2017-09-30 17:05:00.000001+00"
    assert Decimal(first["net_amount"]) == Decimal("12345678901234567890.123456789")
    assert (first["status"], first["store_id"]) == ("paid", "7")
    assert (second["net_amount"], second["customer_id"]) == ("NaN", None)


@pytest.mark.parametrize("type_", ["json", "jsonb", "bytea", "text[]", "interval", "point"])
def test_what_holds_more_than_one_value_is_refused_by_its_type(shop: Shop, type_: str) -> None:
    shop.run(f"create table {shop.name}.orders (no {type_}, client text, at date, paid int)")
    with pytest.raises(BadInput, match=r"column 'no' .* holds more than one value") as refused:
        shop.landed(OCTOBER)
    assert "type " in str(refused.value.got)
    assert refused.value.next_step is not None


@pytest.mark.parametrize(
    ("more", "columns", "match"),
    [
        ("", COLUMNS.replace("client", "cliend"), "column 'cliend' of the database is not there"),
        ('cursor = "client"', COLUMNS, "column 'client' of the database is no cursor"),
        ("", COLUMNS.replace('"client"', "'x\" from pg_user; --'"), "is not there"),
    ],
)
def test_a_column_that_is_not_there_is_named(
    shop: Shop, more: str, columns: str, match: str
) -> None:
    shop.orders()
    with pytest.raises(BadInput, match=match):
        shop.landed(OCTOBER, more, columns=columns)


def test_expressions_read_what_was_landed_for_them(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30 12:00+02", "12.5"), order(2, "2017-09-30", "-3"))
    told = COLUMNS.replace('net_amount = "paid"', "").replace('occurred_at = "at"', "")
    told += '\n[sources.orders.expressions]\nnet_amount = "number(paid) * 2"'
    told += '\noccurred_at = "time(at)"\n'
    source = shop.landed(OCTOBER, 'where = "number(paid) > 0"', columns=told)
    rows = rows_of(source)
    assert [(row["order_id"], float(row["net_amount"])) for row in rows] == [("1", 25.0)]
    assert rows[0]["occurred_at"] == datetime(2017, 9, 30, 10, tzinfo=UTC)
    assert source.left_out == {"orders": 1}


def test_the_page_about_it_shows_what_can_be_meant() -> None:
    page = (Path(__file__).parents[2] / "docs/sources-postgres.md").read_text()
    shown = page.split("```toml\n")[1].split("```")[0]
    config = from_text(f'[shop]\nname = "s"\ncurrency = "EUR"\n{shown}')
    check_settings("orders", config.sources["orders"][0])


def test_rows_without_a_cursor_are_refused_for_nobody_would_miss_them(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30"), (2, "h2", None, 1))
    with pytest.raises(BadInput, match=r"column 'at' .* is empty in some rows"):
        shop.landed(OCTOBER)


def test_names_are_quoted_whatever_they_hold(shop: Shop) -> None:
    table = 'or"ders %s; drop'
    shop.run(
        f"create table {shop.name}.{quoted(table)} (no int, client text, at date, paid int)", ()
    )
    shop.run(f"insert into {shop.name}.{quoted(table)} values (1, 'h1', '2017-09-30', 5)", ())
    source = open_source(
        from_text(
            '[shop]\nname = "s"\ncurrency = "EUR"\n[sources.orders]\nkind = "postgres"\n'
            f'url = "{shop.url}"\ntable = \'{shop.name}.{table}\'\ncursor = "at"\n'
            f"[sources.orders.columns]\n{COLUMNS}",
            root=shop.root,
        )
    )
    source.land(OCTOBER, say=print)
    assert ids(source) == ["1"]


def test_a_query_may_hold_percent_signs_and_end_in_a_comment(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30"), (2, "x1", "2017-09-30", 1))
    query = f"select * from {shop.name}.orders where client like 'h%' -- %s of them"
    assert ids(shop.landed(OCTOBER, f'query = "{query}"')) == ["1"]


@pytest.mark.parametrize(
    "query",
    [
        "select 1; drop table orders",
        "delete from orders returning *",
        "with gone as (delete from orders returning *) select * from gone",
        "select * into copy from orders",
        "select * from orders for update",
        "select 1) as r; drop table orders; select * from (select 1",
        "not sql at all (",
        "",
    ],
)
def test_a_query_that_does_more_than_read_is_refused(query: str) -> None:
    with pytest.raises(BadConfig, match="query"):
        check_settings("orders", _told(query=query, table=None))


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"url": None}, "url or connection"),
        ({"connection": "shop_db"}, "url or connection"),
        ({"query": "select 1"}, "table or query"),
        ({"cursor": None}, "by a cursor"),
        ({"files": "*.csv"}, "no files"),
        ({"group_by": ("no",)}, "grouped by its query"),
        ({"decimal": ","}, "about text files"),
        ({"table": "a\0b"}, "no NUL"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(told: dict[str, Any], match: str) -> None:
    with pytest.raises(BadConfig, match=match):
        check_settings("orders", _told(**told))


def _told(**told: Any) -> Any:
    from churn_ml.config import SourceTable

    usual = {"url": "postgresql://db/shop", "table": "orders", "cursor": "at"}
    return SourceTable(kind="postgres", **usual | told)


def test_the_session_can_only_read(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-30"))
    shop.run(
        f"create function {shop.name}.kill() returns int as"
        f" 'delete from {shop.name}.orders returning 1' language sql"
    )
    query = f"select *, {shop.name}.kill() from {shop.name}.orders"
    with pytest.raises(BadInput, match="could not compute a row"):
        shop.landed(OCTOBER, f'query = "{query}"')


def test_a_row_that_the_database_cannot_compute_is_not_shown(shop: Shop) -> None:
    shop.orders((1, "secret-client", "2017-09-30", 1))
    query = f"select no, client, at, client::int as paid from {shop.name}.orders"
    with pytest.raises(BadInput, match="could not compute a row") as refused:
        shop.landed(OCTOBER, f'query = "{query}"')
    assert "secret-client" not in str(refused.value)


def test_a_table_that_may_not_be_read_and_a_session_cut_off_are_told_apart(shop: Shop) -> None:
    with pytest.raises(BadConfig, match="refused to read") as refused:
        shop.landed(OCTOBER)  # there is no such table
    assert f"{shop.name}.orders" in str(refused.value.got)
    cut = "select pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(Unreachable, match="broke off") as broken:
        with opened(shop.url, "orders") as session, session.cursor() as cursor:
            cursor.execute(cut)
    assert "run the step again" in str(broken.value.next_step)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://ada:pass%40word@127.0.0.1:1/shop", Unreachable),
        ("postgresql://ada:pass%40word@127.0.0.1:port/shop", BadConfig),
        ("mysql://ada:pass%40word@127.0.0.1/shop", BadConfig),
        ("postgresql://ada:pass%zzword@127.0.0.1/shop?nonsense=1", BadConfig),
        ("postgresql://ada:pass@word@127.0.0.1/shop", BadConfig),
        ("postgresql://ada:pass/word@127.0.0.1/shop", BadConfig),
        ("postgresql://ada:12/word@127.0.0.1/shop", BadConfig),
        ("postgresql://ada:12#word@127.0.0.1/shop", BadConfig),
        ("postgresql://ada:12?word@127.0.0.1/shop", BadConfig),
        ("postgresql://ada:word@[127.0.0.1/shop", BadConfig),
    ],
)
def test_a_password_is_in_no_message(tmp_path: Path, url: str, error: type[Exception]) -> None:
    import traceback

    config = from_text(
        f'[shop]\nname = "s"\ncurrency = "EUR"\n[sources.orders]\nkind = "postgres"\n'
        f'url = "{url}"\ntable = "orders"\ncursor = "at"\n[sources.orders.columns]\n{COLUMNS}',
        root=tmp_path,
    )
    with pytest.raises(error) as refused:
        open_source(config).land(OCTOBER, say=print)
    told = "".join(traceback.format_exception(refused.value))
    assert "word" not in told.replace("PASSWORD", "").replace("password", "")


def test_two_processes_do_not_land_the_same_rows(shop: Shop) -> None:
    from churn_ml.sources.landing import Landing

    shop.orders(order(1, "2017-09-30"))
    shop.landed(OCTOBER)
    folder = next((shop.root / "lake/landed/orders").iterdir())
    with Landing(folder).alone(), pytest.raises(Transient, match="another process"):
        shop.landed(NOVEMBER)
    assert ids(shop.landed(NOVEMBER)) == ["1"]


def test_an_ingest_lands_validates_and_publishes_and_a_re_run_is_the_same(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-29 08:00+00"), order(2, "2017-09-30 08:00+00", "NaN"))
    house = open_house(
        shop.toml('connection = "shop_db"\noverlap = 4000', head="[validation]\ntolerance = 0.5"),
        addresses=Addresses(connections={"shop_db": shop.url}),
    )
    first = flow.ingest(house, OCTOBER)
    assert (first.rows_in, first.rows_out) == (2, 1)
    shop.orders(order(3, "2017-10-09 08:00+00"))
    shop.run(f"update {shop.name}.orders set paid = 77 where no = 1")
    again = flow.ingest(house, OCTOBER)
    assert (again.tables, again.rows_in) == (first.tables, 2)
    second = flow.ingest(house, NOVEMBER)
    assert second.rows_in == 3  # the overlap reads two of them again
    table = house.warehouse.read(
        "orders", house.ledger.versions(["orders"])["orders"], as_of=NOVEMBER
    ).to_pyarrow()
    assert sorted(table["order_id"].to_pylist()) == ["1", "3"]
    assert "shop_db" not in str(second)
    house.ledger.close()


def test_a_landed_file_knows_its_range(shop: Shop) -> None:
    shop.orders(order(1, "2017-09-29 08:00+00"), order(2, "2017-09-30 08:00+00"))
    lot = shop.landed(OCTOBER).lots()[0]
    told = pq.read_metadata(lot.where).metadata
    assert told[b"churn_ml.cursor_from"] == b"2017-09-29 08:00:00+00"
    assert told[b"churn_ml.cursor_to"] == b"2017-09-30 08:00:00+00"


def two(shop: Shop, first: str, second: str) -> Config:
    """Two entries that read the table orders, each with settings of its own."""
    told = "".join(
        f'[[sources.orders]]\nkind = "postgres"\ntable = "{shop.name}.orders"\ncursor = "at"\n'
        f"{more}\n[sources.orders.columns]\n{COLUMNS}\n"
        for more in (first, second)
    )
    return from_text(f'[shop]\nname = "s"\ncurrency = "EUR"\n{told}', root=shop.root)


def test_two_databases_with_tables_of_one_name_are_both_read(shop: Shop) -> None:
    other = f"outlet_{uuid4().hex[:12]}"
    outlet = Shop(shop.url, shop.root)
    outlet.run(f"drop schema {outlet.name}")
    outlet.name = shop.name
    server = psycopg2.connect(shop.url)
    server.autocommit = True
    try:
        server.cursor().execute(f"create database {other}")
        outlet.url = urlsplit(shop.url)._replace(path=f"/{other}").geturl()
        outlet.run(f"create schema {shop.name}")
        shop.orders(order(1, "2017-09-01 10:00+00"))
        outlet.orders(order(2, "2017-09-02 10:00+00"))
        source = open_source(two(shop, f'url = "{shop.url}"', f'url = "{outlet.url}"'))
        source.land(OCTOBER, say=print)
        assert sorted(ids(source)) == ["1", "2"]
    finally:
        server.cursor().execute(f"drop database if exists {other}")
        server.close()


@pytest.mark.parametrize("differs", ["overlap = 5", 'time_zone = "Asia/Tokyo"', "chunk_rows = 7"])
def test_entries_that_are_landed_as_one_may_not_differ_in_how(shop: Shop, differs: str) -> None:
    url = f'url = "{shop.url}"'
    with pytest.raises(BadConfig, match=f"differ in {differs.split(maxsplit=1)[0]}"):
        open_source(two(shop, url, f"{url}\n{differs}"))


def test_an_entry_that_is_printed_does_not_show_its_url() -> None:
    assert "SECRET" not in repr(_told(url="postgresql://a:SECRET@db/shop"))


def test_a_check_before_the_first_ingest_tries_the_first_rows_and_keeps_nothing(shop: Shop) -> None:
    shop.orders(*(order(n, f"2017-09-{n // 10 + 1:02} 12:{n % 10:02}:00+00") for n in range(120)))
    shop.run(f"update {shop.name}.orders set paid = 'NaN' where no = 3")
    told = flow.check(shop.toml(), sample=50, now=datetime(2017, 11, 1), seconds=lambda: 0.0)
    (orders,) = told["tables"]
    assert (orders["tried"], orders["rows"], orders["quarantined"]) == (50, 120, 1)
    assert orders["rules"][0]["rule"].startswith("orders.net_amount")
    assert list(shop.root.iterdir()) == []
    shop.landed(date(2017, 9, 2))  # now there is something: the database is not asked again
    again = flow.check(shop.toml(), sample=50, now=datetime(2017, 11, 1))
    assert again["tables"][0]["rows"] == 10


def test_a_look_at_a_database_is_cut_short_and_a_count_is_then_the_plans(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = f"select *, pg_sleep(0.02)::text as slept from {shop.name}.orders"
    shop.orders(*(order(n, f"2017-09-01 12:00:{n:02}+00") for n in range(60)))
    shop.run(f"analyze {shop.name}.orders")
    monkeypatch.setattr("churn_ml.sources.postgres.GLIMPSE_SECONDS", 1)
    config = shop.toml(f'query = "{slow}"', columns=COLUMNS + '\nchannel = "slept"')
    (orders,) = flow.check(config, sample=5, now=datetime(2017, 11, 1))["tables"]
    assert "took too long and was stopped" in orders["refused"]
    assert shop.url not in orders["refused"]
    read = Read("orders", f"({slow})", ("no",), "at", "UTC")
    with opened(shop.url, "orders", seconds=1) as connection:
        kinds = types_of(connection, read)
        assert about(connection, read, kinds, Span(None, NOVEMBER, None, "UTC")) == 60
