"""What an export is in Tryton: categories of a party, and one attachment with every cell.

Enters: the cells of a row, or a party as Tryton holds it. Leaves: the categories it shall be in and
the text of its attachment, or the cells again. Tryton's parties have no fields of ours; categories
are what its marketing scenarios and lists choose parties by, so what a campaign chooses by is one:
segment (risk x value x stage), offer and cause, below the category `churn_ml`. Every cell is a line
of the description of an attachment called `churn_ml`, as `score: 0.6`, so that people can read it.

Where both say something, the categories count: they are what campaigns act on, and a person who
moves a party to another segment is then seen by `churn-ml export reconcile`.

Worked example: `h1` is silent and gets a coupon.

>>> cells = {"customer_id": "h1", "as_of": "2017-10-01", "segment": "SILENT", "score": .6,
...          "offer": "COUPON", "cause": ""}
>>> places(cells)
(('segment', 'SILENT'), ('offer', 'COUPON'))
>>> print(text(cells))
customer_id: "h1"
as_of: "2017-10-01"
segment: "SILENT"
score: 0.6
offer: "COUPON"
cause: ""
>>> told("h1", places(cells), text(cells)) == cells
True
>>> told("h1", [("segment", "LOST")], text(cells))["segment"]
'LOST'
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import TypeAlias

from churn_ml.actions import NONE
from churn_ml.crm.protocol import Cell

Place: TypeAlias = tuple[str, str]
"""A category as group and value, as in ("segment", "LOST"); the group itself has the value ""."""

GROUPS = {"segment": "", "offer": NONE, "cause": ""}
"""The cells that are categories, and the value that is told by being in none of the group."""
SEGMENT = "segment"
_FED = "fed by {owner} as of {day}"


def places(cells: Mapping[str, Cell]) -> tuple[Place, ...]:
    """The categories that a party with these cells is in: always one of the group `segment`.

    >>> places({"segment": None, "offer": "NONE", "cause": None})
    (('segment', ''),)
    """
    said = [(group, str(cells.get(group) or "")) for group in GROUPS]
    return tuple(
        (group, value)
        for group, value in said
        if group == SEGMENT or value not in ("", GROUPS[group])
    )


def text(cells: Mapping[str, Cell]) -> str:
    """The description of the attachment: one line a cell that is known, its value as JSON."""
    known = {name: value for name, value in cells.items() if value is not None}
    return "\n".join(f"{name}: {json.dumps(v, ensure_ascii=False)}" for name, v in known.items())


def told(code: str, found: Iterable[Place], description: str) -> dict[str, Cell]:
    """The cells that a party with this code, categories and description was told with."""
    cells: dict[str, Cell] = {"as_of": None}
    for line in description.splitlines():
        name, _, value = line.partition(": ")
        # a line that a person has written is no cell of ours
        with suppress(ValueError):
            cells[name] = json.loads(value)
    return {**cells, **GROUPS, **dict(found), "customer_id": code}


def untakeable(customer_id: str) -> str | None:
    """Why Tryton cannot hold a customer of this id as the code of a party, or None.

    An empty code it would replace with a number of its own, and one with blanks at its ends it
    would change: the customer would be another one.

    >>> untakeable("h1"), untakeable(" h1")
    (None, 'blanks at the ends of customer_id')
    """
    if not customer_id or customer_id != customer_id.strip():
        return "blanks at the ends of customer_id" if customer_id else "empty customer_id"
    if any(ord(letter) < ord(" ") or 0xD800 <= ord(letter) <= 0xDFFF for letter in customer_id):  # noqa: PLR2004 - the surrogates
        return "control characters or lone surrogates in customer_id"
    return None


def fed(owner: str, day: date) -> str:
    """The name of the category that says who feeds the others, and how far.

    >>> fed("Corner shop with ledger 5f1c", date(2017, 10, 1))
    'fed by Corner shop with ledger 5f1c as of 2017-10-01'
    """
    return _FED.format(owner=_as_name(owner), day=day.isoformat())


def feeder(name: str) -> tuple[str, date] | None:
    """Owner and date of a name that `fed` made, None for another one.

    >>> feeder(fed("Shop as of old", date(2017, 10, 1)))
    ('Shop as of old', datetime.date(2017, 10, 1))
    """
    before, between, day = name.rpartition(" as of ")
    with suppress(ValueError):
        if between and before.startswith("fed by "):
            return before.removeprefix("fed by "), date.fromisoformat(day)
    return None


def same(owner: str, found: str) -> bool:
    """Whether a feeder's name is that of `owner`."""
    return _as_name(owner) == found


def _as_name(owner: str) -> str:
    """The owner as part of a category's name, which Tryton strips and forbids " / " in."""
    return " ".join(owner.replace("/", "|").split())
