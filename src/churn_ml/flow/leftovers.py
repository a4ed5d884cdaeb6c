"""Leftovers: what writers that were killed have left behind, and nobody will ever read.

Enters: the house, and the time. Leaves: the temporary files in folders of exports, half-written
models and reports, and what queries spilled below the lake. Younger than a day they may be
somebody's work. Files of the lake that no commit names are not looked for.

Worked example: a training is killed on 2017-10-01 at 06:00 while it saves a model. The folder
`models/.rule-3f2a9c1d0b7e-x1y2z3w4` may go from 2017-10-02 06:00 on.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from churn_ml.durable import TEMPORARY
from churn_ml.warehouse.place import folder

if TYPE_CHECKING:
    from churn_ml.house import House

GRACE = timedelta(days=1)
_MODEL = re.compile(r"\.[A-Za-z0-9_.-]+-[a-z0-9_]{8}")
"""A model's folder under the name that it is written by."""
_REPORT = re.compile(r"\.[a-z0-9_]{8}")
"""A report under the name that it is written by."""


def leftovers(house: House, now: datetime) -> list[Path]:
    """What lies there untouched since a day before `now` (aware), ascending."""
    return sorted(path for path in _found(house) if _touched(path) < now - GRACE)


def sweep(found: list[Path]) -> None:
    """Remove them; one that somebody else removes meanwhile is gone all the same."""
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _found(house: House) -> Iterator[Path]:
    config = house.config
    for settings in config.destinations.values():
        if settings.kind == "file":
            target = config.path(settings.target)
            yield from target.glob(TEMPORARY)
            yield from target.glob(f"as_of=*/{TEMPORARY}")
    models = config.path(config.paths.models)
    yield from (path for path in models.glob(".*") if path.is_dir() and _MODEL.fullmatch(path.name))
    yield from (path for path in models.glob("reports/.*") if _REPORT.fullmatch(path.name))
    if (lake := folder(house.warehouse.uri)) is not None:
        yield from lake.glob("_spill/*")


def _touched(path: Path) -> datetime:
    """When it, or what is in it, was written last; now where it goes in between."""
    try:
        newest = max(one.stat().st_mtime for one in (path, *path.rglob("*")))
    except OSError:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.fromtimestamp(newest, UTC)
