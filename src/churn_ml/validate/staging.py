"""Where judged rows wait: Parquet files of one attempt, read back sorted, never whole in memory.

Enters: the rows of one batch after the other, and a folder that lives as long as the attempt.
Leaves: a `Staged`: how many rows there are, and a stream of them in the order of their key. Sorting
and the search for double keys are DuckDB's, which spills to that folder above `MEMORY`.

Worked example: the 1,469,307 lines of 2017 come in three batches, wait in three files, and leave as
one stream sorted by order, product and line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from churn_ml.clock import literal

MEMORY = "768MB"
"""What DuckDB may take before it spills."""
STREAM_ROWS = 100_000


@dataclass(frozen=True)
class Staged:
    """Rows that wait in `files`, without those whose number stands in the files `without`."""

    folder: Path
    files: tuple[Path, ...]
    schema: pa.Schema
    order: tuple[str, ...]
    rows: int
    without: tuple[Path, ...] = ()

    def batches(self) -> pa.RecordBatchReader:
        """The rows sorted by `order`, as a stream; every call begins anew.

        >>> import tempfile
        >>> stage = Stage(Path(tempfile.mkdtemp()))
        >>> stage.add(pa.table({"a": [2, 1]}))
        >>> stage.done(stage.schema, ("a",)).batches().read_all()["a"].to_pylist()
        [1, 2]
        """
        return pa.RecordBatchReader.from_batches(self.schema, self._sorted())

    def _sorted(self) -> Iterator[pa.RecordBatch]:
        if not self.files:
            return
        names = ", ".join(f'"{name}"' for name in self.schema.names)
        by = ", ".join(f'"{name}"' for name in self.order)
        out = f"where row not in (select row from {parquet(self.without)})" if self.without else ""
        query = f"select {names} from {parquet(self.files)} {out} order by {by}"
        with database(self.folder) as con:
            for batch in con.sql(query).to_arrow_reader(STREAM_ROWS):
                yield batch.cast(self.schema)


class Stage:
    """A folder that takes tables of one schema, one file each."""

    def __init__(self, folder: Path) -> None:
        """Take files below `folder`, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.files: list[Path] = []
        self.rows = 0

    def add(self, rows: pa.Table) -> None:
        """Put `rows` into a file of their own; none make no file."""
        if not rows.num_rows:
            return
        path = self.folder / f"{len(self.files):06}.parquet"
        pq.write_table(rows, path, compression="lz4", write_statistics=False)
        self.files.append(path)
        self.rows += rows.num_rows

    @property
    def schema(self) -> pa.Schema:
        """The schema of the files; there has to be one."""
        schema: pa.Schema = pq.read_schema(self.files[0])
        return schema

    def done(
        self,
        schema: pa.Schema,
        order: tuple[str, ...],
        *,
        without: Sequence[Path] = (),
        dropped: int = 0,
    ) -> Staged:
        """What was put in, as a stream with the columns of `schema`.

        `without` are Parquet files whose `row` names the rows to leave out, `dropped` of them.
        """
        left = self.rows - dropped
        return Staged(self.folder, tuple(self.files), schema, order, left, tuple(without))


def together(parts: Sequence[Staged]) -> Staged:
    """Rows of one schema and order, staged in several places, as one.

    >>> import tempfile
    >>> stages = [Stage(Path(tempfile.mkdtemp())) for _ in "ab"]
    >>> for number, stage in enumerate(stages):
    ...     stage.add(pa.table({"a": [number]}))
    >>> together([stage.done(stage.schema, ("a",)) for stage in stages]).rows
    2
    """
    first = parts[0]
    files = tuple(file for part in parts for file in part.files)
    rows = sum(part.rows for part in parts)
    return Staged(first.folder, files, first.schema, first.order, rows)


@contextmanager
def database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own that spills below `folder`, and forgets the order rows came in."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"set memory_limit = '{MEMORY}'")
        con.execute(f"set temp_directory = {literal(str(folder / 'spill'))}")
        con.execute("set preserve_insertion_order = false")
        yield con


def parquet(files: Sequence[Path]) -> str:
    """SQL for the rows of `files`.

    >>> parquet([Path("/stage/0.parquet")])
    "read_parquet(['/stage/0.parquet'])"
    """
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"
