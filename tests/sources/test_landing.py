"""Files of the landing zone: what is in each does not depend on how the rows arrived."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_ml.sources.landing import CURSOR, Landing

ROWS = list(zip(range(1, 9), "aabbbcdd", strict=True))


@pytest.mark.parametrize(
    "sizes", [[8], [2, 6], [2, 3, 3], [3, 5], [5, 1, 2], [1] * 8, [2, 0, 6]], ids=str
)
def test_files_end_where_the_cursor_changes_however_the_pieces_are_cut(
    tmp_path: Path, sizes: list[int]
) -> None:
    whole = pa.table({"id": [i for i, _ in ROWS], CURSOR: [cursor for _, cursor in ROWS]})
    starts = [sum(sizes[:n]) for n in range(len(sizes))]
    pieces = (whole.slice(at, size) for at, size in zip(starts, sizes, strict=True))
    zone = Landing(tmp_path)
    drop = zone.begin(date(2017, 10, 1), {"id": "int64"})
    assert drop is not None
    assert zone.land(drop, pieces, chunk_rows=2) == 8
    found = [pq.read_table(path)["id"].to_pylist() for path in zone.files()]
    assert found == [[1, 2], [3, 4, 5], [6, 7, 8]]
    assert zone.reached(drop) == "d"
