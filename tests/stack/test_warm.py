"""The scheduler's program begins with the libraries read, and is told what Airflow would be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from churn_ml.stack import warm


def test_a_program_runs_as_by_python_with_the_libraries_already_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", ["before"])
    monkeypatch.delitem(sys.modules, "heavy", raising=False)
    (tmp_path / "heavy.py").write_text("print('heavy is read')", encoding="utf-8")
    program = tmp_path / "program"
    program.write_text("import sys; import heavy; print(__name__, sys.argv[1:])", encoding="utf-8")
    warm.run([str(program), "scheduler", "--skip-serve-logs"], ["heavy"])
    told = capsys.readouterr().out.splitlines()
    assert told == ["heavy is read", "__main__ ['scheduler', '--skip-serve-logs']"]
    assert "heavy" in sys.modules


def test_every_library_that_is_read_beforehand_is_there() -> None:
    from importlib.util import find_spec

    assert [name for name in warm.LIBRARIES if find_spec(name) is None] == []
