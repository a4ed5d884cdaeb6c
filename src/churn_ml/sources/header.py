"""The header of a file, held against the columns that the mapping wants.

Enters: the names in a file and the names wanted. Leaves: where each is found. Worked example: the
mapping wants `basket_id`, the file of 2017-10-17 has `basket`: the lot is refused, and the message
shows the header that is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from churn_ml.sources.protocol import Lot

MAX_COLUMNS = 2000
"""A file may have this many columns at most."""


def check_width(lot: Lot, columns: int) -> None:
    """Refuse a file of more columns than any table of a shop has."""
    if columns > MAX_COLUMNS:
        raise lot.refused(
            "the file has more columns than is allowed",
            got=f"{columns} columns",
            expected=f"at most {MAX_COLUMNS}",
            next_step="export only the columns that the mapping names",
        )


def actual(
    lot: Lot, header: Sequence[str], columns: Sequence[str], aliases: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Each of `columns` as the file calls it: by its name, or by one of its `aliases`.

    Raises BadInput where one is missing, or there more than once.

    >>> lot = Lot("orders", "o.csv", None, "0" * 64)
    >>> actual(lot, ["InvoiceNo", "Price"], ["Invoice"], {"Invoice": ("InvoiceNo",)})
    ['InvoiceNo']
    """
    counts = Counter(header)
    found = []
    for name in columns:
        names = [n for n in (name, *aliases.get(name, ())) if counts[n]]
        if len(names) != 1 or counts[names[0]] > 1:
            fault = "is there more than once" if names else "is missing"
            raise lot.refused(
                f"column {name!r} {fault}",
                column=name,
                got=", ".join(header)[:300] or "a header without a name",
                expected=name,
                next_step=f"deliver the file with it, or map it in [sources.{lot.table}.columns]",
            )
        found.append(names[0])
    return found
