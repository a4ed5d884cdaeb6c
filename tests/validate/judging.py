"""Judging in tests: a folder for what is staged, gone with the process, and rows read back."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from churn_ml.config import Shop, SourceTable
from churn_ml.validate import Staged, Validated, validate

ROOT = Path(tempfile.mkdtemp(prefix="churn-ml-staging-"))
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)
SHOP = Shop(name="s", currency="USD")


def staging() -> Path:
    """A folder of one's own."""
    return Path(tempfile.mkdtemp(dir=ROOT))


def judge(
    batches: pa.Table | list[pa.Table], name: str, *sources: SourceTable, **further: Any
) -> Validated:
    """What becomes of `batches`; of a shop in USD, unless told."""
    given = {"shop": SHOP, "staging": staging()} | further
    parts = [batches] if isinstance(batches, pa.Table) else batches
    return validate(parts, name, sources or [SourceTable()], **given)


def rows(staged: Staged) -> pa.Table:
    """Everything that is staged."""
    return staged.batches().read_all()
