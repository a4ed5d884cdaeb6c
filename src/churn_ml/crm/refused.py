"""A batch that a target refuses whole for one bad row: the row is found, the others are taken.

Enters: rows, and a function that sends some of them. Leaves: one answer a row. Worked example: of
100 rows as of 2017-10-01 the CRM refuses `h31`, and with it all. After eight requests more 99 are
taken and one is rejected; if every refused batch were sent again as two, it would take twelve.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from churn_ml.crm.protocol import Ack, Rejection, Row


class Refused(Exception):
    """A batch was refused whole; `bisected` finds the row.

    `message`: never the server's own words, which may quote a customer.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


Send = Callable[[Sequence[Row]], Sequence[Ack | Rejection]]


def bisected(rows: Sequence[Row], send: Send) -> Iterator[Ack | Rejection]:
    """One answer a row, in their order, where `send` raises `Refused` for a bad row (fault R6).

    Of a refused batch the first half is sent: if it is taken, the bad row is in the second, which
    is not asked for whole; if it is refused, the second is put off. So the bad row of n is found
    within ceil(log2 n) requests after the refused one. One more asks for it alone, as a batch may
    be refused for its length and nobody is rejected on suspicion; a last one sends all that was put
    off. Where that is refused, for a second bad row, it is halved in the plain way, which is better
    for many: n bad rows of n take less than 2 n + log2 n requests.

    >>> from datetime import date
    >>> rows = [Row(c, "upsert", date(2017, 10, 1), {}, "9f") for c in ("h1", "h2", "h3")]
    >>> def strict(rows):
    ...     if any(row.customer_id == "h3" for row in rows):
    ...         raise Refused("BAD", "the segment is too long")
    ...     return [Ack(row.customer_id) for row in rows]
    >>> [type(answer).__name__ for answer in bisected(rows, strict)]
    ['Ack', 'Ack', 'Rejection']
    """
    answers = _asked(rows, send)
    if answers is not None:
        yield from answers
        return
    suspects, put_off = rows, list[Row]()
    while len(suspects) > 2:  # noqa: PLR2004 - of two each is asked for alone
        middle = (len(suspects) + 1) // 2
        first, second = suspects[:middle], suspects[middle:]
        answers = _asked(first, send)
        if answers is None:
            suspects, put_off = first, [*second, *put_off]
        else:
            yield from answers
            suspects = second
    for suspect in suspects:
        yield from _halved([suspect], send)
    if put_off:
        yield from _halved(put_off, send)


def _halved(rows: Sequence[Row], send: Send) -> Iterator[Ack | Rejection]:
    """One answer a row, where several may be bad: every refused batch is sent again as halves."""
    answers = _asked(rows, send)
    if answers is not None:
        yield from answers
        return
    middle = len(rows) // 2
    yield from _halved(rows[:middle], send)
    yield from _halved(rows[middle:], send)


def _asked(rows: Sequence[Row], send: Send) -> Sequence[Ack | Rejection] | None:
    """The answers to the rows; None where several are refused whole."""
    try:
        return send(rows)
    except Refused as refused:
        if len(rows) > 1:
            return None
        return [Rejection(rows[0].customer_id, refused.code, refused.message)]
