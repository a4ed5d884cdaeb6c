"""docs/bring-your-own-shop.md, followed word by word on real sales in foreign clothes."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "bring-your-own-shop.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CUSTOMERS = 400


def blocks(text: str, *kinds: str) -> list[tuple[str, str]]:
    return [(kind, body) for kind, body in BLOCK.findall(text) if kind in kinds]


def section(name: str) -> str:
    return PAGE.split(f"## {name}\n")[1].split("\n## ")[0]


def edited(text: str, edit: str) -> str:
    """`text` with one box of changes made, each run of lines found exactly once."""
    for hunk in re.split(r"^@@.*\n", edit, flags=re.MULTILINE):
        lines = hunk.splitlines()
        if not lines:
            continue
        before = "".join(f"{line[1:]}\n" for line in lines if line[:1] in " -")
        after = "".join(f"{line[1:]}\n" for line in lines if line[:1] in " +")
        assert text.count(before) == 1, f"churn.toml has no single place like:\n{before}"
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the page begins with, and a program `churn-ml` that is this very code."""
    data = os.environ.get("CHURN_ML_TEST_DATA")
    if data is None:
        pytest.skip("CHURN_ML_TEST_DATA is not set: the invoice lines are not here")
    from .german_shop import write

    home = tmp_path_factory.mktemp("home")
    source = Path(data) / "online_retail_II_to_2011-06-09.parquet"
    write(home / "shop", source, customers=CUSTOMERS)
    program = home / "bin" / "churn-ml"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m churn_ml.cli "$@"\n')
    program.chmod(0o755)
    return home


def typed(home: Path, words: str, *, inside: dict[str, str]) -> str:
    """What a shell answers to `words`; it goes on where the last one stopped."""
    keep = f"{words}\npwd > {home}/where\nexport -p > {home}/exported\n"
    before = f". {home}/exported\ncd $(cat {home}/where)\n" if (home / "where").exists() else ""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", before + keep],
        cwd=home,
        env=inside,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"$ {words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_leads_from_files_to_a_scored_export_word_by_word(shop: Path) -> None:
    inside = {key: value for key, value in os.environ.items() if not key.startswith("CHURN_ML_")}
    inside["PATH"] = f"{shop / 'bin'}{os.pathsep}{inside['PATH']}"
    inside["PYTHONPATH"] = str(ROOT / "src")
    told = ""
    for kind, body in blocks(section("From files to a scored export"), "sh", "diff"):
        if kind == "sh":
            told += typed(shop, body, inside=inside)
            continue
        toml = shop / "shop" / "churn.toml"
        toml.write_text(edited(toml.read_text(encoding="utf-8"), body), encoding="utf-8")
    assert "An ingest would take every table." in told
    assert "contact_recency: not available, needs campaign_contacts" in told
    (sent,) = (shop / "shop" / "exports" / "as_of=2011-06-01").glob("*.csv")
    with sent.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > CUSTOMERS / 3
    assert all(0 <= float(row["score"]) <= 1 for row in rows)
    assert {row["offer"] for row in rows} >= {"COUPON_5"}


def test_an_edit_that_fits_nowhere_is_noticed() -> None:
    with pytest.raises(AssertionError, match="no single place"):
        edited("a = 1\n", "-a = 2\n+a = 3\n")
