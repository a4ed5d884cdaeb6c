"""The skeleton of a new source: it is what a source is made of, and never written over one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from churn_ml.errors import BadInput
from churn_ml.sources.skeleton import write


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("src/churn_ml/sources", "tests/sources", "docs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "src/churn_ml/sources/kinds.py").touch()
    return tmp_path


def test_the_preset_that_is_written_is_one(checkout: Path) -> None:
    module, test, page = write("corner_shop", checkout)
    told = subprocess.run(
        [sys.executable, "-m", "doctest", str(module)], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (0, "")
    assert 'kind = "corner_shop"' in test.read_text()
    assert page.name == "sources-corner-shop.md"


@pytest.mark.parametrize("name", ["Corner", "../x", "1a", "a-b", ""])
def test_a_name_that_is_none_is_refused(checkout: Path, name: str) -> None:
    with pytest.raises(BadInput, match="no name for a kind"):
        write(name, checkout)


def test_elsewhere_than_in_a_checkout_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no checkout"):
        write("corner_shop", tmp_path)


def test_nothing_is_written_over(checkout: Path) -> None:
    write("corner_shop", checkout)
    with pytest.raises(BadInput, match="is there already"):
        write("corner_shop", checkout)
