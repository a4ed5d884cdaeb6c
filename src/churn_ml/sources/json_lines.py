"""JSON lines to rows: one flat object a line, or the file is refused.

Enters: a file of plain UTF-8. Leaves: the columns wanted, as text exactly as written (`12.50` stays
`12.50`); null and an absent key are null. Refused with `BadInput`: a line that is no object, a
value that is an object or a list, a key twice in one object, a number that JSON does not know
(NaN), a column that no line has. Worked example: `{"no": 1, "client": {"id": 7}}` is refused with
"a value is nested (row 1)"; the export has to write `"client_id": 7`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import IO, Any

import pyarrow as pa

from churn_ml.errors import BadInput
from churn_ml.sources.header import MAX_COLUMNS, actual, check_width
from churn_ml.sources.protocol import Lot
from churn_ml.sources.text import MAX_VALUE_BYTES, too_long

_PART_ROWS = 50_000
_MAX_LINE_BYTES = 8 * 2**20
_CONSTANTS = {True: "true", False: "false", None: None}


def rows_of(
    file: IO[bytes], lot: Lot, columns: list[str], aliases: Mapping[str, tuple[str, ...]]
) -> Iterator[pa.Table]:
    """The `columns` of JSON lines as text; raises BadInput as the module says.

    >>> import io
    >>> lot = Lot("orders", "o.jsonl", None, "0" * 64)
    >>> next(rows_of(io.BytesIO(b'{"no": 1, "sum": 12.50}\\n'), lot, ["no", "sum"], {})).to_pylist()
    [{'no': '1', 'sum': '12.50'}]
    """
    seen: dict[str, None] = {}
    objects = _objects(file, lot)
    while part := list(islice(objects, _PART_ROWS)):
        for row in part:
            seen.update(dict.fromkeys(row))
        check_width(lot, len(seen))
        present = [n for c in columns for n in (c, *aliases.get(c, ())) if n in seen]
        held = {c: next((n for n in present if n in (c, *aliases.get(c, ()))), c) for c in columns}
        yield _table(part, lot, held)
    if seen:
        actual(lot, list(seen), columns, aliases)


def _table(part: list[dict[str, Any]], lot: Lot, held: Mapping[str, str]) -> pa.Table:
    try:
        return pa.table(
            {
                c: pa.array([row.get(n) or None for row in part], pa.string())
                for c, n in held.items()
            }
        )
    except (pa.ArrowException, UnicodeError):
        raise lot.refused("a value is no text: half a surrogate pair") from None


def _objects(file: IO[bytes], lot: Lot) -> Iterator[dict[str, Any]]:
    number = 0
    while line := file.readline(_MAX_LINE_BYTES + 1):
        if len(line) > _MAX_LINE_BYTES:
            raise too_long(lot, None)
        number += 1
        if line.strip():
            yield _object(line, lot, number)


def _object(line: bytes, lot: Lot, number: int) -> dict[str, Any]:
    """One line as column -> text or None."""
    try:
        pairs = json.loads(
            line, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        what = f"a line is not JSON (row {number})"
        raise lot.refused(what, expected='one object a line, such as {"no": 1}') from None
    if not isinstance(pairs, _Pairs):
        raise _misfit(lot, f"a line is no object (row {number})")
    row = {
        name: value if isinstance(value, str) else _plain(value, lot, number)
        for name, value in pairs
    }
    if len(row) != len(pairs):
        raise _misfit(lot, f"a key stands twice in one object (row {number})")
    if len(row) > MAX_COLUMNS:
        check_width(lot, len(row))
    if len(line) > MAX_VALUE_BYTES and any(len(v or "") > MAX_VALUE_BYTES for v in row.values()):
        raise too_long(lot, None)
    return row


class _Pairs(list[tuple[str, Any]]):
    """The pairs of an object, in their order, doubles kept."""


def _refuse(_: str) -> None:
    raise ValueError("JSON knows no such number")


def _plain(value: Any, lot: Lot, number: int) -> str | None:
    if isinstance(value, list):
        raise _misfit(lot, f"a value is nested (row {number})")
    return _CONSTANTS[value]


def _misfit(lot: Lot, what: str) -> BadInput:
    return lot.refused(
        what,
        expected='flat objects of texts, numbers, true, false and null, such as {"no": 1}',
        next_step="export every nested value as a column of its own",
    )
