"""Rows from an engine as arrays: ids as places, times as numbers, amounts as narrow as they fit.

Enters: Arrow columns. Leaves: a table of numpy arrays, sorted by customer and day, of which the
rows of some customers are a slice. Worked example: the ids "ben", "anna", "ben" are the places
1, 0, 1 of "anna" and "ben".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from churn_ml.features.numbers import Numbers

if TYPE_CHECKING:
    import pyarrow as pa

HALF = np.iinfo(np.int32)
WHEN = np.iinfo(np.int64).min
"""The time of what has none: before every cut."""
UNKNOWN = -1
"""The place of a product that nobody described."""
DAYS = 1 << 20
"""More days than a calendar has: customer and day are sorted as one number."""


@dataclass(frozen=True)
class Table:
    """Rows sorted by customer and day: columns by name, `customer` and `day` among them."""

    columns: Mapping[str, Numbers]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name].values

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def take(self, rows: NDArray[Any] | slice) -> Table:
        """The rows at those places, under that mask or in that slice; itself where it is all."""
        if not isinstance(rows, slice) and rows.dtype == bool and rows.all():
            return self
        return Table({name: column.take(rows) for name, column in self.columns.items()})

    def of(self, first: int, last: int) -> Table:
        """The rows of the customers from place `first` on, before place `last`."""
        customer = self["customer"]
        # of the same type as the column, or all of it would be converted for each search
        return self.take(slice(*np.searchsorted(customer, np.array([first, last], customer.dtype))))


def coded(values: pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int32]]:
    """The distinct values, ascending, and the place of each among them; UNKNOWN of nulls."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = pc.dictionary_encode(pa.chunked_array(values.chunks, type=values.type))
    # the chunks share one dictionary: `unify_dictionaries` would read it anew for each of them
    coded = coded.combine_chunks() if coded.num_chunks else None
    if coded is None or not len(coded):
        return pa.array([], values.type), np.empty(0, dtype=np.int32)
    order = pc.sort_indices(coded.dictionary).to_numpy()
    place = np.full(len(order) + 1, UNKNOWN, dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return coded.dictionary.take(order), place[coded.indices.fill_null(UNKNOWN).to_numpy()]


def held(told: pa.Table) -> dict[str, Numbers]:
    """The columns that are numbers, days or times, as arrays; times as microseconds from 1970."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = {}
    for name, column in zip(told.column_names, told.columns, strict=True):
        if pa.types.is_string(column.type):
            continue
        if pa.types.is_timestamp(column.type):
            whole = column.cast(pa.timestamp("us")).cast(pa.int64()).fill_null(int(WHEN))
            found[name] = Numbers(whole.to_numpy())
        else:
            known = pc.is_valid(column).to_numpy() if column.null_count else None
            empty = False if pa.types.is_boolean(column.type) else 0
            found[name] = Numbers(_narrow(column.fill_null(empty).to_numpy()), known)
    return found


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers in half the room, where they fit."""
    if values.dtype != np.int64 or not len(values):
        return values
    fits = HALF.min <= values.min() and values.max() <= HALF.max
    return values.astype(np.int32) if fits else values


def joined(batches: list[dict[str, Numbers]]) -> dict[str, Numbers]:
    """The rows of all batches, each column let go of once it is joined."""
    found = {}
    for name in tuple(batches[0]):
        parts = [batch.pop(name) for batch in batches]
        known = None
        if any(part.known is not None for part in parts):
            known = np.concatenate([part.mask() for part in parts])
        found[name] = Numbers(np.concatenate([part.values for part in parts]), known)
    return found


def by_customer(columns: dict[str, Numbers]) -> Table:
    """The rows by customer, then day; rows of one day in any order, which no feature asks for."""
    key = columns["customer"].values.astype(np.int64) * DAYS + columns["day"].values
    order = np.argsort(key)
    del key
    # one after the other, each let go of at once: the rows are never in memory twice
    return Table({name: columns.pop(name).take(order) for name in tuple(columns)})
