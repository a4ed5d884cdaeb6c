"""Room: what the system says of a lake that cannot be written, in the house's words.

Enters: a block that writes below a local folder. Leaves: nothing, or an error that says what to do
(faults C11 and C14). Worked example: 2017-10-01 is scored on a disk that has no byte, or no file,
left: Transient, and the next attempt stands where room was made; below the folder of another user:
BadConfig.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from churn_ml.errors import BadConfig, Transient
from churn_ml.warehouse.place import folder

if TYPE_CHECKING:
    from pathlib import Path

_NUMBERED = re.compile(r"(?:os error|code:|\[Errno) (\d+)")
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def room(uri: str) -> Iterator[None]:
    """Say in the house's words that the disk below `uri` is full, or may not be written to.

    Delta has no error of its own for it, only the system's text. Raises Transient or BadConfig.

    >>> with room("file:///lake/scores"):
    ...     raise OSError("Unable to open file: Permission denied (os error 13)")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: the lake may not be written to: Permission denied | where: ...
    """
    try:
        yield
    except Exception as error:
        root, numbered = folder(uri), _NUMBERED.search(str(error))
        number = int(numbered[1]) if numbered else 0
        if root is None or number not in {errno.ENOSPC, *_FORBIDDEN}:
            raise
        if number in _FORBIDDEN:
            raise BadConfig(
                f"the lake may not be written to: {os.strerror(number)}",
                where=uri,
                expected="[paths] lake that this user may read and write",
                next_step="give that right, or run as the user who owns it: what was published"
                " stands",
            ) from error
        raise Transient(
            f"the disk of the lake is full: {os.strerror(number)}",
            where=uri,
            got=_left(root.parent),
            next_step="make room and run the step again: what was published stands",
        ) from error


def _left(place: Path) -> str:
    """The bytes and the files that the disk of `place` still has room for."""
    return f"{shutil.disk_usage(place).free:,} bytes and {os.statvfs(place).f_favail:,} files free"
