"""CSV text to rows, strictly: every row of the file has the header's columns, or none is read.

Enters: the unpacked bytes of a lot. Leaves: the columns wanted, as text; an empty value is null.
Refused with `BadInput`: another encoding than UTF-8, NUL bytes, an unclosed quote (a lenient
parser would swallow the rows up to the next quote), a row with too few or too many values. The
delimiter (comma, semicolon, tab, bar) is the one under which the header holds the columns wanted.

Worked example: in `orders.csv` of 2017-09-30 row 3 lost its last value. The lot is refused with
"1 rows have too few values (first: row 3)"; a byte order mark or quoted line breaks are no fault.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv as arrow_csv

from churn_ml.errors import BadInput
from churn_ml.sources.protocol import Lot

DELIMITERS = (",", ";", "\t", "|")
MAX_VALUE_BYTES = 128 * 2**10
"""No value of a shop is longer; it is also the limit of Python's csv reader."""
_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Form:
    """The header of a CSV and the delimiter it is written with."""

    header: list[str]
    delimiter: str


def as_utf8(data: bytes, lot: Lot) -> bytes:
    """The bytes without a byte order mark, once they are known to be UTF-8 without NUL."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise lot.refused("the file is not UTF-8", got="UTF-16", next_step="export it as UTF-8")
    if (at := data.find(b"\0")) >= 0:
        raise lot.refused("the file holds a NUL byte", got=f"byte {at}", expected="text")
    decoder, at = codecs.getincrementaldecoder("utf-8")(), 0
    try:
        for at in range(0, len(data), _BLOCK_BYTES):
            decoder.decode(data[at : at + _BLOCK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        got = f"byte {at + error.start}"
        what = "the file is not UTF-8"
        raise lot.refused(what, got=got, next_step="export it as UTF-8") from None
    return data.removeprefix(codecs.BOM_UTF8)


def form_of(data: bytes, columns: list[str]) -> Form:
    """Header and delimiter of CSV bytes: the delimiter that yields most of `columns`.

    With none of them in the header, the one that cuts it into most parts.

    >>> form_of(b"sku;kind\\n7;tea\\n", ["sku"])
    Form(header=['sku', 'kind'], delimiter=';')
    """
    head = data.removeprefix(codecs.BOM_UTF8)[: 2**20].decode("utf-8", errors="replace")
    line = re.split(r"[\r\n]", head, maxsplit=1)[0]
    forms = [Form(_names(line, delimiter), delimiter) for delimiter in DELIMITERS]
    return max(forms, key=lambda f: (len(set(f.header) & set(columns)), len(f.header)))


def rows_of(data: bytes, lot: Lot, form: Form, columns: list[str]) -> pa.Table:
    """The `columns` of CSV bytes as text; raises BadInput where a row is not like the header."""
    if re.search(rb"[\r\n][^\r\n]", data) is None:  # a header and nothing below it
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    quoted = b'"' in data
    if quoted:
        _check_quotes(data, lot, form)
    broken: list[arrow_csv.InvalidRow] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    try:
        rows = arrow_csv.read_csv(
            pa.BufferReader(data),
            # One thread: only then does a broken row know its number.
            arrow_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=form.header, skip_rows=1
            ),
            arrow_csv.ParseOptions(
                delimiter=form.delimiter, newlines_in_values=quoted, invalid_row_handler=note
            ),
            arrow_csv.ConvertOptions(
                include_columns=columns,
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        raise _unreadable(lot, str(error)) from None
    if broken:
        first = broken[0]
        raise _ragged(lot, first.number - 1, first.actual_columns, len(form.header), len(broken))
    return rows


def too_long(lot: Lot, column: str | None) -> BadInput:
    """The error for a value above `MAX_VALUE_BYTES`."""
    return lot.refused(
        "a value is longer than is allowed",
        column=column,
        expected=f"at most {MAX_VALUE_BYTES} bytes",
        next_step="find out why it is so long; shorten it at the source",
    )


def _names(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def _check_quotes(data: bytes, lot: Lot, form: Form) -> None:
    """Refuse quotes that do not close: Arrow's parser is lenient with them, Python's is not."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    number = 0
    try:
        for number, row in enumerate(csv.reader(text, delimiter=form.delimiter, strict=True)):
            if row and len(row) != len(form.header):
                raise _ragged(lot, number, len(row), len(form.header), 1)
    except csv.Error as error:
        if "field larger" in str(error):
            raise too_long(lot, None) from None
        got = f"row {number + 1}"
        what = "a quote is not closed"
        raise lot.refused(what, got=got, expected="quotes as in RFC 4180") from None


def _ragged(lot: Lot, first: int, got: int, expected: int, count: int) -> BadInput:
    fault = "few" if got < expected else "many"
    return lot.refused(
        f"{count} rows have too {fault} values (first: row {first})",
        got=f"{got} values",
        expected=f"{expected} values, as in the header",
    )


def _unreadable(lot: Lot, message: str) -> BadInput:
    """Arrow's message may quote the row: only its kind is told."""
    if "straddl" in message:
        return too_long(lot, None)
    return lot.refused("the CSV cannot be read", expected="rows as in RFC 4180")
