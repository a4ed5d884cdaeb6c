"""The demo as a whole stops what it began, and fails where both ways of telling it differ."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

pytest.importorskip("psutil")

from churn_ml import cli, demo, views
from churn_ml.demo import direct, stage, words
from churn_ml.demo.story import FIRST, SECOND
from churn_ml.demo.through_airflow import Driven
from churn_ml.errors import BrokenPromise, Permanent
from churn_ml.house import Addresses, silent
from churn_ml.ledger import Ledger
from churn_ml.receipts import Receipt
from churn_ml.stack import installed
from churn_ml.stack.record import Stack

AT = datetime(2026, 1, 1, tzinfo=UTC)
TOLD = views.report([]) | {"content_hash": "ab", "story_seconds": 90.0}


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens in which order, with the story and the platform left out."""
    done: list[str] = []

    @contextmanager
    def stopped(folder: Path, say: Any) -> Any:
        try:
            yield
        finally:
            done.append("stopped")

    def told(*_: Any, **__: Any) -> dict[str, Any]:
        done.append("through Airflow")
        return dict(TOLD)

    def directly(folder: Path, **_: Any) -> dict[str, Any]:
        done.append(f"directly in {folder.name}")
        return {"content_hash": "ab", "story_seconds": 60.0}

    monkeypatch.setattr(stage, "stopped_in_the_end", stopped)
    monkeypatch.setattr(stage, "_told", told)
    monkeypatch.setattr(stage, "stay", lambda folder, say: done.append("stayed"))
    monkeypatch.setattr(direct, "tell", directly)
    return done


def perform(folder: Path, order: list[str], *, stays: bool, keep: bool = False) -> dict[str, Any]:
    shown = []

    def show(report: dict[str, Any]) -> None:
        order.append("shown")
        shown.append(dict(report))

    stage.perform(folder, households=1, keep=keep, stays=stays, say=silent, show=show)
    return shown[0]


def test_in_a_terminal_the_result_is_shown_and_everything_stays_until_it_is_left(
    order: list[str], tmp_path: Path
) -> None:
    assert "direct_seconds" not in perform(tmp_path / "demo", order, stays=True)
    assert order == ["through Airflow", "shown", "stayed", "stopped"]


def test_without_one_everything_is_stopped_before_the_story_is_told_directly_too(
    order: list[str], tmp_path: Path
) -> None:
    report = perform(tmp_path / "demo", order, stays=False)
    assert order == ["through Airflow", "stopped", "directly in direct", "shown"]
    assert (report["overhead_seconds"], report["times_direct"]) == (30.0, 1.5)
    assert report["direct_hash"] == report["content_hash"] == "ab"


def test_a_story_that_goes_on_from_an_earlier_one_is_not_compared(
    order: list[str], tmp_path: Path
) -> None:
    assert "direct_seconds" not in perform(tmp_path / "demo", order, stays=False, keep=True)
    assert order == ["through Airflow", "shown", "stopped"]


def test_the_steps_of_an_earlier_run_are_not_counted_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stack: Stack
) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")

    def drive(*_: Any, **__: Any) -> Driven:
        for day in (FIRST, SECOND):
            token = ledger.take_token("score", day)
            ledger.file_receipt(token, Receipt("score", day, "done", seconds=4.2), AT)
        return Driven(seconds=9.0, runs=(), tasks=())

    monkeypatch.setattr(stage, "start", lambda *_, **__: stack)
    monkeypatch.setattr(stage, "addresses", lambda _: Addresses(ledger=ledger.url))
    monkeypatch.setattr(stage, "drive", drive)
    told = [stage._told(tmp_path / "demo", 1, stays=False, say=silent) for _ in range(2)]
    assert [len(report["steps"]) for report in told] == [2, 4]
    assert [report["steps_seconds"] for report in told] == [8.4, 8.4]


def test_without_the_platform_installed_the_demo_says_so_before_it_writes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(installed, "find_spec", lambda name: None if name == "psutil" else name)
    done = CliRunner().invoke(cli.app, ["demo", "--folder", str(tmp_path / "demo")])
    assert "the platform is not installed: psutil" in str(done.exception)
    assert not (tmp_path / "demo").exists()


def test_different_content_is_a_failure_that_shows_both_hashes(
    order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"content_hash": "cd", "story_seconds": 60.0}
    monkeypatch.setattr(direct, "tell", lambda folder, **_: other)
    with pytest.raises(BrokenPromise, match=r"different content.*got: ab.*expected: cd"):
        perform(tmp_path / "demo", order, stays=False)
    assert order[-1] == "shown"


def test_a_task_that_fails_ends_the_demo_with_exit_code_1_and_its_message(
    order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> dict[str, Any]:
        raise Permanent("churn_score failed for 2017-10-01 in its task score")

    monkeypatch.setattr(stage, "_told", fails)
    done = CliRunner().invoke(cli.app, ["demo", "--folder", str(tmp_path / "demo"), "--exit"])
    assert isinstance(done.exception, Permanent)
    assert done.exit_code == 1
    assert order == ["stopped"]


@pytest.mark.parametrize("way", ["--exit", "--direct"])
def test_a_demo_left_by_ctrl_c_says_how_it_goes_on(
    order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def interrupted(*_: Any, **__: Any) -> dict[str, Any]:
        raise KeyboardInterrupt

    folder = tmp_path / "demo"
    monkeypatch.setattr(stage, "_told", interrupted)
    monkeypatch.setattr(demo, "tell", interrupted)
    done = CliRunner().invoke(cli.app, ["demo", "--folder", str(folder), way])
    again = words.again(folder, direct=way == "--direct")
    assert done.stderr.endswith(f"{again} goes on from here\n")
    assert done.exit_code == 130


def test_a_kept_demo_that_leaves_ends_well_and_is_shown_once(
    order: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "demo"
    done = CliRunner().invoke(cli.app, ["demo", "--folder", str(folder), "--keep", "--exit"])
    assert (done.exit_code, done.exception) == (0, None)
    assert order == ["through Airflow", "stopped"]
    assert done.stdout.count("The story took") == 1
    assert "Told directly" not in done.stdout
    assert "goes on from here" not in done.stderr
    assert (folder / "report.json").exists()


def test_a_kept_demo_that_fails_ends_with_exit_code_1(
    order: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> dict[str, Any]:
        raise Permanent("churn_score failed for 2017-10-01 in its task score")

    monkeypatch.setattr(stage, "_told", fails)
    told = ["demo", "--folder", str(tmp_path / "demo"), "--keep", "--exit"]
    assert CliRunner().invoke(cli.app, told).exit_code == 1
    assert order == ["stopped"]


def test_without_a_terminal_the_demo_does_not_stay(order: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["demo", "--folder", str(tmp_path / "demo"), "--json"])
    assert done.exit_code == 0
    assert '"times_direct": 1.5' in done.output
    assert "stayed" not in order
