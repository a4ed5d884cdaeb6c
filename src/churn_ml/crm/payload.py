"""What a destination is told about a customer, rounded to what a campaign needs.

Enters: the cells of a customer, or of all of them as columns (telling.py makes them). Leaves: what
an export's fields are and mean, the hash by which a change is told, rows for the journal and back.

Scores leave the house in steps of `score_step` and values at risk on the 1-2-5 series:
exact ones would let a reader reconstruct the model (fault S16). Only *content* fields decide
whether a row has changed. `as_of`, `model` and `threshold` say when and by which model a row was
made, `evidence` and `named_segments` what was known then; a customer about whom nothing new is to
be said is not sent again for their sake, so in the target they are those of the last change. The
contract is content: under another one the same score says something else. Where a destination
delivers, an offer is content of its date too: the same coupon chosen a month later is a second
contact, not the same row.

Worked example: as of 2017-10-01 `h1` has the score .6181 and 129.70 at risk: told as .6 and 100.

>>> [field.name for field in FIELDS if not field.content]
['customer_id', 'as_of', 'model', 'threshold', 'evidence', 'named_segments']
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import msgspec

from churn_ml.actions import NONE
from churn_ml.crm.columns import Column, alike
from churn_ml.crm.protocol import REMOVED, Cell, Row, SavedRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_JSON = json.JSONEncoder(default=str)


@dataclass(frozen=True)
class Field:
    """One column of an export: its name, type and meaning, and whether it is content."""

    name: str
    type: Literal["text", "number", "date"]
    meaning: str
    content: bool = True


FIELDS: tuple[Field, ...] = (
    Field("customer_id", "text", "the shop's own reference; the key", content=False),
    Field("as_of", "date", "the date the row was made for (00:00 UTC)", content=False),
    Field("contract", "text", "name and hash of the churn contract"),
    Field("model", "text", "the model that scored", content=False),
    Field(
        "threshold", "number", "tau: the gain a contact must exceed, shop currency", content=False
    ),
    Field("stage", "text", "lifecycle stage"),
    Field("score", "number", "probability of churn in the horizon, in steps of score_step"),
    Field("risk_band", "text", "high, medium or low"),
    Field("value_band", "text", "high, medium or low"),
    Field("value_at_risk", "number", "score x value on the 1-2-5 series, shop currency"),
    Field("segment", "text", "risk x value x stage as one code"),
    Field("offer", "text", "the offer to make, NONE where none"),
    Field("arm", "text", "holdout or open"),
    Field("experiment", "text", "experiment and arm, as spring:control; empty where none"),
    Field("reasons", "text", "what raises the risk, then what lowers it, strongest first"),
    Field("cause", "text", "the likeliest cause of leaving, empty where nothing speaks for one"),
    Field("evidence", "text", "that cause in words, and what speaks for it", content=False),
    Field("named_segments", "text", "named segments but stages and families", content=False),
)
NAMES = tuple(field.name for field in FIELDS)
_CONTENT = tuple(field.name for field in FIELDS if field.content)
_SORTED = tuple(sorted((*_CONTENT, "as_of")))
"""What is hashed, in the order of the hash; as_of of contacts only."""
_TEXTS = frozenset(field.name for field in FIELDS if field.type == "text")


def is_contact(offer: Cell, *, delivers: bool) -> bool:
    """Whether an ack of a row with that offer means that the customer was contacted.

    >>> is_contact("COUPON", delivers=True), is_contact(NONE, delivers=True)
    (True, False)
    """
    return delivers and offer != NONE


def hashed(cells: Mapping[str, Cell], *, delivers: bool) -> str:
    """The content hash of a row with these cells; where it is a contact, its date is content too.

    It is the sha256 of the content as JSON with sorted keys. An unknown text is told as none, so
    that a target that has no null gives the same hash.

    >>> told = dict.fromkeys(NAMES, "x")
    >>> [len({hashed(told | {"as_of": day}, delivers=d) for day in ("2017-10-01", "2017-11-01")})
    ...  for d in (True, False)]
    [2, 1]
    """
    dated = is_contact(cells.get("offer", NONE), delivers=delivers)
    return _digest(_member(n, cells.get(n)) for n in _SORTED if dated or n != "as_of")


def hashes(columns: Mapping[str, Column], *, delivers: bool) -> list[str]:
    """The content hash of every row of the columns, by their names; one is made for all alike.

    `as_of` is the same in all rows.

    >>> import pandas as pd
    >>> told = dict.fromkeys(NAMES, "x") | {"score": .5}
    >>> columns = {name: Column.of(pd.Series([cell, cell])) for name, cell in told.items()}
    >>> set(hashes(columns, delivers=True)) == {hashed(told, delivers=True)}
    True
    """
    kinds, one = alike([columns[name] for name in _CONTENT])
    members = [_members(name, columns[name], one) for name in _SORTED]
    dated = [is_contact(offer, delivers=delivers) for offer in columns["offer"].at(one)]
    day = _SORTED.index("as_of")
    members[day] = [said if known else "" for said, known in zip(members[day], dated, strict=True)]
    once = [_digest(filter(None, said)) for said in zip(*members, strict=True)]
    return [once[kind] for kind in kinds.tolist()]


def contacts(columns: Mapping[str, Column], *, delivers: bool) -> list[bool]:
    """Of every row of the columns, whether an ack of it means that the customer was contacted."""
    offers = columns["offer"]
    once = [is_contact(offer, delivers=delivers) for offer in offers.cells]
    return [once[code] for code in offers.codes.tolist()]


def _members(name: str, column: Column, rows: NDArray[np.intp]) -> list[str]:
    """What is hashed of these rows' cells in the column; of cells that are alike it is one text."""
    said = [_member(name, cell) for cell in column.cells]
    return [said[code] for code in column.codes[rows].tolist()]


def _member(name: str, cell: Cell) -> str:
    """What is hashed of one cell: a member of a JSON object."""
    told = "" if cell is None and name in _TEXTS else cell
    return f'"{name}":{_JSON.encode(told)}'


def _digest(members: Iterable[str]) -> str:
    """The hash of an object with these members, in the order of their names."""
    return hashlib.sha256(f"{{{','.join(members)}}}".encode()).hexdigest()


def removal(customer_id: str, as_of: date) -> Row:
    """The row that takes a customer out of a destination.

    >>> removal("h1", date(2017, 10, 1)).op
    'remove'
    """
    return Row(customer_id, "remove", as_of, {}, REMOVED)


def quiet(row: Row) -> Row:
    """The row without its offer: what is told where the customer may not be contacted now.

    >>> cells = {"segment": "S", "offer": "COUPON"}
    >>> row = quiet(Row("h1", "upsert", date(2017, 10, 1), cells, "9f", contact=True))
    >>> dict(row.payload), row.contact
    ({'segment': 'S', 'offer': 'NONE'}, False)
    """
    cells = {**row.payload, "offer": NONE}
    return Row(row.customer_id, row.op, row.as_of, cells, hashed(cells, delivers=False))


def saved(row: Row) -> SavedRow:
    """The row as the journal keeps it."""
    payload = msgspec.json.encode(dict(row.payload)).decode()
    return row.customer_id, row.content_hash, payload, row.contact


def restored(row: SavedRow, as_of: date) -> Row:
    """The row that `saved` made the tuple of.

    >>> row = Row("h1", "upsert", date(2017, 10, 1), {"score": .6}, "9f3c", contact=True)
    >>> restored(saved(row), row.as_of) == row
    True
    """
    customer_id, row_hash, payload, contact = row
    op: Literal["upsert", "remove"] = "remove" if row_hash == REMOVED else "upsert"
    return Row(customer_id, op, as_of, json.loads(payload), row_hash, contact)
