"""The landing zone: rows of a database, kept as files before anything is read of them.

A database forgets what it said yesterday; a file does not. So the rows of one as_of are landed as
Parquet files, `landed/TABLE/READ/drop=AS_OF/NNNNN.parquet` in the lake's folder, and are lots like
any other from then on: hashed, claimed, and the same on every re-run. READ names what is read (the
table or query, the cursor, and the database without who asks), so that a password may change
without a new beginning.

Enters: pieces of rows, sorted by the cursor. Leaves: files that are there whole or not at all (a
name that begins with a dot, fsync, rename), each with its range of the cursor. A file ends where
the cursor changes, never inside a tie: what comes after it is `cursor > cursor_to`, and a killed
landing goes on there. `_drop.json` beside the files tells where the drop began and whether it is
whole.

Worked example: the drop of 2017-10-01 is killed after 00003.parquet, whose last order was created
at 2017-09-14 18:02. The next try reads on after that time, and the drop of 2017-10-02 after the
highest time of all.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from churn_ml.errors import Transient

CURSOR = "_cursor"
"""The column of a piece that holds the cursor as text; it is not landed."""
_RANGE = "churn_ml.cursor_to"


@dataclass(frozen=True)
class Drop:
    """What one drop is: the rows after `after` (None: from the first one) in `columns`.

    `before` is the as_of of the drop before it, None for the first. `whole` where nothing of it
    is missing any more.
    """

    as_of: date
    after: str | None
    before: date | None
    columns: Mapping[str, str]
    whole: bool = False


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
        note = self._folder(as_of) / "_drop.json"
        if not note.exists():
            return None
        told = json.loads(note.read_text(encoding="utf-8"))
        days = {name: told[name] and date.fromisoformat(told[name]) for name in ("as_of", "before")}
        return Drop(**told | days)

    def begin(self, as_of: date, columns: Mapping[str, str], *, anew: bool = False) -> Drop | None:
        """The drop of `as_of` to land rows of; None where it is whole, or a later one was begun.

        `columns`: name -> type of what is to be read. A drop that was begun with others, or is to
        be read `anew`, loses its files and begins again where it began.
        """
        days = self._days()
        if days and days[-1] > as_of:
            return None
        known = self.drop(as_of)
        if known is None:
            before = max(filter(self._was_read, self._begun(as_of)), default=None)
            known = Drop(as_of, self._highest(), before, dict(columns))
        elif anew or known.columns != dict(columns):
            for path in self._of(as_of):
                path.unlink()
            known = Drop(as_of, known.after, known.before, dict(columns))
        elif known.whole and self._of(as_of):
            return None
        self._note(known)
        return known

    def reached(self, drop: Drop) -> str | None:
        """The highest cursor landed of `drop`; None where no file of it is there."""
        landed = self._of(drop.as_of)
        return _cursor_to(landed[-1]) if landed else None

    def land(self, drop: Drop, pieces: Iterator[pa.Table], *, chunk_rows: int) -> int:
        """Write `pieces` (with their cursor, sorted by it) behind what is there; returns the rows.

        A file holds `chunk_rows` rows, and those that tie with the last one.
        """
        folder, rows = self._folder(drop.as_of), 0
        number = len(self._of(drop.as_of))
        left = _next(pieces)
        while left is not None:
            number += 1
            target = folder / f"{number:05d}.parquet"
            with _written(target, left.schema) as out:
                count, left = _fill(out, left, pieces, chunk_rows)
            rows += count
        return rows

    def end(self, drop: Drop) -> None:
        """Note that `drop` is whole; one without a row may be read again: nothing depends on it."""
        self._note(replace(drop, whole=True))

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
                    next_step="wait for it, then run again",
                ) from None
            yield

    def _folder(self, as_of: date) -> Path:
        return self.folder / f"drop={as_of.isoformat()}"

    def _of(self, as_of: date) -> list[Path]:
        return sorted(self._folder(as_of).glob("[0-9]*.parquet"))

    def _begun(self, before: date) -> list[date]:
        """The days before `before` whose drops were begun."""
        notes = self.folder.glob("drop=*/_drop.json")
        return [day for day in map(_day, notes) if day < before]

    def _was_read(self, as_of: date) -> bool:
        """True where the database was asked to the end, or brought a file at least."""
        known = self.drop(as_of)
        return known is not None and (known.whole or bool(self._of(as_of)))

    def _days(self) -> list[date]:
        """The days with files."""
        return sorted({_day(path) for path in self.files()})

    def _highest(self) -> str | None:
        """Where the last drop ended: it began after all others."""
        landed = self.files()
        return _cursor_to(landed[-1]) if landed else None

    def _note(self, drop: Drop) -> None:
        folder = self._folder(drop.as_of)
        folder.mkdir(parents=True, exist_ok=True)
        with _renamed(folder / "_drop.json") as part:
            part.write_text(json.dumps(asdict(drop), default=str, sort_keys=True), encoding="utf-8")


def _day(path: Path) -> date:
    return date.fromisoformat(path.parent.name.removeprefix("drop="))


def _cursor_to(path: Path) -> str:
    return str(pq.read_metadata(path).metadata[_RANGE.encode()].decode())


def _next(pieces: Iterator[pa.Table]) -> pa.Table | None:
    """The next piece that holds a row."""
    return next((piece for piece in pieces if piece.num_rows), None)


def _fill(
    out: pq.ParquetWriter, piece: pa.Table, pieces: Iterator[pa.Table], chunk_rows: int
) -> tuple[int, pa.Table | None]:
    """Write rows up to the end of the tie at `chunk_rows`; returns their count and what is left."""
    first, last, rows = piece[CURSOR][0].as_py(), "", 0
    left: pa.Table | None = piece
    while left is not None:
        taken = _taken(left, chunk_rows - rows, last)
        if taken:
            out.write_table(left.slice(0, taken).drop_columns([CURSOR]))
            last = left[CURSOR][taken - 1].as_py()
        rows += taken
        if taken < left.num_rows:
            left = left.slice(taken)
            break
        left = _next(pieces)
    out.add_key_value_metadata({"churn_ml.cursor_from": first, _RANGE: last})
    return rows, left


def _taken(piece: pa.Table, room: int, last: str) -> int:
    """How many rows of `piece` go into the file: `room`, then those that tie with the last one."""
    at = min(max(room, 0), int(piece.num_rows))
    if at == piece.num_rows:
        return at
    tied = piece[CURSOR][at - 1].as_py() if at else last
    other = compute.not_equal(piece[CURSOR].slice(at), tied)
    end = compute.index(other, True).as_py()
    return int(piece.num_rows) if end < 0 else at + int(end)


@contextmanager
def _written(target: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """A Parquet file that gets its name when it is on disk, whole."""
    landed = schema.remove(schema.get_field_index(CURSOR))
    with _renamed(target) as part, pq.ParquetWriter(part, landed, compression="zstd") as out:
        yield out


@contextmanager
def _renamed(target: Path) -> Iterator[Path]:
    """A path to write to, which becomes `target` at the end: flushed to disk first."""
    part = target.with_name(f".{target.name}.part")
    yield part
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
