"""However the demo is left, its stack is stopped, once, and no second signal cuts that short."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psutil")

from churn_ml.demo import leaving
from churn_ml.demo.leaving import stay, stopped_in_the_end
from churn_ml.errors import BrokenPromise
from churn_ml.house import silent
from churn_ml.stack.processes import SIGNALS, heard_once


def press(number: signal.Signals) -> None:
    """Send a signal to this very process, and let Python hear it."""
    os.kill(os.getpid(), number)
    time.sleep(0.01)


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stopping the stack did: `begun`, then `ended`; a signal comes in between."""
    done: list[str] = []

    def stop(folder: Path, *, say: Any) -> None:
        done.append("begun")
        press(signal.SIGINT)
        press(signal.SIGTERM)
        done.append("ended")

    monkeypatch.setattr(leaving, "stop", stop)
    monkeypatch.setattr(leaving, "members", lambda folder: [])
    return done


def test_ctrl_c_unwinds_the_demo_and_a_second_one_does_not_cut_the_stopping_short(
    stops: list[str], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt), stopped_in_the_end(tmp_path, silent):
        press(signal.SIGINT)
    assert stops == ["begun", "ended"]


def test_a_first_ctrl_c_during_the_stopping_at_a_normal_end_does_not_cut_it_short(
    stops: list[str], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt), stopped_in_the_end(tmp_path, silent):
        pass
    assert stops == ["begun", "ended"]


def test_a_first_ctrl_c_during_the_stopping_after_an_error_does_not_cut_it_short(
    stops: list[str], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt) as left, stopped_in_the_end(tmp_path, silent):
        _ = 1 / 0
    assert stops == ["begun", "ended"]
    assert isinstance(left.value.__context__, ZeroDivisionError)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_terminated_stops_the_stack_and_says_so_in_the_exit_code(
    number: signal.Signals, stops: list[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as left, stopped_in_the_end(tmp_path, silent):
        press(number)
    assert left.value.code == 128 + number
    assert stops == ["begun", "ended"]


def test_an_error_stops_the_stack_too_and_stays_the_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done: list[str] = []
    monkeypatch.setattr(leaving, "stop", lambda folder, say: done.append("stopped"))
    with pytest.raises(ZeroDivisionError), stopped_in_the_end(tmp_path, silent):
        _ = 1 / 0
    assert done == ["stopped"]


def test_a_process_that_is_left_is_a_broken_promise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import psutil

    monkeypatch.setattr(leaving, "members", lambda folder: [psutil.Process()])
    with (
        pytest.raises(BrokenPromise, match=f"processes of the demo are left.*{os.getpid()}"),
        stopped_in_the_end(tmp_path, silent),
    ):
        pass


def test_the_signals_are_given_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with heard_once():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_signal_that_was_ignored_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with heard_once():
            press(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)


def test_the_demo_does_not_stay_where_the_stack_was_stopped_from_elsewhere(tmp_path: Path) -> None:
    said: list[str] = []
    stay(tmp_path, said.append)
    assert said == ["the platform was stopped"]
