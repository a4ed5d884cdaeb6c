"""The lock of an export's folder: one writer at a time, also where two machines share the folder.

Enters: the folder. Leaves: the right to change its parts and manifests, as long as the block lasts.
It is a lock of the kernel's (flock) on `.export.lock`, which ends with its holder, however that
one ends (fault C17); the file itself is empty and stays. A holder that is stopped holds others up:
each waits for a while and then ends as a step does that is to be tried again.

A network folder has the lock where its mount passes locks on, as NFS 4 and SMB do; one that keeps
them to itself (`nolock`, `nobrl`, `local_lock`) guards the exports of one machine from each other,
not those of two. A file system without locks is refused.

Worked example: the export of 2017-10-01 is stopped by a debugger in the middle of its manifest. The
one of 2017-11-01 waits a minute, ends with 75 and sends nothing; its plan is kept. Once the first
is killed, the next try goes through.
"""

from __future__ import annotations

import errno
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from churn_ml.errors import BadConfig, Transient

LOCK = ".export.lock"
PATIENCE_SECONDS = 60.0
"""How long a writer waits for another: longer than a part of a million rows is written."""
_PAUSE_SECONDS = 0.02
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@contextmanager
def alone(folder: Path, patience_seconds: float, name: str) -> Iterator[None]:
    """Hold the `folder` of the destination `name` against other writers.

    Raises: Transient where another one holds it for longer than `patience_seconds`; BadConfig where
    its file system has no locks; OSError where the lock's file cannot be opened.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, alone(Path(folder), 1.0, "crm"):
    ...     [path.name for path in Path(folder).iterdir()]
    ['.export.lock']
    """
    until = time.monotonic() + patience_seconds
    with (folder / LOCK).open("ab") as file:
        while not _taken(file, folder, name):
            if time.monotonic() > until:
                raise Transient(
                    f"another process has been writing to {folder} for {patience_seconds:g} s",
                    where=f"destination {name}",
                    next_step="run the export again: the plan is kept. Where that process is "
                    f"stopped, let it go on, or end it: fuser -v {folder / LOCK} names it",
                )
            time.sleep(_PAUSE_SECONDS)
        yield


def _taken(file: IO[bytes], folder: Path, name: str) -> bool:
    """Whether the lock is ours now; it goes with the file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        raise BadConfig(
            f"the file system of {folder} has no locks: two exports could write over each other",
            where=f"[destinations.{name}] target",
            got=error.strerror,
            next_step="mount it with locks, or name a folder on another file system",
        ) from error
    return True
