"""A sample of a table's lots: some of them, spread over time, and of these some rows.

Enters: a source and its lots. Leaves: rows as the source reads them. Worked example: of 273 daily
files with 5,026 orders a hundred are read, the first and the last among them, whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from churn_ml.sources.protocol import Lot, Source

MOST_LOTS = 100
"""A sample comes from this many lots at most."""
MOST_BYTES = 64 * 2**20
"""Of large lots fewer are taken: about this much, three at least."""


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
