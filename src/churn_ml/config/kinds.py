"""The kinds of destination: one row a kind, from which everything about it follows.

Enters: the word of `kind` in [destinations.NAME]. Leaves: its row, which says what opens such a
destination, what it fills and so which key it needs and how two sections that fill the same place
are found, and which further keys it knows. A new kind is a row here beside its adapter and its row
of the contract test; docs/new-destination.md walks through one.

Worked example: a Salesforce destination leads by its `connection` to records of Contact, and knows
no `format`, as it writes no files.

>>> crm = kind_of("salesforce")
>>> crm.needs, crm.object, "format" in crm.knows
('connection', 'Contact', False)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Fills: TypeAlias = Literal["folder", "database", "connection"]
"""What is filled: a folder, or a table of a database, by `target`; what a `connection` leads to."""

EVERY_KIND = frozenset(
    {"kind", "delivers", "score_step", "contract", "ask_above", "first_load", "page"}
)
"""The keys of [destinations.NAME] that every kind knows; any other stands in the rows of KINDS."""
_SERVER = frozenset(
    {"batch_size", "requests_per_10_seconds", "requests_per_day", "recreate", "test_host"}
)


@dataclass(frozen=True)
class Kind:
    """One kind of destination.

    `name`: its word in churn.toml. `opens`: "module:function" of the adapter, an `Opener` of
    `churn_ml.crm`, imported when such a destination is opened. `knows`: the keys that it knows
    beside the one it needs and those of EVERY_KIND. `object`: what is filled where `object` is not
    said.
    """

    name: str
    opens: str
    fills: Fills
    knows: frozenset[str] = frozenset()
    object: str = ""

    @property
    def needs(self) -> str:
        """The key without which nobody knows where a destination of this kind is."""
        return "connection" if self.fills == "connection" else "target"


KINDS: tuple[Kind, ...] = (
    Kind("file", "churn_ml.crm.file:open_file", "folder", frozenset({"format"})),
    Kind("sql", "churn_ml.crm.sql:open_sql", "database", frozenset({"table"})),
    Kind("hubspot", "churn_ml.crm.hubspot:open_hubspot", "connection", _SERVER | {"key"}),
    Kind(
        "salesforce",
        "churn_ml.crm.salesforce:open_salesforce",
        "connection",
        _SERVER | {"key", "object"},
        object="Contact",
    ),
    Kind(
        "tryton",
        "churn_ml.crm.tryton:open_tryton",
        "connection",
        _SERVER | {"object", "private_network"},
        object="churn_ml",
    ),
)


def kind_of(name: str) -> Kind:
    """The row of KINDS with that name; raises ValueError, which says the names there are.

    >>> kind_of("pigeon")
    Traceback (most recent call last):
    ...
    ValueError: is no kind of destination: file, sql, hubspot, salesforce, tryton
    """
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise ValueError(f"is no kind of destination: {', '.join(kind.name for kind in KINDS)}")
