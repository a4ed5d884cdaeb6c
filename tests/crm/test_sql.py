"""The SQL table: upserts that never go back in time, removals, preflight."""

from __future__ import annotations

import random
import sqlite3
import sys
import traceback
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from churn_ml.crm import SqlDestination
from churn_ml.crm.payload import FIELDS, removal
from churn_ml.crm.protocol import Ack, Batch, Cell, Rejection, Row
from churn_ml.crm.refused import Refused
from churn_ml.crm.sql_database import SqlDatabase
from churn_ml.errors import BadConfig, StaleAttempt, Unreachable

OCTOBER, NOVEMBER = date(2017, 10, 1), date(2017, 11, 1)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/bi.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """A database without our tables."""
    if request.param == "sqlite":
        return sqlite_url
    address: str = request.getfixturevalue("postgres")
    for table in ("churn_segments", "another_table"):
        execute(address, f"drop table if exists {table}, {table}_owner")
    return address


def opened(url: str, owner: str = "me", table: str = "churn_segments") -> SqlDestination:
    destination = SqlDestination("bi", url, table, owner)
    destination.preflight()
    return destination


def upsert(customer_id: str, as_of: date = OCTOBER, **cells: Cell) -> Row:
    told: dict[str, Cell] = {field.name: None for field in FIELDS} | {"score": 0.6} | cells
    told |= {"customer_id": customer_id, "as_of": as_of.isoformat()}
    return Row(customer_id, "upsert", as_of, told, "9f")


def batch(*rows: Row) -> Batch:
    return Batch("b", "p", rows[0].as_of, rows)


def select(
    url: str, query: str = "select customer_id, as_of, stage from churn_segments"
) -> list[tuple[object, ...]]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).all()
    return sorted((row[0], str(row[1]), *row[2:]) for row in found)


def execute(url: str, statement: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_rows_are_inserted_then_replaced_and_the_key_stays_unique(url: str) -> None:
    crm = opened(url)
    assert crm.send(batch(upsert("h1", stage="active"), upsert("h2"))) == [Ack("h1"), Ack("h2")]
    crm.send(batch(upsert("h1", NOVEMBER, stage="silent")))
    assert select(url) == [("h1", "2017-11-01", "silent"), ("h2", "2017-10-01", None)]


def test_the_same_batch_twice_is_the_same_table(url: str) -> None:
    crm, rows = opened(url), batch(upsert("h1", stage="active"), removal("h2", OCTOBER))
    crm.send(rows)
    before = select(url)
    assert crm.send(rows) == [Ack("h1"), Ack("h2")]
    assert select(url) == before


def test_a_removal_deletes_the_row(url: str) -> None:
    crm = opened(url)
    crm.send(batch(upsert("h1"), upsert("h2")))
    assert crm.send(batch(removal("h1", NOVEMBER), removal("h9", NOVEMBER))) == [
        Ack("h1"),
        Ack("h9"),
    ]
    assert [row[0] for row in select(url)] == ["h2"]


def test_o4_a_batch_of_an_older_as_of_is_a_stale_attempt(url: str) -> None:
    crm = opened(url)
    crm.send(batch(upsert("h1"), upsert("h2")))
    crm.send(batch(removal("h1", NOVEMBER)))
    with pytest.raises(StaleAttempt, match="fed with a later as_of"):
        crm.send(batch(upsert("h1")))  # it would bring back a customer who left
    assert [row[0] for row in select(url)] == ["h2"]
    assert crm.send(batch(upsert("h3", NOVEMBER))) == [Ack("h3")]


def test_o4_the_statement_itself_refuses_an_older_as_of(url: str) -> None:
    crm = opened(url)
    crm.send(batch(upsert("h1", NOVEMBER, stage="silent"), upsert("h2", NOVEMBER, stage="silent")))
    execute(url, "update churn_segments_owner set newest_as_of = '0001-01-01'")
    late = batch(upsert("h1", stage="active"), removal("h2", OCTOBER), upsert("h3", stage="active"))
    refused = "newer_in_target", "the target has a later as_of"
    assert crm.send(late) == [Rejection("h1", *refused), Rejection("h2", *refused), Ack("h3")]
    assert select(url) == [
        ("h1", "2017-11-01", "silent"),
        ("h2", "2017-11-01", "silent"),
        ("h3", "2017-10-01", "active"),
    ]


def test_a_row_of_the_same_as_of_is_replaced(url: str) -> None:
    crm = opened(url)
    crm.send(batch(upsert("h1", stage="active")))
    crm.send(batch(upsert("h1", stage="silent")))
    assert select(url) == [("h1", "2017-10-01", "silent")]


def test_r6_one_bad_row_is_found_and_the_others_are_taken(url: str) -> None:
    crm = opened(url)
    lone_surrogate = "\ud800"  # no database can store it as UTF-8
    rows = [upsert(f"h{i}", stage=lone_surrogate if i == 5 else "active") for i in range(9)]
    answers = crm.send(batch(*rows))
    (rejected,) = [answer for answer in answers if isinstance(answer, Rejection)]
    assert (rejected.customer_id, rejected.code) == ("h5", "UnicodeEncodeError")
    assert rejected.why.startswith("stage: ")  # R5: code, field and message
    assert lone_surrogate not in rejected.message
    assert [row[0] for row in select(url)] == [f"h{i}" for i in range(9) if i != 5]


def test_r6_a_key_that_is_too_long_for_an_index_holds_up_nobody_else(url: str) -> None:
    draw = random.Random(17)
    key = "".join(chr(draw.randrange(0x4E00, 0x9FFF)) for _ in range(4000))
    answers = opened(url).send(batch(upsert("h1"), upsert(key), upsert("h2")))
    if url.startswith("postgresql"):  # its index rows have a limit, SQLite's have none
        (rejected,) = [answer for answer in answers if isinstance(answer, Rejection)]
        assert (rejected.customer_id, rejected.code) == (key, "KeyTooLong")
        assert rejected.why.startswith("customer_id: ")
    assert {row[0] for row in select(url)} - {key} == {"h1", "h2"}


def test_s9_the_refusal_of_a_bad_row_has_no_word_of_the_driver_behind_it(sqlite_url: str) -> None:
    crm = opened(sqlite_url)
    with pytest.raises(Refused) as told:
        crm._take([upsert("h1", stage="\ud800"), upsert("h2")], OCTOBER)
    assert told.value.__context__ is None


def test_names_are_kept_as_they_are(url: str) -> None:
    opened(url).send(batch(upsert("王小明 😀", stage="=1+1; drop table churn_segments")))
    assert select(url) == [("王小明 😀", "2017-10-01", "=1+1; drop table churn_segments")]


def test_preflight_twice_keeps_the_table(url: str) -> None:
    opened(url).send(batch(upsert("h1")))
    opened(url)
    assert len(select(url)) == 1


def test_r9_a_missing_and_a_mistyped_column_are_named_before_row_one(url: str) -> None:
    columns = ", ".join(
        f"{field.name} text" + (" primary key" if field.name == "customer_id" else "")
        for field in FIELDS
        if field.name != "offer" and field.type == "text"
    )
    execute(url, f"create table churn_segments ({columns}, as_of text)")
    with pytest.raises(BadConfig, match="missing or mistyped: as_of, threshold, score") as told:
        opened(url)
    assert "offer" in str(told.value)


def test_r9_a_table_with_another_key_is_refused(url: str) -> None:
    types = {"text": "text", "number": "float", "date": "date"}
    columns = ", ".join(f"{field.name} {types[field.type]}" for field in FIELDS)
    execute(url, f"create table churn_segments ({columns})")
    with pytest.raises(BadConfig, match="mistyped: none; key: "):
        opened(url)


def test_a_table_made_by_the_shop_with_more_columns_is_taken(url: str) -> None:
    types = {"text": "varchar(200)", "number": "numeric", "date": "date"}
    columns = ", ".join(f"{field.name} {types[field.type]}" for field in FIELDS)
    execute(url, f"create table churn_segments ({columns}, note text, primary key (customer_id))")
    opened(url).send(batch(upsert("h1", stage="active")))
    assert select(url) == [("h1", "2017-10-01", "active")]


def test_o3_a_second_deployment_is_refused(url: str) -> None:
    opened(url, "first")
    with pytest.raises(BadConfig, match=r"another deployment.*first.*second"):
        opened(url, "second")
    opened(url, "second", table="another_table")


@pytest.mark.parametrize("name", ["a b", "x; drop table y", '"x"', "", "1x", "x" * 57])
def test_s3_a_table_name_is_an_identifier(name: str, url: str) -> None:
    with pytest.raises(BadConfig, match="letters, digits and underscores"):
        SqlDestination("bi", url, name, "me")


@pytest.mark.parametrize(
    "target", ["mysql://u:canary@h/x", "canary", "postgresql+nodriver://u:canary@h/x"]
)
def test_s8_a_wrong_url_is_refused_without_showing_it(target: str) -> None:
    with pytest.raises(BadConfig) as told:
        SqlDestination("bi", target, "t", "me").preflight()
    assert "canary" not in str(told.value)


def test_s8_a_password_with_signs_of_a_url_is_quoted_nowhere() -> None:
    url = "postgresql://ada:begin@middle:canary@h/bi"
    with pytest.raises(BadConfig, match="check the URL") as told:
        SqlDestination("bi", url, "t", "me").preflight()
    assert "canary" not in "".join(traceback.format_exception(told.value))


def test_s8_the_url_stands_in_no_repr() -> None:
    assert "canary" not in repr(SqlDestination("bi", "postgresql://u:canary@h/x", "t", "me"))


def test_a_plain_url_of_postgresql_is_opened_by_the_driver_that_the_package_brings(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(postgres, "drop table if exists churn_segments, churn_segments_owner")
    monkeypatch.setitem(sys.modules, "psycopg", None)  # tests alone have it
    crm = opened(postgres.replace("postgresql+psycopg2://", "postgresql://"))
    assert crm.send(batch(upsert("h1"))) == [Ack("h1")]


def test_r9_a_right_that_is_lacking_is_named_and_is_no_outage(postgres: str) -> None:
    execute(postgres, "drop table if exists churn_segments, churn_segments_owner")
    execute(postgres, "drop role if exists reader")
    execute(postgres, "create role reader login")
    url = sa.make_url(postgres).set(username="reader").render_as_string(hide_password=False)
    with pytest.raises(BadConfig, match=r"refuses.*permission denied.*may make the table"):
        opened(url)
    opened(postgres).send(batch(upsert("h1")))
    execute(postgres, "grant select on churn_segments, churn_segments_owner to reader")
    theirs = SqlDestination("bi", url, "churn_segments", "me")
    assert [cells["customer_id"] for cells in theirs.holds()] == ["h1"]
    with pytest.raises(BadConfig, match="permission denied for table"):
        theirs.send(batch(upsert("h2")))
    assert [row[0] for row in select(postgres)] == ["h1"]


def test_a_server_that_ends_in_mid_statement_is_away_and_quotes_nobody(sqlite_url: str) -> None:
    """psycopg2 says it by the general class, where it has not yet seen the socket closed."""
    ended = sa.exc.DatabaseError("select 1", {}, Exception("server closed it\nh-secret"))
    ended.connection_invalidated = True

    def ends(_: object) -> None:
        raise ended

    with pytest.raises(Unreachable, match="server closed it") as told:
        SqlDatabase("bi", sqlite_url, "churn_segments").done(ends)
    assert "h-secret" not in "".join(traceback.format_exception(told.value))


def test_a_database_that_does_not_answer_is_transient(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="unable to open database file"):
        opened(f"sqlite:///{tmp_path}")


def test_a_locked_database_is_transient_and_nothing_is_written(sqlite_url: str) -> None:
    url = sqlite_url
    crm = opened(url)
    quick = SqlDestination("bi", f"{url}?timeout=0", "churn_segments", "me")
    blocker = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("begin immediate")
    with pytest.raises(Unreachable, match="locked") as told:
        quick.send(batch(upsert("h1")))
    assert told.value.__context__ is None  # S9: the driver's own error may quote a row
    blocker.execute("rollback")
    blocker.close()
    assert select(url) == []
    assert crm.send(batch(upsert("h1"))) == [Ack("h1")]


def test_an_as_of_that_is_no_date_is_told_and_holds_up_nobody(sqlite_url: str) -> None:
    target = opened(sqlite_url)
    target.send(batch(upsert("h1"), upsert("h2"), upsert("h3")))
    execute(sqlite_url, "update churn_segments set as_of = 'gestern' where customer_id <> 'h3'")
    told = {row["customer_id"]: row["as_of"] for row in target.holds()}
    assert told == {"h1": "gestern", "h2": "gestern", "h3": "2017-10-01"}
    answers = target.send(batch(upsert("h1"), removal("h2", OCTOBER), upsert("h4")))
    assert answers == [Ack("h1"), Ack("h2"), Ack("h4")]
    told = {row["customer_id"]: row["as_of"] for row in target.holds()}
    assert told == dict.fromkeys(("h1", "h3", "h4"), "2017-10-01")


def test_r9_a_missing_folder_of_a_sqlite_file_is_named_and_is_no_outage(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    with pytest.raises(BadConfig, match=r"the folder .* does not exist") as told:
        opened(f"sqlite:///{folder}/bi.db")
    assert told.value.got == str(folder)
    folder.mkdir(parents=True)
    assert opened(f"sqlite:///{folder}/bi.db").send(batch(upsert("h1"))) == [Ack("h1")]


def test_r9_a_table_of_others_is_called_the_same_by_the_export_and_by_who_reads_it(
    url: str,
) -> None:
    execute(url, "create table another_table (customer_id text primary key, score text)")
    destination = SqlDestination("bi", url, "another_table", "me")
    said = []
    for work in (destination.preflight, destination.holds):
        with pytest.raises(BadConfig, match="missing or mistyped") as told:
            work()
        said.append(str(told.value))
    assert said[0] == said[1]
