"""What is printed to be typed works where it is printed."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from churn_ml import program


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a venv's programs below the working folder; PATH is empty."""
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    script = folder / "churn-ml"
    script.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(folder))
    return folder


@pytest.mark.usefixtures("scripts")
def test_a_program_that_is_not_on_path_is_called_by_its_path_from_here() -> None:
    assert program.called() == ".venv/bin/churn-ml"


def test_a_program_on_path_is_called_by_its_name(
    scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(scripts))
    assert program.called() == "churn-ml"


def test_another_program_of_that_name_on_path_is_not_taken_for_this_one(
    scripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "churn-ml").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(other))
    monkeypatch.chdir(other)
    assert program.called() == str(scripts / "churn-ml")


def test_where_no_program_is_installed_the_module_is_called(
    scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scripts / "churn-ml").unlink()
    monkeypatch.setattr(sys, "executable", str(scripts / "python"))
    assert program.called() == ".venv/bin/python -m churn_ml.cli"
