"""What is written beside the code says what the code does."""

from __future__ import annotations

import importlib.util
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_help_answers_within_a_second() -> None:
    # processor time of the child: a busy machine makes no slow command
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "churn_ml.cli", "--help"], check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = "pandas pyarrow duckdb ibis deltalake sklearn xgboost mlflow great_expectations scipy"
    code = f"import sys, churn_ml.cli; print([m for m in '{heavy}'.split() if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / page).read_text()
    assert set(re.findall(r"(?:^|`|[A-Z]=1 )make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/economics.md"])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / link).exists(), link


def test_the_generated_pages_are_what_make_docs_writes() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for page, text in generate.pages().items():
        assert (ROOT / "docs" / page).read_text(encoding="utf-8") == text, (
            f"run: make docs ({page})"
        )


def test_no_file_names_a_registry_host() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    hosts = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|--(extra-)?index-url")
    named = [
        name
        for name in listed.stdout.splitlines()
        if name != "tests/test_docs.py"
        and hosts.search((ROOT / name).read_text(encoding="utf-8", errors="ignore"))
    ]
    assert named == []
