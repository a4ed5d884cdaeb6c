"""Every kind of source, and the one door to all of them.

Enters: churn.toml. Leaves: one `Source` over every `[sources.TABLE]`, each opened by the adapter
that its `kind` names. A new source is a file in this folder and a row here; a public data set that
is files brings a preset: what its columns mean.

Worked example: orders come from the shop's database (`kind = "postgres"`), its consents as files;
`open_source` lists the lots of both, and hands each lot to the adapter that found it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, Any

from churn_ml.errors import BadConfig, BadInput
from churn_ml.sources.protocol import Entry, Lot, Preset, Source
from churn_ml.tables import SOURCE_TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.config import Config, SourceTable


@dataclass(frozen=True)
class Kind:
    """One kind of source: what it reads, its adapter `MODULE:CLASS`, and its preset's module.

    An adapter is called with the entries of its kind, the config and the URLs of connections.
    """

    about: str
    adapter: str
    preset: str | None = None


_FILES = "churn_ml.sources.files:FilesSource"

SOURCES: Mapping[str, Kind] = {
    "files": Kind("CSV, Parquet or JSON lines, local or in an object store", _FILES),
    "postgres": Kind(
        "a PostgreSQL database, by a cursor", "churn_ml.sources.postgres:PostgresSource"
    ),
    "complete_journey": Kind(
        "the demo shop: a grocer's year 2017, laid out as daily drops",
        _FILES,
        "churn_ml.sources.complete_journey",
    ),
    "cdnow": Kind(
        "CDNOW: the text file of a music shop's purchases, 1997 to 1998",
        _FILES,
        "churn_ml.sources.cdnow",
    ),
    "online_retail": Kind(
        "UCI Online Retail II: a gift wholesaler's invoice lines, 2009 to 2011",
        _FILES,
        "churn_ml.sources.online_retail",
    ),
}
"""Kind -> what it is."""


def open_source(config: Config, *, connections: Mapping[str, str] | None = None) -> Source:
    """Everything that [sources] names, as one source.

    `connections`: the URL of each connection that an entry names, resolved by the door. Raises
    BadConfig where a kind is not known or a mapping cannot be meant.

    >>> from churn_ml.config import from_text
    >>> open_source(from_text('[shop]\\nname = "s"\\ncurrency = "EUR"')).lots()
    []
    """
    entries = [
        entry for name in SOURCE_TABLES for entry in entries_of(name, config.sources.get(name, ()))
    ]
    kinds = dict.fromkeys(entry.told.kind for entry in entries)
    parts = {
        kind: _adapter(kind)(
            [entry for entry in entries if entry.told.kind == kind], config, connections or {}
        )
        for kind in kinds
    }
    return _Together(parts, {(entry.table, entry.number): entry.told.kind for entry in entries})


def entries_of(name: str, sources: Sequence[SourceTable]) -> list[Entry]:
    """The entries of table `name`, each with what its kind's preset says where it says nothing."""
    return [_entry(name, number, told) for number, told in enumerate(sources)]


def resolved(name: str, sources: Sequence[SourceTable]) -> tuple[SourceTable, ...]:
    """What holds for each entry of table `name`, presets included: what `validate` reads by."""
    return tuple(entry.told for entry in entries_of(name, sources))


def kind_of(name: str, told: SourceTable) -> Kind:
    """The kind of one entry of table `name`; raises BadConfig with the known ones otherwise."""
    if told.kind not in SOURCES:
        raise BadConfig(
            f"there is no kind of source {told.kind!r}",
            where=f"[sources.{name}] kind",
            got=told.kind,
            expected=f"one of {', '.join(SOURCES)}",
            next_step="correct the name; churn-ml source list says what each reads;"
            " then: churn-ml config check",
        )
    return SOURCES[told.kind]


def _entry(name: str, number: int, told: SourceTable) -> Entry:
    """One entry, its kind's preset laid under it."""
    module = kind_of(name, told).preset
    if module is None:
        return Entry(name, number, told)
    preset: Preset = import_module(module).preset()
    if name not in preset.tables:
        raise BadConfig(
            f"{told.kind} brings no table {name}",
            where=f"[sources.{name}] kind",
            expected=f"one of {', '.join(preset.tables)}",
            next_step='remove the section, or write kind = "files" and its columns;'
            " then: churn-ml config check",
        )
    own = {field: getattr(told, field) for field in told.model_fields_set}
    return Entry(
        name,
        number,
        preset.tables[name].model_copy(update=own),
        preset.aliases,
        preset.prepared.get(name),
        preset.as_csv,
    )


def _adapter(kind: str) -> Any:
    module, name = SOURCES[kind].adapter.split(":")
    return getattr(import_module(module), name)


class _Together:
    """Several sources as one: each lot is read by the adapter that its entry's kind names."""

    def __init__(self, parts: Mapping[str, Source], kinds: Mapping[tuple[str, int], str]) -> None:
        self._parts, self._kinds = parts, kinds

    @property
    def left_out(self) -> Mapping[str, int]:
        total: Counter[str] = Counter()
        for part in self._parts.values():
            total.update(part.left_out)
        return total

    def land(self, as_of: date, *, say: Callable[[str], None], anew: bool = False) -> None:
        for part in self._parts.values():
            part.land(as_of, say=say, anew=anew)

    def lots(self) -> list[Lot]:
        found = [lot for part in self._parts.values() for lot in part.lots()]
        return sorted(found, key=_order)

    def batches(self, lots: Sequence[Lot]) -> Iterator[pa.Table]:
        names = {lot.table for lot in lots}
        if len(names) != 1:
            raise BadInput(
                "lots of one table are read at a time",
                got=", ".join(sorted(names)) or "no lot",
                expected="lots of one table",
            )
        for kind, mine in groupby(lots, key=lambda lot: self._kinds[lot.table, lot.entry]):
            yield from self._parts[kind].batches(list(mine))


def _order(lot: Lot) -> tuple[int, date, str, int]:
    return SOURCE_TABLES.index(lot.table), lot.drop_on or date.min, lot.where, lot.entry
