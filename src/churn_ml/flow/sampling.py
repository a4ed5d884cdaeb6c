"""A sample of a table's lots: some of them, spread over time, and of these some rows.

Enters: a source and its lots. Leaves: rows as the source reads them. A database of which nothing is
landed yet is asked for its first rows: they are landed in a folder that is thrown away. Worked
example: of 273 daily
files with 5,026 orders a hundred are read, the first and the last among them, whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.config import Config
    from churn_ml.sources.protocol import Lot, Source

MOST_LOTS = 100
"""A sample comes from this many lots at most."""
MOST_BYTES = 64 * 2**20
"""Of large lots fewer are taken: about this much, three at least."""


@dataclass(frozen=True)
class Glimpse:
    """Settings by which a table's sample is read, with what was landed for it alone."""

    config: Config
    larger: float = 1.0
    """All rows over those landed."""
    seconds: float = 0.0
    """What landing them took."""


def glimpse(
    config: Config, name: str, folder: Path, as_of: date, most: int, clock: Callable[[], float]
) -> Glimpse:
    """The first `most` rows of the databases of table `name`, landed in a lake below `folder`.

    `config` itself where the table has no database, or rows of it are landed already.
    """
    from churn_ml.sources import entries_of
    from churn_ml.sources.postgres import PostgresSource

    entries = [e for e in entries_of(name, config.sources[name]) if e.told.kind == "postgres"]
    if not entries or PostgresSource(entries, config, {}).lots():
        return Glimpse(config)
    paths = config.paths.model_copy(update={"lake": str(folder / f"glimpse-{name}")})
    away = config.model_copy(update={"paths": paths})
    source, start = PostgresSource(entries, away, {}), clock()
    source.glimpse(as_of, most)
    took = clock() - start
    lots = source.lots()
    landed = sum(batch.num_rows for batch in source.batches(lots)) if lots else 0
    return Glimpse(away, max(1.0, source.about(as_of) / max(1, landed)), took)


def of_lots(lots: Sequence[Lot]) -> list[Lot]:
    """The lots that a sample is taken from.

    >>> of_lots([])
    []
    """
    each = size(lots) / max(1, len(lots))
    return spread(lots, min(MOST_LOTS, max(3, int(MOST_BYTES / max(1.0, each)))))


def of_rows(source: Source, lots: Sequence[Lot], most: int) -> Iterator[tuple[pa.Table, int]]:
    """About `most` rows of `lots`, evenly spread, batch by batch; with each, how many it has."""
    for lot in lots:
        for batch in source.batches([lot]):
            yield batch.take(spread(range(batch.num_rows), -(-most // len(lots)))), batch.num_rows


def by_entry(parts: Sequence[pa.Table]) -> list[pa.Table]:
    """The parts as one batch for each entry of [sources]."""
    import pyarrow as pa

    filled = [part for part in parts if part.num_rows]
    return [
        pa.concat_tables(group, promote_options="permissive")
        for _, group in groupby(filled, key=lambda part: part["entry"][0].as_py())
    ]


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most `most` of `items`, evenly spread, first and last among them.

    >>> spread(range(100), 4), spread("ab", 4)
    ([0, 33, 66, 99], ['a', 'b'])
    """
    if len(items) <= most:
        return list(items)
    step = (len(items) - 1) / max(1, most - 1)
    return [items[int(place * step)] for place in range(most)]


def size(lots: Sequence[Lot]) -> int:
    """The size of `lots`; where not all are files of this machine, each counts as much."""
    files = [Path(lot.where) for lot in lots]
    return sum(f.stat().st_size for f in files) if all(f.is_file() for f in files) else len(lots)
