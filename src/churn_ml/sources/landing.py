"""The landing zone: rows of a database, kept as files before anything is read of them.

A database forgets what it said yesterday; a file does not. So the rows of one as_of are landed as
Parquet files, `landed/TABLE/READ/drop=AS_OF/NNNNN.parquet` in the lake's folder, and are lots like
any other from then on: hashed, claimed, and the same on every re-run. READ names what is read (the
table or query, the cursor, and the database without who asks), so that a password may change
without a new beginning.

Enters: pieces of rows, sorted by the cursor. Leaves: files that are there whole or not at all, each
with its range of the cursor (`chunks`). A file ends where the cursor changes, never inside a tie:
what comes after it is `cursor > cursor_to`, and a killed landing goes on there. `_drop.json` beside
the files tells where the drop began and whether it is whole.

What is read anew is landed apart, in `.anew`, and takes the place of the old when it is whole. A
kill between the two renames of that is mended by whoever comes next: until then the old is there,
from then on the new. A killed reading anew begins again.

Worked example: the drop of 2017-10-01 is killed after 00003.parquet, whose last order was created
at 2017-09-14 18:02. The next try reads on after that time, and the drop of 2017-10-02 after the
highest time of all.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from churn_ml.errors import Transient
from churn_ml.sources.chunks import cursor_to, flush, following, renamed, write


@dataclass(frozen=True)
class Drop:
    """What one drop is: the rows after `after` (None: from the first one) in `columns`.

    `before` is the as_of of the drop before it, None for the first. `whole` where nothing of it
    is missing any more; `apart` while it is landed beside the one whose place it will take.
    """

    as_of: date
    after: str | None
    before: date | None
    columns: Mapping[str, str]
    whole: bool = False
    apart: bool = False


class Landing:
    """The files landed for one read of one database.

    >>> import tempfile
    >>> zone = Landing(Path(tempfile.mkdtemp()))
    >>> drop = zone.begin(date(2017, 10, 1), {"id": "int64"})
    >>> piece = pa.table({"id": [1, 2, 3], "_cursor": ["a", "b", "b"]})
    >>> zone.land(drop, iter([piece]), chunk_rows=1)
    3
    >>> [path.name for path in zone.files()], zone.reached(drop)
    (['00001.parquet', '00002.parquet'], 'b')
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> list[Path]:
        """Every file landed, oldest drop first, in the order of the cursor."""
        return sorted(self.folder.glob("drop=*/[0-9]*.parquet"))

    def drop(self, as_of: date) -> Drop | None:
        """What is noted of the drop of `as_of`; None where none was begun."""
        return _noted(self._folder(as_of))

    def begin(self, as_of: date, columns: Mapping[str, str], *, anew: bool = False) -> Drop | None:
        """The drop of `as_of` to land rows of; None where it is whole, or a later one has files.

        `columns`: name -> type of what is to be read. A drop that was begun with others, or is to
        be read `anew`, begins again where it began, apart: its files stay until `end`.
        """
        days = self._days()
        if days and days[-1] > as_of:
            return None
        known = self.drop(as_of)
        if known is None:
            before = max(filter(self._was_read, self._begun(as_of)), default=None)
            known = Drop(as_of, self._highest(), before, dict(columns))
        elif not _files(self._folder(as_of)):
            # the drop before may have been read anew since, and reach further than it did
            known = Drop(as_of, self._highest(), known.before, dict(columns))
        elif anew or known.columns != dict(columns):
            shutil.rmtree(self._anew, ignore_errors=True)
            known = Drop(as_of, known.after, known.before, dict(columns), apart=True)
        elif known.whole:
            return None
        self._note(known)
        return known

    def reached(self, drop: Drop) -> str | None:
        """The highest cursor landed of `drop`; None where no file of it is there."""
        landed = _files(self._place(drop))
        return cursor_to(landed[-1]) if landed else None

    def land(self, drop: Drop, pieces: Iterator[pa.Table], *, chunk_rows: int) -> int:
        """Write `pieces` (with their cursor, sorted by it) behind what is there; returns the rows.

        A file holds `chunk_rows` rows, and those that tie with the last one.
        """
        folder, rows = self._place(drop), 0
        number = len(_files(folder))
        left = following(pieces)
        while left is not None:
            number += 1
            count, left = write(folder / f"{number:05d}.parquet", left, pieces, chunk_rows)
            rows += count
        return rows

    def end(self, drop: Drop) -> None:
        """Note that `drop` is whole; one without a row may be read again: nothing depends on it.

        One that was landed apart takes the place of the old.
        """
        self._note(replace(drop, whole=True))
        if drop.apart:
            shutil.rmtree(self._old, ignore_errors=True)
            self._folder(drop.as_of).rename(self._old)
            self._take_place()
            shutil.rmtree(self._old)

    def mend(self) -> None:
        """Finish what a kill left half done; raises Transient where another process is at it."""
        if self._half_done():
            with self.alone():
                pass

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder against other processes; raises Transient where one is landing there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "_lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Transient(
                    "another process is landing the same rows",
                    where=str(self.folder),
                    next_step="wait for it, then run the ingest again: it goes on from there",
                ) from None
            self._take_place()
            yield

    def _take_place(self) -> None:
        """Let a whole drop that was landed apart take its place, where the old has left it."""
        for folder in self._half_done():
            folder.rename(self.folder / folder.name)
            flush(self.folder)

    def _half_done(self) -> list[Path]:
        """The whole drops apart whose old one has left its place."""
        left = [f for f in self._anew.glob("drop=*") if not (self.folder / f.name).exists()]
        return [folder for folder in left if (noted := _noted(folder)) and noted.whole]

    @property
    def _anew(self) -> Path:
        return self.folder / ".anew"

    @property
    def _old(self) -> Path:
        return self.folder / ".old"

    def _place(self, drop: Drop) -> Path:
        """Where the files of `drop` are landed."""
        return (
            self._anew / f"drop={drop.as_of.isoformat()}"
            if drop.apart
            else self._folder(drop.as_of)
        )

    def _folder(self, as_of: date) -> Path:
        return self.folder / f"drop={as_of.isoformat()}"

    def _begun(self, before: date) -> list[date]:
        """The days before `before` whose drops were begun."""
        notes = self.folder.glob("drop=*/_drop.json")
        return [day for day in map(_day, notes) if day < before]

    def _was_read(self, as_of: date) -> bool:
        """True where the database was asked to the end, or brought a file at least."""
        known = self.drop(as_of)
        return known is not None and (known.whole or bool(_files(self._folder(as_of))))

    def _days(self) -> list[date]:
        """The days with files."""
        return sorted({_day(path) for path in self.files()})

    def _highest(self) -> str | None:
        """Where the last drop ended: it began after all others."""
        landed = self.files()
        return cursor_to(landed[-1]) if landed else None

    def _note(self, drop: Drop) -> None:
        folder, told = self._place(drop), asdict(replace(drop, apart=False))
        folder.mkdir(parents=True, exist_ok=True)
        with renamed(folder / "_drop.json") as part:
            part.write_text(json.dumps(told, default=str, sort_keys=True), encoding="utf-8")


def _noted(folder: Path) -> Drop | None:
    """What is noted of the drop in `folder`; None where none was begun."""
    note = folder / "_drop.json"
    if not note.exists():
        return None
    told = json.loads(note.read_text(encoding="utf-8"))
    days = {name: told[name] and date.fromisoformat(told[name]) for name in ("as_of", "before")}
    return Drop(**told | days)


def _files(folder: Path) -> list[Path]:
    """The files landed in the folder of one drop, in the order of the cursor."""
    return sorted(folder.glob("[0-9]*.parquet"))


def _day(path: Path) -> date:
    return date.fromisoformat(path.parent.name.removeprefix("drop="))
