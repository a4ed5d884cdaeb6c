"""The ledger: what is visible, who decided, what was delivered; by two processes at once too.

Every test runs on SQLite and on PostgreSQL, through the same code.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_ml.errors import (
    BadConfig,
    BadInput,
    BrokenPromise,
    NotReady,
    StaleAttempt,
    Stopped,
    Tampered,
    Transient,
    Unreachable,
)
from churn_ml.ledger import EVERY, Contact, Ledger, ModelRecord, Token
from churn_ml.ledger.chain import row_hash
from churn_ml.ledger.schema import DECISIONS, METADATA, PLAN_ROWS
from churn_ml.receipts import Receipt, TableCount
from churn_ml.warehouse import Written

SEP, OCT, NOV = date(2017, 9, 1), date(2017, 10, 1), date(2017, 11, 1)
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    address = request.getfixturevalue("postgres")
    name = f"ledger_{uuid.uuid4().hex}"
    server = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    yield sa.make_url(address).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"drop database {name} with (force)")


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    opened = Ledger.open(url)
    yield opened
    opened.close()


def written(table: str, partition: date = OCT, version: int = 7) -> Written:
    return Written(table, partition, version, 985, f"hash-{table}-{version}")


def publish(ledger: Ledger, step: str, as_of: date, *parts: Written, **further: Any) -> Token:
    token = ledger.take_token(step, as_of)
    receipt = Receipt(step, as_of, "done")
    ledger.publish(token, written=parts, receipt=receipt, at=AT, **further)
    return token


# Opening


def test_migrations_make_the_schema_the_code_expects(url: str) -> None:
    Ledger.open(url).close()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_opening_twice_changes_nothing(url: str) -> None:
    one = Ledger.open(url)
    publish(one, "ingest", OCT, written("orders"))
    other = Ledger.open(url)
    assert other.versions(["orders"]) == {"orders": {"2017-10-01": 7}}
    one.close()
    other.close()


OPEN = """
import sys, time
from datetime import date, datetime, timezone
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
while time.time() < float(sys.argv[2]): pass
ledger = Ledger.open(sys.argv[1])
tokens = [ledger.take_token("score", date(2017, 10, 1)).number for _ in range(20)]
for number in range(10):
    ledger.decide(date(2017, 10, 1), "refuse", champion_from="a", champion_to="b", who="test",
                  at=datetime(2026, 11, 21, tzinfo=timezone.utc))
print(tokens)
"""


def test_processes_that_open_migrate_and_write_at_once_lose_nothing(url: str) -> None:
    start = str(time.time() + 2)
    command = [sys.executable, "-W", "error", "-c", OPEN, url, start]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    told = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    numbers = sorted(number for out, _ in told for number in _numbers(out))
    assert numbers == list(range(1, 61))
    ledger = Ledger.open(url)
    assert ledger.verify() == 30
    ledger.close()


def test_a_ledger_opened_while_another_process_writes_it_waits(tmp_path: Path) -> None:
    """A new file is switched to the write-ahead log, which SQLite refuses while it is written."""
    file = tmp_path / "ledger.db"
    writer = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    writer.execute("begin immediate")
    threading.Timer(0.5, writer.execute, ["rollback"]).start()
    ledger = Ledger.open(f"sqlite:///{file}")
    assert ledger.verify() == 0
    ledger.close()
    writer.close()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.strip("[]\n").split(",")]


def test_a_ledger_of_a_newer_version_is_not_touched(url: str) -> None:
    Ledger.open(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(NotReady, match="written by a newer churn_ml"):
        Ledger.open(url)
    engine.dispose()


def test_a_url_that_cannot_be_meant_is_bad_config() -> None:
    for url in ("ledger.db", "mysql://localhost/x", "nosuchdatabase://x"):
        with pytest.raises(BadConfig):
            Ledger.open(url)


def test_s8_a_password_with_signs_of_a_url_is_quoted_nowhere() -> None:
    url = "postgresql://ada:begin@middle:canary@h/ledger"
    with pytest.raises(BadConfig, match="%40") as told:
        Ledger.open(url)
    assert "canary" not in "".join(traceback.format_exception(told.value))


def test_a_ledger_whose_folder_does_not_exist_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Ledger.open(f"sqlite:///{tmp_path}/nowhere/ledger.db")


def test_the_password_of_the_url_is_never_shown() -> None:
    url = "postgresql+psycopg2://shop:secret@127.0.0.1:1/ledger?connect_timeout=1"
    pytest.importorskip("psycopg2", reason="the PostgreSQL driver is not installed")
    with pytest.raises((Unreachable, BadConfig)) as refused:
        Ledger.open(url)
    assert "secret" not in str(refused.value)


def test_a_server_that_ends_in_mid_statement_is_away_and_no_defect_of_ours(
    ledger: Ledger,
) -> None:
    """psycopg2 says it by the general class, where it has not yet seen the socket closed."""
    ended = sa.exc.DatabaseError(
        "select 1", {}, Exception("server closed the connection unexpectedly")
    )
    ended.connection_invalidated = True
    with pytest.raises(Unreachable, match="does not answer"), ledger.reading():
        raise ended
    ended.connection_invalidated = False
    with pytest.raises(BrokenPromise, match="refused a statement"), ledger.reading():
        raise ended


@pytest.mark.timeout(20)
def test_a_ledger_works_in_its_old_mode_where_no_write_ahead_log_can_be(tmp_path: Path) -> None:
    # locks by files, as on shares that know no shared memory
    ledger = Ledger.open(f"sqlite:///file:{tmp_path}/ledger.db?vfs=unix-dotfile&uri=true")
    publish(ledger, "ingest", OCT, written("orders"))
    assert ledger.versions(["orders"]) == {"orders": {"2017-10-01": 7}}
    ledger.close()


def test_sqlite_keeps_a_write_ahead_log_and_full_fsync(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    with ledger.reading() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2
    ledger.close()


def test_a_busy_database_becomes_transient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("churn_ml.ledger.engine._BUSY_SECONDS", 0)
    path = tmp_path / "ledger.db"
    ledger = Ledger.open(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(Unreachable, match="database is locked"):
        ledger.take_token("score", OCT)
    other.execute("rollback")
    other.close()
    assert ledger.take_token("score", OCT).number == 1
    ledger.close()


# Publications


def test_what_is_published_is_what_was_written(ledger: Ledger) -> None:
    token = ledger.take_token("score", OCT)
    receipt = Receipt("score", OCT, "done", (TableCount("scores", 10, 10),), 1.25)
    published = ledger.publish(
        token,
        written=[written("scores", version=3), written("segments", version=4)],
        inputs={"orders": {"2017-10-01": 7}},
        pins={"model": "rule-0a", "days": [OCT], "config_hash": "ab"},
        receipt=receipt,
        at=AT,
    )
    assert published == ledger.publication("score", OCT) == ledger.newest("score")
    assert published.written == {"scores": {"2017-10-01": 3}, "segments": {"2017-10-01": 4}}
    assert published.inputs == {"orders": {"2017-10-01": 7}}
    assert published.pins == {"model": "rule-0a", "days": ["2017-10-01"], "config_hash": "ab"}
    assert published.hashes == {"scores": "hash-scores-3", "segments": "hash-segments-4"}
    (filed,) = ledger.receipts("score")
    assert (filed.receipt, filed.at, filed.token) == (receipt, AT, 1)


def test_nothing_is_published_before_it_is_published(ledger: Ledger) -> None:
    ledger.take_token("score", OCT)
    assert ledger.publication("score", OCT) is None
    assert ledger.newest("score") is None
    assert ledger.versions(["scores"]) == {"scores": {}}


def test_publishing_again_replaces_the_former_publication_whole(ledger: Ledger) -> None:
    publish(ledger, "score", OCT, written("scores"), written("segments"), pins={"model": "a"})
    publish(ledger, "score", OCT, written("scores", version=9))
    assert ledger.versions(["scores", "segments"]) == {
        "scores": {"2017-10-01": 9},
        "segments": {},
    }
    again = ledger.publication("score", OCT)
    assert again is not None
    assert (again.token, again.pins) == (2, {})
    assert len(ledger.receipts("score", OCT)) == 2


def test_versions_and_newest_stop_at_upto(ledger: Ledger) -> None:
    for as_of, version in ((SEP, 1), (OCT, 2), (NOV, 3)):
        publish(ledger, "ingest", as_of, written("orders", as_of, version))
    assert ledger.versions(["orders"], upto=OCT) == {"orders": {"2017-09-01": 1, "2017-10-01": 2}}
    newest = ledger.newest("ingest", upto=OCT - timedelta(days=1))
    assert newest is not None
    assert newest.as_of == SEP


def test_a_newer_token_takes_the_right_to_publish(ledger: Ledger) -> None:
    old, new = ledger.take_token("score", OCT), ledger.take_token("score", OCT)
    receipt = Receipt("score", OCT, "done")
    with pytest.raises(StaleAttempt, match="a newer attempt of score as of 2017-10-01"):
        ledger.publish(old, written=[written("scores")], receipt=receipt, at=AT)
    assert ledger.versions(["scores"]) == {"scores": {}}
    assert ledger.receipts() == []
    ledger.publish(new, written=[written("scores")], receipt=receipt, at=AT)


def test_tokens_of_other_steps_and_dates_do_not_disturb(ledger: Ledger) -> None:
    token = ledger.take_token("score", OCT)
    ledger.take_token("score", NOV)
    ledger.take_token("ingest", OCT)
    ledger.publish(token, receipt=Receipt("score", OCT, "done"), at=AT)


def test_a_token_that_was_never_taken_cannot_publish(ledger: Ledger) -> None:
    with pytest.raises(StaleAttempt):
        ledger.publish(Token("score", OCT, 1), receipt=Receipt("score", OCT, "done"), at=AT)


def test_a_partition_has_one_owner(ledger: Ledger) -> None:
    publish(ledger, "score", OCT, written("segments"))
    with pytest.raises(BrokenPromise, match="table segments, partition 2017-10-01, has two"):
        publish(ledger, "other", OCT, written("segments", version=8))
    twice = [written("scores"), written("scores", NOV)]
    with pytest.raises(BrokenPromise, match="two partitions of one table"):
        publish(ledger, "score", NOV, *twice)


def test_receipts_come_newest_first(ledger: Ledger) -> None:
    for as_of in (SEP, OCT, NOV):
        publish(ledger, "score", as_of)
    ledger.record_failure(ledger.take_token("train", NOV), "x" * 5000, AT)
    assert [f.receipt.as_of for f in ledger.receipts("score", limit=2)] == [NOV, OCT]
    (failed,) = ledger.receipts("train")
    assert failed.receipt.status == "failed"
    assert len(failed.receipt.details["error"]) == 2000
    assert [f.receipt.step for f in ledger.receipts(as_of=NOV)] == ["train", "score"]


def test_a_receipt_is_found_by_its_reference_with_who_asked_for_it(ledger: Ledger) -> None:
    asked = "http://127.0.0.1:8080/dags/churn_score/runs/r/tasks/score"
    publish(ledger, "score", OCT, caller=asked)
    again = ledger.take_token("score", OCT)
    ledger.record_failure(again, "disk full", AT, "by hand")
    assert ledger.receipt("score/2017-10-01/1").caller == asked
    failed = ledger.receipt("score/2017-10-01/2")
    assert (failed.caller, failed.receipt.reference) == ("by hand", "score/2017-10-01/2")
    assert failed.receipt.details["error"] == "disk full"


def test_an_attempt_whose_commit_was_answered_too_late_keeps_its_receipt(ledger: Ledger) -> None:
    published, left = ledger.take_token("score", OCT), ledger.take_token("learn", OCT)
    ledger.publish(published, receipt=Receipt("score", OCT, "done", attempt=1), at=AT)
    ledger.file_receipt(left, Receipt("learn", OCT, "unchanged", attempt=1), AT)
    ledger.record_failure(published, "the connection was closed", AT)
    ledger.record_failure(left, "the connection was closed", AT)
    assert ledger.receipt("score/2017-10-01/1").receipt.status == "done"
    assert [filed.receipt.status for filed in ledger.receipts()] == ["unchanged", "done"]
    again = ledger.take_token("score", OCT)
    ledger.record_failure(again, "disk full", AT)
    ledger.record_failure(published, "the connection was closed", AT)
    assert [f.receipt.status for f in ledger.receipts("score")] == ["failed", "done"]


def test_receipts_without_a_limit_are_all_of_them(ledger: Ledger) -> None:
    token = ledger.take_token("score", OCT)
    for _ in range(101):
        ledger.file_receipt(token, Receipt("score", OCT, "unchanged"), AT)
    assert (len(ledger.receipts()), len(ledger.receipts(limit=None))) == (100, 101)


@pytest.mark.parametrize(
    "reference", ["score/2017-10-01/9", "score/2017-13-01/1", "score/2017-10-01", "' or 1=1", ""]
)
def test_a_reference_to_no_receipt_is_refused_by_name(ledger: Ledger, reference: str) -> None:
    publish(ledger, "score", OCT)
    with pytest.raises(NotReady, match="the ledger has no receipt") as caught:
        ledger.receipt(reference)
    assert reference in caught.value.what


def test_contents_name_every_published_partition_and_its_hash(ledger: Ledger) -> None:
    publish(ledger, "ingest", OCT, written("orders"), written("customers"))
    publish(ledger, "ingest", NOV, written("orders", NOV, 8))
    assert ledger.contents() == {
        "customers": {"2017-10-01": "hash-customers-7"},
        "orders": {"2017-10-01": "hash-orders-7", "2017-11-01": "hash-orders-8"},
    }


def test_a_wall_clock_without_a_zone_is_refused(ledger: Ledger) -> None:
    token = ledger.take_token("score", OCT)
    with pytest.raises(BadInput, match="a wall-clock time has no zone"):
        ledger.publish(token, receipt=Receipt("score", OCT, "done"), at=datetime(2026, 11, 21))


# Lots and models


def test_the_first_time_a_lot_was_seen_is_kept(ledger: Ledger) -> None:
    later = AT + timedelta(days=30)
    assert ledger.register_lot("5d1c", "orders", "drops/o.csv", AT) == AT
    assert ledger.register_lot("5d1c", "orders", "moved/o.csv", later) == AT
    assert ledger.register_lot("5d1c", "order_lines", "drops/o.csv", later) == later


def test_an_ingest_claims_its_lots_when_it_publishes(ledger: Ledger) -> None:
    for sha in ("aa", "bb", "cc"):
        ledger.register_lot(sha, "orders", f"{sha}.csv", AT)
    assert ledger.claimed() == {}
    publish(ledger, "ingest", OCT, lots=[("orders", "aa"), ("orders", "bb")])
    assert ledger.claimed("orders") == {("orders", "aa"): OCT, ("orders", "bb"): OCT}
    publish(ledger, "ingest", OCT, lots=[("orders", "bb"), ("orders", "cc")])
    assert ledger.claimed() == {("orders", "bb"): OCT, ("orders", "cc"): OCT}
    assert ledger.claimed("products") == {}


@pytest.mark.parametrize(
    ("sha", "error", "words"),
    [
        ("aa", Transient, "taken by another ingest meanwhile"),
        ("never seen", BrokenPromise, "was never registered"),
    ],
)
def test_a_lot_belongs_to_one_ingest_and_the_other_may_try_again(
    ledger: Ledger, sha: str, error: type[Exception], words: str
) -> None:
    ledger.register_lot("aa", "orders", "aa.csv", AT)
    publish(ledger, "ingest", OCT, lots=[("orders", "aa")])
    with pytest.raises(error, match=words):
        publish(ledger, "ingest", NOV, written("orders", NOV), lots=[("orders", sha)])
    assert ledger.versions(["orders"]) == {"orders": {}}
    assert ledger.claimed() == {("orders", "aa"): OCT}


def test_a_model_is_added_once(ledger: Ledger) -> None:
    model = ModelRecord(
        "xgboost-3f", "xgboost", "3f2a", "models/x", OCT, "gone30-ab", meta={"b": 1}
    )
    assert ledger.add_model(model) == model
    logged = ModelRecord("xgboost-3f", "xgboost", "3f2a", "elsewhere", NOV, "gone30-ab", "run", "4")
    kept = ledger.add_model(logged)
    assert (kept.folder, kept.trained_as_of, kept.meta) == ("models/x", OCT, {"b": 1})
    assert (kept.mlflow_run, kept.mlflow_version) == ("run", "4")
    assert ledger.models() == [kept]


def test_a_model_with_other_bytes_is_tampered(ledger: Ledger) -> None:
    model = ModelRecord("xgboost-3f", "xgboost", "3f2a", "models/x", OCT, "gone30-ab")
    ledger.add_model(model)
    with pytest.raises(Tampered, match="known with other bytes"):
        ledger.add_model(ModelRecord("xgboost-3f", "xgboost", "ffff", "models/x", OCT, "c", "run"))
    assert ledger.model("xgboost-3f").mlflow_run is None


def test_an_unknown_model_is_not_ready(ledger: Ledger) -> None:
    with pytest.raises(NotReady, match="does not know model xgboost-3f"):
        ledger.model("xgboost-3f")


# Decisions


def decide(ledger: Ledger, as_of: date, kind: Any, model: str, **further: Any) -> None:
    former = ledger.champion(as_of)
    ledger.decide(
        as_of, kind, champion_from=former, champion_to=model, who="test", at=AT, **further
    )


def test_there_is_a_champion_for_every_past_date(ledger: Ledger) -> None:
    decide(ledger, SEP, "first", "rule")
    decide(ledger, NOV, "promote", "xgboost")
    decide(ledger, NOV + timedelta(days=28), "refuse", "logistic")
    decide(ledger, NOV + timedelta(days=56), "rollback", "rule")
    days = [SEP - timedelta(days=1), SEP, OCT, NOV, NOV + timedelta(days=40)]
    days.append(NOV + timedelta(days=60))
    assert [ledger.champion(day) for day in days] == [
        *(None, "rule", "rule", "xgboost", "xgboost", "rule")
    ]


def test_a_decision_taken_later_for_an_earlier_date_does_not_dethrone_the_newer_one(
    ledger: Ledger,
) -> None:
    decide(ledger, NOV, "promote", "xgboost")
    decide(ledger, SEP, "first", "rule")
    assert [ledger.champion(day) for day in (OCT, NOV)] == ["rule", "xgboost"]


def test_of_two_decisions_for_one_date_the_later_one_counts(ledger: Ledger) -> None:
    decide(ledger, OCT, "first", "rule")
    decide(ledger, OCT, "override", "xgboost")
    assert ledger.champion(OCT) == "xgboost"


def test_the_same_pair_on_the_same_evidence_finds_its_verdict(ledger: Ledger) -> None:
    decide(ledger, SEP, "first", "rule")
    verdict = {"decision": "keep", "interval": [-1.5, 0.25], "reasons": ["profit"]}
    said = {"evidence_hash": "e1", "verdict": verdict, "alpha_spent": 0.0038}
    decide(ledger, OCT, "refuse", "xgboost", **said)
    found = ledger.stored_verdict("rule", "xgboost", "e1")
    assert found is not None
    assert (found.kind, found.verdict, found.at) == ("refuse", verdict, AT)
    assert found in ledger.decisions()
    for other in (("rule", "xgboost", "e2"), ("rule", "logistic", "e1"), ("x", "xgboost", "e1")):
        assert ledger.stored_verdict(*other) is None


def test_alpha_is_added_up_by_business_year(ledger: Ledger) -> None:
    days = (date(2016, 12, 31), date(2017, 1, 1), date(2017, 12, 31), date(2018, 1, 1))
    for day, alpha in zip(days, (0.001, 0.002, 0.004, 0.008), strict=True):
        decide(ledger, day, "refuse", "xgboost", alpha_spent=alpha)
    assert ledger.alpha_spent(2017) == pytest.approx(0.006)
    assert ledger.alpha_spent(2015) == 0.0


def test_a_decision_says_what_it_decides_on(ledger: Ledger) -> None:
    with pytest.raises(BadInput, match="unknown kind of decision"):
        decide(ledger, OCT, "crown", "rule")
    with pytest.raises(BadInput, match="names no model"):
        ledger.decide(OCT, "promote", champion_from="a", champion_to=None, who="test", at=AT)
    with pytest.raises(ValueError, match="not JSON compliant"):
        decide(ledger, OCT, "first", "rule", verdict={"auc": float("nan")})
    assert ledger.decisions() == []


def test_deciders_at_once_keep_the_chain(ledger: Ledger) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: decide(ledger, OCT, "refuse", f"model-{n}"), range(24)))
    assert ledger.verify() == 24
    assert [d.number for d in ledger.decisions()] == list(range(1, 25))


TAMPERED = [
    ("a changed model", "update decisions set champion_to = 'xgboosu' where number = 2", 2),
    ("a changed verdict", "update decisions set verdict = replace(verdict, '3', '4')", 1),
    ("a changed date", "update decisions set as_of = '2017-10-02' where number = 3", 3),
    ("a changed time", "update decisions set decided_at = '2026-11-21 09:00:00.000001'", 1),
    ("a changed alpha", "update decisions set alpha_spent = 0 where number = 2", 2),
    ("a changed name", "update decisions set who = 'tesu' where number = 1", 1),
    ("a row less in the middle", "delete from decisions where number = 2", 3),
    ("a row less at the end", "delete from decisions where number = 3", "the end of the chain"),
    ("all rows gone", "delete from decisions", "the end of the chain"),
    ("a head moved back", "update decision_head set number = 2", "the end of the chain"),
    (
        "rows swapped",
        "update decisions set number = 9 where number = 2;"
        "update decisions set number = 2 where number = 3;"
        "update decisions set number = 3 where number = 9",
        2,
    ),
]


@pytest.mark.parametrize(("what", "statement", "place"), TAMPERED, ids=[t[0] for t in TAMPERED])
def test_m8_verify_catches(ledger: Ledger, what: str, statement: str, place: Any) -> None:
    decide(ledger, SEP, "first", "rule", verdict={"profit": 3.5})
    for model in ("xgboost", "logistic"):
        said = {"verdict": {"profit": 3.5}, "alpha_spent": 0.0038, "evidence_hash": "e"}
        decide(ledger, OCT, "refuse", model, **said)
    assert ledger.verify() == 3
    with ledger.writing() as connection:
        for part in statement.split(";"):
            connection.exec_driver_sql(part)
    place = f"decision {place}" if isinstance(place, int) else place
    with pytest.raises(Tampered, match=f"broken at {place}"):
        ledger.verify()


def test_m8_a_row_rewritten_with_a_hash_of_its_own_breaks_the_chain_after_it(
    ledger: Ledger,
) -> None:
    for model in ("rule", "xgboost", "logistic"):
        decide(ledger, OCT, "refuse", model)
    with ledger.writing() as connection:
        first = dict(connection.execute(sa.select(DECISIONS)).first()._mapping)  # type: ignore[union-attr]
        first["who"] = "nobody"
        first["hash"] = row_hash(first)
        connection.execute(sa.update(DECISIONS).where(DECISIONS.c.number == 1).values(**first))
        second = sa.update(DECISIONS).where(DECISIONS.c.number == 2)
        connection.execute(second.values(previous_hash=first["hash"]))
    with pytest.raises(Tampered, match="broken at decision 2"):
        ledger.verify()


@settings(max_examples=25, deadline=None)
@given(
    verdict=st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
        max_size=4,
    ),
    alpha=st.floats(0, 1),
    at=st.datetimes(timezones=st.just(UTC)),
)
def test_whatever_a_verdict_holds_the_chain_survives_storage(
    verdict: dict[str, Any], alpha: float, at: datetime
) -> None:
    ledger = Ledger.open("sqlite://")
    said = {"champion_from": "rule", "champion_to": "xgboost", "who": "ü", "evidence_hash": "e"}
    decided = ledger.decide(OCT, "refuse", at=at, verdict=verdict, alpha_spent=alpha, **said)
    assert ledger.verify() == 1
    assert ledger.decisions() == [decided]
    assert (decided.verdict, decided.alpha_spent, decided.at) == (verdict, alpha, at)
    ledger.close()


# Deliveries: what the outbox needs of it is in tests/crm/test_journal.py


def rows(*customers: str, contact: bool = False) -> list[tuple[str, str, str, bool]]:
    return [(one, f"hash of {one}", '{"score":0.25}', contact) for one in customers]


def test_a_customers_story_says_what_was_sent_and_what_became_of_it(ledger: Ledger) -> None:
    ledger.save_plan("crm", "p1", OCT, rows("h1", "h2", "h3"), base=None)
    again = [("h3", "BAD", "long")]
    for _ in range(2):
        ledger.acknowledge(
            "p1",
            ["h1"],
            withdrawn=[("h2", "no consent")],
            rejected=again,
            at=AT,
            run="export/2017-10-01/1",
        )
    ledger.save_plan("crm", "p2", NOV, rows("h1", "h3"), base="p1")
    told = {name: ledger.story(name) for name in ("h1", "h2", "h3", "h4")}
    assert {name: [one.outcome for one in story] for name, story in told.items()} == {
        "h1": ["acknowledged", "planned"],
        "h2": ["withdrawn"],
        "h3": ["rejected", "planned"],
        "h4": [],
    }
    assert (told["h3"][0].code, told["h3"][0].message) == ("BAD", "long")
    assert [one.payload for one in told["h1"] + told["h2"]] == ['{"score":0.25}'] * 2 + ["{}"]
    assert (told["h1"][0].run, told["h1"][0].settled_at) == (
        "export/2017-10-01/1",
        told["h2"][0].settled_at,
    )


def test_a_plan_keeps_no_payload_of_a_settled_row(ledger: Ledger) -> None:
    ledger.save_plan("crm", "p1", OCT, rows("h1", "h2", "h3", "h4"), base=None)
    ledger.acknowledge(
        "p1", ["h1"], withdrawn=[("h2", "no consent")], rejected=[("h3", "BAD", "long")], at=AT
    )
    with ledger.reading() as connection:
        found = connection.exec_driver_sql("select customer_id, payload from plan_rows").all()
    assert {row[0]: row[1] for row in found} == {"h3": "", "h4": '{"score":0.25}'}
    assert ledger.rejections("crm") == [("h3", "BAD", "long")]


def test_what_a_destination_held_before_its_newest_plan(ledger: Ledger) -> None:
    first = [(name, "1", f'{{"from":"{name}"}}', False) for name in ("h1", "h2", "h3", "h4")]
    ledger.save_plan("crm", "p1", OCT, first, base=None)
    ledger.acknowledge(
        "p1", ["h1", "h2"], withdrawn=[("h3", "no consent")], rejected=[("h4", "BAD", "")], at=AT
    )
    ledger.save_plan("crm", "p2", NOV, rows("h1", "h2", "h3", "h4", "h5", "h6"), base="p1")
    settled = {"at": AT + timedelta(minutes=1), "run": "r"}
    ledger.acknowledge("p2", ["h1", "h3", "h4", "h5"], rejected=[("h2", "BAD", "")], **settled)
    before = {"h1": '{"from":"h1"}', "h3": "{}", "h4": "{}", "h5": "{}", "h6": "{}"}
    assert ledger.former("crm", "p2") == before  # h2's new row was refused, h6's is open
    ledger.give_up("p2", **settled)
    assert ledger.open_plan("crm") is None
    assert ledger.former("crm", "p2") == before
    assert ledger.former("csv", "p2") == {}
    assert [one.outcome for one in ledger.story("h6")] == ["given_up"]


def test_a_stop_of_one_destination_is_not_that_of_all(ledger: Ledger) -> None:
    for destination, why in (("crm", "odd segments"), (EVERY, "drill"), ("crm", "drill")):
        ledger.stop(destination, who="ada", why=why, at=AT)
    assert [one.destination for one in ledger.stops()] == [EVERY, "crm"]
    lifted = [ledger.allow(EVERY, who="ada", at=AT) for _ in range(2)]
    assert lifted == [True, False]
    ledger.heed_stops("bi")
    with pytest.raises(Stopped, match="odd segments"):
        ledger.heed_stops("crm")


def test_what_a_destination_acknowledged_has_one_hash(ledger: Ledger) -> None:
    hashes = [ledger.acknowledged()]
    for number, customers in enumerate([["h1"], ["h2", "h1"], ["h3"]]):
        plan_id, base = f"p{number + 1}", f"p{number}" if number else None
        ledger.save_plan("crm", plan_id, OCT, rows(*customers), base=base)
        ledger.acknowledge(plan_id, customers, at=AT)
        hashes.append(ledger.acknowledged())
    assert hashes[0] == {}
    assert len({told["crm"] for told in hashes[1:]}) == 3
    assert ledger.acknowledged() == hashes[-1]


def test_of_one_customer_a_destination_is_asked_alone(ledger: Ledger) -> None:
    for plan_id, name in (("p1", "crm"), ("p2", "csv")):
        ledger.save_plan(name, plan_id, OCT, rows("h1", "h2"), base=None)
        ledger.acknowledge(plan_id, ["h1", "h2"], at=AT)
    assert ledger.state("crm", "h1") == {"h1": ("hash of h1", OCT)}
    assert ledger.state("crm", "h") == {}
    assert ledger.state("crm", "") == {}
    assert set(ledger.state("crm")) == {"h1", "h2"}


def test_contacts_are_kept_by_as_of_through_whatever_destination(ledger: Ledger) -> None:
    base = None
    for plan_id, as_of in (("p1", OCT), ("p2", NOV)):
        planned = rows("h1", "h3", contact=True) + rows("h2")
        ledger.save_plan("crm", plan_id, as_of, planned, base=base)
        for _ in range(2):
            ledger.acknowledge(plan_id, ["h1", "h2"], withdrawn=[("h3", "no consent")], at=AT)
        base = plan_id
    assert ledger.contacts(OCT, NOV) == [Contact("h1", "crm", OCT)]
    assert [c.as_of for c in ledger.contacts(OCT, date(2018, 1, 1))] == [OCT, NOV]
    assert ledger.contacts(SEP, OCT) == []


def test_customers_with_any_name_make_the_round_trip(ledger: Ledger) -> None:
    names = ["王小明 😀", "o'neil", '"; drop table plan_rows; --', "%s", ":id", "", " ", "A", "a"]
    ledger.save_plan("crm", "p1", OCT, rows(*names), base=None)
    ledger.acknowledge("p1", [*names, "stranger"], at=AT)
    assert set(ledger.state("crm")) == set(names)
    assert ledger.held("crm") == {name: f"hash of {name}" for name in names}


@pytest.mark.parametrize("base", [None, "p0"])
@pytest.mark.parametrize("customers", [(), ("h1", "h2")], ids=["no rows", "two rows"])
def test_of_planners_at_once_exactly_one_saves_its_plan(
    ledger: Ledger, base: str | None, customers: tuple[str, ...]
) -> None:
    if base:
        ledger.save_plan("crm", base, SEP, [], base=None)

    def plan(number: int) -> str:
        try:
            ledger.save_plan("crm", f"p{number}", OCT, rows(*customers), base=base)
        except StaleAttempt:
            return "refused"
        return f"p{number}"

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(plan, range(1, 7)))
    assert told[1:] == ["refused"] * 5
    assert ledger.last_plan("crm") == (told[0], OCT)
    saved = ledger.open_plan("crm")
    assert saved == ((told[0], OCT, rows(*customers)) if customers else None)


def test_an_error_of_the_database_names_no_customer(ledger: Ledger) -> None:
    row = {"destination": "crm", "customer_id": "h-secret", "as_of": OCT, "plan_id": None}
    with pytest.raises(BrokenPromise, match="IntegrityError") as refused:
        with ledger.writing() as connection:
            connection.execute(PLAN_ROWS.insert(), [row])
    told = "".join(traceback.format_exception(refused.value))
    assert "h-secret" not in told.replace('"h-secret"', "")


@pytest.mark.parametrize("between", [0, 6_000])
def test_a_plan_that_names_a_customer_twice_is_not_saved(ledger: Ledger, between: int) -> None:
    planned = rows("h1", *(f"c{number}" for number in range(between)), "h1")
    with pytest.raises(BadInput, match="names a customer twice"):
        ledger.save_plan("crm", "p1", OCT, iter(planned), base=None)
    assert ledger.last_plan("crm") is None
    assert ledger.open_plan("crm") is None


def test_d11_a_customer_id_that_the_ledger_cannot_hold_is_no_defect_of_ours(
    ledger: Ledger,
) -> None:
    key = "h" * 300
    if ledger.url.startswith("sqlite"):  # it takes every length
        ledger.save_plan("crm", "p1", OCT, rows(key), base=None)
        assert ledger.open_plan("crm") is not None
        return
    with pytest.raises(BadInput, match=r"longer than its column.*255.*at its source") as told:
        ledger.save_plan("crm", "p1", OCT, rows("h1", key), base=None)
    assert key not in "".join(traceback.format_exception(told.value))
    assert ledger.last_plan("crm") is None


def test_a_hundred_thousand_rows_are_planned_and_acknowledged_in_seconds(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    planned = rows(*(f"customer-{number:06}" for number in range(100_000)))
    started = time.process_time()
    ledger.save_plan("crm", "p1", OCT, planned, base=None)
    plan = ledger.open_plan("crm")
    assert plan is not None
    customers = [row[0] for row in plan[2]]
    for start in range(0, len(customers), 10_000):
        ledger.acknowledge("p1", customers[start : start + 10_000], at=AT)
    assert len(ledger.state("crm")) == 100_000
    assert time.process_time() - started < 10  # 3 s on a quiet machine
    ledger.close()


# Suppression


def test_suppression_is_a_set(ledger: Ledger) -> None:
    assert ledger.suppressed() == frozenset()
    for key in ("aa", "bb", "aa"):
        ledger.suppress(key, AT)
    assert ledger.suppressed() == {"aa", "bb"}


def test_only_the_delivery_tables_hold_customer_ids() -> None:
    with_ids = {name for name, table in METADATA.tables.items() if "customer_id" in table.columns}
    assert with_ids == {"plan_rows", "delivered", "contacts", "settled"}
