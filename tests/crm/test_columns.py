"""Cells that are alike stand once, and rows that are alike are found, however many kinds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_ml.crm import columns
from churn_ml.crm.columns import Column, alike


@pytest.mark.parametrize("kind", [object, "str"])
def test_texts_come_back_as_they_were_and_a_missing_one_as_none(kind: type | str) -> None:
    texts = ["b", "", None, "王", "b", "é", "e\u0301"]
    column = Column.of(pd.Series(texts, dtype=kind))
    assert column.at(range(7)) == texts
    assert len(column.cells) == 6


def test_numbers_come_back_as_pythons_without_a_negative_zero() -> None:
    column = Column.of(pd.Series([-0.0, 0.5, np.nan, 0.0]))
    assert str(column.at(range(4))) == "[0.0, 0.5, None, 0.0]"
    assert {type(cell) for cell in column.cells} == {float, type(None)}


@pytest.mark.parametrize("most", [2**62, 1])
def test_rows_are_alike_that_say_the_same_in_every_column(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where a number is too small to tell all kinds apart and they are counted between."""
    monkeypatch.setattr(columns, "_MOST", most)
    draw = np.random.default_rng(7)
    cells = [[str(cell) for cell in draw.integers(0, size, 200)] for size in (1, 2, 3, 5)]
    kinds, one = alike([Column.of(pd.Series(column)) for column in cells])
    rows = list(zip(*cells, strict=True))
    assert [rows[one[kind]] for kind in kinds] == rows
    assert len({rows[number] for number in one}) == len(one) == len(set(rows))


def test_of_no_rows_none_are_alike() -> None:
    kinds, one = alike([Column.of(pd.Series([], dtype=object))] * 2)
    assert (len(kinds), len(one)) == (0, 0)
