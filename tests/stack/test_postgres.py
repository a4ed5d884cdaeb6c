"""The folders above PostgreSQL's data: opened to its user only where it could not pass."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from churn_ml.stack import postgres


@pytest.mark.parametrize(
    ("mode", "owner", "shuts"),
    [(0o700, 4711, False), (0o711, 4712, False), (0o700, 4712, True), (0o070, 4711, True)],
)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder to another")
def test_only_folders_that_the_database_cannot_pass_are_opened(
    tmp_path: Path, mode: int, owner: int, shuts: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    os.chown(folder, owner, 0)
    folder.chmod(mode)
    assert postgres.shut([folder], 4711, 4711) == ([folder] if shuts else [])
