"""Files that a power cut leaves whole: on disk under their name, or not there at all.

Enters: a path with its bytes, or a folder. Leaves: the file with its whole content, and every name
on the way to it on disk (fault C13): a name is on disk once the folder that holds it was synced.
What a killed writer leaves is a temporary file, whose name begins with a dot and ends with `.tmp`.

Worked example: `DEST/as_of=2017-10-01/manifest.json` is written as `.manifest.json.4711.tmp` by
process 4711, synced and renamed; then its folder is synced. That `as_of=2017-10-01` itself stands
in `DEST` was seen to by `made`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TEMPORARY = ".*.tmp"
"""What the names of temporary files look like."""


def put(path: Path, content: bytes) -> None:
    """Put `content` at `path` whole: a reader, or a power cut, finds the old file or the new.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     put(Path(folder) / "owner.json", b"{}")
    ...     [path.name for path in Path(folder).iterdir()]
    ['owner.json']
    """
    _written(path, content).replace(path)
    sync(path.parent)


def create(path: Path, content: bytes) -> None:
    """Put `content` at `path` unless a file is there already: the first of two writers wins.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for said in (b"mine", b"yours"):
    ...         create(Path(folder) / "owner.json", said)
    ...     (Path(folder) / "owner.json").read_bytes()
    b'mine'
    """
    temporary = _written(path, content)
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
    sync(path.parent)


def made(folder: Path) -> None:
    """Make `folder` and whatever is missing above it, each with its name on disk.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made(Path(folder) / "exports" / "crm")
    ...     (Path(folder) / "exports" / "crm").is_dir()
    True
    """
    try:
        folder.mkdir()
    except FileNotFoundError:
        made(folder.parent)
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        if folder.is_dir():
            return
        raise
    sync(folder.parent)


def sync(folder: Path) -> None:
    """Have the names in `folder` survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _written(path: Path, content: bytes) -> Path:
    """The content on disk, under a name that no other process has."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    return temporary
