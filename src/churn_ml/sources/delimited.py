"""CSV text to rows, strictly: every row of the file has the header's columns, or it is refused.

Enters: a file of plain UTF-8. Leaves: the columns wanted, as text; an empty value is null. Refused
with `BadInput`: an unclosed quote (a lenient parser would swallow the rows up to the next quote), a
row with too few or too many values. The delimiter (comma, semicolon, tab, bar) is the one under
which the header holds the columns wanted.

Worked example: in `orders.csv` of 2017-09-30 row 3 lost its last value. The lot is refused with
"1 rows have too few values (first: row 3)"; a byte order mark or quoted line breaks are no fault.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from churn_ml.errors import BadInput
from churn_ml.sources.header import actual, check_width
from churn_ml.sources.protocol import Lot
from churn_ml.sources.text import too_long

DELIMITERS = (",", ";", "\t", "|")
_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Dialect:
    """The header of a CSV and the delimiter it is written with."""

    header: list[str]
    delimiter: str


def dialect_of(data: bytes, columns: Sequence[str]) -> Dialect:
    """Header and delimiter of CSV bytes: the delimiter that yields most of `columns`.

    With none of them in the header, the one that cuts it into most parts.

    >>> dialect_of(b"sku;kind\\n7;tea\\n", ["sku"])
    Dialect(header=['sku', 'kind'], delimiter=';')
    """
    head = data.removeprefix(codecs.BOM_UTF8)[: 2**20].decode("utf-8", errors="replace")
    line = re.split(r"[\r\n]", head, maxsplit=1)[0]
    dialects = [Dialect(_names(line, delimiter), delimiter) for delimiter in DELIMITERS]
    return max(dialects, key=lambda f: (len(set(f.header) & set(columns)), len(f.header)))


def rows_of(
    file: IO[bytes], lot: Lot, columns: list[str], aliases: Mapping[str, tuple[str, ...]]
) -> Iterator[pa.Table]:
    """The `columns` of a CSV as text; raises BadInput where a row is not like the header."""
    wanted = [name for column in columns for name in (column, *aliases.get(column, ()))]
    dialect = dialect_of(file.read(2**20), wanted)
    check_width(lot, len(dialect.header))
    names = actual(lot, dialect.header, columns, aliases)
    quoted, filled = _looked_through(file)
    if quoted:
        _check_quotes(file, lot, dialect)
    if not filled:  # a header and nothing below it
        yield pa.table({name: pa.array([], pa.string()) for name in columns})
        return
    file.seek(0)
    for part in _parsed(file, lot, dialect, names, quoted=quoted):
        yield part.select(names).rename_columns(columns)


def _parsed(
    file: IO[bytes], lot: Lot, dialect: Dialect, names: list[str], *, quoted: bool
) -> Iterator[pa.Table]:
    """The rows by Arrow's parser, block by block."""
    broken: list[arrow_csv.InvalidRow] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    try:
        reader = arrow_csv.open_csv(
            pa.PythonFile(_Kept(file), mode="r"),
            # One thread: only then does a broken row know its number.
            arrow_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=dialect.header, skip_rows=1
            ),
            arrow_csv.ParseOptions(
                delimiter=dialect.delimiter, newlines_in_values=quoted, invalid_row_handler=note
            ),
            arrow_csv.ConvertOptions(
                include_columns=list(dict.fromkeys(names)),
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        for batch in reader:
            _check_whole(lot, dialect, broken)
            yield pa.Table.from_batches([batch])
    except pa.ArrowInvalid as error:
        raise _unreadable(lot, str(error)) from None
    _check_whole(lot, dialect, broken)


class _Kept(io.RawIOBase):
    """A file that Arrow may read and close, and that stays open."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def _names(line: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a name longer than any value may be: too many columns, or no header
        names = line.split(delimiter)
    return [name.strip() for name in names]


def _looked_through(file: IO[bytes]) -> tuple[bool, bool]:
    """Whether there is a quote in the file, and whether anything stands below its first line."""
    quoted = ended = filled = False
    file.seek(0)
    while block := file.read(_BLOCK_BYTES):
        quoted = quoted or b'"' in block
        rest = block if ended else b"".join(re.split(rb"([\r\n])", block, maxsplit=1)[1:])
        ended = ended or bool(rest)
        filled = filled or bool(rest.strip(b"\r\n"))
        if quoted and filled:
            break
    return quoted, filled


def _check_quotes(file: IO[bytes], lot: Lot, dialect: Dialect) -> None:
    """Refuse quotes that do not close: Arrow's parser is lenient with them, Python's is not."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    number = 0
    try:
        for number, row in enumerate(csv.reader(text, delimiter=dialect.delimiter, strict=True)):
            if row and len(row) != len(dialect.header):
                raise _ragged(lot, number, len(row), len(dialect.header), 1)
    except csv.Error as error:
        if "field larger" in str(error):
            raise too_long(lot, None) from None
        got = f"row {number + 1}"
        what = "a quote is not closed"
        raise lot.refused(what, got=got, expected="quotes as in RFC 4180") from None
    finally:
        text.detach()


def _check_whole(lot: Lot, dialect: Dialect, broken: list[arrow_csv.InvalidRow]) -> None:
    if broken:
        first = broken[0]
        raise _ragged(lot, first.number - 1, first.actual_columns, len(dialect.header), len(broken))


def _ragged(lot: Lot, first: int, got: int, expected: int, count: int) -> BadInput:
    fault = "few" if got < expected else "many"
    return lot.refused(
        f"{count} rows have too {fault} values (first: row {first})",
        got=f"{got} values",
        expected=f"{expected} values, as in the header",
        next_step="correct the row (a delimiter inside a value wants quotes around the value) and"
        " deliver the file again",
    )


def _unreadable(lot: Lot, message: str) -> BadInput:
    """Arrow's message may quote the row: only its kind is told."""
    if "straddl" in message:
        return too_long(lot, None)
    return lot.refused("the CSV cannot be read", expected="rows as in RFC 4180")
