"""The files that a Salesforce job takes and answers with: CSV, made and read here alone.

Enters: the rows of a batch. Leaves: parts, each one file of one job; and the answers that a job's
results hold. The columns stand in one order; lines end in LF as the job declares, and no cell holds
a line end; an empty cell is written `#N/A`, which clears, because Salesforce ignores an empty one.
A record that is cleared keeps when, and by whom, as a mark: it holds nothing else of ours.
The text of a refusal quotes the value, so that only its code and the names of our fields are kept.

Worked example: as of 2017-10-01 `h1` is told, `h2` is no more and has the record 003….

>>> from datetime import date
>>> day = date(2017, 10, 1)
>>> rows = [Row("h1", "upsert", day, {"score": .6, "evidence": 'a "quote",\\n two lines'}, "9f")]
>>> part, = upserts(rows, "customer_ref__c", "me")
>>> header, line = part.data.splitlines()
>>> header[:58]
'customer_ref__c,churn_ml_owner__c,churn_ml_as_of__c,churn_'
>>> line
'h1,me,2017-10-01,#N/A,#N/A,#N/A,#N/A,0.6,...,"a ""quote"", two lines",#N/A'
>>> cleared, = clearings({"003A": "h2"}, "me", day)
>>> cleared.data.splitlines()[1][:37]
'003A,removed by me,2017-10-01,#N/A,#N'
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from churn_ml.crm.payload import FIELDS
from churn_ml.crm.protocol import Ack, Cell, Rejection, Row

OWNER = "churn_ml_owner__c"
"""The field that says which deployment feeds the record."""
TOLD = {field.name: f"churn_ml_{field.name}__c" for field in FIELDS if field.name != "customer_id"}
"""The field of the record by the field of the export; customer_id is the key and named freely."""
OURS = (OWNER, *TOLD.values())
CLEAR = "#N/A"
MOST_BYTES = 100_000_000
"""Of one file: in base64, as Salesforce counts, it may have 150 MB."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,63}")


@dataclass(frozen=True)
class Part:
    """One file, for one job: the column `by` tells which customer a line is about.

    `name` is the same for the same rows of the same batch, whichever run makes it.
    """

    name: str
    operation: Literal["upsert", "update"]
    by: str
    customers: Mapping[str, str]
    """customer_id by the cell of the column `by`."""
    data: str

    @property
    def key(self) -> str | None:
        """The external id that the job upserts by."""
        return self.by if self.operation == "upsert" else None


def unsendable(row: Row) -> Rejection | None:
    """Why no line of CSV can carry the row, or None.

    >>> from datetime import date
    >>> unsendable(Row("h\\n1", "upsert", date(2017, 10, 1), {}, "9f")).code
    'key_not_sendable'
    """
    key = row.customer_id
    if key in ("", CLEAR) or _clean(key) != key:
        said = "is empty, or has line ends, control characters or spaces around it"
        return Rejection(key, "key_not_sendable", said, "customer_id")
    cells = row.payload.items()
    wrong = [n for n, c in cells if isinstance(c, float) and not math.isfinite(c)]
    if wrong:
        return Rejection(key, "not_a_number", "is no finite number", ", ".join(wrong))
    return None


def upserts(
    rows: Sequence[Row], by: str, owner: str, *, most_bytes: int = MOST_BYTES
) -> Iterator[Part]:
    """The files that tell of `rows`, by the external id `by`; each has at most `most_bytes`."""
    lines = (
        (row.customer_id, row.customer_id, [owner, *(_cell(row, name) for name in TOLD)])
        for row in rows
    )
    return _parts("upsert", by, lines, most_bytes)


def clearings(
    records: Mapping[str, str], owner: str, as_of: date, *, most_bytes: int = MOST_BYTES
) -> Iterator[Part]:
    """The files that clear our fields of `records`, customer_id by the id of the record.

    What stays says that `owner` removed the customer, and `as_of` when: the fence needs it (O4).
    """
    kept = {OWNER: gone(owner), TOLD["as_of"]: as_of.isoformat()}
    cells = [kept.get(name, CLEAR) for name in OURS]
    lines = ((record, customer, cells) for record, customer in records.items())
    return _parts("update", "Id", lines, most_bytes)


def gone(owner: str) -> str:
    """What stands in the place of the owner in a record whose customer that owner has removed.

    >>> gone("Corner shop with ledger 5f1c")
    'removed by Corner shop with ledger 5f1c'
    """
    return f"removed by {owner}"


def answered(part: Part, done: str, failed: str) -> dict[str, Ack | Rejection]:
    """What the results say of the part's rows, by customer_id; who is not in them is left out.

    `done` and `failed`: successfulResults and failedResults of the part's job, as text.

    >>> part = Part("upsert/0", "upsert", "ref__c", {"h1": "h1"}, "")
    >>> said = "STRING_TOO_LONG:Cause: data value too large: 王小明:churn_ml_cause__c --"
    >>> answered(part, "", f'sf__Id,sf__Error,ref__c\\n,"{said}",h1\\n')["h1"]
    Rejection(customer_id='h1', code='STRING_TOO_LONG', message='refused', field='churn_ml_...__c')
    """
    found: dict[str, Ack | Rejection] = {}
    for line in _lines(done):
        customer = part.customers.get(line.get(part.by, ""))
        if customer is not None:
            found[customer] = Ack(customer)
    for line in _lines(failed):
        customer = part.customers.get(line.get(part.by, ""))
        if customer is not None:
            found[customer] = _refusal(customer, line["sf__Error"], part.by)
    return found


def _refusal(customer: str, said: str, by: str) -> Rejection:
    """The refusal without its own words, which quote the value."""
    code = _CODE.match(said)
    named = set(said.rpartition(":")[2].replace(",", " ").split())
    ours = [name for name in (by, *OURS) if name in named]
    message = "refused" if ours else "refused, for none of our fields"
    return Rejection(customer, code.group() if code else "UNKNOWN", message, ", ".join(ours))


def _lines(text: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(text, newline=""))


def _cell(row: Row, name: str) -> str:
    cell: Cell = row.as_of.isoformat() if name == "as_of" else row.payload.get(name)
    if cell is None or isinstance(cell, str):
        return _clean(cell or "") or CLEAR
    return str(int(cell)) if cell == int(cell) else repr(cell)


def _clean(text: str) -> str:
    """The text on one line, as UTF-8 can hold it."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return _CONTROL.sub(" ", sound).strip()


def _parts(
    operation: Literal["upsert", "update"],
    by: str,
    lines: Iterable[tuple[str, str, list[str]]],
    most_bytes: int,
) -> Iterator[Part]:
    """Lines of (key, customer_id, further cells) as files of at most `most_bytes`."""
    header = _line([by, *OURS])
    written, customers, size, start = [header], dict[str, str](), len(header), 0
    for key, customer, cells in lines:
        line = _line([key, *cells])
        length = len(line.encode("utf-8"))
        if customers and size + length > most_bytes:
            yield Part(f"{operation}/{start}", operation, by, customers, "".join(written))
            start += len(customers)
            written, customers, size = [header], {}, len(header)
        written.append(line)
        customers[key] = customer
        size += length
    if customers:
        yield Part(f"{operation}/{start}", operation, by, customers, "".join(written))


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
