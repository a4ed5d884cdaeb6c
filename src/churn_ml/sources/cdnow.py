"""CDNOW: the purchases of 23,570 customers who first bought in early 1997, until 1998-06-30.

Enters: the text file as published (customer, date, CDs, dollars, parted by blanks, with or without
a line of names above), or the 1/10 sample, which has the number of the full file before its own.
Leaves: orders; the data know no product and no order number, so the line in the file stands for
one. Worked example: the line ` 00001 19970101  1   11.77` is an order of customer 00001 of
1997-01-01 over 11.77.
"""

from __future__ import annotations

from collections.abc import Iterator

from churn_ml.config import SourceTable
from churn_ml.sources.protocol import Preset

_HEADERS = {4: "customer,date,units,dollars", 5: "master,customer,date,units,dollars"}


def as_csv(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of the published file as lines of CSV, under a header of their own.

    >>> list(as_csv(iter([b" 00001 19970101  1   11.77\\r\\n"])))
    [b'customer,date,units,dollars\\n', b'00001,19970101,1,11.77\\n']
    """
    started = False
    for line in lines:
        values = line.split()
        if values and not started:
            started = True
            yield _HEADERS.get(len(values), _HEADERS[4]).encode() + b"\n"
            if not values[0].isdigit():
                continue
        if values:
            yield b",".join(values) + b"\n"


def preset() -> Preset:
    """What a shop would have to write to bring this data set; it says only where the file is.

    >>> preset().tables["orders"].dates
    '%Y%m%d'
    """
    orders = SourceTable(
        columns={"customer_id": "customer", "occurred_at": "date", "net_amount": "dollars"},
        expressions={"order_id": "concat(customer, '-', date, '-', row())"},
        constants={"currency": "USD", "status": "completed"},
        dates="%Y%m%d",
    )
    return Preset({"orders": orders}, as_csv=as_csv)
