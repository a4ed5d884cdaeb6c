"""A look into a folder of files: which belong together, and what their columns hold.

Enters: a folder. Leaves: one `Sample` per group of files that differ only in drop date or number,
with the first values of the first file. Worked example: 30 files `sales_2017-09-01.csv` to
`sales_2017-09-30.csv` are one sample with the glob `sales_[0-9]*.csv`.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from churn_ml.errors import BadInput
from churn_ml.sources import delimited
from churn_ml.sources.formats import SUFFIXES

_HEAD_BYTES = 2**18
_HEAD_ROWS = 1000


@dataclass(frozen=True)
class Sample:
    """Files that belong together: their glob, the first values of each column, their encoding."""

    pattern: str
    files: int
    columns: dict[str, list[str]]
    encoding: str = "utf-8"


def samples_of(folder: Path) -> list[Sample]:
    """The files below `folder`, grouped by what differs between them: drop dates and numbers.

    Names that begin with a dot or underscore, and the lake and exports of churn_ml itself, are left
    out. Raises BadInput where nothing is left.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for day in ("01", "02"):
    ...     _ = (folder / f"sales_2017-10-{day}.csv").write_text("no,date\\n1,2017-10-01\\n")
    >>> samples_of(folder)
    [Sample(pattern='sales_[0-9]*.csv', files=2, columns={'no': ['1'], ...}, encoding='utf-8')]
    """
    groups: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        readable = path.is_file() and path.name.lower().endswith(SUFFIXES)
        if readable and path.name[0] not in "._" and not _of_ours(path, folder):
            groups.setdefault(_pattern(path.relative_to(folder)), []).append(path)
    if not groups:
        raise BadInput(
            f"there is nothing to read in {folder}",
            expected="CSV, JSON lines or Parquet files",
            next_step="churn-ml init FOLDER, with the folder of the shop's exports",
        )
    return [Sample(pattern, len(paths), *_head(paths[0])) for pattern, paths in groups.items()]


def _of_ours(path: Path, folder: Path) -> bool:
    """True for what churn_ml itself wrote below `folder`: its lake and its exports."""
    above = [part for part in path.parents if part.is_relative_to(folder)]
    return any((part / mark).exists() for part in above for mark in ("_delta_log", "manifest.json"))


def _pattern(path: Path) -> str:
    """A relative path as a glob: `drop=...` and runs of digits become patterns.

    >>> _pattern(Path("drops/orders/drop=2017-10-01/orders-2017-09-30.csv.gz"))
    'drops/orders/drop=*/orders-[0-9]*.csv.gz'
    """
    folders = [re.sub(r"^drop=.*$", "drop=*", part) for part in path.parts[:-1]]
    return "/".join([*folders, re.sub(r"\d+([-_.T]?\d+)*", "[0-9]*", path.name)])


def _head(path: Path) -> tuple[dict[str, list[str]], str]:
    """The columns of a file with their first values as text, and its encoding; or no column."""
    try:
        if path.name.lower().endswith(".parquet"):
            return _parquet_head(path), "utf-8"
        with path.open("rb") as raw:
            packed = path.name.lower().endswith(".gz")
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            data = file.read(_HEAD_BYTES)
        encoding = encoding_of(data)
        text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
        read = _csv_head if ".csv" in path.name.lower() else _json_head
        return read(text), encoding
    except (OSError, EOFError, ValueError, zlib.error, pa.ArrowException):
        return {}, "utf-8"


def encoding_of(data: bytes) -> str:
    """utf-8 where it is, else utf-16 by its mark, else cp1252: a guess.

    >>> encoding_of("thé!".encode("utf-8")), encoding_of("thé!".encode("cp1252"))
    ('utf-8', 'cp1252')
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _parquet_head(path: Path) -> dict[str, list[str]]:
    first = next(pq.ParquetFile(path).iter_batches(batch_size=_HEAD_ROWS), None)
    rows = first.to_pydict() if first is not None else {}
    return {name: [str(v) for v in values if v is not None] for name, values in rows.items()}


def _csv_head(text: str) -> dict[str, list[str]]:
    dialect = delimited.dialect_of(text.encode("utf-8", errors="replace"), [])
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter)
    values: dict[str, list[str]] = {name: [] for name in dialect.header}
    try:
        next(rows, None)
        for _, row in zip(range(_HEAD_ROWS), rows, strict=False):
            for name, value in zip(dialect.header, row, strict=False):
                values[name].append(value)
    except csv.Error:  # the names are worth having, whatever stands below them
        return values
    return values


def _json_head(text: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for line in text.splitlines()[:_HEAD_ROWS]:
        try:
            row = json.loads(line, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):  # the last line of the head may be cut off
            continue
        for name, value in row.items() if isinstance(row, dict) else ():
            values.setdefault(name, []).append(value if isinstance(value, str) else "")
    return values
