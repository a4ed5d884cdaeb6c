"""Files of a shop as lots: CSV, CSV.gz and Parquet under the column mapping of churn.toml.

Enters: `[sources.TABLE]` (a glob, and which of our columns is which of theirs). Leaves: lots with
their sha256 and drop date, and their rows under our names. A file is read whole or not at all: a
truncated gzip, a missing column or a broken row raises `BadInput` that names table, file, column
and the next step, and no row of any lot of that call is returned.

Worked example, continued from `protocol`: `drops/orders/drop=2017-10-01/orders.csv.gz` holds the
orders of 2017-09-30. `lots()` hashes it and finds its drop date in the path; `read` returns its
column `basket_id` as our `order_id`, with `lot`, `lot_row` (from 1) and `drop_on` beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from churn_ml.config import Config, SourceTable
from churn_ml.errors import BadConfig, BadInput
from churn_ml.sources.formats import read_bytes
from churn_ml.sources.native import plain
from churn_ml.sources.protocol import Lot
from churn_ml.tables import SOURCE_TABLES, table

_DROP = re.compile(r"^drop=(.*)$")


class FilesSource:
    """The files that churn.toml names, as a `Source`.

    >>> from churn_ml.config import from_text
    >>> config = from_text('[shop]\\nname = "s"\\ncurrency = "EUR"')
    >>> FilesSource(config).lots()
    []
    """

    def __init__(self, config: Config) -> None:
        """Take the sources of `config`; raises BadConfig where a mapping cannot be meant."""
        self._config = config
        for name, sources in config.sources.items():
            for source in sources:
                check_mapping(name, source)

    def lots(self) -> list[Lot]:
        """Every lot of every configured table, sorted by table, drop date and path.

        The same bytes dropped twice on one day are one lot. Raises BadInput where a table's glob
        matches no file (a glob with a typing error would silently lose, say, the consents).
        """
        names = [name for name in SOURCE_TABLES if name in self._config.sources]
        return [lot for name in names for lot in self._lots_of(name)]

    def read(self, lots: Sequence[Lot]) -> pa.Table:
        """The rows of `lots`, all of one table, in the order of `lots` and of the files.

        Returns the mapped columns under our names (text or native), then `lot`, `lot_row` and
        `drop_on`; one row per row of the files. Raises BadInput where a file is not what the
        mapping promises, or changed since `lots()` hashed it.
        """
        names = {lot.table for lot in lots}
        if len(names) != 1:
            raise BadInput(
                "lots of one table are read at a time",
                got=", ".join(sorted(names)) or "no lot",
                expected="lots of one table",
            )
        columns = theirs(self._config.sources[names.pop()][0])
        return _concat([(lot, _read_lot(lot, columns)) for lot in lots])

    def _lots_of(self, name: str) -> list[Lot]:
        pattern = self._config.sources[name][0].files or ""
        found = sorted(_glob(self._config.root, pattern))
        if not found:
            raise BadInput(
                f"no file for table {name}",
                where=f"[sources.{name}] files",
                got=str(self._config.path(pattern)),
                expected="at least one file",
                next_step="correct the glob, or remove the section if the shop has no such table",
            )
        lots = [_lot(name, path) for path in found]
        lots.sort(key=lambda lot: (lot.drop_on or date.min, str(lot.path)))
        first = {lot.sha256: lot for lot in reversed(lots)}
        return [lot for lot in lots if first[lot.sha256] is lot]


def theirs(source: SourceTable) -> dict[str, str]:
    """Our column -> their column, with `known_at` beside the mapped ones.

    >>> from churn_ml.config import SourceTable
    >>> theirs(SourceTable(files="*.csv", columns={"order_id": "no"}, known_at="exported_at"))
    {'order_id': 'no', 'known_at': 'exported_at'}
    """
    return source.columns | ({"known_at": source.known_at} if source.known_at else {})


def check_mapping(name: str, source: SourceTable) -> None:
    """Raise BadConfig where a mapping names a column that `name` lacks, or misses a required one.

    `occurred_at` may be absent: the row then counts from when it was known.
    """
    ours = table(name).mapped
    known = {c.name for c in ours}
    mapped = set(source.columns) | set(source.constants)
    for unknown in sorted((mapped | set(source.values)) - known):
        raise BadConfig(
            f"table {name} has no column {unknown!r} to map",
            where=f"[sources.{name}.columns]",
            got=unknown,
            expected=f"one of {', '.join(sorted(known))}",
            next_step="correct the name; known_at stands in [sources.TABLE] itself",
        )
    for both in sorted(set(source.columns) & set(source.constants)):
        raise BadConfig(
            f"column {both!r} of table {name} is mapped and has a constant, too",
            where=f"[sources.{name}]",
            got=f"columns.{both} = {source.columns[both]!r}, constants.{both}",
            expected="one of them",
            next_step="remove one of them",
        )
    given = mapped | {"occurred_at"} | {c.name for c in ours if c.default is not None}
    given |= {"currency"} - set(table(name).key)
    for missing in [c.name for c in ours if c.required and c.name not in given]:
        raise BadConfig(
            f"column {missing!r} of table {name} is required and not mapped",
            where=f"[sources.{name}.columns]",
            expected=f"{missing} = <their column>",
            next_step=f"map it, or give it one value in [sources.{name}.constants]",
        )


def drop_date(path: Path) -> date | None:
    """The day in the path part `drop=YYYY-MM-DD` nearest to the file, if there is one.

    >>> drop_date(Path("drops/orders/drop=2017-10-01/orders.csv.gz"))
    datetime.date(2017, 10, 1)
    >>> drop_date(Path("orders.csv")) is None
    True
    """
    for part in reversed(path.parts[:-1]):
        if (match := _DROP.match(part)) is None:
            continue
        try:
            return datetime.strptime(match[1], "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise BadInput(
                f"the drop date of {path} is not a date",
                got=part,
                expected="drop=YYYY-MM-DD",
                next_step="rename the folder",
            ) from None
    return None


def identity(data: bytes, drop_on: date | None) -> str:
    """The sha256 of a delivery: the file's bytes, after the drop date where it has one.

    A price list that is dropped again unchanged is a delivery of its own: it says that the list
    holds again. Without a drop date it is what `sha256sum FILE` prints.

    >>> identity(b"", None)[:16], identity(b"", date(2017, 10, 1))[:16]
    ('e3b0c44298fc1c14', ...)
    """
    dated = f"drop={drop_on.isoformat()}\n".encode() if drop_on else b""
    digest = hashlib.sha256(dated)
    digest.update(data)
    return digest.hexdigest()


def _glob(root: Path, pattern: str) -> Iterable[Path]:
    """Files that match; names that begin with a dot or underscore are still being written."""
    absolute = Path(pattern)
    if absolute.is_absolute():
        root, pattern = Path(absolute.anchor), str(absolute.relative_to(absolute.anchor))
    return (p for p in root.glob(pattern) if p.is_file() and p.name[0] not in "._")


def _lot(name: str, path: Path) -> Lot:
    drop_on = drop_date(path)
    return Lot(name, path, drop_on, identity(path.read_bytes(), drop_on))


def _read_lot(lot: Lot, columns: dict[str, str]) -> pa.Table:
    """One lot's rows under our names, with the lot columns beside them."""
    data = lot.path.read_bytes()
    if identity(data, lot.drop_on) != lot.sha256:
        raise lot.refused(
            "the file changed after it was listed",
            expected=f"sha256 {lot.sha256[:16]}...",
            next_step="drop files whole: write to a name that starts with '.', then rename",
        )
    rows = read_bytes(data, lot, sorted(set(columns.values())))
    count = rows.num_rows
    own = {ours: plain(rows[name], ours, lot, name) for ours, name in columns.items()}
    drop_on = pa.scalar(lot.known_on or lot.drop_on, pa.date32())
    return pa.table(
        own
        | {
            "lot": pa.repeat(lot.id, count),
            "lot_row": pa.array(np.arange(1, count + 1)),
            "drop_on": pa.repeat(drop_on, count),
        }
    )


def _concat(parts: list[tuple[Lot, pa.Table]]) -> pa.Table:
    """All lots below each other; raises BadInput where a column changed its type between two."""
    try:
        return pa.concat_tables([rows for _, rows in parts], promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        first = parts[0][1].schema
    for lot, rows in parts:
        for name in first.names:
            if not rows.schema.field(name).type.equals(first.field(name).type):
                raise lot.refused(
                    f"column {name!r} changed its type between two files",
                    column=name,
                    got=str(rows.schema.field(name).type),
                    expected=f"{first.field(name).type}, as in {parts[0][0].path}",
                    next_step="export the column with one type in every file",
                )
    raise BadInput(f"the files of table {parts[0][0].table} do not fit together")
