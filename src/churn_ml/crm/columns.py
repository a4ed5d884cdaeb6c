"""Columns of an export: a million cells of which many are alike, so each different one stands once.

Enters: columns of a table. Leaves: for each its different cells and which of them every row has,
and which rows are alike in several columns. What is made of cells (their JSON, a hash) is then made
once for all rows that are alike.

Worked example: three customers, of whom `h1` and `h3` are silent and nothing is known of `h2`.

>>> import pandas as pd
>>> stage = Column.of(pd.Series(["silent", None, "silent"]))
>>> stage.cells, stage.at([0, 1, 2])
(['silent', None], ['silent', None, 'silent'])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from churn_ml.crm.protocol import Cell

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

_MOST = 2**62
"""Kinds of rows that a number can tell apart, with room for the sign."""


@dataclass(frozen=True)
class Column:
    """The different `cells` of a column, as Python's values, and for every row the place of its."""

    codes: NDArray[np.int32]
    cells: Sequence[Cell]

    @classmethod
    def of(cls, values: pd.Series) -> Column:
        """The column of one value a row; a missing one is None, and a negative zero is zero.

        >>> import pandas as pd
        >>> Column.of(pd.Series([0.25, float("nan"), -0.0, 0.25])).cells
        [0.25, 0.0, None]
        """
        codes, found = values.factorize()
        told: list[Cell] = found.tolist()  # type: ignore[assignment] # of texts and numbers
        cells = [cell + 0.0 if isinstance(cell, float) else cell for cell in told]
        missing = codes < 0
        if missing.any():
            codes[missing] = len(cells)
            cells.append(None)
        return cls(codes.astype(np.int32), cells)

    def at(self, rows: ArrayLike) -> list[Cell]:
        """The cells of the rows with these numbers, from 0."""
        return [self.cells[code] for code in self.codes[np.asarray(rows, np.intp)].tolist()]


def alike(columns: Sequence[Column]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which rows say the same in all `columns`, of which there is one at least.

    Returns: the number of every row's kind, from 0, and of every kind the number of a row of it.

    >>> import pandas as pd
    >>> kinds, one = alike([Column.of(pd.Series(list("aab"))), Column.of(pd.Series(list("xxy")))])
    >>> kinds.tolist(), one.tolist()
    ([0, 0, 1], [1, 2])
    """
    import pandas as pd

    kinds, many = np.zeros(len(columns[0].codes), np.int64), 1
    for column in columns:
        if many * len(column.cells) > _MOST:
            kinds, found = pd.factorize(kinds)
            many = len(found)
        many *= max(len(column.cells), 1)
        kinds = kinds * len(column.cells) + column.codes
    numbers, found = pd.factorize(kinds)
    rows = np.empty(len(found), np.intp)
    rows[numbers] = np.arange(len(numbers))
    return numbers, rows
