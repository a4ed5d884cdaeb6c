"""A PostgreSQL database as lots: what is new in it is landed as files, and read from there.

Enters: `[sources.TABLE]` with kind postgres. Leaves: lots, one a landed file, read as every file of
the shop is. `land` asks the database for the rows behind the last one landed and before the as_of;
`lots` and `batches` never speak to it, so that a re-run reads what the first run read.

Worked example: the ingest of 2017-10-01 lands the orders created before that day began, in files of
100,000 rows; it is killed in the fourth. Run again, it goes on behind the third. The ingest of
2017-10-02 asks for what was created after the last of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from churn_ml.config import Config
from churn_ml.connections import from_environment
from churn_ml.sources import postgres_rows as rows_of
from churn_ml.sources.files import FilesSource
from churn_ml.sources.landing import Drop, Landing
from churn_ml.sources.mapped import Mapped
from churn_ml.sources.postgres_rows import KNOWN_AT, Read, Span
from churn_ml.sources.postgres_settings import check_alike, check_settings
from churn_ml.sources.protocol import Entry, Lot
from churn_ml.sources.session import for_libpq, opened, place_of

GLIMPSE_SECONDS = 30
"""What a statement of a mere look may take of the shop's database."""


class PostgresSource:
    """The tables and queries of some databases, as a `Source`."""

    def __init__(
        self, entries: Sequence[Entry], config: Config, connections: Mapping[str, str]
    ) -> None:
        """Take `entries` of kind postgres; `connections` has the URL of each that they name."""
        self._entries, self._config, self._connections = entries, config, connections
        for entry in entries:
            check_settings(entry.table, entry.told)
        for same in self._together():
            check_alike(same)
        self._files = FilesSource([], config, {})

    @property
    def left_out(self) -> Mapping[str, int]:
        """Rows that `where` left out, by table, in the batches read so far."""
        return self._files.left_out

    def land(self, as_of: date, *, say: Callable[[str], None], anew: bool = False) -> None:
        """Land every row behind the last one landed that the databases have before `as_of`.

        What was landed for `as_of` stays as it is, unless it is to be read `anew`. Raises
        Unreachable where a database does not answer: run again, it goes on where it stopped.
        """
        for same in self._together():
            count = self._land(same, as_of, anew)
            say(f"  {same[0].table}: {count} rows landed")

    def glimpse(self, as_of: date, most: int) -> None:
        """Land the first `most` rows of each, in a lake of its own that nothing is published from.

        Raises Unreachable where a statement takes longer than `GLIMPSE_SECONDS`.
        """
        for same in self._together():
            self._land(same, as_of, anew=False, most=most)

    def about(self, as_of: date) -> int:
        """About how many rows there are before `as_of`; raises as `glimpse` does."""
        there = 0
        for same in self._together():
            read, every = self._read(same), Span(None, as_of, None, self._config.shop.time_zone)
            with opened(self._url(same[0]), read.name, seconds=GLIMPSE_SECONDS) as connection:
                kinds = rows_of.types_of(connection, read)
                there += rows_of.about(connection, read, kinds, every)
        return there

    def lots(self) -> list[Lot]:
        """Every landed file; none where nothing was landed yet."""
        self._files = FilesSource(
            [e for e in map(self._as_files, self._entries) if e], self._config, {}
        )
        return self._files.lots()

    def batches(self, lots: Sequence[Lot]) -> Iterator[pa.Table]:
        """The rows of `lots`, of `lots()`, as `protocol.Source` says."""
        undated = pa.array(sorted(lot.id for lot in lots if self._undated(lot)), pa.string())
        for batch in self._files.batches(lots):
            yield _without_drop(batch, undated) if len(undated) else batch

    def _together(self) -> list[list[Entry]]:
        """The entries by what they read: those that read the same of the same are landed once."""
        together: dict[str, list[Entry]] = {}
        for entry in self._entries:
            together.setdefault(str(self._landing(entry).folder), []).append(entry)
        return list(together.values())

    def _land(
        self, entries: Sequence[Entry], as_of: date, anew: bool, most: int | None = None
    ) -> int:
        landing, read = self._landing(entries[0]), self._read(entries)
        url = self._url(entries[0])
        seconds = None if most is None else GLIMPSE_SECONDS
        with landing.alone(), opened(url, read.name, seconds=seconds) as connection:
            kinds = rows_of.types_of(connection, read)
            drop = landing.begin(as_of, kinds, anew=anew)
            if drop is None:
                return 0
            span = self._span(landing, drop)
            pieces = rows_of.pieces(connection, read, kinds, span, most=most)
            count = landing.land(drop, pieces, chunk_rows=entries[0].told.chunk_rows)
            landing.end(drop)
        return count

    def _span(self, landing: Landing, drop: Drop) -> Span:
        """What is still to be read of `drop`."""
        reached = landing.reached(drop)
        return Span(
            after=reached or drop.after,
            as_of=drop.as_of,
            before=drop.before,
            shop_zone=self._config.shop.time_zone,
            resumed=reached is not None,
        )

    def _read(self, entries: Sequence[Entry]) -> Read:
        """What `entries`, which read the same of the same, want of it together."""
        told = entries[0].told
        relation = rows_of.quoted(*(told.table or "").split("."))
        if told.query:  # on lines of its own: a comment at its end ends there
            relation = "(\n" + told.query.replace("%", "%%") + "\n)"
        columns = {name for entry in entries for name in Mapped(entry).wanted}
        return Read(
            name=entries[0].table,
            relation=relation,
            columns=tuple(sorted(columns)),
            cursor=told.cursor or "",
            zone=told.time_zone or self._config.shop.time_zone,
            overlap=told.overlap,
        )

    def _landing(self, entry: Entry) -> Landing:
        told = entry.told
        database = told.connection or place_of(told.url or "")
        asked = json.dumps([told.table, told.query, told.cursor, database])
        folder = self._config.path(self._config.paths.lake) / "landed" / entry.table
        return Landing(folder / hashlib.sha256(asked.encode()).hexdigest()[:8])

    def _as_files(self, entry: Entry) -> Entry | None:
        """The entry as one of files: those landed. None where there is none yet."""
        landing = self._landing(entry)
        landing.mend()
        found = landing.files()
        if not found:
            return None
        known_at = entry.told.known_at
        if known_at is None and KNOWN_AT in pq.read_schema(found[-1]).names:
            known_at = KNOWN_AT
        files = str(landing.folder.absolute() / "drop=*" / "*.parquet")
        return replace(
            entry, told=entry.told.model_copy(update={"files": files, "known_at": known_at})
        )

    def _undated(self, lot: Lot) -> bool:
        """True for a first drop by whole numbers: its rows were there long before, as they say."""
        entry = next(e for e in self._entries if (e.table, e.number) == (lot.table, lot.entry))
        if entry.told.known_at or "occurred_at" not in {
            *entry.told.columns,
            *entry.told.expressions,
        }:
            return False
        first = self._landing(entry).drop(lot.drop_on) if lot.drop_on else None
        return first is not None and first.before is None and KNOWN_AT not in _names(lot)

    def _url(self, entry: Entry) -> str:
        """The URL to open, as libpq wants it. It may hold a password: it is never shown."""
        told, where = entry.told, f"[sources.{entry.table}]"
        url = self._config.url(told.url or "")
        if told.connection:
            url = self._connections.get(told.connection) or from_environment(
                told.connection, where, "postgresql://..."
            )
        return for_libpq(url, where)


def _names(lot: Lot) -> list[str]:
    return list(pq.read_schema(lot.where).names)


def _without_drop(batch: pa.Table, undated: pa.Array) -> pa.Table:
    """`batch` whose rows of the lots `undated` have no drop date: they count from their event."""
    from pyarrow import compute

    none = pa.scalar(None, pa.date32())
    drops = compute.if_else(compute.is_in(batch["lot"], undated), none, batch["drop_on"])
    return batch.set_column(batch.column_names.index("drop_on"), "drop_on", drops)
