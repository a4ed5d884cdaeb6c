"""What is written beside the code says what the code does."""

from __future__ import annotations

import importlib.util
import re
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

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
    heavy = "numpy sqlalchemy pydantic pandas pyarrow duckdb ibis deltalake sklearn xgboost mlflow"
    heavy += " great_expectations scipy"
    code = f"import sys, churn_ml.cli; print([m for m in '{heavy}'.split() if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / page).read_text()
    assert set(re.findall(r"(?:^|`|[A-Z]=1 )make ([a-z-]+)", text, re.MULTILINE)) <= targets


def examples() -> list[Any]:
    """Every piece of a churn.toml in docs/, by its page."""
    found = []
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        bodies = re.findall(r"^ *```toml\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
        found += [pytest.param(body, id=f"{page.stem}-{n}") for n, body in enumerate(bodies)]
    return found


@pytest.mark.parametrize("body", examples())
def test_every_example_of_a_churn_toml_can_be_meant(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from churn_ml import checks
    from churn_ml.config import from_text

    for name in re.findall(r"\$\{(\w+)\}", body):
        monkeypatch.setenv(name, "x")
    shop = "" if "[shop]" in body else '[shop]\nname = "s"\ncurrency = "EUR"\n'
    checks.check(from_text(shop + textwrap.dedent(body)))


@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "docs/platform.md", "docs/bring-your-own-shop.md"),
        *("docs/sources.md", "docs/sources-postgres.md", "docs/destinations.md"),
    ],
)
def test_every_command_and_option_a_page_names_exists(page: str) -> None:
    from typer.main import get_command

    from churn_ml import cli

    commands: Any = get_command(cli.app)
    for line in re.findall(r"churn-ml ([a-z][^`\n#|]*)", (ROOT / page).read_text()):
        words = line.replace("(", " ").split()
        found = commands.commands[words[0]]
        within = getattr(found, "commands", {})
        if not (within and getattr(found, "invoke_without_command", False) and "--" in words[1]):
            found = within[words[1]] if within else found
        options = {name for each in found.params for name in each.opts}
        assert {w for w in words if re.match(r"--[a-z]", w)} <= options, line


@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "CONTRIBUTING.md", "docs/bring-your-own-shop.md", "docs/economics.md"),
        *("docs/faults.md", "docs/platform.md", "docs/sources.md"),
    ],
)
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


FAULT = re.compile(r"\b[CDFMNOPRS](?:1\d|[1-9])\b")
"""As a docstring writes it: O4. A test's name ends or begins with it in small letters."""
SOURCE = re.compile(r'"[A-Z]\d\d"')
"""A quoted id is a source: segments, causes and offers have theirs on pages of their own."""


def named_in(folder: str) -> set[str]:
    """The ids of faults in the Python files of a folder; this file has its own."""
    files = [path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    tests = " ".join(re.findall(r"def (test_\w+)", text)).replace("_", " ").upper()
    return set(FAULT.findall(SOURCE.sub("", text) + tests))


def test_the_types_of_settings_are_told_in_words_of_the_shop_not_of_a_library() -> None:
    told = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert "| dict[str, tuple[int, ...]] |" in told
    assert "FieldInfo" not in told


def test_the_page_of_faults_explains_the_ids_that_the_code_names_and_no_other_fault() -> None:
    heads = re.findall(r"^\| ([A-Z]\d.*?) \|", (ROOT / "docs/faults.md").read_text(), re.MULTILINE)
    named = named_in("src") | named_in("tests") | named_in("plugins") | {"C3"}  # within "C1-C4"
    assert named == set(heads)


def test_every_sign_has_an_indicator_and_every_indicator_a_sign() -> None:
    """But C66, which is of the whole shop."""
    from churn_ml.features import CATALOGUE
    from churn_ml.features.signs import SIGNS

    assert {one.source for one in CATALOGUE} == set(SIGNS) - {"C66"}
    assert {sign for sign in SIGNS if sign[0] == "C"} == {f"C{n:02}" for n in range(1, 67)}


def test_the_page_of_the_synthetic_shop_counts_the_features_that_there_are() -> None:
    from churn_ml.features import names

    page = (ROOT / "docs/synthetic-shop.md").read_text()
    assert re.findall(r"the (\d+) features", page) == [str(len(names()))]


def test_no_file_names_a_registry_host() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    hosts = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|--(extra-)?index-url")
    named = [
        name
        for name in listed.stdout.splitlines()
        if name != "tests/test_docs.py"
        and (ROOT / name).exists()
        and hosts.search((ROOT / name).read_text(encoding="utf-8", errors="ignore"))
    ]
    assert named == []
