"""Which types a file's column may have for each of our types, and how references become text.

Enters: one column of one lot as the file stores it. Leaves: the same column as text, whole number,
decimal, float, bool or time: what `cast` knows how to read. Worked example: pandas stored the
basket numbers of 2017-09-30 as float64 because one was missing; `31198570044.0` leaves as the
text `31198570044`, the same reference as in every other file.
"""

from __future__ import annotations

import pyarrow as pa
from pyarrow import types

from churn_ml.errors import BadInput
from churn_ml.sources.protocol import Lot
from churn_ml.tables import Type, table

_FITS: dict[Type, tuple[str, ...]] = {
    "string": ("text", "whole", "float", "bool", "time"),
    "int64": ("text", "whole", "float", "decimal"),
    "float64": ("text", "whole", "float", "decimal"),
    "decimal(18,2)": ("text", "whole", "float", "decimal"),
    "decimal(18,8)": ("text", "whole", "float", "decimal"),
    "bool": ("text", "whole", "bool"),
    "date": ("text", "time"),
    "timestamp": ("text", "time"),
}


def kind(stored: pa.DataType) -> str:
    """The family of an Arrow type: text, whole, float, decimal, bool, time, none or other.

    >>> import pyarrow as pa
    >>> kind(pa.int32()), kind(pa.large_string()), kind(pa.date32()), kind(pa.list_(pa.int8()))
    ('whole', 'text', 'time', 'other')
    """
    families = {
        "text": types.is_string(stored)
        or types.is_large_string(stored)
        or types.is_string_view(stored),
        "whole": types.is_integer(stored),
        "float": types.is_floating(stored),
        "decimal": types.is_decimal(stored),
        "bool": types.is_boolean(stored),
        "time": types.is_timestamp(stored) or types.is_date(stored),
        "none": types.is_null(stored),
    }
    return next((name for name, fits in families.items() if fits), "other")


def plain(column: pa.ChunkedArray, ours: str, lot: Lot, name: str) -> pa.ChunkedArray:
    """`column` (their `name`) of `lot` as our column `ours` can take it.

    Columns that are text with us leave as text. Raises BadInput where the stored type cannot be
    meant, such as a list, or a number where a time is expected.
    """
    wanted = table(lot.table).column(ours).type
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    family = kind(column.type)
    if family == "none":
        return column
    if family not in _FITS[wanted]:
        raise _misfit(lot, ours, name, str(column.type), f"something that reads as {wanted}")
    if wanted != "string":
        return column.cast(pa.string()) if family == "text" else column
    if family == "float":
        column = _whole(column, lot, ours, name)
    return column.cast(pa.string())


def _whole(column: pa.ChunkedArray, lot: Lot, ours: str, name: str) -> pa.ChunkedArray:
    """A float column as whole numbers; raises BadInput where one has a fraction."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        raise _misfit(
            lot, ours, name, "a number with a fraction", "text or whole numbers"
        ) from None


def _misfit(lot: Lot, ours: str, name: str, got: str, expected: str) -> BadInput:
    return lot.refused(
        f"column {name!r} cannot be read as {ours}",
        column=ours,
        got=got,
        expected=expected,
        next_step=f"export {name!r} with another type, or map another column to {ours}",
    )
