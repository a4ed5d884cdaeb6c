"""Small disks of their own, and how one is filled: tests of what is written where nothing fits."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def disk(*options: str) -> Iterator[Path]:
    """A disk of its own, as small as the options say."""
    with tempfile.TemporaryDirectory(prefix="churn-ml-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", ",".join(options), "churn-ml", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting a small disk is not allowed here")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def filled(place: Path) -> Path:
    """A file that takes all the room there is left."""
    ballast = place / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(place).free)
    return ballast
