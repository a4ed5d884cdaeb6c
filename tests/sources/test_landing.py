"""The landing zone: files do not depend on how rows arrive, and a kill leaves a whole landing.

What is landed anew takes the old one's place whole: killed anywhere, one of the two is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml.sources.chunks import CURSOR
from churn_ml.sources.landing import Landing

DAY = date(2017, 10, 1)
OLD, NEW = [1, 2, 3, 4], [5, 6, 7]
ROWS = list(zip(range(1, 9), "aabbbcdd", strict=True))


@pytest.mark.parametrize(
    "sizes", [[8], [2, 6], [2, 3, 3], [3, 5], [5, 1, 2], [1] * 8, [2, 0, 6]], ids=str
)
def test_files_end_where_the_cursor_changes_however_the_pieces_are_cut(
    tmp_path: Path, sizes: list[int]
) -> None:
    whole = pa.table({"id": [i for i, _ in ROWS], CURSOR: [cursor for _, cursor in ROWS]})
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    pieces = (whole.slice(at, size) for at, size in zip(starts, sizes, strict=True))
    zone = Landing(tmp_path)
    drop = zone.begin(DAY, {"id": "int64"})
    assert drop is not None
    assert zone.land(drop, pieces, chunk_rows=2) == 8
    found = [pq.read_table(path)["id"].to_pylist() for path in zone.files()]
    assert found == [[1, 2], [3, 4, 5], [6, 7, 8]]
    assert zone.reached(drop) == "d"


class Killed(BaseException):
    """Nothing in the house catches it."""


def land(zone: Landing, numbers: list[int], *, anew: bool, on: date = DAY) -> None:
    piece = pa.table({"id": numbers, CURSOR: [str(number) for number in numbers]})
    with zone.alone():
        drop = zone.begin(on, {"id": "int64"}, anew=anew)
        assert drop
        zone.land(drop, iter([piece]), chunk_rows=2)
        zone.end(drop)


def landed(folder: Path) -> list[int]:
    """What a run after the kill finds."""
    zone = Landing(folder)
    zone.mend()
    return [n for path in zone.files() for n in pq.read_table(path)["id"].to_pylist()]


class Death:
    """Kills at the step that brings `steps_left` to zero; a negative count never gets there."""

    steps_left = -1

    def before(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def step(*told: Any, **named: Any) -> Any:
            self.steps_left -= 1
            if self.steps_left == 0:
                raise Killed
            return do(*told, **named)

        return step


def test_killed_anywhere_while_it_lands_anew_the_old_or_the_new_landing_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    death = Death()
    for owner, name in ((Path, "rename"), (Path, "replace"), (shutil, "rmtree")):
        monkeypatch.setattr(owner, name, death.before(getattr(owner, name)))
    found = []
    for steps in range(1, 20):
        zone = Landing(tmp_path / str(steps))
        land(zone, OLD, anew=False)
        death.steps_left = steps
        with suppress(Killed):
            land(zone, NEW, anew=True)
        ended, death.steps_left = death.steps_left > 0, -1
        found.append(landed(zone.folder))
        if ended:
            break
        land(zone, [9], anew=True)  # what a kill left behind is in nobody's way
        assert landed(zone.folder) == [9]
    assert ended
    assert found == [OLD] * found.index(NEW) + [NEW] * (len(found) - found.index(NEW))
    assert found.index(NEW) > 3


def test_an_empty_drop_goes_on_behind_the_one_before_it_that_was_read_anew(tmp_path: Path) -> None:
    zone, next_day = Landing(tmp_path), date(2017, 10, 2)
    land(zone, OLD, anew=False)
    land(zone, [], anew=False, on=next_day)
    land(zone, [*OLD, *NEW], anew=True)
    drop = zone.begin(next_day, {"id": "int64"})
    assert drop is not None
    assert drop.after == "7"
