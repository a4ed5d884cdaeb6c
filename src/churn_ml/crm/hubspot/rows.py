"""Rows as HubSpot takes them, contacts as it shows them, and its answers row by row.

Enters: rows, contacts, the answer to an upsert. Leaves: properties (all of them text, "" clears
one), cells, and one `Ack` or `Rejection` a row. Of what HubSpot says of a row only its category and
the names of our properties are kept: its words quote values, and so maybe a customer.

HubSpot answers in any order. Every row carries its place in the batch as `objectWriteTraceId`,
which a result or an error brings back; else a row is known by its reference.

Worked example: HubSpot refuses `h1` because of a score of "high".

>>> refused('{"message": "ada@example.com: high is no number", "name": "churn_ml_score"}')
'HubSpot refused the row: property churn_ml_score'
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from churn_ml.crm.hubspot.properties import PROPERTIES
from churn_ml.crm.payload import FIELDS
from churn_ml.crm.protocol import Ack, Cell, Rejection, Row
from churn_ml.crm.refused import Refused

Contact: TypeAlias = Mapping[str, str | None]
_NUMBERS = frozenset(field.name for field in FIELDS if field.type == "number")
_TRACE = "objectWriteTraceId"


def values(row: Row, key: str) -> dict[str, str]:
    """The properties that the row writes; a removal clears all of ours but the date.

    `key`: the property that holds customer_id.

    >>> from datetime import date
    >>> found = values(Row("h1", "remove", date(2017, 11, 1), {}, ""), "customer_ref")
    >>> found["customer_ref"], found["churn_ml_as_of"], found["churn_ml_segment"]
    ('h1', '2017-11-01', '')
    """
    told = {PROPERTIES[name]: written(name, row.payload.get(name)) for name in PROPERTIES}
    return told | {key: row.customer_id, PROPERTIES["as_of"]: row.as_of.isoformat()}


def written(name: str, cell: Cell) -> str:
    """The cell of the field `name` as HubSpot takes it: text, and "" for nothing.

    >>> written("score", 0.6), written("score", None), written("value_at_risk", 130.0)
    ('0.6', '', '130')
    """
    if cell is None:
        return ""
    if name in _NUMBERS:
        number = float(cell)
        return str(int(number)) if number == int(number) else repr(number)
    return str(cell)


def cells(contact: Contact, key: str) -> dict[str, Cell]:
    """What the contact says, by the names of the export."""
    told = {name: _read(name, contact.get(ours)) for name, ours in PROPERTIES.items()}
    return {"customer_id": str(contact.get(key) or ""), **told}


def day(value: str | None) -> str:
    """A date as HubSpot shows it, in ISO 8601; "" where there is none.

    Some of its API's versions show one as the milliseconds of its midnight in UTC.

    >>> day("2017-10-01"), day("1506816000000"), day(None)
    ('2017-10-01', '2017-10-01', '')
    """
    if value and value.isdecimal():
        return datetime.fromtimestamp(int(value) / 1000, UTC).date().isoformat()
    return value or ""


def _read(name: str, value: str | None) -> Cell:
    if name in _NUMBERS:
        return float(value) if value else None
    return day(value) if name == "as_of" else value or ""


def answers(rows: Sequence[Row], answer: Any, key: str) -> list[Ack | Rejection]:
    """One answer a row, of the client's model of a 200 or a 207.

    Raises: Refused where a row is neither among the results nor named by an error: sending the
    halves again finds it.
    """
    traced = {str(number): row.customer_id for number, row in enumerate(rows)}
    known = {row.customer_id for row in rows}
    taken, wrong = set(), {}
    for result in answer.results or []:
        named = traced.get(result.object_write_trace_id or "")
        taken.add(named or (result.properties or {}).get(key))
    errors = getattr(answer, "errors", None) or []
    for error in errors:
        context = error.context or {}
        customers = [traced[trace] for trace in context.get(_TRACE, ()) if trace in traced]
        for customer in customers or context.get("ids", ()):
            wrong[customer] = Rejection(customer, category(error.category), refused(str(error)))
    if known - taken - wrong.keys():
        codes = {category(error.category) for error in errors}
        raise Refused(min(codes, default="NO_ANSWER"), refused(str(errors)))
    return [wrong.get(row.customer_id) or Ack(row.customer_id) for row in rows]


def category(told: object) -> str:
    """HubSpot's category of an error as a code of ours.

    >>> category("VALIDATION_ERROR"), category("ada@example.com is wrong")
    ('VALIDATION_ERROR', 'REFUSED')
    """
    text = str(told or "")
    return text if re.fullmatch(r"[A-Z_]{3,64}", text) else "REFUSED"


def refused(body: str) -> str:
    """What is told of a refused row: the properties of ours that HubSpot named, and no more."""
    ours = set(PROPERTIES.values()) & set(re.findall(r"churn_ml_[a-z_]+", body))
    named = f": property {', '.join(sorted(ours))}" if ours else ""
    return f"HubSpot refused the row{named}"
