"""Every fault that the export and its steps must survive is named by a test.

A test names a fault in its own name (`..._c8_...`) or in a docstring (C8).
"""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
WANTED = (
    *(f"C{number}" for number in range(1, 18)),
    *(f"O{number}" for number in range(1, 11)),
    *(f"R{number}" for number in range(1, 18)),
    *("S1", "S8", "S9", "S12"),
)


def named() -> set[str]:
    """The ids that the names of tests, and the docstrings of their files, hold."""
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"def (test_\w+)", text):
            found |= {part.upper() for part in name.split("_")}
        for docstring in re.findall(r'"""(.*?)"""', text, re.DOTALL):
            found |= set(re.findall(r"\b[CORS]\d{1,2}\b", docstring))
    return found


def test_every_fault_is_named_by_a_test() -> None:
    assert sorted(set(WANTED) - named()) == []
