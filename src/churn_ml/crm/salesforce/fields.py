"""The fields that an export needs of a Salesforce object, checked before row 1 (fault R9).

Enters: what Salesforce says of the object's fields to the user of the connection, who does not see
a field without the right to it. Leaves: nothing, or BadConfig with every field that is wrong.
Worked example: `churn_ml_score__c` was made as text and `churn_ml_cause__c` not at all: both are
named, with what to make.

>>> [(name, kind.said) for name, kind in needed("customer_ref__c").items()][1:3]
[('churn_ml_owner__c', 'Text(255)'), ('churn_ml_as_of__c', 'Date')]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from churn_ml.crm.payload import FIELDS
from churn_ml.crm.salesforce.file import OWNER, TOLD
from churn_ml.errors import BadConfig

DECIMALS = 4
"""Places behind the point that a number needs: a value at risk of .0005 is told, .00005 is not."""


@dataclass(frozen=True)
class Kind:
    """What a field must be: one of `types`, with at least what `least` says, and how to say so."""

    said: str
    types: tuple[str, ...]
    least: Mapping[str, int | bool]


_KEY = Kind(
    "Text, External ID, Unique, case sensitive",
    ("string",),
    {"externalId": True, "unique": True, "caseSensitive": True, "createable": True},
)
_OWNER = Kind("Text(255)", ("string",), {"length": 255, "updateable": True})
_KINDS = {
    "text": Kind("Text or Long Text Area", ("string", "textarea"), {"updateable": True}),
    "number": Kind(f"Number(14, {DECIMALS})", ("double",), {"scale": DECIMALS, "updateable": True}),
    "date": Kind("Date", ("date",), {"updateable": True}),
}


def needed(key: str) -> dict[str, Kind]:
    """What every field of the export must be, by its name in Salesforce; `key`: the external id."""
    kinds = {TOLD[field.name]: _KINDS[field.type] for field in FIELDS if field.name in TOLD}
    return {key: _KEY, OWNER: _OWNER, **kinds}


def check_fields(told: Sequence[Mapping[str, Any]], key: str, where: str) -> None:
    """Raise BadConfig, naming each, where a field is missing, mistyped or not ours to write.

    `told`: the fields as Salesforce describes them; `where`: the section of churn.toml.

    >>> check_fields([{"name": "customer_ref__c", "type": "string"}], "customer_ref__c", "here")
    Traceback (most recent call last):
    ...
    churn_ml.errors.BadConfig: Salesforce cannot take the export | where: here
        | got: customer_ref__c is no Text, External ID, Unique, case sensitive;
        churn_ml_owner__c is missing; ...
    """
    there = {str(one["name"]): one for one in told}
    wrong = [
        f"{name} is missing" if name not in there else f"{name} is no {kind.said}"
        for name, kind in needed(key).items()
        if name not in there or not _is(there[name], kind)
    ]
    if wrong:
        raise BadConfig(
            "Salesforce cannot take the export",
            where=where,
            got="; ".join(wrong),
            expected="the fields of docs/destinations-salesforce.md, each by its type",
            next_step="make them, and let the user of the connection read and edit them",
        )


def _is(told: Mapping[str, Any], kind: Kind) -> bool:
    return told.get("type") in kind.types and all(
        (told.get(name) or 0) >= least for name, least in kind.least.items()
    )
