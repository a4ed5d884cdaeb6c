"""Killed, stopped and overtaken attempts: what a reader sees, and what a re-run ends in.

C1, C2 and C9 of the fault catalogue, at the level of the lake and the ledger. An attempt runs in a
process of its own and is stopped or killed by a real signal at a named point.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from churn_ml.errors import NotReady, StaleAttempt
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
from churn_ml.warehouse import Warehouse

OCT, NOV = date(2017, 10, 1), date(2017, 11, 1)
AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
DEADLINE_SECONDS = 60

ATTEMPT = Path(__file__).with_name("attempt.py")
attempt_here = runpy.run_path(str(ATTEMPT))["attempt"]


@dataclass
class Attempt:
    """A running attempt."""

    process: subprocess.Popen[str]

    def told(self, word: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == word

    def finish(self) -> list[str]:
        out, errors = self.process.communicate(timeout=DEADLINE_SECONDS)
        assert "Traceback" not in errors, errors
        return out.split("\n")[:-1]


def start(root: Path, point: str, sign: str, score: float, *further: str) -> Attempt:
    command = [sys.executable, "-W", "error", str(ATTEMPT)]
    command += [str(root), point, sign, str(score), *further]
    pipe = subprocess.PIPE
    return Attempt(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True))


def run(root: Path, score: float = 0.25) -> None:
    """An undisturbed attempt, in this process."""
    attempt_here(str(root), score, lambda _point: None)


def killed(root: Path, point: str) -> None:
    attempt = start(root, point, "SIGKILL", 0.75)
    assert attempt.finish() == [point]
    assert attempt.process.returncode == -signal.SIGKILL


def stopped(attempt: Attempt) -> None:
    """Wait until the process has been stopped by its signal."""
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        state = Path(f"/proc/{attempt.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "T":
            return
        time.sleep(0.01)
    raise AssertionError("the attempt did not stop")


def shown(root: Path) -> dict[str, Any]:
    """What a reader sees as of 2017-10-01, through the ledger: scores and recencies."""
    ledger = Ledger.open(f"sqlite:///{root}/ledger.db")
    warehouse = Warehouse(str(root / "lake"))
    published = ledger.versions(["scores", "features"])
    ledger.close()
    scores = warehouse.read("scores", published["scores"]).to_pyarrow()
    features = warehouse.read("features", published["features"]).to_pyarrow()
    recency = features["recency"].to_pylist() if "recency" in features.column_names else []
    return {"scores": set(scores["score"].to_pylist()), "recency": set(recency)}


def hashes(root: Path) -> dict[str, str]:
    ledger = Ledger.open(f"sqlite:///{root}/ledger.db")
    publication = ledger.publication("score", OCT)
    ledger.close()
    assert publication is not None
    return dict(publication.hashes)


NOTHING: dict[str, Any] = {"scores": set(), "recency": set()}
QUARTER: dict[str, Any] = {"scores": {0.25}, "recency": {0.25}}
POINTS = ["opened", "written scores", "unpublished"]


@pytest.mark.parametrize("point", POINTS)
def test_c1_a_killed_first_attempt_shows_nothing_and_a_rerun_ends_like_an_undisturbed_run(
    tmp_path: Path, point: str
) -> None:
    killed(tmp_path, point)
    assert shown(tmp_path) == NOTHING
    run(tmp_path)
    assert shown(tmp_path) == QUARTER
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    run(undisturbed)
    assert hashes(tmp_path) == hashes(undisturbed)


def test_c2_a_killed_second_attempt_leaves_the_first_publication_in_place(tmp_path: Path) -> None:
    run(tmp_path)
    before = hashes(tmp_path)
    killed(tmp_path, "unpublished")
    assert shown(tmp_path) == QUARTER
    run(tmp_path)
    assert shown(tmp_path) == QUARTER
    assert hashes(tmp_path) == before


def test_a_kill_right_after_publishing_has_published(tmp_path: Path) -> None:
    killed(tmp_path, "published")
    assert shown(tmp_path) == {"scores": {0.75}, "recency": {0.75}}
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    assert [filed.receipt.status for filed in ledger.receipts("score", OCT)] == ["done"]
    ledger.close()


def test_c9_a_stopped_attempt_that_wakes_up_after_a_newer_one_is_refused_by_lake_and_ledger(
    tmp_path: Path,
) -> None:
    old = start(tmp_path, "opened", "SIGSTOP", 0.75)
    old.told("opened")
    stopped(old)
    run(tmp_path)
    before = hashes(tmp_path)
    old.process.send_signal(signal.SIGCONT)
    assert old.finish() == [
        *("refused write scores", "refused write features", "refused publish", "end")
    ]
    assert shown(tmp_path) == QUARTER
    assert hashes(tmp_path) == before


def test_c9_an_attempt_stopped_between_its_two_tables_can_neither_write_nor_publish(
    tmp_path: Path,
) -> None:
    old = start(tmp_path, "written scores", "SIGSTOP", 0.75)
    old.told("written scores")
    stopped(old)
    run(tmp_path)
    old.process.send_signal(signal.SIGCONT)
    assert old.finish() == ["refused write features", "refused publish", "end"]
    assert shown(tmp_path) == QUARTER


def test_c9_an_attempt_stopped_before_publishing_is_refused_by_the_ledger(tmp_path: Path) -> None:
    old = start(tmp_path, "unpublished", "SIGSTOP", 0.75)
    old.told("unpublished")
    stopped(old)
    run(tmp_path)
    old.process.send_signal(signal.SIGCONT)
    assert old.finish() == ["refused publish", "end"]
    assert shown(tmp_path) == QUARTER


def test_c9_an_old_attempt_that_wakes_while_the_newer_one_works_does_not_stop_it(
    tmp_path: Path,
) -> None:
    old = start(tmp_path, "opened", "SIGSTOP", 0.75, "fenced")
    old.told("opened")
    stopped(old)
    new = start(tmp_path, "opened", "SIGSTOP", 0.25, "fenced")
    new.told("opened")
    stopped(new)
    old.process.send_signal(signal.SIGCONT)
    assert old.finish() == ["refused publish", "end"]
    assert shown(tmp_path) == NOTHING
    new.process.send_signal(signal.SIGCONT)
    assert new.finish() == ["end"]
    assert shown(tmp_path) == QUARTER


def test_a_reader_keeps_what_it_opened_while_a_newer_run_publishes(tmp_path: Path) -> None:
    run(tmp_path)
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    published = ledger.versions(["scores"])["scores"]
    reading = Warehouse(str(tmp_path / "lake")).read("scores", published)
    run(tmp_path, score=0.5)
    assert set(reading.to_pyarrow()["score"].to_pylist()) == {0.25}
    assert ledger.versions(["scores"])["scores"] != published
    ledger.close()


def test_a_lake_that_is_older_than_the_ledger_is_not_ready(tmp_path: Path) -> None:
    """A restored backup of the lake alone: say so, never read something else."""
    warehouse = Warehouse(str(tmp_path / "lake"))
    ledger = Ledger.open("sqlite://")
    rows = pa.table({"customer_id": ["h1"], "recency": [1.0]})
    token = ledger.take_token("score", OCT)
    written = warehouse.replace(warehouse.handle("features"), OCT, rows)
    ledger.publish(token, written=[written], receipt=Receipt("score", OCT, "done"), at=AT)
    for file in (tmp_path / "lake" / "features" / "_delta_log").glob("*1.json"):
        file.unlink()
    with pytest.raises(NotReady, match="partition 2017-10-01 at version 1"):
        Warehouse(str(tmp_path / "lake")).read(
            "features", ledger.versions(["features"])["features"]
        )
    ledger.close()


def test_every_commit_is_on_disk_before_the_ledger_can_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C13: the file, the log entry and their folders are forced to disk within `replace`."""
    forced: set[str] = set()
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        forced.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    warehouse = Warehouse(str(tmp_path / "lake"))
    rows = pa.table({"customer_id": ["h1"], "recency": [1.0]})
    warehouse.replace(warehouse.handle("features"), OCT, rows)
    table = tmp_path / "lake" / "features"
    entry = table / "_delta_log" / "00000000000000000001.json"
    actions = [json.loads(line) for line in entry.read_text().splitlines()]
    (file,) = (table / action["add"]["path"] for action in actions if "add" in action)
    wanted = {table, file, file.parent, entry, entry.parent}
    assert {str(path) for path in wanted} <= forced


def test_publishing_is_all_or_nothing(tmp_path: Path) -> None:
    """Two tables, the second of which is owned by another step: neither becomes visible."""
    from churn_ml.errors import BrokenPromise
    from churn_ml.warehouse import Written

    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    receipt = Receipt("score", OCT, "done")
    other = [Written("segments", OCT, 3, 1, "aa")]
    ledger.publish(ledger.take_token("other", OCT), written=other, receipt=receipt, at=AT)
    mine = [Written("scores", OCT, 1, 1, "bb"), Written("segments", OCT, 4, 1, "cc")]
    with pytest.raises(BrokenPromise, match="has two owners"):
        ledger.publish(ledger.take_token("score", OCT), written=mine, receipt=receipt, at=AT)
    assert ledger.versions(["scores", "segments"]) == {
        "scores": {},
        "segments": {"2017-10-01": 3},
    }
    assert ledger.publication("score", OCT) is None
    assert len(ledger.receipts()) == 1
    ledger.close()


def test_a_stale_token_files_no_receipt(tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    old = ledger.take_token("score", OCT)
    ledger.take_token("score", NOV)
    ledger.take_token("score", OCT)
    with pytest.raises(StaleAttempt, match="a newer attempt of score as of 2017-10-01"):
        ledger.publish(old, receipt=Receipt("score", OCT, "done"), at=AT)
    assert ledger.receipts() == []
    ledger.close()
