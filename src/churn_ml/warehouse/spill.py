"""DuckDB over a lake, and the folder below the lake for what does not fit into memory.

Enters: the lake's folder, None for one on an object store. Leaves: a connection that spills there,
or a scratch folder. Worked example: an ingest of 2017-10-01 puts 40 million rows aside below
`LAKE/_spill/attempt-x1`, and takes the folder with it when it ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_ml.clock import literal
from churn_ml.warehouse.room import room

if TYPE_CHECKING:
    import ibis

_SCRATCH = "attempt-"
_GRACE_SECONDS = 86_400


def opened(lake: Path | None, settings: Mapping[str, Any]) -> ibis.backends.duckdb.Backend:
    """A DuckDB of one's own in memory, in UTC; of its `settings` those that are None are its own.

    >>> opened(None, {"threads": 1}).raw_sql("select current_setting('threads')").fetchone()
    (1,)
    """
    import ibis

    given = {name: value for name, value in settings.items() if value is not None}
    connection = ibis.duckdb.connect(**given)
    connection.raw_sql("set timezone = 'UTC'")
    # A process that DuckDB takes for interactive, such as a spawned one, would get bars on stdout,
    # where answers are.
    connection.raw_sql("set enable_progress_bar = false")
    # Nothing is fetched from the network behind the caller's back.
    connection.raw_sql("set autoinstall_known_extensions = false")
    if lake is not None:
        spill = lake / "_spill" / str(os.getpid())
        if lake.exists():  # DuckDB makes the last folder of the path alone
            with room(str(spill.parent)):
                spill.parent.mkdir(exist_ok=True)
        connection.raw_sql(f"set temp_directory = {literal(str(spill))}")
    return connection


@contextmanager
def scratch(lake: Path | None) -> Iterator[Path]:
    """A folder that is gone afterwards: below the lake, where there is room for the rows.

    One that a killed attempt left there is swept after a day. Without a local lake it lies where
    the system keeps what is temporary.

    >>> with scratch(None) as folder:
    ...     folder.is_dir()
    True
    """
    spill = lake / "_spill" if lake is not None else None
    if spill is not None:
        with room(str(spill)):
            spill.mkdir(parents=True, exist_ok=True)
        _sweep(spill)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=spill) as place:
        yield Path(place)


def _sweep(spill: Path) -> None:
    """Remove the scratch folders that attempts left more than a day ago."""
    for left in spill.glob(f"{_SCRATCH}*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _GRACE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
